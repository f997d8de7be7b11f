"""Cars given back: until those at risk and the waiting list have had their turn nobody else gets one, and one
counts where it will stand."""

import pytest
from glovebox.blocks import service as blocks
from glovebox.errors import Conflict
from glovebox.fleet import service as fleet
from glovebox.reservations import availability, rehousing, service
from glovebox.reservations.availability import Wanted
from glovebox.reservations.timed import lapse_pending
from glovebox.rules import apply_rules
from glovebox.scope import SYSTEM
from glovebox.store.engine import queue_up
from glovebox.trips import facts
from sqlalchemy import text
from support_at_once import while_waiting
from support_cloud import HOUR, NOW, Depot

UNDO_S = 30


def let_pass(depot, seconds):
    depot.clock.now += seconds
    depot.run(lambda tx: apply_rules(tx, depot.now))


def block(depot, vehicle_id):
    depot.run(lambda tx: blocks.add_block(tx, depot.now, SYSTEM, vehicle_id, "workshop", depot.now))


def cancel(depot, number, scope=SYSTEM):
    depot.run(lambda tx: service.cancel(tx, depot.now, scope, number))


def add_car(depot, registration, **values):
    common = {"make": "Dacia", "model": "Sandero", "energy": "petrol", "seats": 5, "interlock_kind": "none"}
    common |= {"organisation_id": depot.town, "pool_id": depot.pool, "site_id": depot.site, **values}
    return depot.run(lambda tx: fleet.add_vehicle(tx, registration=registration, **common))


def free_at_site(depot, person_id, start, end):
    wanted = Wanted(NOW + start, NOW + end, depot.site)
    viewer = depot.driver(person_id)
    offers = depot.read(lambda tx: availability.look(tx, depot.now, viewer, wanted)).offers
    return [offer.registration for offer in offers if offer.site_id == depot.site]


def endanger(depot, start=5 * HOUR, end=6 * HOUR):
    """Anne's car is in the workshop and the other one taken; returns her reservation and the other."""
    hers = depot.book(depot.anne, start, end)
    other = depot.book(depot.bob, start, end, depot.car_2)
    block(depot, depot.car)
    let_pass(depot, UNDO_S)
    assert depot.reservation(hers).is_at_risk
    return hers, other


def test_until_those_at_risk_had_their_turn_nobody_else_gets_the_freed_car(depot):
    hers, other = endanger(depot)
    cancel(depot, other)
    bob = depot.driver(depot.bob)
    assert free_at_site(depot, depot.bob, 5 * HOUR, 6 * HOUR) == []
    for seconds in (0, UNDO_S - 1):
        let_pass(depot, seconds)
        with pytest.raises(Conflict) as refused:
            depot.book(depot.bob, 5 * HOUR - 60, 6 * HOUR, depot.car_2, scope=bob)
        assert refused.value.code == "waiting_first"
    depot.clock.now = NOW + 2 * UNDO_S
    depot.run(lambda tx: apply_rules(tx, depot.now))
    assert depot.reservation(hers).vehicle_id == depot.car_2


def test_a_reservation_of_another_car_is_not_moved_into_it_either(depot):
    _hers, other = endanger(depot)
    third = add_car(depot, "TW-2-TW", seats=2)
    mine = depot.book(depot.bob, 5 * HOUR, 6 * HOUR, third)
    cancel(depot, other)
    bob = depot.driver(depot.bob)
    with pytest.raises(Conflict) as refused:
        depot.run(lambda tx: service.change(tx, depot.now, bob, mine, vehicle_id=depot.car_2))
    assert refused.value.code == "waiting_first"


def test_the_car_is_kept_for_those_at_risk_only_where_it_could_help_them(depot):
    hers, other = endanger(depot)
    small = add_car(depot, "TW-2-TW", seats=2)
    taken = depot.book(depot.bob, 5 * HOUR, 6 * HOUR, small)
    bob = depot.driver(depot.bob)
    cancel(depot, taken)
    depot.book(depot.bob, 5 * HOUR, 6 * HOUR, small, scope=bob)
    cancel(depot, other)
    depot.book(depot.bob, 7 * HOUR, 8 * HOUR, depot.car_2, scope=bob)
    anne = depot.driver(depot.anne)
    offered = depot.read(lambda tx: rehousing.list_alternatives(tx, depot.now, anne, hers)).others
    assert "BB-202-BB" in [offer.registration for offer in offered], "she may take it at once"


def test_who_no_car_can_help_keeps_none_from_others(depot):
    hers, other = endanger(depot)
    cancel(depot, hers)
    let_pass(depot, UNDO_S)
    cancel(depot, other)
    depot.book(depot.bob, 5 * HOUR, 6 * HOUR, depot.car_2, scope=depot.driver(depot.bob))


