"""The page proposes a car: one tap books it, the reason stands beside it; what nearly fits says what would
make it fit."""

import re

import pytest
from glovebox.fleet import service as fleet
from glovebox.scope import SYSTEM
from support_pages import SEARCH
from support_web import HOUR, NOW

TAP = re.compile(
    r'<form method="post" action="/bookings">.*?name="vehicle" value="(\d+)">.*?name="starts" value="(\d+)">'
    r'.*?name="ends" value="(\d+)">',
    re.DOTALL,
)


def proposal(browser):
    text = browser.get("/").text.partition('id="proposal"')[2].partition("</section>")[0]
    return text, TAP.search(text)


def test_home_proposes_a_car_of_the_usual_site_now_for_two_hours_and_one_tap_books_it(town):
    newcomer = town.browser("installer")
    text, tap = proposal(newcomer)
    assert "Hôtel de ville" in text, "where most cars of his body stand: he has not booked yet"
    vehicle, starts, ends = (int(value) for value in tap.groups())
    assert (starts - NOW, ends - starts) == (300, 2 * HOUR), "the next quarter of an hour, for two hours"
    answer = newcomer.submit("/bookings", {"vehicle": vehicle, "starts": starts, "ends": ends}, page="/")
    booked = newcomer.get(answer.headers["location"]).text
    plate = next(plate for plate, number in town.car.items() if number == vehicle)
    assert plate in booked
    assert "Hôtel de ville" in booked


def test_whoever_has_a_car_at_that_time_is_proposed_none(town):
    assert proposal(town.browser("driver"))[1] is None


@pytest.mark.parametrize(
    ("language", "chosen", "only"),
    [("en", "Our choice.", "only car"), ("fr", "Notre choix.", "seul véhicule")],
)
def test_the_search_marks_its_choice_and_says_why(quiet_town, language, chosen, only):
    browser = quiet_town.browser("driver", language)
    text = browser.get(f"/find?site={quiet_town.site['hall']}&{SEARCH}").text
    assert text.count(chosen) == 1
    assert only in text.partition(chosen)[2][:200]


def test_one_seat_less_and_an_unknown_range_are_said(quiet_town):
    browser = quiet_town.browser("driver")
    wide = browser.get(f"/find?site={quiet_town.site['hall']}&{SEARCH.replace('seats=1', 'seats=6')}").text
    assert "One seat less than you asked for." in wide
    far = browser.get(f"/find?{SEARCH}&distance=120").text
    assert "how far it goes is not known" in far


def test_a_distance_that_is_no_number_is_refused_in_words(town):
    assert town.browser("driver").get(f"/find?{SEARCH}&distance=far").status_code == 422


def test_a_manager_says_how_far_an_electric_car_goes_and_takes_it_back(town):
    manager, car = town.browser("manager"), town.car["GB-102-NZ"]
    path = f"/console/vehicles/{car}/edit"
    assert "Battery, usable, in Wh" in manager.get(path).text
    known = {"battery_wh": 52_000, "consumption_wh_per_km": 165, "charge_w": 7_400}
    assert manager.submit(path, known).status_code == 303
    assert 'value="52000"' in manager.get(path).text
    assert manager.submit(path, {**known, "consumption_wh_per_km": 3}).status_code == 422
    assert manager.submit(path, {"battery_wh": "", "charge_w": ""}).status_code == 303
    with town.apps.cloud.store.read() as tx:
        vehicle = fleet.get_vehicle(tx, SYSTEM, car)
    assert (vehicle.battery_wh, vehicle.consumption_wh_per_km, vehicle.charge_w) == (None, 165, None)
