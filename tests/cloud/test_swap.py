"""Two reservations exchange their cars: in one transaction, by all rules, told and undone together."""

import pytest
from glovebox.errors import Conflict, Forbidden, GloveboxError, Invalid
from glovebox.fleet import service as fleet
from glovebox.people import service as people
from glovebox.reservations import service, swapping
from glovebox.scope import SYSTEM, Scope
from glovebox.store import guard
from support_at_once import all_at_once
from support_cloud import DAY, HOUR, NOW


@pytest.fixture
def swapped(depot):
    """Anne's reservation of the first car from 1 to 3, Bob's of the second from 2 to 5; a manager of both."""
    depot.head = depot.run(
        lambda tx: people.add_person(
            tx, NOW, organisation_id=depot.town, staff_number="1", given_name="Line", family_name="Roy"
        )
    )
    managed = frozenset({depot.town})
    depot.boss = Scope(depot.town, depot.head, frozenset({"manager"}), managed, approves_ids=managed)
    depot.hers = depot.book(depot.anne, HOUR, 3 * HOUR, purpose="Salon")
    depot.his = depot.book(depot.bob, 2 * HOUR, 5 * HOUR, depot.car_2)
    return depot


def swap(depot, first=None, second=None, scope=None):
    numbers = (first or depot.hers, second or depot.his)
    depot.run(lambda tx: swapping.swap(tx, depot.now, scope or depot.boss, *numbers))


def cars(depot):
    query = "SELECT id, vehicle_id, state, starts_at, ends_at, purpose FROM reservations ORDER BY id"
    return depot.rows(query)


def told(depot):
    return depot.rows("SELECT person_id, kind, state FROM messages ORDER BY id")


def test_each_keeps_its_time_and_has_the_others_car_and_both_boxes_know(swapped):
    first, second = swapped.claim(), swapped.claim(swapped.car_2, "board-2")
    before = cars(swapped)
    swap(swapped)
    assert [row[1] for row in cars(swapped)] == [swapped.car_2, swapped.car]
    assert [row[2:] for row in cars(swapped)] == [row[2:] for row in before]
    for box, number in ((first, swapped.his), (second, swapped.hers)):
        box.greet(box.state(swapped.now))
        assert [key[1] for key in box.authorisations()] == [number]
    swapped.read(guard.check)


def test_nobody_sees_the_state_between(swapped):
    swap(swapped)
    assert {row[2] for row in cars(swapped)} == {"confirmed"}
    with pytest.raises(Conflict):
        swapped.book(swapped.anne, 3 * HOUR, 4 * HOUR)


def test_both_are_told_after_the_time_to_undo_and_what_is_undone_is_not_told(swapped):
    before = cars(swapped)
    swap(swapped)
    waiting = [(person, "changed_for_you", "waiting") for person in (swapped.anne, swapped.bob)]
    assert told(swapped) == waiting
    swapped.run(lambda tx: service.take_back(tx, swapped.now, swapped.boss, swapped.his))
    assert cars(swapped) == before
    assert told(swapped) == [(*row[:2], "dropped") for row in waiting]
    swapped.run(lambda tx: service.take_back(tx, swapped.now, swapped.boss, swapped.hers))
    assert cars(swapped) == before, "undone with the other, it is undone once"


def test_a_swap_is_undone_whole_or_not_at_all(swapped):
    swap(swapped)
    swapped.clock.now += 1
    swapped.run(lambda tx: service.change(tx, swapped.now, swapped.boss, swapped.his, ends_at=NOW + 6 * HOUR))
    before = cars(swapped)
    with pytest.raises(Conflict, match="undo_changed"):
        swapped.run(lambda tx: service.take_back(tx, swapped.now, swapped.boss, swapped.hers))
    assert cars(swapped) == before


def third_in_the_way(depot):
    depot.book(depot.bob, 3 * HOUR, 4 * HOUR)


def block(depot):
    from glovebox.blocks import service as blocks

    depot.run(
        lambda tx: blocks.add_block(
            tx, NOW, SYSTEM, depot.car_2, kind="workshop", starts_at=NOW + HOUR, ends_at=NOW + 2 * HOUR
        )
    )


def lorry(depot):
    depot.run(lambda tx: fleet.change_vehicle(tx, SYSTEM, depot.car_2, licence_category="C1"))


def wide_gap(depot):
    depot.book(depot.bob, 6 * HOUR, 7 * HOUR)
    depot.lay_down(buffer_s=2 * HOUR)


