"""The interlock's rules by exhaustion, with broken variants that the same sweep must catch (S1-S4, S7)."""

import inspect
import itertools

import pytest
from box.access import interlock
from box.access.interlock import decide
from box.protocols import codes
from support_interlock import sweep_rule
from support_interlock_car import ALLOW, INHIBIT, Car


def test_the_relay_is_pulsed_exactly_where_the_safety_rules_allow_it():
    points, wrong = sweep_rule()
    assert wrong is None
    assert points == 6 * 2 * 9 * 3 * 8 * 5 * 6 * 2 * 2 * 2 * 2


MUTANTS = [
    ("now.kind == INTERLOCK_KIND_NONE", "False"),
    ("now.contact == wanted", "False"),
    ("not _is_powered(now)", "False"),
    ("now.kind > INTERLOCK_KIND_FOB_SUPPLY", "False"),
    ("now.kl15 is not False", "now.kl15"),
    ("now.kl15_off_ms < needed_ms", "now.kl15_off_ms <= needed_ms"),
    ("IGNITION_OFF_BADGE_MS if after_badge else IGNITION_OFF_MS", "IGNITION_OFF_BADGE_MS"),
    ("if now.contradictory", "if False"),
    ("now.motion == MOTION_MOVING or now.carried", "now.motion == MOTION_MOVING"),
    ("now.motion != MOTION_STILL or", ""),
    ("now.motion_age_ms > PROOF_MAX_AGE_MS", "now.motion_age_ms >= PROOF_MAX_AGE_MS"),
    ("or now.motion_age_ms > PROOF_MAX_AGE_MS", ""),
    ("if wanted == CONTACT_ALLOW:", "if False:"),
]


@pytest.mark.parametrize(("right", "wrong"), MUTANTS)
def test_the_sweep_catches_a_broken_rule(right, wrong):
    source = inspect.getsource(decide)
    assert right in source
    namespace = dict(vars(interlock))
    exec(source.replace(right, wrong), namespace)
    try:
        assert sweep_rule(namespace["decide"])[1] is not None
    except TypeError:
        pass  # comparing None is a crash, which is caught as well


def test_a_done_inhibit_is_journalled_with_its_evidence_and_the_contact():
    car = Car()
    car.stand(70)
    assert car.set(INHIBIT) == codes.RELAY_OUTCOME_DONE
    kind, values = car.journal[-1]
    assert kind == codes.RECORD_RELAY
    assert values[:9] == (
        INHIBIT,
        0,
        INHIBIT,
        codes.MOTION_STILL,
        0,
        codes.RELAY_SOURCE_SESSION,
        0,
        70000,
        12600,
    )
    assert values[9] == 7


def test_an_inhibit_without_proof_leaves_the_relay_and_says_so():
    car = Car()
    car.evidence.note_ignition(False)
    car.evidence.advance(100_000)
    assert car.set(INHIBIT) == codes.RELAY_OUTCOME_NO_PROOF
    assert car.relay.pulses == []
    assert car.journal[-1][1][1] == codes.RELAY_OUTCOME_NO_PROOF


def test_the_sessions_badge_shortens_the_ignition_time_and_nothing_else():
    car = Car()
    car.evidence.note_ignition(True)
    for _ in range(12):
        car.evidence.advance(1000)
        car.evidence.note_accelerometer(0, 0, 1000)
    car.stand(4)
    assert car.set(INHIBIT) == codes.RELAY_OUTCOME_VETOED_IGNITION
    assert car.set(INHIBIT, after_badge=True) == codes.RELAY_OUTCOME_DONE


def test_motion_between_two_tries_stops_the_tries():
    car = Car(follows=False)
    car.stand(70)
    car.relay.during = lambda: car.evidence.note_speed(5)
    assert car.set(INHIBIT) == codes.RELAY_OUTCOME_CONTRADICTION
    assert car.relay.pulses == [INHIBIT]


