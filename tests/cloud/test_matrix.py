"""Every route of the API as everybody. The table below is the whole of the router: a route that it does not
name fails until somebody has decided who may.

Who may not is told 404 where the thing lies behind the wall or is none of their business, 403 where it may be
seen but not changed, and nothing has changed then. The pages have the same table in `web/test_walls.py`.
"""

import pytest
from glovebox.web.page import PageRoute
from starlette.routing import Mount
from support_matrix import EVERYBODY, FURTHER, OF_TOWN, SERIES, Snapshot, build_full_town, contents, things
from support_pages import routes_of
from support_push import PUSH_ENDPOINT, PUSH_KEYS
from support_town import CARS, PEOPLE
from support_web import HOUR, NOW, PASSWORD

MANAGERS = frozenset({"manager", "administrator"})
DRIVER = MANAGERS | {"driver"}
STAFF = MANAGERS | {"staff"}
# The guests' body shares the town's cars by agreement.
SHARED = OF_TOWN | {"guest", "guest_manager"}
ANYBODY = EVERYBODY | {"visitor"}
NOBODY: frozenset[str] = frozenset()
STRANGERS = ("stranger", "strange_manager")
V = "/api/v1"
CAR, BOOKING = f"{V}/vehicles/{{vehicle_id}}", f"{V}/reservations/{{reservation_id}}"
PERSON = f"{V}/people/{{person_id}}"
RIGHT = {"pool_id": 1, "kind": "standing", "starts_at": NOW, "ends_at": NOW + 90 * HOUR}
BLOCK = f"{V}/blocks/{{block_id}}"
GROUP, INCIDENT = f"{V}/groups/{{group_id}}", f"{V}/incidents/{{incident_id}}"
WAIT = {"starts_at": NOW + 50 * HOUR, "ends_at": NOW + 51 * HOUR, "from_site": 1, "person_id": 1}
LINE = {"kind": "silent", "subject_id": 5}

