"""Promises: booking, changing, refusing with what is free instead, what the clock does, the wall between
bodies."""

from dataclasses import asdict
from pathlib import Path

import pytest
from glovebox.clock import to_device_s
from glovebox.errors import Conflict, Forbidden, Invalid, NotFound
from glovebox.fleet import service as fleet
from glovebox.incidents import service as incidents
from glovebox.people import service as people
from glovebox.reservations import approval, availability, service, states
from glovebox.reservations.schemas import AlreadyTaken
from glovebox.rules import apply_rules
from glovebox.scope import SYSTEM
from support_at_once import all_at_once, in_its_own
from support_cloud import DAY, HOUR, NOW


def change(depot, reservation_id, scope=SYSTEM, **values):
    depot.run(lambda tx: service.change(tx, depot.now, scope, reservation_id, **values))


def cancel(depot, reservation_id, scope=SYSTEM):
    depot.run(lambda tx: service.cancel(tx, depot.now, scope, reservation_id))


def let_pass(depot, seconds):
    depot.clock.now += seconds
    depot.run(lambda tx: apply_rules(tx, depot.now))


def open_incidents(depot):
    return [i.kind for i in depot.read(lambda tx: incidents.list_incidents(tx, SYSTEM))]


# -- the table of states
def test_the_table_in_the_readme_is_the_table_in_the_code_is_the_table_in_the_docstring():
    def rows(text):
        lines = [line.strip() for line in text.splitlines() if line.strip().startswith("| `")]
        cells = [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]
        return {
            (start, event.partition(":")[0], end)
            for start, event, end in (row for row in cells if len(row) == 3)
        }

    code = {(start.value, event, end.value) for (start, event), end in states.TRANSITIONS.items()}
    readme = (Path(__file__).parents[2] / "cloud" / "README.md").read_text()
    readme = readme.partition("## States of a reservation")[2].partition("\n## ")[0]
    assert rows(states.__doc__) == code
    assert rows(readme) == code


def test_every_state_can_be_reached_and_only_over_ones_are_final():
    reached = {states.State.PENDING, states.State.CONFIRMED, *states.TRANSITIONS.values()}
    assert reached == set(states.State)
    final = set(states.State) - {start for start, _ in states.TRANSITIONS}
    assert final == {states.State.NO_SHOW}


# -- booking
def test_a_booking_is_kept_as_it_was_made(depot):
    number = depot.book(depot.anne, HOUR, 3 * HOUR, purpose="  Réunion à Nantes ")
    kept = depot.reservation(number)
    assert (kept.starts_at, kept.ends_at, kept.state) == (NOW + HOUR, NOW + 3 * HOUR, "confirmed")
    assert (kept.person_name, kept.registration, kept.purpose) == (
        "Anne Morin",
        "AA-101-AA",
        "Réunion à Nantes",
    )


def test_a_second_reservation_is_refused_with_what_is_free_instead(depot):
    depot.book(depot.anne, HOUR, 3 * HOUR)
    depot.book(depot.anne, 4 * HOUR, 5 * HOUR)
    with pytest.raises(AlreadyTaken) as refused:
        depot.book(depot.bob, 2 * HOUR, 4 * HOUR, scope=depot.driver(depot.bob))
    assert [offer.registration for offer in refused.value.others] == ["BB-202-BB"]
    slot = refused.value.next_free
    assert (slot.starts_at, slot.ends_at) == (NOW + 5 * HOUR, NOW + 7 * HOUR)
    assert len(depot.rows("SELECT 1 FROM reservations")) == 2


def test_the_gap_between_two_reservations_is_offered_if_it_is_long_enough(depot):
    depot.book(depot.anne, HOUR, 3 * HOUR)
    depot.book(depot.anne, 5 * HOUR, 6 * HOUR)
    with pytest.raises(AlreadyTaken) as refused:
        depot.book(depot.bob, 2 * HOUR, 4 * HOUR)
    assert refused.value.next_free.starts_at == NOW + 3 * HOUR


def test_reservations_may_touch(depot):
    depot.book(depot.anne, HOUR, 3 * HOUR)
    depot.book(depot.bob, 3 * HOUR, 4 * HOUR)
    assert len(depot.rows("SELECT 1 FROM reservations")) == 2


