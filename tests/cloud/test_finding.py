"""What a wish for a car finds: what fits, what nearly fits and what would make it fit, and the choice."""

import pytest
from glovebox.errors import Invalid
from glovebox.fleet import service as fleet
from glovebox.reservations import finding, reach, service
from glovebox.reservations.availability import Wanted
from glovebox.scope import SYSTEM
from sqlalchemy import text
from support_cloud import DAY, HOUR, NOW

MINUTE = 60


def add_car(depot, registration, site=None, **values):
    common = {"make": "Dacia", "model": "Spring", "energy": "electric", "seats": 4, "interlock_kind": "none"}
    where = {"organisation_id": depot.town, "pool_id": depot.pool, "site_id": site or depot.site}
    common |= {"registration": registration, **where, **values}
    return depot.run(lambda tx: fleet.add_vehicle(tx, **common))


def hear(depot, vehicle_id, fuel_percent, hardware_id="board-7"):
    box = depot.claim(vehicle_id, hardware_id)
    box.greet(box.state(depot.now, fuel_percent=fuel_percent))


def ask(depot, start=HOUR, end=3 * HOUR, **options):
    wanted = Wanted(depot.now + start, depot.now + end, **{"from_site": depot.site, **options})
    return depot.read(lambda tx: finding.find(tx, depot.now, depot.driver(depot.anne), wanted))


def plates(offers):
    return [offer.registration for offer in offers]


def near(answer, kind):
    return [one for one in answer.nearly if one.kind == kind]


def test_what_fits_is_at_the_site_asked_for_and_another_sites_car_nearly_fits(depot):
    add_car(depot, "ST-001-ST", depot.station)
    answer = ask(depot)
    assert plates(answer.offers) == ["AA-101-AA", "BB-202-BB"]
    (other,) = near(answer, "other_site")
    assert (other.offer.registration, other.offer.site_name) == ("ST-001-ST", "Gare")
    assert 1_000 < other.offer.distance_m < 2_000
    assert near(ask(depot, from_site=None), "other_site") == [], "anywhere was asked for"


def test_a_car_that_somebody_has_is_offered_as_long_before_or_after_whichever_is_nearer(depot):
    depot.book(depot.bob, 2 * HOUR, 4 * HOUR)
    depot.book(depot.bob, 30 * MINUTE, 150 * MINUTE, depot.car_2)
    answer = ask(depot, HOUR, 3 * HOUR)
    assert answer.offers == []
    assert answer.choice is None
    shifted = {one.offer.registration: (one.starts_at - NOW, one.ends_at - NOW) for one in answer.nearly}
    assert shifted == {"AA-101-AA": (0, 2 * HOUR), "BB-202-BB": (150 * MINUTE, 270 * MINUTE)}
    for one in near(answer, "other_time"):
        depot.run(lambda tx, one=one: book(tx, depot, one))


def book(tx, depot, one):
    return service.book(
        tx, depot.now, depot.driver(depot.anne), one.offer.vehicle_id, depot.anne, one.starts_at, one.ends_at
    )


def test_another_time_is_never_in_the_past_nor_further_than_three_hours_nor_against_the_rules(depot):
    depot.book(depot.bob, HOUR, 7 * HOUR)
    depot.book(depot.bob, HOUR, 3 * HOUR + 30 * MINUTE, depot.car_2)
    assert [one.offer.registration for one in near(ask(depot, HOUR, 3 * HOUR), "other_time")] == ["BB-202-BB"]
    depot.lay_down(buffer_s=15 * MINUTE)
    (one,) = near(ask(depot, HOUR, 3 * HOUR), "other_time")
    assert one.starts_at == NOW + 3 * HOUR + 45 * MINUTE
    depot.lay_down(horizon_s=3 * HOUR)
    assert near(ask(depot, HOUR, 3 * HOUR), "other_time") == []


def test_one_seat_less_is_nearly_what_was_asked_for_and_two_are_not(depot):
    add_car(depot, "FO-004-UR", seats=4)
    add_car(depot, "SI-006-IX", seats=6)
    assert plates(ask(depot, seats=6).offers) == ["SI-006-IX"]
    answer = ask(depot, seats=6)
    assert [one.offer.seats for one in near(answer, "fewer_seats")] == [5, 5]


def test_what_a_rule_forbids_is_told_with_the_rule_and_what_would_do(depot):
    depot.lay_down(longest_s=HOUR)
    answer = ask(depot)
    assert answer.offers == []
    assert {one.rule for one in answer.nearly} == {"too_long"}
    assert answer.nearly[0].values["latest_end"] == NOW + 2 * HOUR
    with pytest.raises(Invalid):
        ask(depot, 2 * HOUR, 2 * HOUR)


