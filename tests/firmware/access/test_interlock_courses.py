"""What the sensors saw, and when, against what the relay may then do (S2, S3).

Courses of sightings dense around every limit: speed, age, still time, ignition. A second telling of the
rules reads them off the sightings; where they forbid, the relay must not be pulsed, where they permit with
two ticks to spare, it must. Broken variants show that the sweep can fail.
"""

import types
from pathlib import Path

import pytest
from box.access import evidence, interlock
from support_interlock import POINTS_A_COURSE, check_course, iterate_courses

# The box is held up (a handshake, an erase) and does not look; (for, until) in ms.
STALLS = ((1_900, -100), (1_200, 0), (1_900, -9_000), (1_500, -9_900))


def sweep(stride, stalls=((0, 0),), first=0, **broken):
    """Return `(points, first wrong answer or None)`."""
    points = 0
    for stall in stalls:
        for course in iterate_courses(stride, first):
            points += POINTS_A_COURSE
            wrong = check_course(course, stall=stall, **broken)
            if wrong is not None:
                return points, wrong
    return points, None


def load_broken(module, right, wrong):
    """The module's source with one piece of it put wrong, as a module of its own."""
    source = Path(module.__file__).read_text(encoding="utf-8")
    assert source.count(right) >= 1, right
    copy = types.ModuleType(module.__name__)
    copy.__package__ = module.__package__
    exec(compile(source.replace(right, wrong), module.__file__, "exec"), vars(copy))
    return copy


def test_a_slice_of_the_courses_ends_in_the_right_act():
    points, wrong = sweep(29)
    assert wrong is None
    assert points > 1_000


@pytest.mark.sweep
def test_every_course_ends_in_the_right_act():
    points, wrong = sweep(1)
    assert wrong is None
    assert points == POINTS_A_COURSE * (13 * 3 + 27 * 16) * 17


@pytest.mark.sweep
@pytest.mark.parametrize("stall", STALLS)
def test_a_box_that_was_held_up_takes_no_silence_for_proof(stall):
    points, wrong = sweep(7, [stall], first=STALLS.index(stall))
    assert wrong is None
    assert points > 4_000


BROKEN = [
    (evidence, "return self.still_ms - self.accelerometer_age_ms", "return self.still_ms"),
    (evidence, "return self.slow_ms - self.fix_age_ms", "return self.slow_ms"),
    (evidence, "return _NEW_RUN if", "return 0 if"),
    (evidence, "        if not self._is_sign_new:\n            self", "        if True:\n            self"),
    (evidence, "self.accelerometer_age_ms > _GAP_MS", "self.accelerometer_age_ms > 2_500"),
    (evidence, "self.fix_age_ms > _GAP_MS", "self.fix_age_ms > 2_500"),
    (evidence, "elif self.still_ms == _NO_RUN", "elif False"),
    (evidence, "if rpm > 0:", "if False:"),
    (evidence, "if speed_kmh > 0:", "if False:"),
    (evidence, "and self.speed_age_ms < _UNREFUTED_MS", "and False"),
    (evidence, "_UNREFUTED_MS = const(60_000)", "_UNREFUTED_MS = const(59_800)"),
    (evidence, "slow = speed_kmh <= SLOW_KMH", "slow = speed_kmh <= 4"),
    (evidence, "slow = speed_kmh <= SLOW_KMH", "slow = speed_kmh < SLOW_KMH"),
    (evidence, "if self.sign_age_ms < STILL_FOR_MS", "if self.sign_age_ms < 9_900"),
    (evidence, "if self.sign_age_ms < STILL_FOR_MS", "if self.sign_age_ms < 10_400"),
    (evidence, "_compute_still_ms() >= STILL_FOR_MS", "_compute_still_ms() >= 9_900"),
    (evidence, "_compute_still_ms() >= STILL_FOR_MS", "_compute_still_ms() >= 10_400"),
    (evidence, "_compute_slow_ms() >= STILL_FOR_MS", "_compute_slow_ms() >= 9_000"),
    (evidence, "        if on:\n", "        if False:\n"),
    (evidence, "if off > RESTLESS_MG", "if off > 500"),
    (interlock, "IGNITION_OFF_BADGE_MS if after_badge else IGNITION_OFF_MS", "IGNITION_OFF_BADGE_MS"),
    (interlock, "now.motion == MOTION_MOVING or now.carried", "now.motion == MOTION_MOVING"),
]


@pytest.mark.sweep
@pytest.mark.parametrize(("module", "right", "wrong"), BROKEN)
def test_the_sweep_catches_a_broken_box(module, right, wrong):
    copy = load_broken(module, right, wrong)
    broken = {"make_evidence": copy.Evidence} if module is evidence else {"rule": copy.decide}
    assert sweep(7, **broken)[1] or sweep(1, **broken)[1] or sweep(7, STALLS, **broken)[1]
