"""The interlock's limits: what it starts from, what it is asked without more, the last ms of each time."""

import asyncio
import itertools

import pytest
from box.protocols import codes
from support_interlock_car import ALLOW, INHIBIT, Car


def test_the_contact_is_given_as_it_reads():
    assert [Car(contact=contact).interlock.read_contact() for contact in (ALLOW, INHIBIT)] == [ALLOW, INHIBIT]


def test_a_battery_that_cannot_be_read_is_not_powered_and_journalled_as_nothing():
    car = Car(contact=INHIBIT)

    def fail():
        raise OSError

    car.interlock._read_battery_mv = fail
    assert car.set(ALLOW) == codes.RELAY_OUTCOME_BATTERY_LOW
    assert car.journal[-1][1][8] == 0


def test_a_request_without_more_has_no_badge_and_no_session_and_is_always_told():
    car = Car()
    car.evidence.note_ignition(True)
    for _ in range(12):
        car.evidence.advance(1000)
        car.evidence.note_accelerometer(0, 0, 1000)
    car.stand(4)
    for _ in range(2):
        outcome = asyncio.run(car.interlock.set(INHIBIT, codes.RELAY_SOURCE_COMMAND))
        assert outcome == codes.RELAY_OUTCOME_VETOED_IGNITION
    assert [values[9] for _, values in car.journal] == [0, 0]


def test_a_fault_of_before_the_start_stays_until_a_pulse_was_answered():
    car = Car()
    car.faults.set(codes.FAULT_RELAY_CONTACT_DISAGREES, ALLOW)
    for _ in range(700):
        car.hold(ALLOW)
    assert car.faults.is_set(codes.FAULT_RELAY_CONTACT_DISAGREES)


def test_a_contact_has_come_to_rest_after_sixty_seconds_and_not_a_millisecond_sooner():
    car = Car(contact=INHIBIT)
    assert car.set(ALLOW) == codes.RELAY_OUTCOME_DONE
    car.faults.set(codes.FAULT_RELAY_CONTACT_DISAGREES, ALLOW)
    car.hold(ALLOW, 59_999)
    assert car.faults.is_set(codes.FAULT_RELAY_CONTACT_DISAGREES)
    car.hold(ALLOW, 1)
    assert not car.faults.is_set(codes.FAULT_RELAY_CONTACT_DISAGREES)


@pytest.mark.parametrize("before", [[], [ALLOW, ALLOW], [INHIBIT, ALLOW]])
def test_a_car_that_is_not_inhibited_is_told_after_five_minutes_parked_and_not_a_millisecond_sooner(before):
    car = Car()
    for target in before:
        car.hold(target, 299_999)
    assert not car.faults.is_set(codes.FAULT_PARKED_NOT_INHIBITED)  # in use is not parked
    car.hold(INHIBIT, 299_999)
    car.hold(INHIBIT, 1)
    assert not car.faults.is_set(codes.FAULT_PARKED_NOT_INHIBITED)  # the minutes are over with this tick
    car.hold(INHIBIT, 1)
    assert car.faults.is_set(codes.FAULT_PARKED_NOT_INHIBITED)


def test_the_first_pulse_of_a_box_that_just_started_is_no_shock():
    car = Car(contact=INHIBIT)
    car.hold(ALLOW)
    assert car.journal[-1][1][5] == codes.RELAY_SOURCE_PARKED


@pytest.mark.parametrize("waits", [599, 600])
def test_a_relay_that_did_not_follow_is_left_alone_for_the_whole_minute(waits):
    car = Car(contact=INHIBIT, follows=False)
    car.set(ALLOW)
    for _ in range(waits):
        car.hold(ALLOW)
    car.hold(ALLOW, 1)
    assert len(car.relay.pulses) == (3 if waits < 600 else 6)


def test_a_relay_that_did_not_follow_is_left_alone_to_the_last_millisecond():
    car = Car(contact=INHIBIT, follows=False)
    car.set(ALLOW)
    car.hold(ALLOW, 59_999)
    car.hold(ALLOW, 1)
    assert len(car.relay.pulses) == 3
    car.hold(ALLOW, 1)
    assert len(car.relay.pulses) == 6


def test_a_relay_that_never_inhibits_is_tried_later_and_later_and_at_last_each_64_minutes():
    car = Car(follows=False)
    car.stand(70)
    tried = []
    for minute in range(3 * 64 + 130):
        before = len(car.relay.pulses)
        car.hold(INHIBIT, 60_000)
        if len(car.relay.pulses) > before:
            tried.append(minute)
    gaps = [after - before for before, after in itertools.pairwise(tried)]
    assert gaps == [2, 3, 5, 9, 17, 33, 65, 65, 65]