# (method, path): (what is sent, who may).
MAY: dict[tuple[str, str], tuple[object, frozenset[str]]] = {
    ("GET", f"{V}/openapi.json"): (None, ANYBODY),
    ("GET", "/api/{path:path}"): (None, NOBODY),
    ("GET", "/box/{path:path}"): (None, NOBODY),
    ("GET", f"{V}/sites"): (None, EVERYBODY),
    ("GET", f"{V}/sites/{{site_id}}/hours"): (None, EVERYBODY),
    ("PUT", f"{V}/sites/{{site_id}}/hours"): ({"hours": []}, MANAGERS),
    # Lists hold what each may see: the wall is tried below.
    ("GET", f"{V}/vehicles"): (None, EVERYBODY),
    ("GET", f"{V}/people"): (None, EVERYBODY),
    ("GET", f"{V}/policies"): (None, EVERYBODY),
    ("GET", f"{V}/groups"): (None, EVERYBODY),
    ("GET", f"{V}/approvals"): (None, EVERYBODY),
    ("GET", f"{V}/availability"): (None, EVERYBODY),
    ("GET", f"{V}/reservations"): (None, EVERYBODY),
    ("GET", f"{V}/rehousings"): (None, EVERYBODY),
    ("GET", f"{V}/incidents"): (None, EVERYBODY),
    ("GET", f"{V}/messages"): (None, EVERYBODY),
    ("GET", f"{V}/deliveries"): (None, EVERYBODY),
    ("GET", f"{V}/trips"): (None, EVERYBODY),
    ("GET", f"{V}/today"): (None, EVERYBODY),
    ("GET", f"{V}/pools"): (None, EVERYBODY),
    ("GET", f"{V}/boxes"): (None, EVERYBODY),
    ("GET", f"{V}/sites/{{site_id}}/wifi"): (None, MANAGERS),
    ("POST", f"{V}/sites/{{site_id}}/wifi"): ({"bssid": "24:6F:28:00:00:99"}, MANAGERS),
    ("DELETE", f"{V}/sites/{{site_id}}/wifi/{{wifi_id}}"): (None, MANAGERS),
    ("POST", f"{V}/sites/{{site_id}}/hours/undo"): (None, MANAGERS),
    ("GET", CAR): (None, SHARED),
    ("PATCH", CAR): ({"bay": "99"}, MANAGERS),
    ("POST", f"{CAR}/claim-token"): (None, frozenset({"installer", "administrator"})),
    ("POST", f"{CAR}/commands"): ({"kind": "flash_lights", "reason": "x"}, STAFF),
    # Nobody has sent one yet.
    ("GET", f"{CAR}/commands/{{command_id}}"): (None, NOBODY),
    ("GET", f"{CAR}/live"): (None, MANAGERS),
    ("GET", f"{CAR}/blocks"): (None, SHARED),
    ("POST", f"{CAR}/blocks"): ({"kind": "damage", "starts_at": NOW}, MANAGERS),
    ("POST", f"{CAR}/damage"): ({"text": "x"}, DRIVER | STAFF),
    ("PATCH", BLOCK): ({"ends_at": NOW + 90 * HOUR}, MANAGERS),
    ("DELETE", BLOCK): (None, MANAGERS),
    ("POST", f"{V}/people"): (
        {"organisation_id": 1, "staff_number": "N-1", "given_name": "A", "family_name": "B"},
        MANAGERS,
    ),
    ("GET", PERSON): (None, DRIVER),
    ("PATCH", PERSON): ({"phone": "+33612345678"}, MANAGERS),
    ("POST", f"{PERSON}/first-password"): (None, MANAGERS),
    ("DELETE", f"{PERSON}/sessions"): (None, MANAGERS),
    ("GET", f"{PERSON}/badges"): (None, DRIVER),
    ("POST", f"{PERSON}/badges"): ({"uid": "04AABBCCDDEEFF"}, MANAGERS),
    ("DELETE", f"{PERSON}/badges/{{badge_id}}"): (None, MANAGERS),
    ("GET", f"{PERSON}/rights"): (None, MANAGERS),
    ("POST", f"{PERSON}/rights"): (RIGHT, MANAGERS),
    # The driver of the town has none.
    ("DELETE", f"{PERSON}/rights/{{right_id}}"): (None, NOBODY),
    ("GET", f"{V}/pools/{{pool_id}}/rights"): (None, MANAGERS),
    ("POST", f"{V}/policies/undo"): ({"organisation_id": 1}, MANAGERS),
    ("PUT", f"{V}/policies"): ({"organisation_id": 1, "buffer_s": 1_800}, MANAGERS),
    ("GET", f"{V}/pools/{{pool_id}}/rules"): (None, SHARED),
    ("PUT", f"{V}/pools/{{pool_id}}/groups"): ({"group_ids": []}, MANAGERS),
    ("POST", f"{V}/groups"): ({"organisation_id": 1, "name": "X"}, MANAGERS),
    ("PATCH", GROUP): ({"priority": 3}, MANAGERS),
    ("DELETE", GROUP): (None, MANAGERS),
    # One's own last change alone, and nobody here has just made one.
    ("POST", f"{GROUP}/undo"): (None, NOBODY),
    ("GET", f"{GROUP}/members"): (None, MANAGERS),
    ("PUT", f"{GROUP}/members/{{person_id}}"): (None, MANAGERS),
    ("DELETE", f"{GROUP}/members/{{person_id}}"): (None, MANAGERS),
    ("POST", f"{V}/approvals/{{reservation_id}}"): (
        {"is_approved": True},
        frozenset({"manager", "approver"}),
    ),
    ("POST", f"{V}/reservations"): (
        {"vehicle_id": 4, "starts_at": NOW + 50 * HOUR, "ends_at": NOW + 51 * HOUR},
        SHARED,
    ),
    ("GET", BOOKING): (None, SHARED),
    ("GET", f"{BOOKING}/calendar"): (None, SHARED),
    ("PATCH", BOOKING): ({"purpose": "x"}, DRIVER),
    ("POST", f"{BOOKING}/late"): ({"minutes": 30}, DRIVER),
    ("DELETE", BOOKING): (None, DRIVER),
    # One's own last act alone, and nobody here has just acted; nor has the server given it another car.
    ("POST", f"{BOOKING}/undo"): (None, NOBODY),
    ("POST", f"{BOOKING}/back"): (None, NOBODY),
    ("POST", f"{BOOKING}/open"): (None, frozenset({"driver"})),
    # Not begun: 409.
    ("POST", f"{BOOKING}/close"): (None, frozenset({"driver"})),
    ("GET", f"{BOOKING}/alternatives"): (None, DRIVER),
    ("GET", f"{BOOKING}/swap"): (None, SHARED),
    ("POST", f"{BOOKING}/swap"): ({"other_id": 3}, MANAGERS),
    ("POST", f"{V}/calendar-feed"): (None, EVERYBODY),
    ("DELETE", f"{V}/calendar-feed"): (None, EVERYBODY),
    ("GET", INCIDENT): (None, STAFF),
    ("POST", f"{INCIDENT}/steps"): ({"step": "checked"}, MANAGERS),
    ("POST", f"{INCIDENT}/reopen"): (None, MANAGERS),
    ("GET", f"{V}/message-choice"): (None, EVERYBODY),
    ("PUT", f"{V}/message-choice"): ({"channel": "page"}, EVERYBODY),
    ("GET", f"{V}/push-key"): (None, EVERYBODY),
    ("GET", f"{V}/push-subscriptions"): (None, EVERYBODY),
    ("POST", f"{V}/push-subscriptions"): ({"endpoint": f"{PUSH_ENDPOINT}new", "keys": PUSH_KEYS}, EVERYBODY),
    ("DELETE", f"{V}/push-subscriptions/{{device_id}}"): (None, frozenset({"driver"})),
    ("POST", f"{V}/deliveries/{{message_id}}/retry"): (None, MANAGERS),
    ("GET", f"{V}/trips/{{trip_id}}"): (None, DRIVER),
    ("GET", f"{V}/trips/{{trip_id}}/stopovers"): (None, DRIVER),
    ("POST", f"{V}/today/take"): (LINE, MANAGERS),
    ("POST", f"{V}/today/release"): (LINE, MANAGERS),
    ("POST", f"{V}/today/snooze"): ({**LINE, "until": NOW + HOUR}, MANAGERS),
    ("GET", f"{V}/session"): (None, EVERYBODY),
    ("PUT", f"{V}/session/password"): ({"present": PASSWORD, "new": PASSWORD}, EVERYBODY),
    ("GET", f"{V}/sessions"): (None, EVERYBODY),
    ("DELETE", f"{V}/sessions"): (None, EVERYBODY),
    # The first one is the driver's.
    ("DELETE", f"{V}/sessions/{{session_id}}"): (None, frozenset({"driver"})),
    ("GET", f"{V}/series"): (None, EVERYBODY),
    ("POST", f"{V}/series/preview"): (SERIES, DRIVER),
    ("POST", f"{V}/series"): ({**SERIES, "first_day": "2026-04-20", "last_day": "2026-04-24"}, DRIVER),
    ("GET", f"{V}/series/{{series_id}}"): (None, DRIVER),
    ("PATCH", f"{V}/series/{{series_id}}"): ({"starts_minute": 485, "ends_minute": 600}, DRIVER),
    ("DELETE", f"{V}/series/{{series_id}}"): (None, DRIVER),
    # Its 30 seconds are over: 409.
    ("POST", f"{V}/series/{{series_id}}/undo"): (None, frozenset({"driver"})),
    ("GET", f"{V}/waits"): (None, EVERYBODY),
    ("POST", f"{V}/waits"): (WAIT, DRIVER),
    # Nobody waits in the town: its own tests take and leave.
    ("POST", f"{V}/waits/{{wait_id}}/take"): (None, NOBODY),
    ("DELETE", f"{V}/waits/{{wait_id}}"): (None, NOBODY),
}  # fmt: skip
# Logging in and out, which tests of accounts do; the boxes' time, signed by their own keys.
APART = {("POST", f"{V}/session"), ("DELETE", f"{V}/session"), ("POST", "/box/v1/time")}
QUERIES = {f"{V}/availability": f"?starts_at={NOW + HOUR}&ends_at={NOW + 2 * HOUR}"}


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """The town with everybody, each logged in, and the way back to it."""
    built = build_full_town(tmp_path_factory.mktemp("town"))
    built.browsers = {name: built.browser(name) for name in sorted(EVERYBODY)} | {"visitor": built.browser()}
    built.snapshot = Snapshot(built)
    yield built
    built.close()


