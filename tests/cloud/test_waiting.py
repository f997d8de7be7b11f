"""The waiting list: a freed car goes to those at risk, then to the first in the list whom it fits, then to
all."""

import pytest
from glovebox.blocks import service as blocks
from glovebox.errors import Conflict, Forbidden, Invalid, NotFound
from glovebox.fleet import service as fleet
from glovebox.people import service as people
from glovebox.policies import groups
from glovebox.reservations import approval, availability, service
from glovebox.reservations.availability import Wanted
from glovebox.rules import apply_rules
from glovebox.scope import SYSTEM
from glovebox.waiting import giving
from glovebox.waiting import service as waiting
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support_at_once import look_at_once
from support_cloud import DAY, HOUR, NOW, Depot

UNDO_S = 30
MINUTE = 60


def wait(depot, person_id, start=5 * HOUR, end=6 * HOUR, scope=None, **options):
    wanted = Wanted(NOW + start, NOW + end, **{"from_site": depot.site, **options})
    viewer = scope or depot.driver(person_id)
    return depot.run(lambda tx: waiting.join(tx, depot.now, viewer, person_id, wanted))


def fill(depot, start=5 * HOUR, end=6 * HOUR):
    """Both cars of the site are taken; returns the reservations."""
    return [depot.book(depot.cora_in_town, start, end, car) for car in (depot.car, depot.car_2)]


def let_pass(depot, seconds):
    depot.clock.now += seconds
    depot.run(lambda tx: apply_rules(tx, depot.now))


def cancel(depot, number, scope=SYSTEM):
    depot.run(lambda tx: service.cancel(tx, depot.now, scope, number))


def states(depot):
    return [row[0] for row in depot.rows("SELECT state FROM waits ORDER BY id")]


def told(depot, person_id):
    rows = depot.rows("SELECT kind FROM messages WHERE person_id = :id ORDER BY id", id=person_id)
    return [row[0] for row in rows]


@pytest.fixture
def full(depot):
    """A site whose two cars are both taken, by somebody who does not wait."""
    return prepare(depot)


def add_person(tx, depot, staff_number, name):
    names = {"staff_number": staff_number, "given_name": name, "family_name": "Le Roux"}
    return people.add_person(tx, NOW, organisation_id=depot.town, **names)


def prepare(depot):
    depot.cora_in_town = depot.run(lambda tx: add_person(tx, depot, "1003", "Cora"))
    depot.taken = fill(depot)
    return depot


def test_a_freed_car_is_booked_for_who_waits_longest_once_its_freeing_cannot_be_undone(full):
    first, second = wait(full, full.anne), wait(full, full.bob)
    cancel(full, full.taken[0], full.driver(full.cora_in_town))
    let_pass(full, UNDO_S - 1)
    assert states(full) == ["waiting", "waiting"]
    let_pass(full, 1)
    assert states(full) == ["booked", "waiting"]
    entry = full.read(lambda tx: waiting.get_wait(tx, full.driver(full.anne), first))
    one = full.reservation(entry.reservation_id)
    assert (one.registration, one.state, one.person_id) == ("AA-101-AA", "confirmed", full.anne)
    assert (told(full, full.anne), told(full, full.bob)) == (["wait_booked"], [])
    cancel(full, full.taken[1])
    let_pass(full, UNDO_S)
    assert states(full) == ["booked", "booked"]
    assert second


