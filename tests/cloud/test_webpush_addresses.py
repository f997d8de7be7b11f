"""Addresses and keys that a browser's page sends: those of push services are called and no others, whatever
they look like and wherever they lead."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from glovebox.agents import read_agent
from glovebox.config import PUSH_SERVICES, Config
from glovebox.errors import Conflict, Invalid
from glovebox.messages import webpush
from glovebox.messages.carriers import make_carriers
from glovebox.messages.push import origin_of
from support_http import answering
from support_push import from64, to64
from support_push_depot import AGENT, add, devices, put, send, states, subscribe

REAL = [
    "https://fcm.googleapis.com/fcm/send/dGVzdA:APA91b",
    "https://updates.push.services.mozilla.com/wpush/v2/gAAAAABl",
    "https://wns2-par02p.notify.windows.com/w/?token=BQYAAAB%2b",
    "https://web.push.apple.com/QFxMgs",
]
FOREIGN = [
    "http://fcm.googleapis.com/fcm/send/x",
    "https://fcm.googleapis.com:8443/x",
    "https://fcm.googleapis.com.evil.example/x",
    "https://evil.example/fcm.googleapis.com",
    "https://fcm.googleapis.com@127.0.0.1/x",
    "https://user:pass@fcm.googleapis.com/x",
    "https://127.0.0.1/x",
    "https://[::1]/x",
    "https://2130706433/x",
    "https://169.254.169.254/latest/meta-data/",
    "https://localhost/x",
    "https://notify.windows.com/x",
    "https://evilnotify.windows.com/x",
    "https://a.notify.windows.com\\@127.0.0.1/x",
    "https://a.notify.windows.com%00.evil.example/x",
    "https://fcm.googleapis.com/x#fragment",
    "https://fcm.googleapis.com /x",
    "https://fcm.googleapis.com\r\nhost: evil/x",
    "https://fcm．googleapis．com/x",
    "//fcm.googleapis.com/x",
    "file:///etc/passwd",
    "gopher://fcm.googleapis.com/x",
    "javascript:alert(1)",
    "https:///x",
    "https://fcm.googleapis.com:99999/x",
    "",
    "https://fcm.googleapis.com/" + "x" * 1000,
]


@pytest.mark.parametrize("endpoint", REAL)
def test_the_push_services_of_the_great_browsers_are_taken(endpoint):
    assert endpoint.startswith(origin_of(endpoint, PUSH_SERVICES) + "/")


@pytest.mark.parametrize("endpoint", FOREIGN)
def test_an_address_that_is_no_push_services_is_never_stored(sqlite_depot, endpoint):
    with pytest.raises(Invalid) as refused:
        add(sqlite_depot, endpoint)
    assert refused.value.code == "push_endpoint"
    assert devices(sqlite_depot) == []


@pytest.mark.parametrize(
    ("p256dh", "auth"),
    [
        ("x", None),
        (to64(b"\x04" + bytes(64)), None),
        (to64(b"\x04" + b"\xff" * 64), None),
        (to64(b"\x02" + bytes(32)), None),
        ("é" * 20, None),
        (None, to64(bytes(15))),
        (None, "A"),
    ],
)
def test_keys_that_are_none_are_refused(sqlite_depot, p256dh, auth):
    with pytest.raises(Invalid) as refused:
        add(sqlite_depot, REAL[0], p256dh=p256dh, auth=auth)
    assert refused.value.code == "push_keys"


@pytest.fixture
def trap():
    """A server that nobody may call."""
    trap = SimpleNamespace(called=[])

    def answer(path, _headers, _body):
        trap.called.append(path)
        return (201,)

    with answering(answer) as trap.origin:
        yield trap


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_followed_nowhere(sqlite_depot, sqlite_push, trap, status):
    subscribe(sqlite_depot, sqlite_push, "phone")
    sqlite_push.answers["phone"] = [(status, {"Location": f"{trap.origin}/inside"})]
    put(sqlite_depot)
    send(sqlite_depot)
    assert trap.called == []
    assert states(sqlite_depot) == [("failed", "push", 1, f"HTTP {status}")]


def test_a_device_whose_service_was_taken_from_the_list_is_not_called(sqlite_depot, trap):
    depot = sqlite_depot
    depot.cloud.config = replace(depot.config, push_services=(trap.origin,))
    add(depot, f"{trap.origin}/inside")
    depot.cloud.config = replace(depot.config, push_services=PUSH_SERVICES)
    put(depot)
    send(depot)
    assert trap.called == []
    assert states(depot) == [("failed", "push", 1, "no address of a push service")]


def test_a_service_that_does_not_answer_is_tried_again(sqlite_depot, sqlite_push):
    subscribe(sqlite_depot, sqlite_push, "phone")
    gone = "http://127.0.0.1:1"
    services = (*sqlite_depot.cloud.config.push_services, gone)
    sqlite_depot.cloud.config = replace(sqlite_depot.config, push_services=services)
    add(sqlite_depot, f"{gone}/x")
    put(sqlite_depot)
    send(sqlite_depot)
    assert [state for state, *_rest in states(sqlite_depot)] == ["waiting"]
    assert len(sqlite_push.taken) == 1


@pytest.mark.parametrize(
    ("agent", "names"),
    [
        (AGENT, ("Firefox", "Android")),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Version/18.5 Safari/604.1",
            ("Safari", "iPhone"),
        ),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0.0.0 Safari/537.36 Edg/140.0", ("Edge", "Windows")),
        ("Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0.0.0 Safari/537.36", ("Chrome", "Linux")),
        ("<script>", ("", "")),
        ("", ("", "")),
    ],
)
def test_a_device_is_called_what_people_call_it(agent, names):
    assert read_agent(agent) == names


def test_the_api_lists_adds_and_removes_ones_own_and_tells_no_address(depot, push):
    client, depot.scope = depot.web_client, depot.driver(depot.anne)
    path, asked = "/api/v1/push-subscriptions", push.subscribe("phone")
    key = client.get("/api/v1/push-key").json()["public_key"]
    assert from64(key) == webpush.point_of(depot.cloud.keyring.push_key())
    browser = {**asked, "expirationTime": None}
    made = client.post(path, json=browser, headers={"user-agent": AGENT})
    assert made.status_code == 201, made.text
    [one] = client.get(path).json()
    assert one == made.json()
    assert (one["browser"], one["system"]) == ("Firefox", "Android")
    assert push.origin not in client.get(path).text
    depot.scope = depot.driver(depot.bob)
    assert client.request("DELETE", f"{path}/{one['id']}").status_code == 404
    depot.scope = depot.driver(depot.anne)
    assert client.request("DELETE", f"{path}/{one['id']}").status_code == 204
    assert client.get(path).json() == []
    inside = {**asked, "endpoint": "http://169.254.169.254/latest"}
    refused = client.post(path, json=inside)
    assert (refused.status_code, refused.json()["code"]) == (422, "push_endpoint")


def test_without_push_services_nothing_is_offered(sqlite_depot):
    depot = sqlite_depot
    depot.cloud.config = replace(depot.config, push_services=())
    depot.scope = depot.driver(depot.anne)
    assert depot.web_client.get("/api/v1/push-key").status_code == 409
    with pytest.raises(Conflict):
        add(depot, REAL[0])
    assert "push" not in make_carriers(depot.cloud.config, depot.cloud.keyring)


def test_push_services_are_read_from_the_environment_and_whom_to_write_to():
    config = Config.from_environment({"GLOVEBOX_PUSH_SERVICES": "push.example, *.wide.example"})
    assert config.push_services == ("push.example", "*.wide.example")
    assert Config.from_environment({"GLOVEBOX_PUSH_SERVICES": ""}).push_services == ()
    assert Config.from_environment({}).push_services == PUSH_SERVICES
    assert replace(config, smtp_from="parc@ville.example").contact == "mailto:parc@ville.example"
    assert replace(config, public_url="https://cars.example").contact == "https://cars.example"
