"""Every page as everybody: who may open it, who may send its form, and that a refused form changes nothing.

The tables below name every route there is; a new route fails until somebody decides who may use it.
"""

import pytest
from fastapi.routing import APIRoute
from glovebox.store.schema import metadata
from glovebox.web.mounting import PAGE_MODULES, last
from sqlalchemy import select
from support_push import PUSH_ENDPOINT, PUSH_KEYS
from support_town import CARS, PEOPLE
from support_web import HOUR, NOW, Town

EVERYBODY = frozenset(PEOPLE)
CONSOLE = frozenset({"manager", "staff", "installer", "administrator", "guest_manager", "strange_manager"})
OF_TOWN = frozenset({"manager", "staff", "installer", "administrator"})
TOWNS_MANAGERS = frozenset({"manager", "administrator"})
# The guests' body shares the town's cars by agreement.
OF_TIMELINE = OF_TOWN | {"guest_manager"}
MANAGERS = frozenset({"manager", "administrator", "guest_manager", "strange_manager"})
ME = frozenset({"driver"})
# One's own act alone can be undone, and nobody here has just done one.
NOBODY: frozenset[str] = frozenset()

CAR, BOOKING = "/console/vehicles/{vehicle_id}", "/bookings/{reservation_id}"
PERSON = "/console/people/{person_id}"
# Pages: path -> who may open it.
MAY_OPEN: dict[str, frozenset[str]] = {
    "/": EVERYBODY,
    "/find": EVERYBODY,
    "/account": EVERYBODY,
    "/account/messages": EVERYBODY,
    "/account/calendar": EVERYBODY,
    "/messages": EVERYBODY,
    "/console/messages": MANAGERS,
    "/console/risks": MANAGERS,
    "/console/waiting": MANAGERS,
    "/bookings": EVERYBODY,
    BOOKING: ME,
    "/series/new": EVERYBODY,
    "/series/{series_id}": ME,
    "/console/series/new?person={person_id}": TOWNS_MANAGERS,
    "/console/series/{series_id}": TOWNS_MANAGERS,
    f"{BOOKING}/cancel": ME,
    f"{BOOKING}/booking.ics": ME,
    f"{BOOKING}/change": ME,
    f"{BOOKING}/late": ME,
    f"{BOOKING}/damage": ME,
    f"{BOOKING}/open": ME,
    f"{BOOKING}/close": ME,
    f"{BOOKING}/phone/{{command_id}}": ME,
    "/trips/{trip_id}": ME,
    "/console": CONSOLE,
    CAR: OF_TOWN,
    f"{CAR}/journal": TOWNS_MANAGERS,
    f"{CAR}/trips": OF_TOWN,
    f"{CAR}/commands/{{kind}}": TOWNS_MANAGERS | {"staff"},
    f"{CAR}/block": TOWNS_MANAGERS | {"staff"},
    f"{CAR}/damage": TOWNS_MANAGERS | {"staff"},
    f"{CAR}/edit": TOWNS_MANAGERS,
    "/console/sites/{site_id}/wifi": TOWNS_MANAGERS,
    "/console/today": MANAGERS,
    "/console/incidents": MANAGERS | {"staff"},
    "/console/incidents/{incident_id}": TOWNS_MANAGERS | {"staff"},
    "/console/blocks/{block_id}": TOWNS_MANAGERS | {"staff"},
    "/console/trips/{trip_id}": TOWNS_MANAGERS,
    "/console/timeline": CONSOLE,
    "/console/reservations": CONSOLE,
    "/console/reservations/{reservation_id}": OF_TIMELINE,
    "/console/reservations/{reservation_id}/cancel": TOWNS_MANAGERS,
    "/console/reservations/{reservation_id}/change": TOWNS_MANAGERS,
    "/console/reservations/{reservation_id}/swap": TOWNS_MANAGERS,
    "/console/book": MANAGERS,
    "/console/people": MANAGERS,
    "/console/people/new": MANAGERS,
    "/console/people/import": MANAGERS,
    "/console/people/template.csv": MANAGERS,
    "/console/people/list.csv": MANAGERS,
    PERSON: TOWNS_MANAGERS,
    f"{PERSON}/edit": TOWNS_MANAGERS,
    f"{PERSON}/badges/{{badge_id}}/revoke": TOWNS_MANAGERS,
    "/console/boxes": frozenset({"installer", "administrator"}),
    "/console/boxes/claim/{vehicle_id}": frozenset({"installer", "administrator"}),
    "/console/sites": CONSOLE,
    "/console/sites/{site_id}/hours": TOWNS_MANAGERS,
    "/console/approvals": MANAGERS - {"administrator"},
    "/console/rules": MANAGERS,
    "/console/rules/edit?organisation={body_id}": TOWNS_MANAGERS,
    "/console/rules/licences": MANAGERS,
    "/console/groups": MANAGERS,
    "/console/groups/{group_id}": TOWNS_MANAGERS,
}
OPEN_TO_VISITORS = {"/login", "/healthz", "/{path:path}", "/calendar/{token}.ics", "/service-worker.js"}
SERIES = {"asked": 1, "vehicle": 6, "w0": 1, "first": "2026-05-04", "last": "2026-05-11"}
# Forms: path -> (fields, who may send it).
MAY_SEND: dict[str, tuple[dict[str, object], frozenset[str]]] = {
    "/bookings": (
        {"vehicle": 6, "starts": 1_773_300_000, "ends": 1_773_303_600},
        EVERYBODY - {"stranger", "strange_manager"},
    ),
    "/series/new": (SERIES, EVERYBODY - {"stranger", "strange_manager"}),
    "/series/{series_id}/change": ({"start": "09:00"}, ME | TOWNS_MANAGERS),
    "/series/{series_id}/cancel": ({}, ME | TOWNS_MANAGERS),
    "/series/{series_id}/undo": ({}, NOBODY),
    "/console/series/new": ({"person": 1, **SERIES}, TOWNS_MANAGERS),
    "/console/series/{series_id}/change": ({"start": "09:00"}, TOWNS_MANAGERS),
    "/console/series/{series_id}/cancel": ({}, TOWNS_MANAGERS),
    "/console/series/{series_id}/undo": ({}, NOBODY),
    f"{BOOKING}/cancel": ({}, ME),
    f"{BOOKING}/instead": ({"vehicle": 1, "starts": 1_773_300_000, "ends": 1_773_303_600}, ME),
    "/messages/seen": ({"until": 1}, EVERYBODY),
    "/account/messages": ({"channel": "page"}, EVERYBODY),
    "/account/devices": ({"endpoint": f"{PUSH_ENDPOINT}new", **PUSH_KEYS}, EVERYBODY),
    "/account/devices/remove": ({"endpoint": "https://fcm.googleapis.com/none"}, EVERYBODY),
    "/account/devices/{device_id}/remove": ({}, ME),
    "/account/calendar": ({}, EVERYBODY),
    "/account/calendar/revoke": ({}, EVERYBODY),
    "/console/messages/{message_id}/retry": ({}, TOWNS_MANAGERS),
    f"{BOOKING}/change": ({"end": "13:00"}, ME),
    f"{BOOKING}/late": ({"minutes": 30}, ME),
    f"{BOOKING}/undo": ({}, NOBODY),
    f"{BOOKING}/damage": ({"text": "Rayure", "may_drive": "no"}, ME),
    f"{CAR}/edit": ({"bay": "99"}, TOWNS_MANAGERS),
    "/console/sites/{site_id}/wifi": ({"bssid": "24:6F:28:00:00:99"}, TOWNS_MANAGERS),
    f"{PERSON}/rights": ({"pool": 1, "kind": "standing", "until": "2026-12-31"}, TOWNS_MANAGERS),
    "/console/groups/{group_id}/undo": ({}, NOBODY),
    f"{CAR}/damage": ({"text": "Rayure", "may_drive": "no"}, TOWNS_MANAGERS | {"staff"}),
    "/console/timeline/move": (
        {"reservation": 1, "vehicle": 1, "starts": NOW + 600, "ends": NOW + 3 * HOUR},
        TOWNS_MANAGERS,
    ),
    "/waits": ({"starts": NOW + 48 * HOUR, "ends": NOW + 50 * HOUR, "site": 1, "seats": 60}, EVERYBODY),
    "/waits/{wait_id}/take": ({}, NOBODY),
    "/waits/{wait_id}/leave": ({}, NOBODY),
    "/console/waiting": (
        {"person": 2, "starts": NOW + 48 * HOUR, "ends": NOW + 50 * HOUR, "site": 1, "seats": 60},
        TOWNS_MANAGERS,
    ),
    "/console/waiting/{wait_id}/leave": ({}, NOBODY),
    "/console/today/take": ({"kind": "silent", "subject": 5}, TOWNS_MANAGERS),
    "/console/today/snooze": (
        {"kind": "silent", "subject": 5, "until": 1_773_140_000},
        TOWNS_MANAGERS,
    ),
    "/console/incidents/{incident_id}": ({"step": "nothing"}, TOWNS_MANAGERS),
    "/console/incidents/{incident_id}/undo": ({}, TOWNS_MANAGERS),
    f"{BOOKING}/open": ({}, ME),
    f"{CAR}/commands/{{kind}}": ({"reason": "test"}, TOWNS_MANAGERS | {"staff"}),
    f"{CAR}/block": ({"kind": "damage"}, TOWNS_MANAGERS | {"staff"}),
    "/console/blocks/{block_id}": ({"end_day": "2026-03-20", "end": "18:00"}, TOWNS_MANAGERS | {"staff"}),
    "/console/blocks/{block_id}/end": ({}, TOWNS_MANAGERS | {"staff"}),
    "/console/reservations/{reservation_id}/cancel": ({}, TOWNS_MANAGERS),
    "/console/reservations/{reservation_id}/change": ({"end": "13:00"}, TOWNS_MANAGERS),
    "/console/reservations/{reservation_id}/swap": ({"other": 4}, TOWNS_MANAGERS),
    "/console/reservations/{reservation_id}/undo": ({}, NOBODY),
    "/console/book": (
        {"person": 2, "vehicle": 6, "starts": 1_773_300_000, "ends": 1_773_303_600},
        TOWNS_MANAGERS,
    ),
    "/console/people/import": ({"organisation": 1}, TOWNS_MANAGERS),
    "/console/people/import/store": (
        {"organisation": 1, "content": "c3RhZmZfbnVtYmVyLGdpdmVuX25hbWUsZmFtaWx5X25hbWUKTi0yLEEsQgo="},
        TOWNS_MANAGERS,
    ),
    "/console/people/new": (
        {"organisation": 1, "staff_number": "N-1", "given_name": "New", "family_name": "Person"},
        TOWNS_MANAGERS,
    ),
    f"{PERSON}/edit": ({"given_name": "Other", "family_name": "Name", "active": "1"}, TOWNS_MANAGERS),
    f"{PERSON}/badges": ({"uid": "04AABBCCDDEEFF"}, TOWNS_MANAGERS),
    f"{PERSON}/badges/{{badge_id}}/revoke": ({}, TOWNS_MANAGERS),
    f"{PERSON}/login": ({}, TOWNS_MANAGERS),
    f"{PERSON}/sessions": ({}, TOWNS_MANAGERS),
    "/console/boxes/claim/{vehicle_id}": ({}, frozenset({"installer", "administrator"})),
    "/console/sites/{site_id}/hours": ({"opens_0": "08:00", "closes_0": "18:00"}, TOWNS_MANAGERS),
    "/console/sites/{site_id}/hours/undo": ({}, TOWNS_MANAGERS),
    "/console/approvals/{waiting_id}": ({}, frozenset({"manager"})),
    "/console/rules/edit": ({"organisation": 1, "buffer_s": "30"}, TOWNS_MANAGERS),
    "/console/rules/undo": ({"organisation": 1}, TOWNS_MANAGERS),
    "/console/rules/licences": ({"vehicle": 1, "category": "C1"}, TOWNS_MANAGERS),
    "/console/groups": ({"organisation": 1, "name": "Stagiaires"}, TOWNS_MANAGERS),
    "/console/groups/{group_id}": ({"name": "Stagiaires"}, TOWNS_MANAGERS),
    "/console/groups/{group_id}/members": ({"person": 1}, TOWNS_MANAGERS),
    "/console/groups/{group_id}/remove": ({}, TOWNS_MANAGERS),
}
# Forms about oneself, which have no other's counterpart; tests of accounts send them.
OWN_FORMS = {
    "/login",
    "/logout",
    "/language",
    "/account/password",
    "/account/sessions",
    "/account/sessions/{session_id}/end",
    f"{BOOKING}/back",
    f"{BOOKING}/close",
}
# Columns that reading or refusing may change: use of a session, tries, who looked at what.
CHANGING = {"login_sessions", "login_failures", "audit_lines"}