def test_a_cancellation_taken_back_gives_nobody_the_car(full):
    wait(full, full.anne)
    cora = full.driver(full.cora_in_town)
    cancel(full, full.taken[0], cora)
    let_pass(full, 20)
    full.run(lambda tx: service.take_back(tx, full.now, cora, full.taken[0]))
    let_pass(full, HOUR // 4)
    assert (states(full), told(full, full.anne)) == (["waiting"], [])


def test_until_the_list_had_its_turn_nobody_else_gets_the_car(full):
    wait(full, full.anne)
    cancel(full, full.taken[0])
    bob, wanted = full.driver(full.bob), Wanted(NOW + 5 * HOUR, NOW + 6 * HOUR, full.site)
    assert full.read(lambda tx: availability.look(tx, full.now, bob, wanted)).offers == []
    with pytest.raises(Conflict) as refused:
        full.book(full.bob, 5 * HOUR, 6 * HOUR, scope=bob)
    assert refused.value.code == "waiting_first"
    full.book(full.bob, 7 * HOUR, 8 * HOUR, scope=bob)
    let_pass(full, UNDO_S)
    assert states(full) == ["booked"]


def test_those_at_risk_come_before_the_list(full):
    wait(full, full.anne)
    blocked = full.taken[1]
    full.run(lambda tx: blocks.add_block(tx, full.now, SYSTEM, full.car_2, "workshop", full.now))
    let_pass(full, UNDO_S)
    cancel(full, full.taken[0])
    let_pass(full, UNDO_S)
    assert full.reservation(blocked).vehicle_id == full.car
    assert states(full) == ["waiting"]


def test_a_group_with_a_higher_priority_comes_first(full):
    wait(full, full.anne)
    wait(full, full.bob)
    group = full.run(lambda tx: groups.add_group(tx, SYSTEM, full.town, "Astreinte", 9))
    full.run(lambda tx: groups.add_member(tx, SYSTEM, group, full.bob))
    cancel(full, full.taken[0])
    let_pass(full, UNDO_S)
    assert states(full) == ["waiting", "booked"]


def test_those_whom_the_car_cannot_help_do_not_fill_the_list(full, monkeypatch):
    monkeypatch.setattr(giving, "AT_ONCE", 2)
    for wish in ({"seats": 7}, {"energy": "electric"}):
        person = full.run(lambda tx, wish=wish: add_person(tx, full, f"20{len(str(wish))}", "Dora"))
        wait(full, person, **wish)
    wait(full, full.anne)
    cancel(full, full.taken[0])
    let_pass(full, UNDO_S)
    assert states(full) == ["waiting", "waiting", "booked"]


def test_in_the_last_two_hours_the_car_is_held_and_offered_and_taken_with_one_tap(full):
    number = wait(full, full.anne)
    let_pass(full, 4 * HOUR)
    cancel(full, full.taken[0])
    let_pass(full, UNDO_S)
    anne = full.driver(full.anne)
    entry = full.read(lambda tx: waiting.get_wait(tx, anne, number))
    assert (entry.state, entry.offer_until) == ("offered", full.now + 15 * MINUTE)
    held = full.reservation(entry.reservation_id)
    assert (held.state, held.is_offer) == ("pending", True)
    assert told(full, full.anne) == ["wait_offered"]
    with pytest.raises(Conflict):
        full.book(full.bob, 5 * HOUR - (full.now - NOW), HOUR + 5 * HOUR - (full.now - NOW))
    manager = full.manager(full.town)
    assert full.read(lambda tx: approval.list_waiting(tx, manager)) == []
    with pytest.raises(Conflict):
        full.run(lambda tx: approval.approve(tx, full.now, manager, held.id))
    taken = full.run(lambda tx: waiting.take(tx, full.now, anne, number))
    assert (full.reservation(taken).state, full.reservation(taken).is_offer) == ("confirmed", False)
    let_pass(full, HOUR)
    assert (states(full), full.reservation(taken).state) == (["booked"], "confirmed")
    with pytest.raises(Conflict):
        full.run(lambda tx: waiting.take(tx, full.now, anne, number))


def test_an_offer_that_nobody_takes_goes_to_the_next(full):
    wait(full, full.anne)
    second = wait(full, full.bob)
    let_pass(full, 4 * HOUR)
    cancel(full, full.taken[0])
    let_pass(full, UNDO_S)
    assert states(full) == ["offered", "waiting"]
    let_pass(full, 15 * MINUTE)
    assert states(full) == ["expired", "waiting"]
    assert told(full, full.anne) == ["wait_offered", "wait_missed"]
    let_pass(full, UNDO_S)
    assert states(full) == ["expired", "offered"]
    full.run(lambda tx: waiting.leave(tx, full.now, full.driver(full.bob), second))
    assert states(full) == ["expired", "left"]
    wanted = Wanted(NOW + 5 * HOUR, NOW + 6 * HOUR, full.site)
    found = full.read(lambda tx: availability.look(tx, full.now, SYSTEM, wanted)).offers
    assert found[0].registration == "AA-101-AA"


def test_where_an_approver_decides_he_is_asked_once_the_offer_is_taken(full):
    full.lay_down(needs_approval=1)
    number = wait(full, full.anne)
    let_pass(full, 4 * HOUR)
    cancel(full, full.taken[0])
    let_pass(full, UNDO_S)
    anne, manager = full.driver(full.anne), full.manager(full.town)
    assert full.read(lambda tx: approval.list_waiting(tx, manager)) == []
    taken = full.run(lambda tx: waiting.take(tx, full.now, anne, number))
    assert [one.id for one in full.read(lambda tx: approval.list_waiting(tx, manager))] == [taken]


def test_an_entry_ends_at_its_start_and_says_so(full):
    wait(full, full.anne)
    let_pass(full, 5 * HOUR)
    assert (states(full), told(full, full.anne)) == (["expired"], ["wait_in_vain"])


def test_what_does_not_fit_is_not_given(full):
    wait(full, full.anne, seats=7)
    wait(full, full.bob, energy="electric")
    wait(full, full.cora_in_town, 5 * HOUR, 9 * HOUR)
    full.book(full.bob, 7 * HOUR, 8 * HOUR)
    cancel(full, full.taken[0])
    let_pass(full, UNDO_S)
    assert states(full) == ["waiting", "waiting", "waiting"]


def test_a_car_that_comes_to_fit_without_being_given_back_is_found_within_minutes(full):
    wait(full, full.anne)
    full.run(
        lambda tx: fleet.add_vehicle(
            tx, organisation_id=full.town, pool_id=full.pool, site_id=full.site, registration="NE-001-UF",
            make="Dacia", model="Sandero", energy="petrol", seats=5, interlock_kind="none",
        )
    )  # fmt: skip
    let_pass(full, 5 * MINUTE)
    assert states(full) == ["booked"]


def test_who_waits_is_refused_with_the_reason(full):
    with pytest.raises(Conflict) as refused:
        wait(full, full.anne, 7 * HOUR, 8 * HOUR)
    assert refused.value.code == "free_already"
    wait(full, full.anne)
    with pytest.raises(Conflict) as refused:
        wait(full, full.anne, 5 * HOUR + MINUTE)
    assert refused.value.code == "waiting_already"
    with pytest.raises(Invalid):
        wait(full, full.bob, from_site=None)
    with pytest.raises(Invalid):
        wait(full, full.bob, -HOUR)
    with pytest.raises(NotFound):
        wait(full, full.bob, from_site=999)
    with pytest.raises((Forbidden, NotFound)):
        wait(full, full.bob, scope=full.driver(full.anne))
    for day in range(1, 5):
        fill(full, day * DAY, day * DAY + HOUR)
        wait(full, full.anne, day * DAY, day * DAY + HOUR)
    fill(full, 6 * DAY, 6 * DAY + HOUR)
    with pytest.raises(Conflict) as refused:
        wait(full, full.anne, 6 * DAY, 6 * DAY + HOUR)
    assert refused.value.code == "too_many_waits"


def test_another_bodys_people_see_and_touch_no_entry(full):
    number = wait(full, full.anne)
    cora = full.driver(full.cora)
    assert full.read(lambda tx: waiting.list_waits(tx, cora)) == []
    for act in (waiting.leave, waiting.take):
        with pytest.raises(NotFound):
            full.run(lambda tx, act=act: act(tx, full.now, cora, number))
    (seen,) = full.read(lambda tx: waiting.list_waits(tx, full.manager(full.town)))
    assert seen.person_name == "Anne Morin"


def test_several_processes_that_look_at_once_give_a_car_once(full):
    for person in (full.anne, full.bob):
        wait(full, person)
    cancel(full, full.taken[0])
    full.clock.now += UNDO_S
    assert look_at_once(full) == []
    assert states(full) == ["booked", "waiting"]


ENTRY = st.tuples(
    st.sampled_from(["anne", "bob", "cora_in_town"]),
    st.integers(2, 9),
    st.integers(1, 4),
    st.sampled_from([1, 5]),
)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    entries=st.lists(ENTRY, min_size=3, max_size=8),
    gone=st.lists(st.sets(st.integers(0, 7), min_size=1, max_size=3), min_size=1, max_size=3),
)
def test_no_car_goes_to_anybody_while_one_before_him_in_the_list_could_have_it(
    create_database, tmp_path_factory, entries, gone
):
    """All hours of both cars are taken; some are given back; after each time everybody who got none is held
    against those before him: no car that he could have had then went to one behind him."""
    directory = tmp_path_factory.mktemp("list")
    depot = Depot(directory / "cloud", create_database(directory))
    try:
        check_order(prepare_hours(depot), entries, gone)
    finally:
        depot.close()