def test_a_freed_car_of_another_site_that_comes_here_in_time_helps_who_is_at_risk_here(depot):
    hers, _other = endanger(depot)
    comes = add_car(depot, "GA-7-GA", site_id=depot.station)
    depot.book(depot.bob, HOUR, 2 * HOUR, comes, to_site=depot.site)
    in_the_way = depot.book(depot.bob, 4 * HOUR, 7 * HOUR, comes)
    cancel(depot, in_the_way)
    let_pass(depot, UNDO_S - 1)
    assert free_at_site(depot, depot.bob, 5 * HOUR, 6 * HOUR) == []
    let_pass(depot, 1)
    assert depot.reservation(hers).vehicle_id == comes


def test_a_freed_car_that_leaves_for_another_site_before_helps_nobody_here(depot):
    hers, other = endanger(depot)
    cancel(depot, other)
    depot.book(depot.anne, HOUR, 2 * HOUR, depot.car_2, to_site=depot.station)
    bob = depot.driver(depot.bob)
    depot.book(depot.bob, 5 * HOUR, 6 * HOUR, depot.car_2, from_site=depot.station, scope=bob)
    let_pass(depot, UNDO_S)
    assert depot.reservation(hers).vehicle_id == depot.car


def later_of(depot, number):
    anne = depot.driver(depot.anne)
    found = depot.read(lambda tx: rehousing.list_alternatives(tx, depot.now, anne, number)).later
    return [(slot.vehicle_id, slot.starts_at - NOW) for slot in found]


def test_a_later_time_is_offered_only_where_the_car_stands_here_then(depot):
    """The other car is away from hour six to hour eight, and free at the other site in between."""
    hers = depot.book(depot.anne, 5 * HOUR, 6 * HOUR)
    depot.book(depot.bob, 4 * HOUR, 6 * HOUR, depot.car_2, to_site=depot.station)
    depot.book(depot.bob, 7 * HOUR, 8 * HOUR, depot.car_2, to_site=depot.site)
    block(depot, depot.car)
    let_pass(depot, UNDO_S)
    assert later_of(depot, hers) == [(depot.car_2, 8 * HOUR)]


def test_a_car_that_is_away_by_evening_is_offered_while_it_is_here(depot):
    hers = depot.book(depot.anne, 5 * HOUR, 6 * HOUR)
    depot.book(depot.bob, 4 * HOUR, 6 * HOUR, depot.car_2)
    depot.book(depot.bob, 8 * HOUR, 9 * HOUR, depot.car_2, to_site=depot.station)
    block(depot, depot.car)
    let_pass(depot, UNDO_S)
    assert later_of(depot, hers) == [(depot.car_2, 6 * HOUR)]


def test_a_later_one_way_trip_is_offered_only_where_nobody_counts_on_the_car_here(depot):
    hers = depot.book(depot.anne, 5 * HOUR, 6 * HOUR, to_site=depot.station)
    depot.book(depot.bob, 4 * HOUR, 6 * HOUR, depot.car_2)
    next_one = depot.book(depot.bob, 20 * HOUR, 21 * HOUR, depot.car_2)
    block(depot, depot.car)
    let_pass(depot, UNDO_S)
    assert later_of(depot, hers) == []
    cancel(depot, next_one)
    assert later_of(depot, hers) == [(depot.car_2, 6 * HOUR)]


# -- two processes at once
@pytest.fixture
def shared(postgresql, tmp_path):
    built = Depot(tmp_path / "cloud", postgresql.create_database())
    yield built
    built.close()


def lapse(depot, number):
    """What the clock does with a booking that no approver answered."""
    depot.run(
        lambda tx: tx.execute(
            text("UPDATE reservations SET state = 'pending', approval_due_at = :now WHERE id = :id"),
            {"now": depot.now, "id": number},
        )
    )
    return lambda tx: lapse_pending(tx, depot.now)


def bring_back(depot, number):
    """What a box does that sends the end of a trip."""
    depot.run(lambda tx: facts._apply_event(tx, depot.now, number, "start"))
    return lambda tx: facts._apply_event(tx, depot.now, number, "end")


@pytest.mark.postgresql
@pytest.mark.parametrize("free_it", [lapse, bring_back])
def test_who_books_while_the_clock_or_a_box_frees_the_car_finds_it_kept(shared, free_it):
    """Neither of them queues with the bookings."""
    _hers, other = endanger(shared)
    bob = shared.driver(shared.bob)
    when = (shared.car_2, shared.bob, NOW + 5 * HOUR, NOW + 6 * HOUR)
    refused = while_waiting(
        shared, free_it(shared, other), lambda tx: service.book(tx, shared.now, bob, *when)
    )
    assert getattr(refused, "code", refused) == "waiting_first"


@pytest.mark.postgresql
def test_who_books_while_another_process_cancels_queues_behind_it_and_finds_the_car_kept(shared):
    _hers, other = endanger(shared)
    bob = shared.driver(shared.bob)
    when = (shared.car_2, shared.bob, NOW + 5 * HOUR, NOW + 6 * HOUR)

    def give_back(tx):
        queue_up(tx)
        service.cancel(tx, shared.now, SYSTEM, other)

    def book(_tx):
        return shared.run(lambda tx: service.book(tx, shared.now, bob, *when))

    refused = while_waiting(shared, give_back, book)
    assert getattr(refused, "code", refused) == "waiting_first"