@pytest.mark.parametrize(
    ("start", "end", "code"),
    [
        (2 * HOUR, HOUR, "end_before_start"),
        (HOUR, HOUR, "end_before_start"),
        (-2 * HOUR, -HOUR, "over_already"),
        (-13 * HOUR, HOUR, "starts_in_past"),
        (HOUR, 40 * DAY, "too_long"),
        (400 * DAY, 401 * DAY, "too_far"),
    ],
)
def test_an_interval_that_makes_no_sense_is_refused(sqlite_depot, start, end, code):
    with pytest.raises(Invalid) as refused:
        sqlite_depot.book(sqlite_depot.anne, start, end)
    assert refused.value.code == code


def test_many_who_want_the_same_car_at_once_get_it_once(depot):
    depot.cloud.writer.start()
    outcomes = all_at_once(*[lambda: depot.book(depot.bob)] * 8)
    assert sorted(isinstance(outcome, AlreadyTaken) for outcome in outcomes) == [False] + [True] * 7


def test_two_servers_that_book_the_same_car_at_once_give_it_once(depot):
    """Each in a transaction of its own, as two processes would; on SQLite one waits for the other's lock."""

    def want(person_id):
        where = (depot.car, person_id, NOW + HOUR, NOW + 2 * HOUR)
        return in_its_own(depot, lambda tx: service.book(tx, NOW, SYSTEM, *where))

    outcomes = all_at_once(want(depot.anne), want(depot.bob))
    assert sorted(isinstance(outcome, int) for outcome in outcomes) == [False, True]
    assert len(depot.rows("SELECT 1 FROM reservations")) == 1


def test_somebody_whose_licence_ends_before_the_reservation_is_refused(sqlite_depot):
    depot = sqlite_depot
    depot.run(lambda tx: people.change_person(tx, SYSTEM, depot.anne, licence_until=NOW + 2 * HOUR))
    with pytest.raises(Forbidden) as refused:
        depot.book(depot.anne, HOUR, 3 * HOUR)
    assert refused.value.code == "licence_expired"
    depot.book(depot.anne, HOUR, 2 * HOUR)


def test_a_car_in_the_workshop_cannot_be_booked(sqlite_depot):
    depot = sqlite_depot
    depot.run(lambda tx: fleet.change_vehicle(tx, SYSTEM, depot.car, status="workshop"))
    with pytest.raises(Conflict) as refused:
        depot.book(depot.anne)
    assert refused.value.code == "not_in_service"


# -- the wall
def test_a_driver_books_for_nobody_else(sqlite_depot):
    depot = sqlite_depot
    with pytest.raises(NotFound):
        depot.book(depot.bob, scope=depot.driver(depot.anne))


def test_another_bodys_car_is_not_there_without_an_agreement(sqlite_depot):
    depot = sqlite_depot
    with pytest.raises(NotFound):
        depot.book(depot.cora, scope=depot.driver(depot.cora))


def test_an_agreement_opens_a_pool_for_its_time(sqlite_depot):
    depot = sqlite_depot
    depot.run(lambda tx: fleet.add_agreement(tx, depot.pool, depot.agglo, NOW, NOW + 5 * HOUR))
    depot.book(depot.cora, scope=depot.driver(depot.cora))
    with pytest.raises(Forbidden) as refused:
        depot.book(depot.cora, 4 * HOUR, 6 * HOUR, scope=depot.driver(depot.cora))
    assert refused.value.code == "no_agreement"


def test_across_the_wall_one_sees_the_interval_and_the_body_but_not_the_person(sqlite_depot):
    depot = sqlite_depot
    depot.run(lambda tx: fleet.add_agreement(tx, depot.pool, depot.agglo, NOW - DAY, NOW + DAY))
    number = depot.book(depot.anne, purpose="Médecin du travail")
    seen = depot.reservation(number, depot.driver(depot.cora))
    assert (seen.starts_at, seen.organisation_name) == (NOW + HOUR, "Ville")
    assert (seen.person_id, seen.person_name, seen.purpose) == (None, "", "")
    assert depot.reservation(number, depot.manager(depot.town)).person_name == "Anne Morin"
    assert depot.reservation(number, depot.driver(depot.anne)).person_name == "Anne Morin"


def test_a_colleagues_reservation_cannot_be_cancelled_nor_changed(sqlite_depot):
    depot = sqlite_depot
    number = depot.book(depot.anne)
    with pytest.raises(Forbidden):
        cancel(depot, number, depot.driver(depot.bob))
    with pytest.raises(Forbidden):
        change(depot, number, depot.driver(depot.bob), ends_at=NOW + 9 * HOUR)
    with pytest.raises(NotFound):
        cancel(depot, number, depot.driver(depot.cora))


