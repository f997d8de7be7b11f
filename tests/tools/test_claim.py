"""What the tool makes of the cloud's answers, and of a cloud that does not answer."""

import base64
import copy
import socket
import threading

import httpx
import pytest
from glovebox_tools.box.board import BoardError
from glovebox_tools.box.claim import PURPOSES, check_address, check_bundle, fetch_claim, read_bundle
from glovebox_tools.box.messages import MESSAGES
from glovebox_tools.box.provision import MAX_NETWORKS, check_wifi, compare, key_digest

BUNDLE = {
    "box_id": "0102030405060708",
    "key_id": 3,
    "keys": {purpose: f"{index:02x}" * 32 for index, purpose in enumerate(PURPOSES)},
    "cloud_host": "cloud.example.org",
    "cloud_port": 8443,
    "time_port": 8000,
    "ca_der": base64.b64encode(b"\x30\x03ABC").decode(),
    "vehicle": {"registration": "AB-123-CD"},
}
WIFI = [{"ssid": "Garage", "password": "motdepasse"}]


def answered(bundle):
    return httpx.Response(200, json=bundle)


def test_a_whole_bundle_is_taken_as_it_is():
    claim = read_bundle(answered(BUNDLE))
    assert (claim.bundle, claim.box_id, claim.vehicle) == (BUNDLE, "0102030405060708", "AB-123-CD")


@pytest.mark.parametrize(
    "damage",
    [
        {"box_id": "0102"}, {"box_id": 5}, {"key_id": 0}, {"key_id": 256}, {"keys": {}}, {"cloud_host": ""},
        {"cloud_port": 70_000}, {"time_port": "x"}, {"ca_der": "!!"},
        {"ca_der": base64.b64encode(b"PEM").decode()},
        {"keys": BUNDLE["keys"] | {"time": "00"}}, {"keys": None},
    ],
)  # fmt: skip
def test_a_bundle_with_a_part_missing_or_wrong_is_refused_whole(damage):
    with pytest.raises(BoardError) as refused:
        read_bundle(answered(copy.deepcopy(BUNDLE) | damage))
    assert refused.value.key == "bundle_bad"


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"<html>", b"x" * 70_000])
def test_an_answer_that_is_no_bundle_is_refused(body):
    with pytest.raises(BoardError) as refused:
        read_bundle(httpx.Response(200, content=body))
    assert refused.value.key == "bundle_bad"


def test_each_part_of_a_bundle_is_asked_for():
    for name in set(BUNDLE) - {"vehicle"}:
        with pytest.raises((KeyError, TypeError, ValueError)):
            check_bundle({key: value for key, value in BUNDLE.items() if key != name})


def test_keys_never_travel_in_the_open():
    with pytest.raises(BoardError) as refused:
        fetch_claim("http://cloud.example.org", "token", "24:6f:28:00:00:01")
    assert refused.value.key == "cloud_not_https"


def test_no_network_is_told_and_the_token_is_said_to_be_unused():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    with pytest.raises(BoardError) as refused:
        fetch_claim(f"https://127.0.0.1:{port}", "token", "24:6f:28:00:00:01")
    assert refused.value.key == "cloud_unreachable"


def test_a_ca_file_that_is_none_is_told(tmp_path):
    (tmp_path / "ca.pem").write_text("not a certificate")
    with pytest.raises(BoardError) as refused:
        fetch_claim("https://127.0.0.1:1", "token", "24:6f:28:00:00:01", tmp_path / "ca.pem")
    assert refused.value.key == "ca_unreadable"


def test_a_ca_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(BoardError) as refused:
        fetch_claim("https://127.0.0.1:1", "token", "24:6f:28:00:00:01", tmp_path / "ca.pem")
    assert refused.value.key == "ca_unreadable"


@pytest.mark.parametrize(
    "url", ["cars.example.org", "https://", "https://h:abc", "https://[x", "https://exa mple", "ftp://h", ""]
)
def test_what_is_no_address_is_told_before_anything_is_sent(url):
    with pytest.raises(BoardError) as refused:
        check_address(url)
    assert refused.value.key == "cloud_no_address"


class Answering:
    """A server on loopback that gives every connection the same bytes and closes it."""

    def __init__(self, answer):
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                heard = b""
                while b"hardware_id" not in heard:
                    heard += connection.recv(4096)
                connection.sendall(self._answer)

    def close(self):
        self._listener.close()


