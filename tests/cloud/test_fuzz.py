"""Whatever anybody sends to the cloud's end: its own named error or an answer, never a status of 500. Seeded:
the number in a failure's name repeats it."""

import json
import random
import re
import string
import struct
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import support_pages
import support_town
from glovebox import cli, web
from glovebox.errors import Invalid
from glovebox.keys import KeyringError, load_keyring
from glovebox.link import codes, wire
from glovebox.people import importing
from glovebox.scope import SYSTEM, Scope
from glovebox.store.backup import BackupError, restore
from glovebox.web.page import PageRoute
from support_cloud import HOUR, NOW, SeededEntropy
from support_cloud_box import field

SEEDS = range(3)
FIELDS_UP = (0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09)
TEXTS = (
    "",
    "\0",
    "a\0b",
    "%",
    "'; DROP TABLE people; --",
    "é" * 400,
    "x" * 5_000,
    "\u202e\x1b[31m",
    "🚗",
    " ",
    "\r\n",
    "=1+1",
    "\ud800",
)
NUMBERS = (0, 1, -1, 2**31, 2**32, 2**63 - 1, 2**63, -(2**63) - 1, 10**30, 1e308, -0.5, NOW, NOW + HOUR)


@pytest.fixture(params=SEEDS)
def draw(request):
    return random.Random(request.param)


def any_json(draw, depth=0):
    kinds = ["text", "number", "none", "bool", *(["list", "object"] if depth < 3 else [])]
    kind = draw.choice(kinds)
    if kind == "text":
        return draw.choice(TEXTS)
    if kind == "number":
        return draw.choice(NUMBERS)
    if kind == "list":
        return [any_json(draw, depth + 1) for _ in range(draw.randrange(4))]
    if kind == "object":
        return {
            draw.choice(string.ascii_letters): any_json(draw, depth + 1) for _ in range(draw.randrange(4))
        }
    return None if kind == "none" else draw.random() < 0.5


# -- the wire


def any_field(draw):
    """A known tag with a value of any length, or one of about the right shape."""
    tag, length = (
        draw.choice(FIELDS_UP),
        draw.choice((0, 1, 4, 6, 9, 21, 22, 23, 73, 137, draw.randrange(300))),
    )
    return field(tag, draw.randbytes(length))


def test_a_body_of_any_fields_under_a_good_mac_is_answered_or_refused_by_name(depot, box, draw):
    for _ in range(150):
        raw = box.envelope(*(any_field(draw) for _ in range(draw.randrange(1, 4))))
        try:
            wire.parse_body(raw[27:-16])
        except wire.WireError:
            assert depot.post(raw).status_code == 400
        else:
            assert depot.post(raw).status_code == 200
    box.greet(box.state(depot.now))


def test_genuine_records_of_any_kind_and_content_are_stored_and_shown(depot, box, draw):
    """What a box with a fault of its own may sign: every kind with random and with extreme payloads."""
    known = sorted(codes.RECORD.values())
    for _ in range(120):
        kind = draw.choice((*known, *known, draw.randrange(256)))
        extreme = (
            b"\0" * 36,
            b"\xff" * 36,
            struct.pack("<9I", *(draw.choice((0, 1, 5, 2**32 - 1)) for _ in range(9))),
        )
        payload = draw.choice((draw.randbytes(36), *extreme))
        at = draw.choice((946_684_800, NOW, NOW + draw.randrange(10**6), 946_684_800 + 2**32 - 1))
        box.record(
            kind, payload, at, ring=draw.choice((1, 2)), trust=draw.randrange(4), boot=draw.randrange(2**16)
        )
    for ring in (1, 2):
        for first in range(1, len(box.slots[ring]) + 1, 20):
            last = min(first + 19, len(box.slots[ring]))
            assert box.sync(box.records(ring, first, last)).acks == {(ring, box.epoch): last}
    depot.scope = depot.manager(depot.town)
    for path in ("trips", f"vehicles/{depot.car}/live", "vehicles", "reservations"):
        assert depot.web_client.get(f"/api/v1/{path}").status_code == 200


