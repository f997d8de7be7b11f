"""Waiting for a car on the pages: from the search, on the home page, in the console."""

import re

import pytest
from glovebox.reservations import service as reservations
from glovebox.rules import apply_rules
from glovebox.scope import SYSTEM
from support_web import HOUR, NOW, Town

WISH = "day=2026-03-12&start=10:00&end_day=2026-03-12&end=12:00"
STARTS, ENDS = NOW + 2 * 86_400 + 1_200, NOW + 2 * 86_400 + 1_200 + 2 * HOUR
FIELD = re.compile(r'name="(starts|ends|site|to|seats|energy|distance)" value="([^"]*)"')


def fill(town: Town) -> list[int]:
    """All cars of the town hall are taken then."""
    cloud = town.apps.cloud
    plates = ("GB-101-NZ", "GB-102-NZ", "GB-103-NZ", "GB-104-NZ")
    who = town.person["colleague"]
    with cloud.store.write() as tx:
        return [
            reservations.book(tx, NOW, SYSTEM, town.car[plate], who, STARTS - HOUR, ENDS + 9 * HOUR)
            for plate in plates
        ]


def let_pass(town: Town, seconds: int) -> None:
    town.time[0] += seconds
    with town.apps.cloud.store.write() as tx:
        apply_rules(tx, town.time[0])


def join(browser, town: Town):
    found = browser.get(f"/find?site={town.site['hall']}&seats=1&energy=&{WISH}").text
    form = found.partition('action="/waits"')[2].partition("</form>")[0]
    assert form, "the search offers to wait"
    return browser.submit("/waits", dict(FIELD.findall(form)))


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_search_that_finds_nothing_offers_to_wait_and_home_shows_it(town, language):
    fill(town)
    driver = town.browser("driver", language)
    assert join(driver, town).headers["location"].startswith("/?said=waiting")
    home = driver.get("/").text
    assert {"en": "You wait for a car", "fr": "Vous attendez un véhicule"}[language] in home
    address = re.search(r'action="(/waits/\d+/leave)"', home).group(1)
    assert driver.submit(address).status_code == 303
    assert "/leave" not in driver.get("/").text


def test_a_freed_car_is_booked_and_told_on_the_home_page(town):
    taken = fill(town)
    driver = town.browser("driver")
    join(driver, town)
    with town.apps.cloud.store.write() as tx:
        reservations.cancel(tx, NOW, SYSTEM, taken[0])
    let_pass(town, 60)
    home = driver.get("/").text
    assert "GB-101-NZ" in home
    assert "has become free" in home
    assert "You wait for a car" not in home


def test_a_held_car_is_taken_with_one_tap(town):
    taken = fill(town)
    driver = town.browser("driver")
    join(driver, town)
    let_pass(town, STARTS - NOW - HOUR)
    with town.apps.cloud.store.write() as tx:
        reservations.cancel(tx, town.time[0], SYSTEM, taken[3])
    let_pass(town, 60)
    home = driver.get("/").text
    assert "A car is held for you until" in home
    address = re.search(r'action="(/waits/\d+/take)"', home).group(1)
    answer = driver.submit(address)
    assert "The car is booked for you." in driver.get(answer.headers["location"]).text


def test_a_manager_sees_who_waits_and_takes_people_off_and_others_see_nothing(town):
    fill(town)
    join(town.browser("driver"), town)
    manager = town.browser("manager")
    shown = manager.get("/console/waiting").text
    assert "Nadia Le Goff" in shown
    assert "Nadia" not in town.browser("guest_manager").get("/console/waiting").text
    number = re.search(r'action="/console/waiting/(\d+)/leave"', shown).group(1)
    for name in ("colleague", "guest", "guest_manager"):
        answer = town.browser(name).submit(f"/waits/{number}/leave")
        assert answer.status_code in (403, 404), name
    assert manager.submit(f"/console/waiting/{number}/leave").status_code == 303
    assert "Nobody waits" in manager.get("/console/waiting").text


def test_a_wish_that_cannot_wait_says_why(town):
    fields = {"starts": NOW - HOUR, "ends": NOW + HOUR, "site": town.site["hall"]}
    answer = town.browser("driver").submit("/waits", fields)
    assert answer.status_code == 422
    assert "to come" in answer.text


def test_an_energy_that_no_car_has_is_refused_and_breaks_nobodys_list(town):
    fields = {"starts": NOW + 50 * HOUR, "ends": NOW + 51 * HOUR, "site": town.site["hall"], "seats": 60}
    answer = town.browser("driver").submit("/waits", {**fields, "energy": "{{7*7}}"})
    assert answer.status_code == 422
    assert town.browser("manager").get("/console/waiting").status_code == 200
