"""The interlock's rules by exhaustion, with broken variants that the same sweep must catch (S1-S4, S7)."""

import asyncio
import inspect
import itertools

import pytest
from box.access import interlock
from box.access.evidence import Evidence
from box.access.interlock import Interlock, decide
from box.config import Settings
from box.faults import Faults
from box.protocols import codes, records
from support_interlock import sweep_rule

ALLOW, INHIBIT = codes.CONTACT_ALLOW, codes.CONTACT_INHIBIT


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


class Relay:
    """A latching relay; `obeys` pulses out of each row of three are followed."""

    def __init__(self, contact=ALLOW, follows=True):
        self.contact = contact
        self.follows = follows
        self.pulses = []
        self.during = None

    async def _pulse(self, wanted):
        self.pulses.append(wanted)
        if self.during:
            self.during()
        if self.follows:
            self.contact = wanted

    async def pulse_allow(self):
        await self._pulse(ALLOW)

    async def pulse_inhibit(self):
        await self._pulse(INHIBIT)

    def read_contact(self):
        return self.contact


class Car:
    def __init__(self, contact=ALLOW, follows=True, kind=1):
        self.ticks = 0
        self.battery_mv = 12600
        self.journal = []
        self.relay = Relay(contact, follows)
        self.evidence = Evidence()
        self.faults = Faults(lambda: self.ticks)
        self.faults.attach(lambda kind, *values: None)
        self.interlock = Interlock(
            self.relay,
            self.evidence,
            Settings({"interlock_kind": kind}),
            self.faults,
            self.write,
            lambda: self.battery_mv,
        )

    def write(self, kind, *values):
        self.journal.append((kind, records.unpack(kind, records.pack(kind, *values).ljust(36, bytes(1)))))
        return len(self.journal)

    def stand(self, seconds):
        self.evidence.note_ignition(False)
        for _ in range(seconds):
            self.evidence.advance(1000)
            self.evidence.note_accelerometer(0, 0, 1000)

    def set(self, wanted, after_badge=False):
        return asyncio.run(self.interlock.set(wanted, codes.RELAY_SOURCE_SESSION, after_badge, 7))

    def hold(self, target, ms=100):
        asyncio.run(self.interlock.hold(target, codes.RELAY_SOURCE_PARKED, False, 0, ms))


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


# --- limits: what it starts from, what it is asked without more, the last ms of each time


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


def test_a_car_that_is_not_inhibited_is_told_after_five_minutes_and_not_a_millisecond_sooner():
    car = Car()
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


def test_a_request_that_is_answered_ends_the_minute_in_which_the_relay_is_left_alone():
    car = Car(contact=INHIBIT, follows=False)
    car.hold(ALLOW)
    car.relay.follows = True
    assert car.set(ALLOW) == codes.RELAY_OUTCOME_DONE
    car.hold(ALLOW)
    car.relay.contact = INHIBIT
    car.hold(ALLOW)
    assert car.relay.contact == ALLOW


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
