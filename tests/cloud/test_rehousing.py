"""`rehouse`: each cause of each reservation is answered once: another car of the site, else offers, else word
at once; cars given back go to those at risk first."""

import json

import pytest
from glovebox.blocks import service as blocks
from glovebox.errors import Conflict, NotFound
from glovebox.fleet import service as fleet
from glovebox.people import service as people
from glovebox.policies import hours
from glovebox.policies.schemas import DayHours, SiteHours
from glovebox.reservations import rehousing, service
from glovebox.reservations.schemas import AlreadyTaken
from glovebox.rules import apply_rules
from glovebox.scope import SYSTEM
from sqlalchemy import text
from support_at_once import look_at_once
from support_cloud import DAY, HOUR, NOW

UNDO_S = 30


def block(depot, vehicle_id=None, end=None, kind="workshop"):
    ends_at = None if end is None else depot.now + end
    where = (vehicle_id or depot.car, kind, depot.now, ends_at)
    return depot.run(lambda tx: blocks.add_block(tx, depot.now, SYSTEM, *where))


def let_pass(depot, seconds):
    depot.clock.now += seconds
    depot.run(lambda tx: apply_rules(tx, depot.now))


def told(depot, person_id=None):
    rows = depot.rows("SELECT person_id, kind FROM messages ORDER BY id")
    return [kind for who, kind in rows if person_id in (None, who)]


def answers(depot):
    return depot.rows("SELECT cause, outcome, closed_at IS NULL FROM rehousings ORDER BY id")


def set_state(depot, reservation_id, state):
    depot.run(
        lambda tx: tx.execute(
            text("UPDATE reservations SET state = :state WHERE id = :id"),
            {"state": state, "id": reservation_id},
        )
    )


def add_car(depot, registration, site=None, **values):
    common = {"make": "Dacia", "model": "Sandero", "energy": "petrol", "seats": 5, "interlock_kind": "none"}
    where = {"organisation_id": depot.town, "pool_id": depot.pool, "site_id": site or depot.site}
    common |= {"registration": registration, **where, **values}
    return depot.run(lambda tx: fleet.add_vehicle(tx, **common))


def test_a_blocked_car_is_replaced_at_once_by_another_of_its_site_and_the_driver_is_told_once(depot):
    number = depot.book(depot.anne)
    block(depot)
    let_pass(depot, UNDO_S - 1)
    assert told(depot) == [], "whoever blocked it may still take it back"
    let_pass(depot, 1)
    one = depot.reservation(number)
    assert (one.registration, one.is_at_risk, one.state) == ("BB-202-BB", False, "confirmed")
    assert told(depot, depot.anne) == ["rehouse_moved"]
    for _ in range(3):
        let_pass(depot, 60)
    assert told(depot) == ["rehouse_moved"]
    assert answers(depot) == [("block", "moved", False)]


