"""The limits of the motion evidence to the millisecond, the milli-g and the km/h (S2, S3)."""

import pytest
from box.access.evidence import Evidence
from box.protocols.codes import MOTION_MOVING, MOTION_STILL, MOTION_UNKNOWN

UNKNOWN = (MOTION_UNKNOWN, 0, False)
STILL = (MOTION_STILL, 0, False)


class Car:
    """What the sensors show, once each `step_ms`: `x_mg`, or a fix of `fix_kmh`, or both."""

    def __init__(self, x_mg=0, fix_kmh=None, ignition=False):
        self.evidence = Evidence()
        self.evidence.note_ignition(ignition)
        self.x_mg, self.fix_kmh = x_mg, fix_kmh
        self.shakes = False
        self.look()

    def look(self):
        if self.x_mg is not None:
            self.x_mg = 500 - self.x_mg if self.shakes else self.x_mg
            self.evidence.note_accelerometer(self.x_mg, 0, 1000)
        if self.fix_kmh is not None:
            self.evidence.note_fix(self.fix_kmh)

    def live(self, ms, step_ms=500, **now):
        for name, value in now.items():
            assert hasattr(self, name)
            setattr(self, name, value)
        while ms > 0:
            self.evidence.advance(min(step_ms, ms))
            self.look()
            ms -= step_ms
        return self.evidence

    def assess(self):
        return self.evidence.assess()


def test_a_proof_takes_ten_seconds_of_rest_to_the_millisecond():
    car = Car()
    assert car.live(9_999).assess() == UNKNOWN
    assert car.live(1).assess() == STILL


def test_a_proof_takes_ten_seconds_of_slow_fixes_after_the_tick_of_the_first():
    car = Car(x_mg=None, fix_kmh=3.0)
    car.live(1)
    assert car.live(9_999).assess() == UNKNOWN
    assert car.live(1).assess() == STILL


def test_after_motion_proof_and_sign_take_ten_seconds_to_the_millisecond():
    car = Car()
    car.live(20_000)
    car.live(1, x_mg=300)
    assert car.assess() == (MOTION_MOVING, 0, False)
    assert car.live(1).assess() == (MOTION_MOVING, 0, False)
    assert car.live(9_999).assess() == (MOTION_MOVING, 9_999, False)
    assert car.live(1).assess() == STILL


@pytest.mark.parametrize(("x_mg", "fix_kmh"), [(0, None), (None, 0.0)])
def test_a_run_begins_with_a_reading_and_not_with_the_silence_before_it(x_mg, fix_kmh):
    car = Car()
    car.look()
    car.live(20_000, x_mg=x_mg, fix_kmh=fix_kmh)
    if x_mg is not None:
        car.live(1, x_mg=300)
    else:
        car.live(1, fix_kmh=50.0)
    seen = []
    car.fix_kmh = fix_kmh
    for _ in range(9):
        car.evidence.advance(1)
        car.evidence.advance(1_499)
        car.look()
        seen.append(car.assess()[0])
    assert seen == [MOTION_MOVING] * 6 + [MOTION_UNKNOWN, MOTION_STILL, MOTION_STILL]


@pytest.mark.parametrize(("x_mg", "fix_kmh"), [(0, None), (None, 0.0)])
def test_a_run_lasts_to_its_last_reading_and_ends_with_two_seconds_of_silence(x_mg, fix_kmh):
    car = Car(x_mg, fix_kmh)
    begin_ms = 1 if x_mg is None else 0
    car.live(begin_ms)
    car.live(9_500)
    car.evidence.advance(2_000)
    assert car.assess() == (MOTION_UNKNOWN, 2_000, False)
    car.look()
    assert car.assess() == STILL
    car.evidence.advance(2_001)
    car.look()
    car.live(begin_ms)
    assert car.live(9_999).assess() == UNKNOWN
    assert car.live(1).assess() == STILL