def test_answers_that_change_are_told_eight_times_at_once_and_then_one_an_hour():
    car = Car()
    car.stand(70)
    told = []
    for change in range(20):
        if change % 2:
            car.battery_mv = 8999
        else:
            car.battery_mv = 12600
            car.evidence.kl15 = True
        car.hold(INHIBIT, 1)
        told.append(len(car.journal))
    assert told[-1] == 8
    car.battery_mv = 12600
    car.hold(INHIBIT, 3_600_000 - 20)  # the ticks since the eighth answer made the first 19
    assert len(car.journal) == 8
    car.hold(INHIBIT, 1)
    assert len(car.journal) == 9


def test_an_ignition_nobody_has_read_is_journalled_as_unknown():
    car = Car()
    assert car.set(INHIBIT) == codes.RELAY_OUTCOME_VETOED_IGNITION
    assert car.journal[-1][1][6] == 2


def test_moving_or_carried_is_said_to_be_a_veto_and_not_a_want_of_proof():
    for sign in (lambda car: car.evidence.note_unrest(), lambda car: setattr(car.interlock, "carried", True)):
        car = Car()
        car.stand(70)
        sign(car)
        assert car.set(INHIBIT) == codes.RELAY_OUTCOME_VETOED_MOTION


def test_who_asks_for_allow_gets_the_pulse_also_where_the_contact_reads_allow():
    car = Car()
    assert car.set(ALLOW) == codes.RELAY_OUTCOME_ALREADY
    assert car.relay.pulses == [ALLOW]


def test_what_reads_as_it_should_is_not_pulsed_for_inhibit_or_unasked_or_on_a_low_battery():
    car = Car(contact=INHIBIT)
    car.stand(70)
    assert car.set(INHIBIT) == codes.RELAY_OUTCOME_ALREADY
    assert car.relay.pulses == []
    car = Car()
    source = codes.RELAY_SOURCE_SESSION
    assert asyncio.run(car.interlock.set(ALLOW, source, False, 0, False)) == codes.RELAY_OUTCOME_ALREADY
    car.battery_mv = 8999
    assert car.set(ALLOW) == codes.RELAY_OUTCOME_ALREADY
    assert car.relay.pulses == []


def test_a_contact_that_read_allow_and_shows_inhibit_after_the_pulse_is_believed_and_a_fault():
    car = Car(contact=INHIBIT)
    assert car.set(ALLOW) == codes.RELAY_OUTCOME_DONE
    car.relay.follows = False
    car.relay.during = lambda: setattr(car.relay, "contact", INHIBIT)
    assert car.set(ALLOW) == codes.RELAY_OUTCOME_CONTACT_DISAGREES
    assert car.journal[-1][1][1:3] == (codes.RELAY_OUTCOME_CONTACT_DISAGREES, INHIBIT)
    assert car.faults.is_set(codes.FAULT_RELAY_CONTACT_DISAGREES)
    car.relay.contact = ALLOW
    for _ in range(700):
        car.hold(ALLOW)
    assert car.faults.is_set(codes.FAULT_RELAY_CONTACT_DISAGREES)  # no pulse was answered since


def test_a_box_that_is_told_that_no_interlock_is_fitted_withdraws_what_it_said_of_one():
    car = Car(follows=False)
    car.stand(70)
    for _ in range(2):
        car.hold(INHIBIT, 300_000)
    assert car.faults.active() == bytes(
        sorted((codes.FAULT_PARKED_NOT_INHIBITED, codes.FAULT_RELAY_CONTACT_DISAGREES))
    )
    car.interlock._settings.apply({"interlock_kind": 0})
    car.hold(INHIBIT)
    assert car.faults.active() == b""


def test_a_new_target_is_tried_at_once_and_may_be_repaired_three_times():
    car = Car()
    car.give_up(after_shocks=2)
    assert car.relay.contact == INHIBIT
    car.hold(INHIBIT)
    car.relay.follows = True
    car.hold(ALLOW, 1)
    assert car.relay.contact == ALLOW
    car.faults.clear(codes.FAULT_RELAY_CONTACT_DISAGREES, True)
    for shock in range(1, 5):
        car.hold(ALLOW)
        car.relay.contact = INHIBIT
        car.hold(ALLOW)
        assert car.faults.is_set(codes.FAULT_RELAY_CONTACT_DISAGREES) == (shock > 3)