def taken_already(depot):
    depot.run(lambda tx: tx.exec_driver_sql("UPDATE reservations SET state = 'in_use' WHERE id = 1"))


def over(depot):
    depot.clock.now += 4 * HOUR


def out_of_service(depot):
    depot.run(lambda tx: fleet.change_vehicle(tx, SYSTEM, depot.car_2, status="workshop"))


def same_car(depot):
    depot.run(
        lambda tx: service.change(
            tx, NOW, SYSTEM, depot.his, vehicle_id=depot.car, starts_at=NOW + 3 * HOUR, ends_at=NOW + 5 * HOUR
        )
    )


@pytest.mark.parametrize(
    ("prepare", "kind", "code"),
    [
        (third_in_the_way, Conflict, "swap_taken"),
        (block, Conflict, "blocked"),
        (lorry, Forbidden, "licence_category"),
        (wide_gap, Conflict, "too_close_after"),
        (taken_already, Conflict, "swap_not_ahead"),
        (over, Invalid, "over_already"),
        (out_of_service, Conflict, "not_in_service"),
        (same_car, Conflict, "swap_same_car"),
    ],
)
def test_what_a_change_must_obey_a_swap_must_and_refused_it_changes_nothing(swapped, prepare, kind, code):
    prepare(swapped)
    before = cars(swapped)
    with pytest.raises(kind) as refused:
        swap(swapped)
    assert refused.value.code == code
    assert cars(swapped) == before
    assert told(swapped) == []


def test_only_who_manages_both_exchanges_them(swapped):
    guest = swapped.book(swapped.cora, vehicle_id=swapped.car_3)
    before = cars(swapped)
    for scope in (swapped.driver(swapped.anne), swapped.manager(swapped.agglo)):
        with pytest.raises(GloveboxError) as refused:
            swap(swapped, scope=scope)
        assert refused.value.status in (403, 404)
    for other in (guest, 9_999):
        with pytest.raises(GloveboxError) as refused:
            swap(swapped, second=other)
        assert refused.value.status == 404
    assert cars(swapped) == before


def test_neither_lead_time_nor_a_full_quota_hinders_those_who_asked_for_nothing(swapped):
    swapped.lay_down(lead_s=DAY, open_bookings=1, week_s=3 * HOUR)
    swap(swapped)
    assert [row[1] for row in cars(swapped)] == [swapped.car_2, swapped.car]


def test_a_car_that_needs_approval_is_asked_for_by_whoever_may_not_give_it(swapped):
    other_pool = swapped.run(lambda tx: fleet.add_pool(tx, swapped.town, "Direction"))
    swapped.run(lambda tx: fleet.change_vehicle(tx, SYSTEM, swapped.car_2, pool_id=other_pool))
    swapped.lay_down(pool_id=other_pool, needs_approval=1)
    plain = Scope(swapped.town, swapped.head, frozenset({"manager"}), frozenset({swapped.town}))
    before = cars(swapped)
    swap(swapped, scope=plain)
    assert [row[2] for row in cars(swapped)] == ["pending", "confirmed"]
    swapped.run(lambda tx: service.take_back(tx, swapped.now, plain, swapped.hers))
    assert cars(swapped) == before


def test_offered_are_those_that_fit(swapped):
    def offered():
        found = swapped.read(lambda tx: swapping.list_candidates(tx, NOW, swapped.boss, swapped.hers))
        return [one.id for one in found]

    later = swapped.book(swapped.bob, 5 * HOUR, 6 * HOUR, swapped.car_2)
    swapped.book(swapped.cora, vehicle_id=swapped.car_3)
    assert offered() == [swapped.his], "with the later one two would have the second car"
    third_in_the_way(swapped)
    assert offered() == []
    swapped.run(lambda tx: service.cancel(tx, NOW, SYSTEM, swapped.his))
    assert offered() == [later]


def test_sent_twice_at_once_it_is_done_once(swapped):
    swapped.cloud.writer.start()
    third = swapped.book(swapped.bob, 20 * HOUR, 21 * HOUR)
    fourth = swapped.book(swapped.anne, 20 * HOUR, 21 * HOUR, swapped.car_2)
    pairs = [(swapped.hers, swapped.his), (swapped.his, swapped.hers), (third, fourth), (fourth, third)]
    assert all_at_once(*[lambda pair=pair: swap(swapped, *pair) for pair in pairs]) == [None] * 4
    assert [row[1] for row in cars(swapped)] == [swapped.car_2, swapped.car, swapped.car_2, swapped.car]
    swapped.read(guard.check)