def test_any_bytes_at_the_boxes_other_doors_are_refused(sqlite_depot, draw):
    web, boxes = sqlite_depot.web_client, sqlite_depot.box_client
    for _ in range(60):
        raw = draw.randbytes(draw.choice((0, 16, 17, 18, draw.randrange(400))))
        assert web.post("/box/v1/time", content=raw).status_code in (200, 400)
        assert sqlite_depot.post(raw).status_code in (400, 401)
        assert boxes.post("/box/v1/claim", content=raw).status_code in (400, 422)
        body = {"token": any_json(draw), "hardware_id": any_json(draw)}
        content = json.dumps(draw.choice((body, any_json(draw))))
        assert boxes.post("/box/v1/claim", content=content).status_code in (404, 409, 422)


# -- the API


def value_of(draw, schema, schemas):
    """A value of that schema or, one time in four, of any other."""
    if draw.random() < 0.25:
        return any_json(draw)
    if "$ref" in schema:
        return value_of(draw, schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "anyOf" in schema:
        return value_of(draw, draw.choice(schema["anyOf"]), schemas)
    if "enum" in schema:
        return draw.choice(schema["enum"])
    kind = schema.get("type")
    if kind == "object":
        return {
            name: value_of(draw, one, schemas)
            for name, one in schema.get("properties", {}).items()
            if draw.random() < 0.9
        }
    if kind == "array":
        return [value_of(draw, schema.get("items", {}), schemas) for _ in range(draw.randrange(3))]
    if kind in ("integer", "number"):
        return draw.choice((1, 2, NOW + draw.randrange(10) * HOUR, draw.choice(NUMBERS)))
    return draw.choice(TEXTS) if kind == "string" else any_json(draw)


def test_every_operation_takes_any_body_and_parameters_without_breaking(depot, draw):
    description = depot.web_client.get("/api/v1/openapi.json").json()
    schemas = description["components"]["schemas"]
    depot.scope = Scope(depot.town, depot.anne, frozenset({"driver", "manager"}), frozenset({depot.town}))
    depot.book(depot.anne)
    broken = []
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            for _ in range(6):
                where, query = path, {}
                for parameter in operation.get("parameters", ()):
                    value = value_of(draw, parameter["schema"], schemas)
                    text = str(value).encode(errors="replace").decode()
                    if parameter["in"] == "path":
                        where = where.replace("{" + parameter["name"] + "}", text.replace("/", "") or "0")
                    elif value is not None:
                        query[parameter["name"]] = text
                options = {}
                if "requestBody" in operation:
                    body = operation["requestBody"]["content"]["application/json"]["schema"]
                    options["content"] = json.dumps(value_of(draw, body, schemas))
                    options["headers"] = {"content-type": "application/json"}
                where = where.replace("\0", "%00").replace("\r\n", "%0d%0a").replace("\x1b", "%1b")
                answer = depot.web_client.request(method.upper(), where, params=query, **options)
                if answer.status_code >= 500:
                    broken.append((method, where, query, options.get("content")))
                elif answer.status_code >= 400:
                    assert {"code", "message"} <= set(answer.json()), (method, where, answer.text)
    assert not broken


def test_a_text_that_no_column_holds_is_looked_for_in_every_list_without_breaking(depot):
    description = depot.web_client.get("/api/v1/openapi.json").json()
    depot.scope = Scope(depot.town, depot.anne, frozenset({"driver", "manager"}), frozenset({depot.town}))
    tried = 0
    for path, operations in description["paths"].items():
        for parameter in operations.get("get", {}).get("parameters", ()):
            if parameter["in"] == "query" and parameter["schema"].get("type") == "string":
                tried += 1
                answer = depot.web_client.get(path, params={parameter["name"]: "a\0"})
                assert answer.status_code < 500, (path, parameter["name"], answer.text)
    assert tried >= 2


@pytest.mark.parametrize(
    "content", [b"\xff{", b"[" * 50_000, b'{"a":', b"NaN", b""], ids=["no text", "deep", "cut", "NaN", "none"]
)
def test_a_body_that_is_no_json_is_refused_as_every_refusal_is(sqlite_depot, content):
    sqlite_depot.scope = sqlite_depot.driver(sqlite_depot.anne)
    headers = {"content-type": "application/json"}
    answer = sqlite_depot.web_client.post("/api/v1/reservations", content=content, headers=headers)
    assert answer.status_code in (400, 422)
    assert {"code", "message"} <= set(answer.json())


# -- pages


@pytest.fixture
def town(tmp_path):
    built = support_town.build_town(tmp_path)
    yield built
    built.close()


WEB = Path(web.__file__).parent
FIELD_READ = re.compile(r'(?:text|number|form\.get|multi)\(\s*f?"([a-z_]+)')
# What fields hold as a rule; any other a 1.
GOOD = {
    "day": "2026-03-12", "end_day": "2026-03-12", "start": "10:00", "end": "12:00", "energy": "petrol",
    "language": "fr", "role": "manager", "kind": "damage", "starts": str(NOW + 99 * HOUR),
    "ends": str(NOW + 100 * HOUR), "channel": "page", "given_name": "A", "family_name": "B", "name": "C",
    "staff_number": "N-1", "uid": "04AABBCCDDEEFF", "opens_": "08:00", "closes_": "18:00",
}  # fmt: skip
# Beyond the ends of calendars, clocks and columns; what engines, templates, headers and spreadsheets take for
# theirs.
ODD = (
    "0001-01-01", "9999-12-31", "-001-01-01", "2026-02-30", "24:00", "-1:00", "0", "-1", "5241652095",
    "9223372036854775808", "NaN", "1e999", "a\0b", "'; DROP TABLE people; --", "%", "{{7*7}}", "x\r\nX: 1",
    "=1+1", "x" * 5_000, "\u202e\x1b[31m", "//evil.example", "",
)  # fmt: skip


def odd_requests(app):
    """(method, path, field, value): every route of the pages with each field that its module reads, odd."""
    for method, path, route in support_pages.routes_of(app):
        if not isinstance(route, PageRoute):
            continue
        source = Path(route.endpoint.__code__.co_filename).read_text()
        for name in sorted(set(FIELD_READ.findall(source)) - {"form_token"}):
            for value in ODD:
                yield method, path, name, value


def send_odd(town, browsers, request):
    """The status of that request with all other fields as they should be, or what the server raised."""
    method, pattern, odd, value = request
    ids = {
        "vehicle_id": town.car["GB-101-NZ"], "reservation_id": town.booking["next"], "trip_id": town.trip,
        "person_id": town.person["colleague"], "block_id": town.block, "site_id": town.site["depot"],
        "group_id": town.group, "waiting_id": town.booking["asked"], "kind": "flash_lights", "path": "x",
    }  # fmt: skip
    path = re.sub(r"\{(\w+)[^}]*\}", lambda found: str(ids.get(found[1], 1)), pattern)
    fields = {**GOOD, "person": "1", "vehicle": "1", "site": "1", "organisation": "1", odd: value}
    for name in ("opens_", "closes_"):
        if name in fields:
            fields[f"{name}0"] = fields.pop(name)
    browser = browsers["driver" if path.startswith("/bookings") else "administrator"]
    try:
        if method == "POST":
            token = browsers["tokens"][browser]
            return browser.post(path, data={"form_token": token, **fields}).status_code
        return browser.get(path, params=fields).status_code
    except Exception as error:  # the client raises what the application did
        return repr(error)


def browsers_of(town):
    named = {name: town.browser(name) for name in ("driver", "administrator")}
    return {**named, "tokens": {browser: browser.form_token() for browser in named.values()}}


def broken_by(town, requests):
    """Those of the requests that the server did not survive."""
    browsers = browsers_of(town)
    answered = [(request, send_odd(town, browsers, request)) for request in requests]
    return [one for one in answered if not isinstance(one[1], int) or one[1] >= 500]


def without_leaving(requests):
    """Without what ends the session or changes its secret."""
    ends = ("/logout", "/login", "/account/password", "/account/sessions/{session_id}/end")
    return [one for one in requests if one[1] not in (*ends, "/console/people/{person_id}/sessions")]


def test_any_odd_field_of_any_page_is_answered(town, draw):
    requests = without_leaving(odd_requests(town.apps.web))
    assert len({(method, path) for method, path, _name, _value in requests}) > 60
    assert not broken_by(town, draw.sample(requests, 250))


@pytest.mark.sweep
@pytest.mark.parametrize("part", range(8))  # twenty thousand requests
def test_every_odd_field_of_every_page_is_answered(town, part):
    assert not broken_by(town, without_leaving(odd_requests(town.apps.web))[part::8])


# -- files


LINES = (
    "S-1;Ann;B;04a1b2c3d4e5f7",
    'S-2;"A\nB";C;',
    "S-3;;;",
    "S-4;A",
    ";;;;;;;;",
    "\0;\0;\0;\0",
    "S-5;" + "é" * 600 + ";C;",
    '"',
    "S-6;A;B;not hex",
    "S-7;A;B;08112233",
    "\r",
    "S-1;A;B;04a1b2c3d4e5f7",
)


def list_staff_numbers(depot):
    return {number for (number,) in depot.rows("SELECT staff_number FROM people")}


def test_any_list_of_people_is_shown_and_stored_or_refused_by_name(depot, draw):
    header = "staff_number;given_name;family_name;badge_uid\n"
    for _ in range(40):
        lines = "\n".join(draw.choice(LINES) for _ in range(draw.randrange(1, 6)))
        raw = draw.choice(
            (
                header.encode() + lines.encode(),
                header.encode() + draw.randbytes(40),
                draw.randbytes(80),
                lines.encode(),
                b"x" * 200_000,
                b'"' + header.encode(),
                b"a\rb\n" + lines.encode(),
            )
        )

        def job(tx, raw=raw):
            reader = importing.Reader(NOW, SYSTEM, depot.cloud.keyring, ZoneInfo("Europe/Paris"))
            shown = importing.preview(tx, reader, depot.town, raw)
            importing.store(tx, reader, depot.cloud.entropy, depot.town, shown)
            return shown

        before = list_staff_numbers(depot)
        try:
            shown, refused_as = depot.run(job), None
        except Invalid as refused:
            shown, refused_as = [], refused.code
        assert refused_as in (None, "not_utf8", "not_csv", "column_missing")
        good = {line.values["staff_number"] for line in shown if not line.problems}
        assert list_staff_numbers(depot) == before | good


def test_any_key_file_and_any_backup_is_refused_by_name(tmp_path, draw):
    good = json.dumps({"master": "00" * 32, "badge": "11" * 32, "lookup": "22" * 32})
    for number in range(30):
        raw = draw.choice(
            (
                draw.randbytes(50),
                json.dumps(any_json(draw)).encode(),
                good[: draw.randrange(len(good))].encode(),
                good.replace("1", draw.choice("gé\0 "), 1).encode(),
            )
        )
        path = tmp_path / f"file-{number}"
        path.write_bytes(raw)
        with pytest.raises(KeyringError):
            load_keyring(path)
        with pytest.raises(BackupError):
            restore(path, tmp_path / "restored.sqlite", SeededEntropy())
        assert not (tmp_path / "restored.sqlite").exists()


def test_any_words_on_the_command_line_end_in_a_sentence(tmp_path, capsys, draw):
    def run(*words):
        return cli.main(["--directory", str(tmp_path), *words])

    assert run("migrate") == 0
    assert run("organisation", "add", "Ville") == 0
    assert run("site", "add", "Ville", "Mairie", "47.2", "-2.2") == 0
    words = ("Ville", "Mairie", "AB-123-CD", "1", "04A1B2C3D4E5F6", *TEXTS[:-1], *map(str, NUMBERS))
    for _ in range(6):
        for command, count, last in (
            ("organisation add", 1, ()),
            ("site add", 4, ()),
            ("pool add", 2, ()),
            ("vehicle add", 5, ("petrol", "--tank-ml", "N")),
            ("vehicle add", 5, ("petrol", "--seats", "N")),
            ("person add", 4, ()),
            ("badge add", 3, ()),
            ("box claim-token", 1, ()),
            ("person import", 1, ()),
            ("export trips", 1, ("--since", "N")),
        ):
            tail = [str(draw.choice(NUMBERS)) if one == "N" else one for one in last]
            said = [draw.choice(words) for _ in range(count)]
            if command == "vehicle add":
                said[:2] = ["Ville", "Mairie"]
            if command == "export trips":
                said = [str(tmp_path / "no-such-folder" / "x.csv")]
            try:
                status = (
                    run(*command.split(), *tail, "--", *said)
                    if command not in ("vehicle add",)
                    else run(*command.split(), *tail[1:], "--", *said, tail[0])
                )
            except SystemExit as usage:
                status = usage.code
            assert status in (0, 1, 2)
            assert "Traceback" not in capsys.readouterr().err
    assert run("vehicle", "list") == 0


def test_a_login_that_holds_a_nul_is_unknown_and_breaks_nothing(depot):
    answer = depot.web_client.post("/api/v1/session", json={"identifier": "a\0b", "password": "x" * 20})
    assert (answer.status_code, answer.json()["code"]) == (403, "wrong_password")
