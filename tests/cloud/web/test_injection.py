"""Texts that a browser, a template, a header, an engine or a spreadsheet would take for its own, in every
column that people fill in: each is shown or exported as the text it is."""

import csv
import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest
from glovebox import exporting
from glovebox.scope import SYSTEM
from glovebox.store.schema import metadata
from glovebox.web.security import HEADERS
from sqlalchemy import String, select, update
from sqlalchemy.exc import DBAPIError
from starlette.routing import Route
from support_pages import pages_of, routes_of
from support_town import PEOPLE, build_town
from support_web import NOW, PARIS, PASSWORD

HOSTILE = "<img src=x onerror=1>\"'{{7*191}}${7*191}"
# Codes and values that a program reads again, each with a rule of its own for what it may hold.
CODES = {
    "language", "time_zone", "holidays", "password_hash", "uid_tail", "level", "subject", "before", "state",
    "first_day", "last_day", "licence_categories", "licence_category", "was", "message_key", "kind", "value",
    "energy", "channel", "phone", "email", "cause", "outcome", "action", "verdict", "series_day", "weekdays",
    "but_days",
}  # fmt: skip
FILLED_IN = {
    "organisations.name", "pools.name", "sites.name", "sites.address", "people.given_name",
    "people.family_name", "people.department", "people.staff_number", "groups.name", "vehicles.registration",
    "vehicles.make", "vehicles.model", "vehicles.bay", "blocks.reason", "reservations.purpose",
    "reservations.decision_reason", "site_closures.name", "boxes.hardware_id", "boxes.firmware",
}  # fmt: skip


@pytest.fixture(scope="module")
def hostile_town(tmp_path_factory):
    """A town in which every text is hostile; `hostile_columns` are those that could be."""
    town = build_town(tmp_path_factory.mktemp("town"))
    town.hostile_columns = set()
    with town.apps.cloud.store.write() as tx:
        for table in metadata.sorted_tables:
            keys = list(table.primary_key.columns)
            rows = tx.execute(select(*keys)).all() if keys else []
            for column in table.columns:
                if not isinstance(column.type, String) or column.name in CODES or column in keys:
                    continue
                try:
                    with tx.begin_nested():
                        for number, row in enumerate(rows):
                            key = [one == value for one, value in zip(keys, row, strict=True)]
                            tx.execute(update(table).where(*key).values({column.name: f"{HOSTILE}{number}"}))
                except DBAPIError:  # a column of codes says itself what it may hold
                    continue
                if rows:
                    town.hostile_columns.add(f"{table.name}.{column.name}")
        facts = metadata.tables["messages"].c.facts
        told = '{"car": "<img src=x onerror=1>", "place": "{{7*191}}", "starts_at": 1, "ends_at": 2}'
        tx.execute(update(metadata.tables["messages"]).values({facts.name: told}))
    yield town
    town.close()


class Finder(HTMLParser):
    """Elements that only a text of ours could have made."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        names = {name for name, _value in attributes}
        if any(name.startswith("on") for name in names) or ("src", "x") in attributes:
            self.found.append((tag, attributes))


def assert_harmless(path, text):
    finder = Finder()
    finder.feed(text)
    assert not finder.found, (path, finder.found)
    assert "1337" not in text, path


def addresses(town):
    """Every page there is: those with a query of their own, and each route with the town's things."""
    yield from pages_of(town).values()
    ids = {
        "vehicle_id": town.car["GB-101-NZ"], "reservation_id": town.booking["next"], "trip_id": town.trip,
        "person_id": town.person["colleague"], "block_id": town.block, "site_id": town.site["depot"],
        "group_id": town.group, "waiting_id": town.booking["asked"], "kind": "flash_lights", "path": "x",
    }  # fmt: skip
    for method, path, route in routes_of(town.apps.web):
        if method == "GET" and isinstance(route, Route):
            names = {name: ids.get(name, 1) for name in route.param_convertors}
            for who in ("driver", "manager", "administrator", "installer"):
                yield who, path.replace(":path", "").format(**names)


def test_every_column_that_people_fill_in_is_hostile(hostile_town):
    assert hostile_town.hostile_columns >= FILLED_IN