def address(town: Town, path: str) -> str:
    """A route's path with the town's things filled in."""
    return path.format(
        reservation_id=town.booking["next"],
        vehicle_id=town.car["GB-101-NZ"],
        trip_id=town.trip,
        person_id=town.person["driver"],
        badge_id=1,
        block_id=town.block,
        site_id=town.site["depot"],
        body_id=town.body["town"],
        group_id=town.group,
        series_id=town.series,
        incident_id=town.incident,
        wait_id=1,
        waiting_id=town.booking["asked"],
        message_id=1,
        command_id=1,
        device_id=town.device,
        session_id=1,
        kind="flash_lights",
    )


def routes(method: str) -> set[str]:
    """All paths of pages that answer a method."""
    routers = [*(module.router for module in PAGE_MODULES), last]
    return {
        route.path
        for router in routers
        for route in router.routes
        if isinstance(route, APIRoute) and method in route.methods
    }


def contents(town: Town) -> dict[str, list[object]]:
    """Every row of every table that a refused form must leave alone."""
    with town.apps.cloud.store.read() as tx:
        return {
            table.name: [tuple(row) for row in tx.execute(select(table))]
            for table in metadata.sorted_tables
            if table.name not in CHANGING
        }


def test_the_tables_name_every_page_and_every_form():
    assert routes("GET") == {path.partition("?")[0] for path in MAY_OPEN} | OPEN_TO_VISITORS
    assert routes("POST") == set(MAY_SEND) | OWN_FORMS