def test_without_a_proof_the_youngest_reading_tells_how_long_nothing_was_seen():
    car = Car(fix_kmh=0.0)
    car.evidence.advance(700)
    car.evidence.note_fix(0.0)
    car.evidence.advance(200)
    assert car.assess() == (MOTION_UNKNOWN, 200, False)
    car.evidence.note_accelerometer(0, 0, 1000)
    car.evidence.advance(100)
    assert car.assess() == (MOTION_UNKNOWN, 100, False)


def test_of_two_proofs_the_younger_tells_the_age():
    for late in ("note_accelerometer", "note_fix"):
        car = Car(fix_kmh=0.0)
        car.live(12_000)
        car.evidence.advance(300)
        getattr(car.evidence, late)(*((0, 0, 1000) if late == "note_accelerometer" else (0.0,)))
        car.evidence.advance(100)
        assert car.assess() == (MOTION_STILL, 100, False)


# --- the accelerometer -----------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize(("off_mg", "moved"), [(30, False), (31, True), (-30, False), (-31, True)])
def test_more_than_30_mg_off_the_rest_position_of_any_axis_is_motion(axis, off_mg, moved):
    evidence = Evidence()
    position = [300, -400, 866]  # however the box is mounted
    evidence.note_accelerometer(*position)
    evidence.advance(100)
    evidence.note_accelerometer(*position)
    assert evidence.assess()[0] == MOTION_UNKNOWN
    position[axis] += off_mg
    evidence.note_accelerometer(*position)
    assert (evidence.assess()[0] == MOTION_MOVING) == moved