def ask(town, who, method, path):
    """That route with the town's things, as that person."""
    named = things(town)
    if "/approvals/" in path:
        named["reservation_id"] = named["waiting_id"]
    target = path.replace(":path", "").format_map(named) + QUERIES.get(path, "")
    return town.browsers[who].request(method, target, json=MAY[method, path][0])


def test_the_table_names_every_route_of_the_application(town):
    served = {
        (method, path)
        for method, path, route in routes_of(town.apps.web)
        if not isinstance(route, PageRoute | Mount)
    }
    assert served == set(MAY) | APART


@pytest.mark.parametrize(("method", "path"), MAY)
def test_who_may_not_is_refused_and_nothing_changes(town, method, path):
    before = contents(town)
    for who in sorted(EVERYBODY - MAY[method, path][1]):
        answer = ask(town, who, method, path)
        assert answer.status_code in (403, 404), f"{who}: {answer.status_code} {answer.text}"
        assert {"code", "message"} == set(answer.json())
        if who in STRANGERS and "{" in path and "{site_id}" not in path:  # sites are known to all
            assert answer.status_code == 404, who
    if "visitor" not in MAY[method, path][1]:
        assert ask(town, "visitor", method, path).status_code in (401, 404)
    assert contents(town) == before


@pytest.mark.parametrize(("method", "path"), [key for key, (_body, may) in MAY.items() if may])
def test_who_may_is_not_refused(town, method, path):
    for who in sorted(MAY[method, path][1]):
        answer = ask(town, who, method, path)
        if method != "GET":
            town.snapshot.restore()
        assert answer.status_code in (200, 201, 204, 409), f"{who}: {answer.status_code} {answer.text}"