@pytest.fixture(scope="module")
def town_with_command(quiet_town: Town) -> Town:
    """The quiet town, in which the driver has asked the car to open."""
    answer = quiet_town.browser("driver").submit(f"/bookings/{quiet_town.booking['next']}/open")
    assert answer.headers["location"].endswith("/phone/1")
    return quiet_town


@pytest.mark.parametrize("path", MAY_OPEN)
def test_a_page_opens_for_those_who_may_and_for_nobody_else(town_with_command, path):
    target = address(town_with_command, path)
    for who in PEOPLE:
        status = town_with_command.browser(who).get(target).status_code
        assert (status == 200) is (who in MAY_OPEN[path]), f"{who}: {status}"
        assert status in (200, 403, 404), f"{who}: {status}"


@pytest.mark.parametrize("path", MAY_OPEN)
def test_a_visitor_is_sent_to_the_login_and_back(quiet_town, path):
    target = address(quiet_town, path)
    answer = quiet_town.browser().get(target)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login?next=/")
    part = quiet_town.browser().get(target, headers={"hx-request": "true"})
    assert (part.status_code, part.headers["hx-redirect"]) == (204, "/login")


@pytest.mark.parametrize("path", sorted(MAY_SEND))
def test_a_form_of_somebody_who_may_not_changes_nothing(quiet_town, path):
    fields, allowed = MAY_SEND[path]
    before = contents(quiet_town)
    for who in sorted(EVERYBODY - allowed):
        answer = quiet_town.browser(who).submit(address(quiet_town, path), fields)
        assert answer.status_code in (403, 404), f"{who}: {answer.status_code}"
    assert contents(quiet_town) == before