# -- changing
def test_a_cancelled_reservation_frees_the_car_and_stays_cancelled(depot):
    number = depot.book(depot.anne)
    cancel(depot, number, depot.driver(depot.anne))
    depot.book(depot.bob)
    with pytest.raises(Conflict):
        cancel(depot, number)
    assert depot.reservation(number).state == "cancelled"


def test_a_reservation_moves_in_time_and_to_another_car(depot):
    number = depot.book(depot.anne)
    change(depot, number, starts_at=NOW + 5 * HOUR, ends_at=NOW + 6 * HOUR, vehicle_id=depot.car_2)
    moved = depot.reservation(number)
    assert (moved.starts_at, moved.registration) == (NOW + 5 * HOUR, "BB-202-BB")
    depot.book(depot.bob)


def test_a_change_onto_anothers_time_is_refused_and_changes_nothing(depot):
    number = depot.book(depot.anne)
    depot.book(depot.bob, 4 * HOUR, 6 * HOUR)
    before = asdict(depot.reservation(number))
    with pytest.raises(AlreadyTaken):
        change(depot, number, ends_at=NOW + 5 * HOUR, purpose="longer")
    assert asdict(depot.reservation(number)) == before


def test_a_pending_reservation_holds_the_car_until_it_is_approved_or_lapses(depot):
    depot.lay_down(needs_approval=1)
    first = depot.book(depot.anne)
    second = depot.book(depot.anne, 5 * HOUR, 6 * HOUR)
    with pytest.raises(AlreadyTaken):
        depot.book(depot.bob)
    with pytest.raises(Forbidden):
        depot.run(lambda tx: approval.approve(tx, NOW, depot.driver(depot.anne), first))
    depot.run(lambda tx: approval.approve(tx, NOW, depot.manager(depot.town), first))
    let_pass(depot, 5 * HOUR)
    assert depot.reservation(second).state == "expired"
    assert depot.reservation(first).state != "pending"


# -- what the clock does
def test_lateness_never_moves_the_end(depot):
    number = depot.book(depot.anne, HOUR, 2 * HOUR)
    box = depot.claim()
    depot.clock.now = NOW + HOUR
    box.session_start(depot.now, number)
    box.greet(box.records())
    let_pass(depot, 5 * HOUR)
    late = depot.reservation(number)
    assert (late.state, late.ends_at) == ("in_use", NOW + 2 * HOUR)


def test_the_end_of_a_reservation_in_use_can_be_moved_but_not_its_start(depot):
    number = depot.book(depot.anne, HOUR, 2 * HOUR)
    box = depot.claim()
    depot.clock.now = NOW + HOUR
    box.session_start(depot.now, number)
    box.greet(box.records())
    change(depot, number, ends_at=NOW + 4 * HOUR)
    with pytest.raises(Conflict):
        change(depot, number, starts_at=NOW + 90 * 60)
    assert depot.reservation(number).ends_at == NOW + 4 * HOUR
    (key,) = box.authorisations()
    box.greet()
    assert box.authorisations()[key][1] == NOW + 4 * HOUR


# -- what is free
def test_a_search_finds_free_cars_of_the_site_first_and_silent_ones_last(depot):
    depot.run(lambda tx: fleet.add_agreement(tx, depot.other_pool, depot.town, NOW - DAY, NOW + 9 * DAY))
    scope = depot.driver(depot.anne)

    def found(start=HOUR, end=2 * HOUR, **options):
        wanted = availability.Wanted(depot.now + start, depot.now + end, **options)
        return depot.read(lambda tx: availability.look(tx, depot.now, scope, wanted)).offers

    assert [o.registration for o in found(from_site=depot.station)] == ["CC-303-CC", "AA-101-AA", "BB-202-BB"]
    box = depot.claim()
    box.greet(box.state(depot.now))
    depot.clock.now += 7 * HOUR
    offers = found(from_site=depot.site)
    assert [o.registration for o in offers] == ["BB-202-BB", "CC-303-CC", "AA-101-AA"]
    assert [o.silent_for_s for o in offers] == [None, None, 7 * HOUR]
    depot.book(depot.bob, vehicle_id=depot.car_2)
    assert "BB-202-BB" not in [o.registration for o in found()]
    assert [o.registration for o in found(seats=6)] == []
    with pytest.raises(Invalid):
        found(start=2 * HOUR, end=HOUR)


def test_times_on_the_wire_are_seconds_since_2000():
    assert to_device_s(946_684_800) == 0
    assert to_device_s(NOW) == NOW - 946_684_800
    assert to_device_s(0) == 0
