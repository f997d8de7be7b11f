"""A booking whose car will not be there, as its driver and its manager see it."""

from glovebox.reservations import rehousing
from glovebox.reservations import service as reservations
from glovebox.rules import apply_rules
from glovebox.scope import SYSTEM
from support_web import NOW

HOUR = 3600


def block(town, plate, minutes=1):
    """Taken out of service by a form; the rules look after the time to undo it."""
    sent = {"kind": "damage", "day": "2026-03-10", "start": "09:40", "end_day": "", "reason": ""}
    path = f"/console/vehicles/{town.car[plate]}/block"
    assert town.browser("manager").submit(path, sent).status_code == 303
    town.time[0] += 60 * minutes
    town.apps.cloud.writer.run(lambda tx: apply_rules(tx, town.time[0]))


def test_a_driver_sees_that_the_car_was_changed_and_takes_the_first_one_back(town):
    driver, number = town.browser("colleague"), town.booking["night"]
    path = f"/bookings/{number}"
    outcome = town.apps.cloud.writer.run(lambda tx: rehousing.rehouse(tx, NOW, number, "late_car", 1))
    assert outcome == "moved"
    assert "GB-104-NZ Citroën C3 is not available: it is not back yet." in driver.get("/").text
    text = driver.get(path).text
    assert "GB-101-NZ" in text
    assert "Take GB-104-NZ back" in text
    assert town.browser("driver").submit(f"{path}/back").status_code == 404
    assert driver.submit(f"{path}/back").status_code == 303
    text = driver.get(path).text
    assert "GB-104-NZ" in text
    assert "back</button>" not in text
    assert driver.submit(f"{path}/back").status_code == 404


def test_a_driver_takes_an_offer_with_one_tap_and_a_manager_sees_the_list(town):
    driver, path = town.browser("driver"), f"/bookings/{town.booking['later']}"
    block(town, "GB-201-NZ")
    assert "GB-201-NZ" in driver.get("/").text
    text = driver.get(path).text
    assert "Free instead" in text
    assert "Nothing is held for you" in text
    manager = town.browser("manager").get("/console/risks").text
    assert "It is out of service" in manager
    assert "Nadia Le Goff" in manager
    assert "Le Goff" not in town.browser("guest_manager").get("/console/risks").text
    offer = {"vehicle": town.car["GB-101-NZ"], "starts": NOW + 26 * HOUR, "ends": NOW + 30 * HOUR}
    taken = (town.car["GB-101-NZ"], town.person["colleague"], offer["starts"], offer["ends"])
    first = town.apps.cloud.writer.run(lambda tx: reservations.book(tx, NOW, SYSTEM, *taken))
    gone = driver.submit(f"{path}/instead", offer)
    assert gone.status_code == 409
    assert f'action="{path}/instead"' in gone.text
    town.apps.cloud.writer.run(lambda tx: reservations.cancel(tx, NOW, SYSTEM, first))
    assert driver.submit(f"{path}/instead", offer).status_code == 303
    text = driver.get(path).text
    assert "GB-101-NZ" in text
    assert "Free instead" not in text
    assert town.browser("colleague").submit(f"{path}/instead", offer).status_code == 404