def test_a_new_target_may_be_told_of_eight_times_at_once():
    car = Car()
    for _ in range(2):
        car.hold(ALLOW, 1)
        car.journal.clear()
        for change in range(20):
            car.evidence.kl15 = bool(change % 2)
            car.battery_mv = 12600 if change % 2 else 8999
            car.hold(INHIBIT, 1)
        assert len(car.journal) == 8


def test_a_contact_that_left_has_not_come_to_rest():
    car = Car()
    car.hold(ALLOW, 59_999)
    car.faults.set(codes.FAULT_RELAY_CONTACT_DISAGREES, ALLOW)
    car.relay.contact = INHIBIT
    car.hold(ALLOW, 1)
    assert car.relay.contact == ALLOW
    car.hold(ALLOW, 59_999)
    assert car.faults.is_set(codes.FAULT_RELAY_CONTACT_DISAGREES)
    car.hold(ALLOW, 1)
    assert not car.faults.is_set(codes.FAULT_RELAY_CONTACT_DISAGREES)


def test_a_relay_that_came_to_rest_may_again_be_repaired_three_times_and_is_tried_again_each_minute():
    car = Car()
    for _ in range(2):
        car.hold(ALLOW, 60_000)
        for shock in range(1, 4):
            car.relay.contact = INHIBIT
            car.hold(ALLOW)
            car.hold(ALLOW)
            assert not car.faults.is_set(codes.FAULT_RELAY_CONTACT_DISAGREES), shock
    car.relay.contact = INHIBIT
    car.hold(ALLOW)
    assert car.faults.is_set(codes.FAULT_RELAY_CONTACT_DISAGREES)


def test_a_contact_that_leaves_inhibit_is_brought_back_and_said_to_be_no_shock():
    car = Car()
    car.stand(70)
    for _ in range(2):
        car.relay.contact = ALLOW
        car.hold(INHIBIT)
        car.hold(INHIBIT)
        assert car.relay.contact == INHIBIT
    assert {values[5] for _, values in car.journal} == {codes.RELAY_SOURCE_PARKED}


@pytest.mark.parametrize(("age_ms", "told_ms"), [(65_534, 65_534), (65_535, 65_535), (65_536, 65_535)])
def test_the_age_of_the_evidence_is_told_up_to_what_its_field_holds(age_ms, told_ms):
    car = Car()
    car.evidence.note_fix(0.0)
    car.evidence.advance(age_ms)
    car.set(INHIBIT)
    assert car.journal[-1][1][4] == told_ms


@pytest.mark.parametrize(("after_shocks", "is_repaired"), [(0, True), (2, True), (3, False)])
def test_a_request_that_is_answered_ends_the_minute_in_which_the_relay_is_left_alone(
    after_shocks, is_repaired
):
    car = Car()
    car.give_up(after_shocks)
    car.relay.follows = True
    assert car.set(ALLOW) == codes.RELAY_OUTCOME_DONE
    car.hold(ALLOW)
    car.relay.contact = INHIBIT
    car.hold(ALLOW)
    assert (car.relay.contact == ALLOW) == is_repaired


def test_a_request_that_is_refused_does_not_end_the_minute():
    car = Car(follows=False)
    car.stand(70)
    car.hold(INHIBIT)
    assert len(car.relay.pulses) == 3
    car.evidence.note_ignition(True)
    assert car.set(INHIBIT) == codes.RELAY_OUTCOME_VETOED_IGNITION
    car.stand(70)
    car.hold(INHIBIT)
    assert len(car.relay.pulses) == 3


def test_each_repair_of_a_shock_is_journalled_and_after_the_third_the_relay_is_left_alone():
    car = Car()
    car.hold(ALLOW)
    for shock in range(1, 6):
        car.relay.contact = INHIBIT
        car.hold(ALLOW)
        repairs = min(shock, 4)
        assert car.relay.contact == (ALLOW if shock <= 4 else INHIBIT)
        assert [values[5] for _, values in car.journal] == [codes.RELAY_SOURCE_SHOCK] * repairs
        assert car.faults.is_set(codes.FAULT_RELAY_CONTACT_DISAGREES) == (shock > 3)
        car.hold(ALLOW)


def test_motion_during_the_third_try_is_said_and_not_laid_to_the_relay():
    car = Car(follows=False)
    car.stand(70)
    car.relay.during = lambda: len(car.relay.pulses) == 3 and car.evidence.note_ignition(True)
    assert car.set(INHIBIT) == codes.RELAY_OUTCOME_VETOED_IGNITION
    assert len(car.relay.pulses) == 3
    assert not car.faults.is_set(codes.FAULT_RELAY_CONTACT_DISAGREES)