@pytest.fixture
def answering():
    servers = []

    def serve(answer):
        servers.append(Answering(answer))
        return servers[-1].url

    yield serve
    for server in servers:
        server.close()


def http(status, body):
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


@pytest.mark.parametrize(
    ("answer", "key"),
    [
        (http("403 Forbidden", '{"code": "claim_token_refused"}'), "token_refused"),
        (http("422 Unprocessable", '{"detail": []}'), "token_refused"),
        (http("409 Conflict", '{"code": "key_generations_used_up"}'), "box_used_up"),
        (http("404 Not Found", "<html>"), "cloud_other"),
        (http("405 Method Not Allowed", '{"detail": "Method Not Allowed"}'), "cloud_other"),
        (http("403 Forbidden", '{"code": "csrf"}'), "cloud_other"),
        (http("302 Found", ""), "cloud_other"),
        (http("503 Service Unavailable", '{"code": "busy"}'), "cloud_failed"),
        (http("200 OK", "{}"), "bundle_bad"),
        (b"", "cloud_silent"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n{", "cloud_silent"),
    ],
)
def test_each_answer_of_a_server_is_told_for_what_it_is(answering, answer, key):
    with pytest.raises(BoardError) as refused:
        fetch_claim(answering(answer), "token", "24:6f:28:00:00:01")
    assert refused.value.key == key


def test_a_token_is_said_to_be_unused_only_where_nothing_was_sent():
    said = {
        key: MESSAGES[key][0]
        for key in ("cloud_unreachable", "cloud_untrusted", "cloud_other", "cloud_silent")
    }
    assert all("token was not used" in said[key] for key in said if key != "cloud_silent")
    assert "may be used" in said["cloud_silent"]


def held(salt):
    """What a box answers that holds all of BUNDLE."""
    import hashlib

    return {
        **{name: BUNDLE[name] for name in ("box_id", "key_id", "cloud_host", "cloud_port", "time_port")},
        "ca": hashlib.sha256(b"\x30\x03ABC").hexdigest(),
        "wifi": ["Garage"],
        "keys": {purpose: key_digest(key, salt) for purpose, key in BUNDLE["keys"].items()},
    }


def test_a_box_that_holds_all_of_it_is_found_equal():
    assert compare(read_bundle(answered(BUNDLE)), WIFI, held(b"salt"), b"salt") == []


@pytest.mark.parametrize("name", sorted(held(b"")))
def test_each_field_that_differs_is_named(name):
    identity = held(b"salt") | {name: "another"}
    assert compare(read_bundle(answered(BUNDLE)), WIFI, identity, b"salt") == [name]


def test_one_wrong_key_is_found_though_no_key_is_read_back():
    identity = held(b"salt")
    identity["keys"] = identity["keys"] | {"journal": key_digest("ff" * 32, b"salt")}
    assert compare(read_bundle(answered(BUNDLE)), WIFI, identity, b"salt") == ["keys"]
    assert not any(key in str(held(b"salt")) for key in BUNDLE["keys"].values())


def test_a_box_without_identity_is_told():
    assert compare(read_bundle(answered(BUNDLE)), WIFI, None, b"") == ["identity"]


@pytest.mark.parametrize(
    ("ssid", "password"), [("", ""), ("x" * 33, ""), ("net", "short"), ("net", "p" * 64)]
)
def test_a_network_that_cannot_be_is_refused_before_the_token_is_used(ssid, password):
    with pytest.raises(BoardError) as refused:
        check_wifi([{"ssid": ssid, "password": password}])
    assert refused.value.key == "wifi_bad"


def test_more_networks_than_a_box_keeps_are_refused_before_the_token_is_used():
    networks = [{"ssid": f"net{number}", "password": ""} for number in range(9)]
    check_wifi(networks[:8])
    with pytest.raises(BoardError) as refused:
        check_wifi(networks)
    assert refused.value.key == "wifi_too_many"


def test_the_firmware_keeps_as_many_networks_as_the_tool_allows():
    from box.storage import identity

    assert identity.MAX_NETWORKS == MAX_NETWORKS


@pytest.mark.parametrize(("ssid", "password"), [("net", ""), ("x" * 32, "p" * 8), ("Café", "p" * 63)])
def test_a_network_that_can_be_is_taken(ssid, password):
    assert check_wifi([{"ssid": ssid, "password": password}]) is None