def test_a_block_taken_back_in_time_moves_and_tells_nobody(depot):
    number = depot.book(depot.anne)
    taken_back = block(depot)
    let_pass(depot, UNDO_S - 1)
    depot.run(lambda tx: blocks.end_block(tx, depot.now, SYSTEM, taken_back))
    let_pass(depot, HOUR // 2)
    assert depot.reservation(number).vehicle_id == depot.car
    assert (told(depot), answers(depot)) == ([], [])


def test_the_driver_goes_back_to_the_first_car_once_it_can_be_had(depot):
    number, scope = depot.book(depot.anne, 2 * HOUR, 3 * HOUR), depot.driver(depot.anne)
    ended = block(depot)
    let_pass(depot, UNDO_S)

    def go_back():
        depot.run(lambda tx: rehousing.go_back(tx, depot.now, scope, number))

    with pytest.raises(Conflict) as refused:
        go_back()
    assert refused.value.code == "blocked"
    assert depot.read(lambda tx: rehousing.find_move(tx, scope, number)).id == depot.car
    depot.run(lambda tx: blocks.end_block(tx, depot.now, SYSTEM, ended))
    go_back()
    assert depot.reservation(number).vehicle_id == depot.car
    let_pass(depot, 1)
    assert answers(depot) == [("block", "declined", False)]
    assert depot.reservation(number).vehicle_id == depot.car, "not moved against his will"
    with pytest.raises(NotFound):
        go_back()


def test_only_a_car_that_fits_is_given_unasked_others_are_offered(depot):
    number = depot.book(depot.anne)
    depot.book(depot.bob, vehicle_id=depot.car_2)
    add_car(depot, "TW-2-TW", seats=2)
    add_car(depot, "EL-3-EL", energy="electric")
    add_car(depot, "FA-4-FA", site=depot.station)
    block(depot)
    let_pass(depot, UNDO_S)
    assert depot.reservation(number).vehicle_id == depot.car
    assert depot.reservation(number).is_at_risk
    assert told(depot, depot.anne) == ["rehouse_offered"]
    scope = depot.driver(depot.anne)
    found = depot.read(lambda tx: rehousing.list_alternatives(tx, depot.now, scope, number))
    assert [offer.registration for offer in found.others] == ["EL-3-EL", "TW-2-TW", "FA-4-FA"]
    assert [(slot.vehicle_id, slot.starts_at) for slot in found.later] == [(depot.car_2, NOW + 3 * HOUR)]
    stranger = depot.driver(depot.cora)
    with pytest.raises(NotFound):
        depot.read(lambda tx: rehousing.list_alternatives(tx, depot.now, stranger, number))


def test_an_offer_is_taken_with_one_call_and_one_that_is_gone_says_what_is_free_instead(depot):
    number, scope = depot.book(depot.anne), depot.driver(depot.anne)
    depot.book(depot.bob, vehicle_id=depot.car_2)
    far, farther = (add_car(depot, plate, site=depot.station) for plate in ("FA-4-FA", "FB-5-FB"))
    block(depot)
    let_pass(depot, UNDO_S)
    where = (NOW + HOUR, NOW + 3 * HOUR)
    depot.run(lambda tx: service.book(tx, depot.now, SYSTEM, far, depot.bob, *where))
    with pytest.raises(AlreadyTaken) as refused:
        depot.run(lambda tx: rehousing.take(tx, depot.now, scope, number, far, *where))
    assert "FB-5-FB" in [offer.registration for offer in refused.value.others]
    depot.run(lambda tx: rehousing.take(tx, depot.now, scope, number, farther, *where))
    one = depot.reservation(number)
    assert (one.registration, one.is_at_risk) == ("FB-5-FB", False)
    let_pass(depot, 60)
    assert told(depot, depot.anne) == ["rehouse_offered"]


def test_where_nothing_is_free_he_is_told_and_a_car_given_back_goes_to_who_leaves_first(depot):
    later = depot.book(depot.bob, 4 * HOUR, 9 * HOUR)
    first = depot.book(depot.anne, 2 * HOUR, 3 * HOUR)
    other = depot.book(depot.bob, HOUR, 9 * HOUR, depot.car_2)
    block(depot)
    let_pass(depot, UNDO_S)
    assert (told(depot, depot.anne), told(depot, depot.bob)) == (["rehouse_told"], ["rehouse_told"])
    let_pass(depot, 60)
    assert depot.reservation(first).vehicle_id == depot.car
    depot.run(lambda tx: service.cancel(tx, depot.now, SYSTEM, other))
    let_pass(depot, UNDO_S - 1)
    assert depot.reservation(first).vehicle_id == depot.car, "the cancellation may still be undone"
    let_pass(depot, 1)
    moved = depot.reservation(first)
    assert (moved.vehicle_id, moved.is_at_risk) == (depot.car_2, False)
    assert depot.reservation(later).vehicle_id == depot.car_2, "it fits behind the first"
    assert told(depot, depot.anne) == ["rehouse_told", "rehouse_moved"]
    let_pass(depot, UNDO_S)
    assert depot.rows("SELECT 1 FROM freed_cars") == []


def test_a_freed_car_that_only_one_can_have_goes_to_the_first_to_leave(depot):
    other_car = add_car(depot, "XX-9-XX")
    later = depot.book(depot.bob, 3 * HOUR, 5 * HOUR, other_car)
    first = depot.book(depot.anne, 2 * HOUR, 4 * HOUR)
    other = depot.book(depot.bob, HOUR, 9 * HOUR, depot.car_2)
    block(depot, other_car)
    block(depot)
    let_pass(depot, UNDO_S)
    depot.run(lambda tx: service.cancel(tx, depot.now, SYSTEM, other))
    let_pass(depot, UNDO_S)
    assert depot.reservation(first).vehicle_id == depot.car_2
    assert depot.reservation(later).vehicle_id == other_car


def test_the_end_of_a_block_frees_and_tells_who_still_waits_for_that_car(depot):
    number = depot.book(depot.anne)
    depot.book(depot.bob, vehicle_id=depot.car_2)
    ended = block(depot)
    let_pass(depot, UNDO_S)
    assert depot.reservation(number).is_at_risk
    depot.run(lambda tx: blocks.end_block(tx, depot.now, SYSTEM, ended))
    let_pass(depot, 1)
    assert not depot.reservation(number).is_at_risk
    assert told(depot, depot.anne)[-1] == "risk_over"
    assert len(told(depot, depot.anne)) == 2


def test_while_a_second_block_keeps_the_car_nobody_is_told_that_it_is_back(depot):
    number = depot.book(depot.anne)
    depot.book(depot.bob, vehicle_id=depot.car_2)
    first, second = block(depot), block(depot, kind="damage")
    let_pass(depot, UNDO_S)
    depot.run(lambda tx: blocks.end_block(tx, depot.now, SYSTEM, first))
    let_pass(depot, 1)
    assert depot.reservation(number).is_at_risk
    assert "risk_over" not in told(depot, depot.anne)
    depot.run(lambda tx: blocks.end_block(tx, depot.now, SYSTEM, second))
    let_pass(depot, 1)
    assert told(depot, depot.anne)[-1] == "risk_over"


def test_a_licence_prolonged_too_little_is_no_good_news(depot):
    depot.book(depot.anne, 5 * DAY, 5 * DAY + HOUR)
    for days in (2, 3):
        until = NOW + days * DAY
        depot.run(lambda tx, until=until: people.change_person(tx, SYSTEM, depot.anne, licence_until=until))
        let_pass(depot, 1)
    assert told(depot, depot.anne) == ["licence_expired"] * 2


def later_times(depot, number):
    scope = depot.driver(depot.anne)
    return depot.read(lambda tx: rehousing.list_alternatives(tx, depot.now, scope, number)).later


def test_another_time_is_offered_only_where_the_rules_allow_it(depot):
    number = depot.book(depot.anne)
    depot.book(depot.bob, 2 * HOUR, 4 * HOUR, depot.car_2)
    block(depot)
    (slot,) = later_times(depot, number)
    assert (slot.vehicle_id, slot.starts_at) == (depot.car_2, NOW + 4 * HOUR)
    depot.lay_down(buffer_s=HOUR // 2)
    (slot,) = later_times(depot, number)
    assert slot.starts_at == NOW + 4 * HOUR + HOUR // 2
    where = (number, slot.vehicle_id, slot.starts_at, slot.ends_at)
    scope = depot.driver(depot.anne)
    with depot.cloud.store.writing.connect() as tx:  # tried, not kept
        rehousing.take(tx, depot.now, scope, *where)
    until_noon = SiteHours(depot.site, tuple(DayHours(day, 420, 720) for day in range(7)))
    depot.run(lambda tx: hours.set_hours(tx, depot.now, SYSTEM, until_noon))
    assert later_times(depot, number) == []


def test_what_a_colleague_booked_just_before_is_told_with_the_car_that_the_server_gave(depot):
    depot.book(depot.bob, 9 * HOUR, 10 * HOUR)
    block(depot)
    depot.clock.now += UNDO_S - 5
    depot.run(lambda tx: tx.execute(text("UPDATE blocks SET starts_at = starts_at + 36000")))
    number = depot.book(depot.anne, scope=depot.colleague())
    depot.run(lambda tx: tx.execute(text("UPDATE blocks SET starts_at = starts_at - 36000")))
    let_pass(depot, 5)
    assert depot.reservation(number).vehicle_id == depot.car_2
    rows = depot.rows(
        "SELECT kind, state, facts FROM messages WHERE person_id = :who ORDER BY kind", who=depot.anne
    )
    assert [row[:2] for row in rows] == [("booked_for_you", "waiting"), ("rehouse_moved", "waiting")]
    assert json.loads(rows[0][2])["car"].startswith("BB-202-BB")


def test_a_car_that_is_not_back_is_a_cause_shortly_before_the_next_departure_and_only_for_it(depot):
    late = depot.book(depot.bob, 0, HOUR)
    following = depot.book(depot.anne, HOUR + HOUR // 2, 2 * HOUR)
    far = depot.book(depot.anne, 5 * HOUR, 6 * HOUR)
    depot.book(depot.bob, HOUR, 9 * HOUR, depot.car_2)
    set_state(depot, late, "in_use")
    let_pass(depot, HOUR)
    assert told(depot) == [], "he may be just around the corner"
    let_pass(depot, 300)
    assert told(depot, depot.anne) == ["rehouse_told"]
    assert (depot.reservation(following).is_at_risk, depot.reservation(far).is_at_risk) == (True, False)
    set_state(depot, late, "completed")
    let_pass(depot, 1)
    assert told(depot, depot.anne) == ["rehouse_told", "risk_over"]
    assert not depot.reservation(following).is_at_risk


def test_a_car_somebody_should_have_brought_back_is_given_to_nobody(depot):
    late = depot.book(depot.bob, 0, HOUR, depot.car_2)
    number = depot.book(depot.anne, 2 * HOUR, 3 * HOUR)
    set_state(depot, late, "in_use")
    depot.clock.now += HOUR + 300
    block(depot)
    let_pass(depot, UNDO_S)
    assert depot.reservation(number).vehicle_id == depot.car


def test_a_silent_car_is_a_cause_if_it_does_not_know_of_the_booking_and_after_a_day_in_any_case(depot, box):
    depot.clock.now += 10
    unknown = depot.book(depot.anne, 7 * HOUR, 8 * HOUR)
    let_pass(depot, 6 * HOUR)
    assert depot.reservation(unknown).vehicle_id == depot.car, "no other car has a box"
    assert answers(depot) == [("silent_car", "offered", True)]
    box.greet(box.state(depot.now))
    let_pass(depot, 1)
    assert told(depot, depot.anne) == ["rehouse_offered", "risk_over"]


def test_an_agreement_that_ends_sends_its_guests_elsewhere(depot):
    def admit(ends_at):
        return depot.run(lambda tx: fleet.add_agreement(tx, depot.pool, depot.agglo, NOW - DAY, ends_at))

    agreement = admit(NOW + 10 * DAY)
    number = depot.book(depot.cora, 2 * HOUR, 3 * HOUR)
    let_pass(depot, 1)
    assert answers(depot) == []
    end = "UPDATE agreements SET ends_at = :at WHERE id = :id"
    depot.run(lambda tx: tx.execute(text(end), {"at": NOW + HOUR, "id": agreement}))
    let_pass(depot, 1)
    assert answers(depot) == [("ended_agreement", "offered", True)]
    scope = depot.driver(depot.cora)
    found = depot.read(lambda tx: rehousing.list_alternatives(tx, depot.now, scope, number))
    assert [offer.registration for offer in found.others] == ["CC-303-CC"]


def test_a_licence_that_ends_needs_its_person_not_another_car(depot):
    number = depot.book(depot.anne, 5 * DAY, 5 * DAY + HOUR)
    depot.run(lambda tx: people.change_person(tx, SYSTEM, depot.anne, licence_until=NOW + 2 * DAY))
    let_pass(depot, 1)
    assert told(depot, depot.anne) == ["licence_expired"]
    assert (depot.reservation(number).vehicle_id, depot.reservation(number).is_at_risk) == (depot.car, True)
    depot.run(lambda tx: people.change_person(tx, SYSTEM, depot.anne, licence_until=NOW + 99 * DAY))
    let_pass(depot, 1)
    assert told(depot, depot.anne) == ["licence_expired", "risk_over"]


def test_what_is_over_or_under_way_is_answered_by_nobody(depot):
    number = depot.book(depot.anne, 0, HOUR)
    set_state(depot, number, "in_use")
    block(depot)
    let_pass(depot, UNDO_S)
    with pytest.raises(Conflict):
        depot.run(lambda tx: rehousing.rehouse(tx, depot.now, number, "block", 1))
    with pytest.raises(NotFound):
        depot.run(lambda tx: rehousing.rehouse(tx, depot.now, 999, "block", 1))
    assert (told(depot), answers(depot)) == ([], [])


def test_the_same_cause_answered_twice_gives_the_former_answer(depot):
    number = depot.book(depot.anne)
    for _ in range(2):
        outcome = depot.run(lambda tx: rehousing.rehouse(tx, depot.now, number, "late_car", 7))
        assert outcome == "moved"
    assert told(depot) == ["rehouse_moved"]


def test_several_processes_that_look_at_once_answer_each_cause_once(depot):
    for hour in range(2, 8):
        depot.book(depot.anne, hour * HOUR, (hour + 1) * HOUR)
    depot.book(depot.bob, 2 * HOUR, 8 * HOUR, depot.car_2)
    block(depot)
    depot.clock.now += UNDO_S
    assert look_at_once(depot) == []
    let_pass(depot, 1)
    assert len(told(depot, depot.anne)) == 6
    assert len(answers(depot)) == 6