def test_no_text_becomes_an_element_an_attribute_or_a_template_on_any_page(hostile_town):
    browsers = {name: hostile_town.browser(name) for name in ("", *PEOPLE)}
    shown = set()
    for who, path in addresses(hostile_town):
        answer = browsers[who].get(path)
        assert answer.status_code < 500, path
        for name, value in answer.headers.items():
            assert "\n" not in value, (path, name)
        if answer.headers.get("content-type", "").startswith("text/html"):
            assert_harmless(path, answer.text)
            if "&lt;img src=x" in answer.text:
                shown.add(path)
    assert len(shown) > 25


def test_what_is_typed_into_a_search_or_a_refused_form_is_shown_as_text(hostile_town):
    manager = hostile_town.browser("manager")
    for path in ("/console?q=", "/console/people?q=", "/find?energy=", "/console/timeline?day="):
        assert_harmless(path, manager.get(path + HOSTILE.replace("#", "%23")).text)
    typed = {"identifier": HOSTILE, "password": "x" * 12, "next": HOSTILE}
    answer = hostile_town.browser().submit("/login", typed)
    assert_harmless("/login", answer.text)


FORMULAS = ("=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0")


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_exported_text_is_a_formula_to_a_spreadsheet(town, tmp_path, formula):
    people = metadata.tables["people"]
    with town.apps.cloud.store.write() as tx:
        tx.execute(update(people).values(family_name=formula, department=formula))
        rows = exporting.rows_of(tx, SYSTEM, NOW, "people", 0, NOW, PARIS, with_people=True)
        assert exporting.write_rows(rows, "people", tmp_path / "people.csv") == len(PEOPLE)
    with (tmp_path / "people.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            assert row["family_name"] == row["department"] == f"'{formula}"


ESCAPES = (
    "../app.py",
    "..%2fapp.py",
    "%2e%2e/%2e%2e/app.py",
    "....//app.py",
    "/etc/passwd",
    "a\\..\\..\\app.py",
    "%00",
)


@pytest.mark.parametrize("path", ESCAPES)
def test_the_folder_of_files_has_no_way_out(town, path):
    answer = town.browser("driver").get(f"/static/{path}")
    assert answer.status_code in (303, 404)
    assert "import" not in answer.text


TARGETS = (
    "https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "///evil.example",
    "/\t/evil.example", "/%0a/evil.example", "javascript:alert(1)", " //evil.example",
    "/\r\nlocation: //evil.example",    "http:evil.example", "/..//evil.example",
)  # fmt: skip


@pytest.mark.parametrize("target", TARGETS)
def test_no_address_leads_away_after_the_login_or_a_choice_of_language(town, target):
    for answer in (
        town.browser().submit("/login", {"identifier": "S-100", "password": PASSWORD, "next": target}),
        town.browser("driver").get("/login", params={"next": target}),
        town.browser("driver").submit("/language", {"language": "fr", "back": target}),
    ):
        assert answer.status_code == 303
        # As a browser reads it: tabs and ends of lines dropped, backslashes turned.
        location = re.sub(r"[\t\r\n]", "", answer.headers["location"]).replace("\\", "/")
        assert urlsplit(urljoin("http://glovebox.test/login", location)).netloc == "glovebox.test"


@pytest.mark.parametrize(
    "host", ["evil.example", "glovebox.test@evil.example", 'x"><img src=x onerror=1>', ""]
)
def test_another_host_in_the_header_leads_nowhere(town, host):
    browser = town.browser("driver")
    for path in ("/", "/account", "/login", "/console", "/nothing"):
        answer = browser.get(path, headers={"host": host})
        assert "evil.example" not in answer.text + answer.headers.get("location", "")
        assert_harmless(path, answer.text)


def test_every_answer_of_every_route_carries_the_policy(hostile_town):
    browsers = {name: hostile_town.browser(name) for name in ("", *PEOPLE)}
    for who, path in addresses(hostile_town):
        answer = browsers[who].get(path)
        for name, value in HEADERS.items():
            assert answer.headers[name] == value, (path, name)


def test_every_cookie_is_kept_from_scripts_and_from_other_sites(town):
    browser = town.browser()
    answers = [
        browser.get("/login"),
        browser.submit("/login", {"identifier": "S-100", "password": PASSWORD}),
        browser.submit("/language", {"language": "fr"}),
        browser.submit("/logout"),
    ]
    cookies = [cookie for answer in answers for cookie in answer.headers.get_list("set-cookie")]
    assert len(cookies) >= 4
    for cookie in cookies:
        assert {"httponly", "samesite=lax", "path=/"} <= {part.strip().lower() for part in cookie.split(";")}
