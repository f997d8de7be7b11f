"""Taking back what one has just done: for 30 seconds, once, and never what others did since."""

import pytest
from glovebox.errors import Conflict, Forbidden
from glovebox.reservations import service
from support_at_once import all_at_once
from support_cloud import HOUR, NOW


def act(depot, job, *rest, scope=None, **values):
    scope = scope or depot.driver(depot.anne)
    depot.run(lambda tx: job(tx, depot.now, scope, *rest, **values))


def rows(depot):
    return depot.rows(
        "SELECT vehicle_id, person_id, starts_at, ends_at, state, purpose FROM reservations ORDER BY id"
    )


@pytest.fixture
def booked(depot):
    return depot.book(depot.anne, scope=depot.driver(depot.anne), purpose="Réunion")


def test_a_booking_undone_frees_the_car(depot, booked):
    act(depot, service.take_back, booked)
    assert depot.reservation(booked).state == "cancelled"
    assert depot.book(depot.bob)


@pytest.mark.parametrize("needs_approval", [0, 1])
def test_a_cancellation_undone_leaves_all_as_it_was(depot, needs_approval):
    depot.lay_down(needs_approval=needs_approval)
    number = depot.book(depot.anne, scope=depot.driver(depot.anne), purpose="Réunion")
    before = rows(depot)
    assert before[0][4] == ("pending" if needs_approval else "confirmed")
    act(depot, service.cancel, number)
    act(depot, service.take_back, number)
    assert rows(depot) == before


def test_a_change_undone_goes_back_to_its_car_and_time_also_where_it_had_asked_for_approval(depot, booked):
    before = rows(depot)
    depot.lay_down(needs_approval=1)
    act(depot, service.change, booked, vehicle_id=depot.car_2, ends_at=NOW + 5 * HOUR)
    assert depot.reservation(booked).state == "pending"
    act(depot, service.take_back, booked)
    assert rows(depot) == before


def test_what_is_undone_twice_is_undone_once(depot, booked):
    act(depot, service.cancel, booked)
    act(depot, service.take_back, booked)
    once = rows(depot)
    act(depot, service.take_back, booked)
    assert rows(depot) == once


@pytest.mark.parametrize(("seconds", "is_undone"), [(29, True), (30, False)])
def test_it_is_undone_within_thirty_seconds_and_no_later(depot, booked, seconds, is_undone):
    act(depot, service.cancel, booked)
    depot.clock.now += seconds
    if is_undone:
        act(depot, service.take_back, booked)
    else:
        with pytest.raises(Conflict, match="undo_over"):
            act(depot, service.take_back, booked)
    assert depot.reservation(booked).state == ("confirmed" if is_undone else "cancelled")


def test_a_car_taken_since_stays_with_who_took_it(depot, booked):
    act(depot, service.cancel, booked)
    depot.book(depot.bob)
    before = rows(depot)
    with pytest.raises(Conflict, match="undo_taken"):
        act(depot, service.take_back, booked)
    assert rows(depot) == before


def test_nobody_undoes_anothers_act_or_what_the_server_or_the_car_did_since(depot, booked):
    manager = depot.driver(depot.bob)
    manager = type(manager)(depot.town, depot.bob, manager.roles, frozenset({depot.town}))
    with pytest.raises(Forbidden):
        act(depot, service.take_back, booked, scope=manager)
    act(depot, service.change, booked, scope=manager, ends_at=NOW + 4 * HOUR)
    with pytest.raises(Forbidden):
        act(depot, service.take_back, booked)
    act(depot, service.change, booked, ends_at=NOW + 5 * HOUR)
    depot.run(lambda tx: tx.exec_driver_sql("UPDATE reservations SET state = 'in_use'"))
    with pytest.raises(Conflict, match="undo_changed"):
        act(depot, service.take_back, booked)


def test_of_an_undo_and_a_booking_at_once_exactly_one_has_the_car(depot, booked):
    act(depot, service.cancel, booked)
    depot.cloud.writer.start()
    jobs = [lambda: act(depot, service.take_back, booked), lambda: depot.book(depot.bob)]
    outcomes = [outcome.code for outcome in all_at_once(*jobs * 4) if isinstance(outcome, Conflict)]
    held = [row for row in rows(depot) if row[4] == "confirmed"]
    assert len(held) == 1
    wins = held[0][1]
    lost = {depot.anne: {"already_taken"}, depot.bob: {"undo_taken", "already_taken"}}[wins]
    assert set(outcomes) == lost


def told(depot):
    return sorted(depot.rows("SELECT kind, state FROM messages"))


def test_a_purpose_as_long_as_may_be_in_any_script_is_kept(depot):
    number = depot.book(depot.anne, scope=depot.driver(depot.anne), purpose="é" * 200)
    act(depot, service.change, number, purpose="")
    act(depot, service.take_back, number)
    assert depot.reservation(number).purpose == "é" * 200


@pytest.mark.parametrize("last", ["change", "cancel"])
def test_a_change_that_stands_again_is_told_though_the_next_act_was_undone(depot, last):
    number, manager = depot.book(depot.anne), depot.colleague()
    for seconds, job, values in (
        (0, service.change, {"ends_at": NOW + 4 * HOUR}),
        (5, *((service.change, {"ends_at": NOW + 5 * HOUR}) if last == "change" else (service.cancel, {}))),
        (5, service.take_back, {}),
    ):
        depot.clock.now += seconds
        act(depot, job, number, scope=manager, **values)
    assert depot.reservation(number).ends_at == NOW + 4 * HOUR
    assert [kind for kind, state in told(depot) if state == "waiting"] == ["changed_for_you"]


def test_what_is_undone_is_not_told_and_what_stands_in_the_end_is(depot):
    manager = depot.colleague()
    number = depot.book(depot.anne, scope=manager)
    act(depot, service.cancel, number, scope=manager)
    assert told(depot) == [("booked_for_you", "dropped")]
    act(depot, service.take_back, number, scope=manager)
    assert told(depot) == [("booked_for_you", "waiting")]
    depot.clock.now += 60
    act(depot, service.cancel, number, scope=manager)
    act(depot, service.take_back, number, scope=manager)
    assert ("cancelled_for_you", "dropped") in told(depot)
    act(depot, service.cancel, number, scope=manager)
    assert ("cancelled_for_you", "waiting") in told(depot)
