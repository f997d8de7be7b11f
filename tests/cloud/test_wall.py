"""The wall between bodies, and between the pools of one body: what a role held on one pool opens, and what
stays shut, on both engines."""

import re
from pathlib import Path

import pytest
from glovebox.accounts import roles
from glovebox.boxes import service as boxes
from glovebox.errors import Forbidden, NotFound
from glovebox.fleet import service as fleet
from glovebox.incidents import service as incidents
from glovebox.people import service as people
from glovebox.records import service as records
from glovebox.reservations import service as reservations
from glovebox.scope import SYSTEM
from glovebox.trips import service as trips
from support_cloud import ANNE_UID, HOUR, NOW

CLOUD = Path(__file__).parents[2] / "cloud" / "glovebox"


@pytest.fixture
def walled(depot):
    """Cora, of the agglomeration, manages the town's pool `Partagés` and nothing else. The town has a second
    pool with a car of its own; both cars have a box, a trip, an incident and a reservation to come."""
    depot.service_pool = depot.run(lambda tx: fleet.add_pool(tx, depot.town, "Service"))
    depot.run(lambda tx: fleet.change_vehicle(tx, SYSTEM, depot.car_2, pool_id=depot.service_pool))
    depot.run(lambda tx: roles.grant_role(tx, depot.cora, "manager", pool_id=depot.pool))
    depot.cora_scope = depot.read(lambda tx: roles.read_viewer(tx, depot.cora, "fr")).scope
    depot.booked, depot.incident = {}, {}
    for car in (depot.car, depot.car_2):
        depot.booked[car] = depot.book(depot.anne, vehicle_id=car, purpose="Visite")
        box = depot.claim(car, f"board-{car}")
        box.greet(box.state(NOW))
        box.session_end(NOW + 60, box.session_start(NOW, 0, ANNE_UID), 0)
        box.sync(box.records())
        depot.incident[car] = depot.run(lambda tx, car=car: incidents.open_incident(tx, NOW, "alarm", car))
    return depot


def test_a_role_on_a_pool_opens_its_cars_trips_journals_and_incidents(walled):
    scope, car = walled.cora_scope, walled.car
    assert [trip.vehicle_id for trip in walled.read(lambda tx: trips.list_trips(tx, scope))] == [car]
    assert [one.vehicle_id for one in walled.read(lambda tx: incidents.list_incidents(tx, scope))] == [car]
    assert [box.vehicle_id for box in walled.read(lambda tx: boxes.list_boxes(tx, scope))] == [car]
    assert walled.read(lambda tx: records.list_lines(tx, scope, car))
    walled.run(lambda tx: incidents.close_incident(tx, NOW, scope, walled.incident[car], "looked at"))
    walled.run(lambda tx: fleet.change_vehicle(tx, scope, car, bay="9"))
    walled.run(lambda tx: boxes.add_command(tx, NOW, scope, car, "lock", "left open"))


def test_a_role_on_a_pool_shows_who_drives_its_cars_and_lets_cancel(walled):
    scope, number = walled.cora_scope, walled.booked[walled.car]
    shown = walled.reservation(number, scope)
    assert (shown.person_name, shown.purpose) == ("Anne Morin", "Visite")
    walled.run(lambda tx: reservations.cancel(tx, NOW, scope, number))
    assert walled.reservation(number).state == "cancelled"


def test_the_other_pool_of_the_same_body_is_not_there(walled):
    scope, other = walled.cora_scope, walled.car_2
    tries = [
        lambda tx: fleet.get_vehicle(tx, scope, other),
        lambda tx: records.list_lines(tx, scope, other),
        lambda tx: reservations.get_reservation(tx, scope, walled.booked[other]),
        lambda tx: reservations.cancel(tx, NOW, scope, walled.booked[other]),
        lambda tx: fleet.change_vehicle(tx, scope, other, bay="9"),
        lambda tx: boxes.add_command(tx, NOW, scope, other, "lock", "left open"),
        lambda tx: boxes.add_claim_token(tx, NOW, scope, walled.cloud.keyring, walled.cloud.entropy, other),
        lambda tx: incidents.close_incident(tx, NOW, scope, walled.incident[other], ""),
    ]
    for attempt in tries:
        with pytest.raises((NotFound, Forbidden)):
            walled.run(attempt)
    seen = walled.read(lambda tx: fleet.list_vehicles(tx, scope, NOW))
    assert {vehicle.id for vehicle in seen} == {walled.car, walled.car_3}
    assert walled.reservation(walled.booked[other]).state == "confirmed"


def test_a_role_on_a_pool_opens_nobodys_file_and_books_for_nobody(walled):
    scope = walled.cora_scope
    assert [one.id for one in walled.read(lambda tx: people.list_people(tx, scope))] == [walled.cora]
    with pytest.raises(NotFound):
        walled.read(lambda tx: people.get_person(tx, scope, walled.anne))
    with pytest.raises((NotFound, Forbidden)):
        walled.book(walled.anne, 5 * HOUR, 6 * HOUR, scope=scope)


def test_a_trip_is_not_reached_by_its_number_either(walled):
    both = walled.read(lambda tx: trips.list_trips(tx, SYSTEM))
    hidden = next(trip.id for trip in both if trip.vehicle_id == walled.car_2)
    for attempt in (trips.get_trip, trips.list_stopovers):
        with pytest.raises(NotFound):
            walled.read(lambda tx, attempt=attempt: attempt(tx, walled.cora_scope, hidden))


def test_a_car_that_leaves_the_pool_takes_its_past_with_it(walled):
    walled.run(lambda tx: fleet.change_vehicle(tx, SYSTEM, walled.car, pool_id=walled.service_pool))
    assert walled.read(lambda tx: trips.list_trips(tx, walled.cora_scope)) == []
    with pytest.raises(NotFound):
        walled.reservation(walled.booked[walled.car], walled.cora_scope)


def test_pages_and_api_ask_services_never_tables():
    """Two modules of questions alone read tables beside the services, each by its viewer's conditions."""
    askers = [*CLOUD.glob("web/*.py"), *CLOUD.glob("*/api.py")]
    assert len(askers) > 15
    sql = re.compile(
        r"import tables|\.tables import|from sqlalchemy import .*\b(select|text|update|insert)\b"
    )
    round_the_wall = [path.relative_to(CLOUD).as_posix() for path in askers if sql.search(path.read_text())]
    assert sorted(round_the_wall) == ["web/console_queries.py", "web/queries.py"]