@pytest.mark.parametrize("path", sorted(path for path, (_fields, allowed) in MAY_SEND.items() if allowed))
def test_a_form_of_somebody_who_may_is_taken(town, path):
    fields, allowed = MAY_SEND[path]
    who = sorted(allowed)[-1]
    answer = town.browser(who).submit(address(town, path), fields)
    assert answer.status_code in (200, 303) or "Choose a file first." in answer.text


@pytest.mark.parametrize("path", sorted(set(MAY_SEND) | OWN_FORMS))
def test_a_form_without_its_token_or_with_anothers_is_refused_and_changes_nothing(quiet_town, path):
    fields = {**MAY_SEND.get(path, ({}, None))[0], "language": "fr"}
    who = max(MAY_SEND.get(path, ({}, ME))[1] or ME)
    target = address(quiet_town, path)
    browser, other = quiet_town.browser(who), quiet_town.browser("colleague")
    before = contents(quiet_town)
    assert browser.post(target, data=fields).status_code == 403
    assert browser.post(target, data={**fields, "form_token": "0" * 64}).status_code == 403
    assert browser.post(target, data={**fields, "form_token": "é"}).status_code == 403
    assert browser.post(target, data={**fields, "form_token": other.form_token()}).status_code == 403
    token = {**fields, "form_token": browser.form_token()}
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
        assert browser.post(target, data=token, headers=headers).status_code == 403
    assert contents(quiet_town) == before


