"""How much may be sent: bodies, heads, files, lists, numbers, depth. What is too much is refused in words."""

import json
import socket
import ssl

import pytest
import support_town
from glovebox.bounds import LARGEST_BODY, LARGEST_BOX_BODY, LARGEST_HEAD
from glovebox.clock import LAST_INSTANT
from support_serve import Program

JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """A town that refuses."""
    built = support_town.build_town(tmp_path_factory.mktemp("town"))
    yield built
    built.close()


def in_pieces(length):
    """A body that does not tell its length."""
    for _ in range(length // 10_000):
        yield b" " * 10_000


@pytest.mark.parametrize(
    "body", [b" " * (LARGEST_BODY + 1), in_pieces(2 * LARGEST_BODY)], ids=["told", "not"]
)
def test_a_body_beyond_the_limit_is_refused_in_words_by_the_api(town, body):
    answer = town.browser("driver").post("/api/v1/reservations", content=body, headers=JSON)
    assert answer.status_code == 413
    assert answer.json() == {"code": "too_large", "message": "This is more than can be sent at once."}


def test_a_form_and_a_file_beyond_the_limit_are_refused_on_a_page(town):
    browser = town.browser("manager")
    token = browser.form_token("/console/people/import")
    fields = {"form_token": token, "organisation": "1"}
    for options in (
        {"data": {**fields, "content": "x" * (LARGEST_BODY + 1)}},
        {"data": fields, "files": {"file": ("people.csv", b"x" * (LARGEST_BODY + 1), "text/csv")}},
    ):
        answer = browser.post("/console/people/import", **options)
        assert answer.status_code == 413
        assert "This is more than can be sent at once." in answer.text


def test_more_fields_files_or_longer_fields_than_any_form_has_are_refused(town):
    browser = town.browser("manager")
    token = browser.form_token("/console/people/import")
    many = {f"f{number}": "x" for number in range(100)}
    two = [("file", (f"{name}.csv", b"x", "text/csv")) for name in "ab"]
    long = {"file": ("a.csv", b"x", "text/csv"), "x": (None, "y" * 450_000)}
    for options in (
        {"data": {"form_token": token, **many}},
        {"data": {"form_token": token}, "files": two},
        {"data": {"form_token": token}, "files": long},
        {"content": b"--x\r\nbroken", "headers": {"content-type": "multipart/form-data; boundary=x"}},
        {"content": b"", "headers": {"content-type": "multipart/form-data"}},
    ):
        answer = browser.post("/console/people/import", **options)
        assert answer.status_code in (403, 422), answer.text


def test_a_boxes_claim_is_bounded(town):
    from support_cloud import Client

    answer = Client(town.apps.box).post("/box/v1/claim", content=b" " * (LARGEST_BOX_BODY + 1), headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    "body",
    [
        "[" * 100_000,
        '{"a":' * 50_000,
        '{"vehicle_id": NaN}',
        '{"vehicle_id": 1e999}',
        '{"starts_at": -Infinity}',
    ],
    ids=["lists", "objects", "NaN", "beyond float", "Infinity"],
)
def test_depth_and_numbers_that_are_none_are_refused(town, body):
    answer = town.browser("driver").post("/api/v1/reservations", content=body, headers=JSON)
    assert answer.status_code in (400, 422)
    assert {"code", "message"} <= set(answer.json())


INSTANTS = (-1, LAST_INSTANT + 1, 2**63, 10**400)


@pytest.mark.parametrize("instant", INSTANTS, ids=["before 1970", "after 2136", "63 bits", "400 digits"])
def test_an_instant_beyond_a_boxes_years_is_refused_everywhere(town, instant):
    browser, car = town.browser("manager"), town.car["GB-101-NZ"]
    wanted = json.dumps({"vehicle_id": car, "starts_at": instant, "ends_at": instant})
    assert browser.post("/api/v1/reservations", content=wanted, headers=JSON).status_code == 422
    block = json.dumps({"kind": "workshop", "starts_at": instant})
    assert browser.post(f"/api/v1/vehicles/{car}/blocks", content=block, headers=JSON).status_code == 422
    for query in (f"availability?starts_at={instant}&ends_at={instant}", f"trips?started_after={instant}"):
        assert browser.get(f"/api/v1/{query}").status_code == 422


def test_the_last_instant_is_answered_everywhere(town):
    browser = town.browser("manager")
    last, before = LAST_INSTANT, LAST_INSTANT - 3_600
    for query in (
        f"availability?starts_at={before}&ends_at={last}",
        f"reservations?starts_before={last}&ends_after={before}",
        f"trips?started_after={last}",
    ):
        assert browser.get(f"/api/v1/{query}").status_code in (200, 403, 409, 422)


# Lists that end by themselves: what is described says why.
ENDS_BY_ITSELF = {
    "/api/v1/vehicles/{vehicle_id}/blocks": "present and coming, of one car",
    "/api/v1/people/{person_id}/badges": "of one person",
    "/api/v1/people/{person_id}/rights": "of one person, not over",
    "/api/v1/trips/{trip_id}/stopovers": "of one trip",
    "/api/v1/push-subscriptions": "one's own, five at most",
}


def lists_of(description):
    """(path, names of parameters) of everything that answers a list."""
    for path, operations in description["paths"].items():
        if "get" not in operations:
            continue
        content = operations["get"]["responses"]["200"].get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        if schema.get("type") == "array":
            yield path, {one["name"]: one["schema"] for one in operations["get"].get("parameters", ())}


def test_every_list_of_the_api_has_a_limit_and_an_offset(town):
    found = dict(lists_of(town.apps.web.openapi()))
    assert len(found) > 12
    for path, parameters in found.items():
        if path not in ENDS_BY_ITSELF:
            assert {"limit", "offset"} <= set(parameters), f"{path}: a list without bounds"
            assert parameters["limit"]["maximum"] <= 500, path
            assert parameters["offset"]["maximum"] <= 10**9, path


def test_every_text_that_the_api_takes_has_a_length(town):
    description = town.apps.web.openapi()

    def unbounded(schema, name):
        if "$ref" in schema:
            return unbounded(description["components"]["schemas"][schema["$ref"].rpartition("/")[2]], name)
        if "anyOf" in schema:
            return any(unbounded(one, name) for one in schema["anyOf"])
        if schema.get("type") == "object":
            return any(unbounded(one, f"{name}.{key}") for key, one in schema.get("properties", {}).items())
        if schema.get("type") == "array":
            return "maxItems" not in schema or unbounded(schema["items"], name)
        return schema.get("type") == "string" and not {"maxLength", "enum", "const", "format"} & set(schema)

    found = []
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            asked = [(one["name"], one["schema"]) for one in operation.get("parameters", ())]
            if "requestBody" in operation:
                asked.append(("body", operation["requestBody"]["content"]["application/json"]["schema"]))
            found += [f"{method} {path}: {name}" for name, schema in asked if unbounded(schema, name)]
    assert not found


def test_a_head_that_does_not_end_is_the_connections_end(tmp_path):
    server = Program(tmp_path)
    try:
        for port, tls in ((server.web_port, None), (server.box_port, server.tls)):
            for endless in (b"x" * 4_096, b"a: b\r\n" * 600):
                with socket.create_connection(("localhost", port), 20) as plain:
                    sent = tls.wrap_socket(plain, server_hostname="localhost") if tls else plain
                    sent.sendall(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: ")
                    assert is_ended(sent, endless)
    finally:
        assert server.end() == 0
    assert "Traceback" not in server.log


def is_ended(connection, endless):
    """True where the server hangs up although the head goes on; TimeoutError where it waits for more."""
    try:
        for _ in range(20 * LARGEST_HEAD // len(endless)):
            connection.sendall(endless)
        return connection.recv(100).startswith(b"HTTP/1.1 400 ")
    except (ConnectionError, ssl.SSLError):
        return True