def test_a_relay_that_does_not_follow_three_pulses_is_a_fault_and_left_alone_for_a_minute():
    car = Car(contact=INHIBIT, follows=False)
    assert car.set(ALLOW) == codes.RELAY_OUTCOME_CONTACT_DISAGREES
    assert car.relay.pulses == [ALLOW] * 3
    assert car.faults.is_set(codes.FAULT_RELAY_CONTACT_DISAGREES)
    for _ in range(599):
        car.hold(ALLOW)
    assert len(car.relay.pulses) == 3
    car.relay.follows = True
    car.hold(ALLOW)
    car.hold(ALLOW)
    car.hold(ALLOW)
    assert car.relay.contact == ALLOW
    assert car.faults.is_set(codes.FAULT_RELAY_CONTACT_DISAGREES)  # until it has come to rest
    for _ in range(600):
        car.hold(ALLOW)
    assert not car.faults.is_set(codes.FAULT_RELAY_CONTACT_DISAGREES)


def test_a_shock_during_a_session_is_undone_within_a_tick():
    car = Car()
    car.hold(ALLOW)
    car.relay.contact = INHIBIT
    car.hold(ALLOW)
    assert car.relay.contact == ALLOW
    assert car.journal[-1][1][5] == codes.RELAY_SOURCE_SHOCK


def test_holding_an_unreachable_target_does_not_fill_the_journal():
    car = Car()
    car.evidence.note_ignition(False)
    for _ in range(1000):
        car.evidence.advance(100)
        car.hold(INHIBIT)
    outcomes = [values[1] for _, values in car.journal]
    assert outcomes == [codes.RELAY_OUTCOME_VETOED_IGNITION, codes.RELAY_OUTCOME_NO_PROOF]


def test_a_parked_car_that_cannot_be_inhibited_is_reported_and_the_report_ends_with_its_cause():
    car = Car()
    car.evidence.note_ignition(False)
    for _ in range(3100):
        car.evidence.advance(100)
        car.hold(INHIBIT)
    assert car.faults.is_set(codes.FAULT_PARKED_NOT_INHIBITED)
    car.stand(12)
    car.hold(INHIBIT)
    car.hold(INHIBIT)
    assert car.relay.contact == INHIBIT
    assert not car.faults.is_set(codes.FAULT_PARKED_NOT_INHIBITED)


def test_a_car_without_interlock_is_never_pulsed_and_never_reported():
    car = Car(kind=0)
    car.stand(70)
    for _ in range(4000):
        car.hold(INHIBIT)
    assert car.journal == []
    assert car.set(INHIBIT) == codes.RELAY_OUTCOME_NOT_FITTED
    assert car.relay.pulses == []
    assert not car.faults.is_set(codes.FAULT_PARKED_NOT_INHIBITED)


def test_below_nine_volts_no_pulse_leaves_in_either_direction():
    for contact, wanted in ((INHIBIT, ALLOW), (ALLOW, INHIBIT)):
        car = Car(contact=contact)
        car.stand(70)
        car.battery_mv = 8999
        assert car.set(wanted) == codes.RELAY_OUTCOME_BATTERY_LOW
        assert car.relay.pulses == []


# What a move does, for how long the ignition is off and the car still (None: not). The truth, kept apart.
MOVES = {
    "stand": (lambda car: car.stand(65), 65, 65),
    "short stand": (lambda car: car.stand(9), 9, 9),
    "drive": (lambda car: (car.evidence.note_ignition(True), car.evidence.note_speed(50)), None, None),
    "silence": (lambda car: car.evidence.advance(65_000), 65, None),
    "ignition": (lambda car: car.evidence.note_ignition(True), None, 0),
    "knock": (lambda car: car.evidence.note_unrest(), 0, None),
}


def test_over_every_course_of_events_inhibit_is_pulsed_only_after_a_stand_with_the_ignition_off():
    for course in itertools.product(MOVES, repeat=4):
        car = Car()
        off_s = still_s = 0
        is_off = False
        for name in course:
            move, off, still = MOVES[name]
            move(car)
            is_off = off is not None and (is_off or "stand" in name)
            off_s = off_s + off if is_off else 0
            still_s = 0 if still is None else still_s + still
        car.set(INHIBIT)
        assert bool(car.relay.pulses) == (off_s >= 60 and still_s >= 10), course