@pytest.mark.parametrize(
    "path",
    ["/", "/console", "/console/timeline", "/console/reservations", "/console/people", "/console/sites"],
)
def test_across_the_wall_no_name_no_purpose_and_no_car_of_the_town_is_read(quiet_town, path):
    text = quiet_town.browser("strange_manager").get(path).text
    for body, _number, _given, family, _role, _department in PEOPLE.values():
        assert body == "hospital" or family not in text
    assert not any(plate in text for plate, car in CARS.items() if car[0] == "town")
    assert "confidentielle" not in text


def test_a_guests_manager_reads_interval_and_organisation_of_others_and_his_own_peoples_names(quiet_town):
    browser = quiet_town.browser("guest_manager")
    for path in ("/console/timeline", "/console/reservations"):
        text = browser.get(path).text
        assert "Marc Dubois" in text
        assert "Ville de Saint-Nazaire" in text
        assert "Le Goff" not in text
        assert "Guillou" not in text
    text = browser.get(f"/console/reservations/{quiet_town.booking['next']}").text
    assert "Ville de Saint-Nazaire" in text
    assert "Le Goff" not in text
    assert "Chantier" not in text


def test_site_staff_and_installers_see_cars_but_no_names(quiet_town):
    for who in ("staff", "installer"):
        browser = quiet_town.browser(who)
        paths = (
            "/console",
            "/console/timeline",
            "/console/reservations",
            f"/console/vehicles/{quiet_town.car['GB-102-NZ']}",
        )
        for path in paths:
            text = browser.get(path).text
            assert "GB-10" in text
            assert "Guillou" not in text


def test_showing_other_peoples_data_is_noted_once_a_request_and_ones_own_is_not(town):
    from glovebox.audit.tables import audit_lines

    manager = town.browser("manager")
    manager.get("/console/people?q=goff")
    manager.get(f"/console/vehicles/{town.car['GB-101-NZ']}/trips")
    town.browser("driver").get("/bookings")
    with town.apps.cloud.store.read() as tx:
        lines = tx.execute(
            select(audit_lines).where(audit_lines.c.actor != "system").order_by(audit_lines.c.id)
        ).all()
    assert [(line.action, line.people_count) for line in lines] == [("page people", 1), ("page trips", 1)]
    assert lines[0].filter == "goff"
    assert {line.person_id for line in lines} == {town.person["manager"]}


def test_a_manager_cannot_give_a_mightier_person_a_password(town):
    manager, administrator = town.browser("manager"), town.browser("administrator")
    for key in ("administrator", "staff", "manager"):
        path = f"/console/people/{town.person[key]}"
        assert "first password" not in manager.get(path).text.lower()
        assert manager.submit(f"{path}/login").status_code == 403
    assert administrator.submit(f"/console/people/{town.person['staff']}/login").status_code == 200


@pytest.mark.parametrize("number", ["0", "-1", "abc", "99999999999999999999", "2147483648", "1.5", "%00"])
def test_a_number_that_is_none_of_ours_is_no_server_error(quiet_town, number):
    browser = quiet_town.browser("manager")
    for path in (
        f"/bookings/{number}",
        f"/console/vehicles/{number}",
        f"/console/people/{number}",
        f"/trips/{number}",
    ):
        assert browser.get(path).status_code in (404, 422)
    for path in (
        f"/bookings?from={number}",
        f"/console?site={number}",
        f"/console/people?from={number}",
        f"/find?seats={number}",
    ):
        assert browser.get(path).status_code in (200, 422)