@pytest.mark.parametrize(("mg_per_10", "moved"), [(15, False), (20, True), (-15, False), (-21, True)])
def test_a_slow_tilt_is_followed_and_a_faster_one_is_motion(mg_per_10, moved):
    evidence = Evidence()
    for reading in range(300):
        evidence.note_accelerometer(mg_per_10 * reading // 10, 0, 1000)
        evidence.advance(100)
    assert (evidence.assess()[0] == MOTION_MOVING) == moved


@pytest.mark.parametrize(("gap_ms", "moved"), [(2_000, True), (2_001, False)])
def test_after_two_seconds_of_silence_another_position_is_no_motion(gap_ms, moved):
    car = Car()
    car.evidence.advance(gap_ms)
    car.x_mg = 500
    car.look()
    assert (car.assess()[0] == MOTION_MOVING) == moved


# --- wheels, engine, ignition, knocks --------------------------------------------------------------------


@pytest.mark.parametrize("note", ["note_speed", "note_rpm"])
def test_what_turned_two_seconds_ago_runs_and_a_millisecond_later_does_not(note):
    evidence = Evidence()
    getattr(evidence, note)(1)
    evidence.advance(2_000)
    assert evidence.is_running()
    evidence.advance(1)
    assert not evidence.is_running()
    getattr(evidence, note)(0)
    assert not evidence.is_running()


def test_a_turning_wheel_vetoes_for_a_minute_to_the_millisecond():
    car = Car()
    car.evidence.note_speed(5)
    assert car.live(59_999).assess() == (MOTION_MOVING, 59_999, True)
    assert car.live(1).assess() == STILL


def test_the_last_of_several_signs_tells_the_age():
    car = Car()
    car.evidence.note_speed(5)
    car.live(20_000)
    assert car.assess() == (MOTION_MOVING, 20_000, True)
    car.evidence.note_unrest()
    assert car.assess() == (MOTION_MOVING, 0, False)  # and no proof contradicts a knock


def test_the_time_off_is_none_while_the_ignition_is_on():
    car = Car()
    car.live(5_000)
    assert car.evidence.kl15_off_ms == 5_000
    car.evidence.note_ignition(True)
    assert car.live(1_000).kl15_off_ms == 0


# --- carried, settled ------------------------------------------------------------------------------------


def test_thirty_seconds_of_unrest_with_the_ignition_off_carry_to_the_millisecond():
    car = Car()
    car.shakes = True
    assert not car.live(29_999).is_carried()
    assert car.live(1).is_carried()
    car.evidence.note_rpm(800)
    assert not car.evidence.is_carried()  # it runs by itself


@pytest.mark.parametrize("before", ["silence", "ignition"])
def test_unrest_counts_from_the_ignition_off_and_not_over_a_silence(before):
    car = Car(ignition=before == "ignition")
    car.live(25_000, shakes=True)
    if before == "silence":
        car.evidence.advance(2_001)
        car.look()
    car.evidence.note_ignition(False)
    assert not car.live(29_999).is_carried()
    assert car.live(1).is_carried()


@pytest.mark.parametrize(("lull_ms", "goes_on"), [(5_000, True), (5_001, False)])
def test_unrest_goes_on_over_a_lull_of_five_seconds_and_no_longer(lull_ms, goes_on):
    car = Car()
    car.live(20_000, shakes=True)
    car.live(1, shakes=False)  # the rest begins with its first reading
    car.live(lull_ms - 1)
    car.live(1, shakes=True)
    so_far_ms = 20_001 + lull_ms if goes_on else 0
    assert not car.live(29_999 - so_far_ms).is_carried()
    assert car.live(1).is_carried()


@pytest.mark.parametrize(("speed_kmh", "carried"), [(9.9, False), (10, True), (11, True)])
def test_ten_seconds_at_ten_kilometres_an_hour_with_the_ignition_off_carry(speed_kmh, carried):
    car = Car(x_mg=None, fix_kmh=speed_kmh)
    car.live(1)
    assert not car.live(9_999).is_carried()
    assert car.live(1).is_carried() == carried


def test_a_fast_run_begins_when_the_ignition_goes_off():
    car = Car(x_mg=None, fix_kmh=50.0, ignition=True)
    car.live(20_000)
    car.evidence.note_ignition(False)
    car.live(1)
    assert not car.live(9_999).is_carried()
    assert car.live(1).is_carried()


def test_what_nobody_knows_the_ignition_of_is_not_carried():
    car = Car(fix_kmh=50.0)
    car.live(60_000, shakes=True)
    car.evidence.kl15 = None
    assert not car.evidence.is_carried()


@pytest.mark.parametrize(("x_mg", "fix_kmh"), [(0, None), (None, 0.0), (0, 0.0)])
def test_a_car_is_settled_after_a_minute_by_either_proof_to_the_millisecond(x_mg, fix_kmh):
    car = Car(x_mg, fix_kmh)
    car.live(1 if x_mg is None else 0)
    assert not car.live(59_999).is_settled()
    assert car.live(1).is_settled()
    car.evidence.note_rpm(800)
    assert not car.evidence.is_settled()


def test_neither_a_rest_of_before_a_silence_nor_of_before_a_knock_settles():
    car = Car()
    car.live(70_000)
    car.live(12_000, x_mg=None, fix_kmh=0.0)
    assert car.assess()[0] == MOTION_STILL
    assert not car.evidence.is_settled()
    car = Car()
    car.live(70_000)
    car.evidence.note_unrest()
    assert not car.live(30_000).is_settled()


def test_what_is_forgotten_is_ignition_proof_and_unrest_and_no_sign():
    car = Car(fix_kmh=50.0)
    car.live(40_000, shakes=True)
    assert car.evidence.is_carried()
    car.evidence.forget()
    assert (car.evidence.kl15, car.evidence.kl15_off_ms) == (None, 0)
    assert car.assess()[0] == MOTION_MOVING
    car.evidence.note_ignition(False)
    assert not car.evidence.is_carried()
    car = Car(fix_kmh=0.0)
    car.live(70_000)
    car.evidence.forget()
    assert car.assess()[0] == MOTION_UNKNOWN
    car.evidence.note_fix(0.0)
    car.evidence.note_accelerometer(500, 0, 1000)
    assert car.assess() == UNKNOWN


def test_unrest_that_is_forgotten_counts_anew():
    car = Car()
    car.live(20_000, shakes=True)
    car.evidence.forget()
    car.evidence.note_ignition(False)
    car.look()
    assert not car.live(29_999).is_carried()
    assert car.live(1).is_carried()