def test_an_electric_car_fits_where_its_charge_goes_the_distance_with_a_margin(depot):
    known = {"battery_wh": 40_000, "consumption_wh_per_km": 160, "charge_w": 7_400}
    full = add_car(depot, "EL-080-EC", **known)
    low = add_car(depot, "EL-040-EC", **known)
    add_car(depot, "EL-UNK-OW")
    hear(depot, full, 80, "board-1")
    hear(depot, low, 40, "board-2")
    answer = ask(depot, energy="electric", distance_m=120_000)
    assert plates(answer.offers) == ["EL-080-EC", "EL-UNK-OW"]
    assert [offer.range_m for offer in answer.offers] == [150_000, None]
    assert answer.choice.offer.registration == "EL-080-EC"
    assert answer.choice.reasons[0].code == "range"
    (short,) = near(answer, "charge")
    assert (short.offer.registration, short.offer.range_m) == ("EL-040-EC", 50_000)
    needed_wh = 120 * 160 + 8_000 - 16_000
    assert short.enough_at == pytest.approx(NOW + needed_wh * 3600 / (7_400 * 0.9), abs=1)
    assert near(ask(depot, energy="electric", distance_m=300_000), "charge")[0].enough_at is None
    assert near(ask(depot, energy="electric"), "charge") == [], "no distance was asked for"


def test_the_charge_of_a_car_that_others_drive_before_is_not_known(depot):
    car = add_car(depot, "EL-080-EC", battery_wh=40_000, consumption_wh_per_km=160)
    hear(depot, car, 80)
    depot.book(depot.bob, HOUR, 2 * HOUR, car)
    asked = {"energy": "electric", "distance_m": 30_000}
    assert [offer.range_m for offer in ask(depot, 3 * HOUR, 4 * HOUR, **asked).offers] == [None]
    depot.clock.now += 7 * HOUR
    assert [offer.range_m for offer in ask(depot, **asked).offers] == [None], "it has been silent for long"


def test_a_battery_never_gives_its_margin():
    class Car:
        energy, battery_wh, consumption_wh_per_km, charge_w = "electric", 50_000, 200, None

    assert [reach.range_m(Car, percent) for percent in (None, 0, 20, 21, 100)] == [None, 0, 0, 2_500, 200_000]
    assert reach.charged_at(Car, 50, NOW, 200_000) is None, "the plug is not known"


def test_the_choice_leaves_the_calendars_least_torn(depot):
    """One car is free all day, the other only between two bookings: that one is taken."""
    assert ask(depot).choice.reasons[-1].code == "as_good"
    depot.book(depot.bob, 0, HOUR, depot.car_2)
    depot.book(depot.bob, 3 * HOUR, 9 * HOUR, depot.car_2)
    choice = ask(depot).choice
    assert choice.offer.registration == "BB-202-BB"
    assert [(one.code, one.value) for one in choice.reasons] == [("fills_gap", 0)]
    depot.book(depot.bob, HOUR, 3 * HOUR, depot.car_2)
    assert [one.code for one in ask(depot).choice.reasons] == ["only_one"]


def test_the_choice_spares_large_cars_silent_ones_and_those_without_a_box(depot):
    van = add_car(depot, "VA-009-AN", seats=9, energy="diesel")
    hear(depot, depot.car, 50, "board-1")
    hear(depot, van, 50, "board-2")
    assert ask(depot).choice.offer.registration == "AA-101-AA"
    assert ask(depot).choice.reasons[-1].code == "right_size"
    assert ask(depot, seats=6).choice.offer.registration == "VA-009-AN"
    depot.run(lambda tx: tx.execute(text(f"UPDATE boxes SET heard_at = {NOW - DAY} WHERE vehicle_id = 1")))
    assert ask(depot).choice.reasons[-1].code in ("opened_by_badge", "heard_lately")
    assert ask(depot).choice.offer.registration != "AA-101-AA"


def test_the_same_calendar_gives_the_same_choice_whoever_asks(depot):
    wanted = Wanted(NOW + HOUR, NOW + 2 * HOUR)
    chosen = {
        depot.read(lambda tx, scope=scope: finding.find(tx, NOW, scope, wanted)).choice.offer.registration
        for scope in (SYSTEM, depot.driver(depot.anne), depot.driver(depot.bob))
    }
    assert chosen == {"AA-101-AA"}