@pytest.mark.parametrize("path", sorted(path for method, path in MAY if method == "GET"))
def test_nothing_of_the_town_is_read_from_another_body(town, path):
    mine = {family for body, _number, _given, family, *_rest in PEOPLE.values() if body == "town"}
    plates = {plate for plate, car in CARS.items() if car[0] == "town"}
    for who in STRANGERS:
        text = ask(town, who, "GET", path).text
        assert not [word for word in (*mine, *plates, *FURTHER, "Chantier", "Salon") if f'"{word}' in text]


def test_a_manager_of_one_pool_reads_no_name_purpose_or_trip_of_another_pool(town):
    for path in sorted(path for method, path in MAY if method == "GET"):
        text = ask(town, "pool_manager", "GET", path).text
        assert "Le Goff" not in text, path
        assert "Chantier" not in text, path


FORM = {"organisation": "1", "name": "x", "reason": "x", "text": "x"}
PAGES_OF_APPROVERS = {"/console/approvals", "/console/approvals/{waiting_id}"}


@pytest.mark.parametrize("who", sorted(FURTHER))
def test_roles_that_run_no_fleet_open_no_page_of_the_console_and_a_pool_opens_no_thing_of_another(town, who):
    """The four roles that `web/test_walls.py` has nobody for, on every route of the pages."""
    browser, tried = town.browsers[who], 0
    token, before = browser.form_token(), contents(town)
    for method, path, route in routes_of(town.apps.web):
        is_shut = path.startswith("/console") and (who != "pool_manager" or "{" in path)
        if not isinstance(route, PageRoute) or not is_shut:
            continue
        if who == "approver" and path in PAGES_OF_APPROVERS:
            continue
        target = path.format_map(things(town))
        fields = {"form_token": token, **FORM}
        answer = browser.get(target) if method == "GET" else browser.post(target, data=fields)
        # A form that makes no sense may be told so before anybody asks who sent it.
        refusals = (403, 404) if method == "GET" or who != "pool_manager" else (403, 404, 422)
        assert answer.status_code in refusals, f"{method} {path}: {answer.status_code}"
        tried += 1
    assert tried > 30
    assert contents(town) == before