def prepare_hours(depot):
    prepare(depot)
    for number in depot.taken:
        cancel(depot, number)
    depot.other = depot.run(lambda tx: add_person(tx, depot, "1004", "Dora"))
    depot.hours = [
        depot.book(depot.other, hour * HOUR, (hour + 1) * HOUR, car)
        for hour in range(2, 8)
        for car in (depot.car, depot.car_2)
    ]
    return depot


def check_order(depot, entries, gone):
    listed = []
    for name, hour, length, seats in entries:
        try:
            number = wait(depot, getattr(depot, name), hour * HOUR, (hour + length) * HOUR, seats=seats)
        except Conflict:
            continue
        listed.append((number, getattr(depot, name), NOW + hour * HOUR, NOW + (hour + length) * HOUR))
    for indexes in gone:
        before = {row[0]: row[1] for row in depot.rows("SELECT id, state FROM waits")}
        for number in [depot.hours[index] for index in sorted(indexes)]:
            if depot.reservation(number).state == "confirmed":
                cancel(depot, number)
        held = promises(depot)
        let_pass(depot, UNDO_S)
        for number, person, starts_at, ends_at in listed:
            entry = depot.read(lambda tx, number=number: waiting.get_wait(tx, SYSTEM, number))
            if before[number] != "waiting":
                continue
            if entry.state in ("booked", "offered"):
                one = depot.reservation(entry.reservation_id)
                held.append((one.vehicle_id, person, starts_at, ends_at))
            elif entry.state == "waiting":
                has_car = any(who == person and s < ends_at and e > starts_at for _, who, s, e in held)
                for car in (depot.car, depot.car_2):
                    is_free = not any(
                        which == car and s < ends_at and e > starts_at for which, _, s, e in held
                    )
                    assert has_car or not is_free, f"entry {number} was passed over"


def promises(depot):
    return list(
        depot.rows(
            "SELECT vehicle_id, person_id, starts_at, ends_at FROM reservations"
            " WHERE state IN ('pending', 'confirmed', 'in_use')"
        )
    )
