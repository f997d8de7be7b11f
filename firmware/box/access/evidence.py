"""What the sensors say about motion, each with its age (S2, S3).

Pure: whoever reads a sensor notes the value here, and `advance` lets time pass. Ages and runs are counted in
ms and stop at
`FOREVER_MS`, so a car parked for months never sees an old reading become young again by a counter that wraps.

Proof of standstill is one of two runs of `STILL_FOR_MS`: an accelerometer at rest, or valid fixes at or below
`SLOW_KMH`. A wheel speed of 0 proves nothing (the bus may repeat an old value). Any sign of motion from any
source vetoes for `STILL_FOR_MS`; a last wheel speed above 0 that nothing has refuted vetoes for a minute
after the bus fell silent.

A run lasts from its first reading to its last: the silence after it proves nothing. What was noted since the
last `advance` counts from the next one on: a sign never grows old, nor a run long, by time that passed before
it.
"""

from micropython import const

from ..config import PROOF_MAX_AGE_MS, SLOW_KMH, STILL_FOR_MS
from ..protocols.codes import MOTION_MOVING, MOTION_STILL, MOTION_UNKNOWN

FOREVER_MS = const(
    0x1FFFFFFF
)  # 6 days: nothing here distinguishes more, and it is a small integer on 32 bits
RESTLESS_MG = const(
    30
)  # LIS2DH12 noise at 10 Hz is some 3 mg rms; a door slam is hundreds, an idling engine tens
_SETTLE_SHIFT = const(
    4
)  # the rest position follows the samples by 1/16: slow tilt and temperature are not motion
_UNREFUTED_MS = const(60_000)
_GAP_MS = const(2_000)  # a run with a gap this long is broken: silence is not evidence
CARRIED_KMH = const(10)  # clearly more than a receiver's noise at rest
CARRIED_FIX_MS = const(10_000)
CARRIED_RESTLESS_MS = const(30_000)  # loading a boot rocks a car for seconds, a lorry or a ferry for minutes
_LULL_MS = const(5_000)
_NO_RUN = const(-1)
_NEW_RUN = const(-2)  # begun since the last `advance`
SETTLED_MS = const(60_000)  # at rest this long again: no longer carried


def _later(age_ms, dt_ms):
    return min(age_ms + dt_ms, FOREVER_MS)


def _grow(run_ms, dt_ms):
    if run_ms == _NEW_RUN:
        return 0
    return run_ms if run_ms == _NO_RUN else _later(run_ms, dt_ms)


def _keep_up(run_ms, goes_on):
    if not goes_on:
        return _NO_RUN
    return _NEW_RUN if run_ms == _NO_RUN else run_ms


class Evidence:
    """Notes of the sensors and what follows from them; see the module."""

    def __init__(self):
        self.kl15 = None  # None until the input was read
        self.kl15_off_ms = 0
        self.accelerometer_age_ms = FOREVER_MS
        self.still_ms = _NO_RUN
        self._rest = []
        self.restless_ms = 0
        self.fix_age_ms = FOREVER_MS
        self.slow_ms = _NO_RUN
        self.fast_ms = _NO_RUN
        self.sign_age_ms = FOREVER_MS  # since the last sign of motion
        self._is_sign_new = False
        self.speed_kmh = None
        self.speed_age_ms = FOREVER_MS
        self.rpm = None
        self.rpm_age_ms = FOREVER_MS

    def advance(self, dt_ms):
        """Let `dt_ms` pass: everything known grows older, runs that are kept up grow longer."""
        is_off = (
            self.kl15 is False
        )  # a driven car is not carried: those runs begin when the ignition goes off
        if is_off:
            self.kl15_off_ms = _later(self.kl15_off_ms, dt_ms)
        self.accelerometer_age_ms = _later(self.accelerometer_age_ms, dt_ms)
        is_silent = self.accelerometer_age_ms > _GAP_MS
        self.still_ms = _NO_RUN if is_silent else _grow(self.still_ms, dt_ms)
        if is_off and not is_silent and self.still_ms <= _LULL_MS:
            self.restless_ms = _later(self.restless_ms, dt_ms)
        else:
            self.restless_ms = 0
        self.fix_age_ms = _later(self.fix_age_ms, dt_ms)
        if self.fix_age_ms > _GAP_MS:
            self.slow_ms = self.fast_ms = _NO_RUN
        else:
            self.slow_ms = _grow(self.slow_ms, dt_ms)
            self.fast_ms = _grow(self.fast_ms, dt_ms) if is_off else _NO_RUN
        if not self._is_sign_new:
            self.sign_age_ms = _later(self.sign_age_ms, dt_ms)
        self._is_sign_new = False
        self.speed_age_ms = _later(self.speed_age_ms, dt_ms)
        self.rpm_age_ms = _later(self.rpm_age_ms, dt_ms)

    def forget(self):
        """Nobody has looked at the car for too long: what was proven is not; signs of motion remain."""
        self.kl15 = None
        self.kl15_off_ms = 0
        self.still_ms = self.slow_ms = self.fast_ms = _NO_RUN
        self.restless_ms = 0
        self.accelerometer_age_ms = self.fix_age_ms = FOREVER_MS

    def note_ignition(self, on):
        """Note KL15; a change to on starts its time off anew."""
        if on:
            self.kl15_off_ms = 0
        self.kl15 = bool(on)

    def note_accelerometer(self, x_mg, y_mg, z_mg):
        """Note one reading in mg;

        one far from the rest position is a sign of motion and becomes the rest position.
        """
        rest = self._rest
        if self.accelerometer_age_ms > _GAP_MS:
            self._rest = [x_mg << _SETTLE_SHIFT, y_mg << _SETTLE_SHIFT, z_mg << _SETTLE_SHIFT]
            self.still_ms = 0
        else:
            moved = False
            for axis, value in ((0, x_mg), (1, y_mg), (2, z_mg)):
                off = value - (rest[axis] >> _SETTLE_SHIFT)
                rest[axis] += off
                if off > RESTLESS_MG or off < -RESTLESS_MG:
                    rest[axis] = value << _SETTLE_SHIFT
                    moved = True
            if moved:
                self.still_ms = _NO_RUN
                self._note_sign()
            elif self.still_ms == _NO_RUN:
                self.still_ms = 0
        self.accelerometer_age_ms = 0

    def note_fix(self, speed_kmh):
        """Note the speed of a valid fix; None (no speed in it) is no evidence and breaks no run."""
        if speed_kmh is None:
            return
        slow = speed_kmh <= SLOW_KMH
        self.slow_ms = _keep_up(self.slow_ms, slow)
        self.fast_ms = _keep_up(self.fast_ms, speed_kmh >= CARRIED_KMH)
        self.fix_age_ms = 0
        if not slow:
            self._note_sign()

    def note_speed(self, speed_kmh):
        """Note a wheel speed from the car's bus."""
        self.speed_kmh = speed_kmh
        self.speed_age_ms = 0
        if speed_kmh > 0:
            self._note_sign()

    def note_rpm(self, rpm):
        """Note an engine speed from the car's bus; a turning engine vetoes like a turning wheel."""
        self.rpm = rpm
        self.rpm_age_ms = 0
        if rpm > 0:
            self._note_sign()

    def note_unrest(self):
        """Note a sign of motion without a value: the accelerometer's interrupt, a knock."""
        self.still_ms = _NO_RUN
        self._note_sign()

    def _note_sign(self):
        self.sign_age_ms = 0
        self._is_sign_new = True

    def is_running(self):
        """Return whether a fresh wheel or engine speed is above 0."""
        return bool(
            (self.speed_kmh and self.speed_age_ms <= PROOF_MAX_AGE_MS)
            or (self.rpm and self.rpm_age_ms <= PROOF_MAX_AGE_MS)
        )

    def _compute_still_ms(self):
        return self.still_ms - self.accelerometer_age_ms

    def _compute_slow_ms(self):
        return self.slow_ms - self.fix_age_ms

    def proof_age_ms(self):
        """Return the age of the youngest positive proof of standstill, or None without one.

        None is older than `_GAP_MS`: silence has ended its run.
        """
        age = None
        if self._compute_still_ms() >= STILL_FOR_MS:
            age = self.accelerometer_age_ms
        if self._compute_slow_ms() >= STILL_FOR_MS:
            age = self.fix_age_ms if age is None else min(age, self.fix_age_ms)
        return age

    def assess(self):
        """Return `(motion, age_ms, is_contradictory)`:

        a `MOTION_` code, and whether proof and a sign of motion disagree.
        """
        proof = self.proof_age_ms()
        sign = self.sign_age_ms if self.sign_age_ms < STILL_FOR_MS else None
        if sign is None and self.speed_kmh and self.speed_age_ms < _UNREFUTED_MS:
            sign = self.speed_age_ms
        if sign is not None:
            return MOTION_MOVING, sign, proof is not None
        if proof is not None:
            return MOTION_STILL, proof, False
        return MOTION_UNKNOWN, min(self.accelerometer_age_ms, self.fix_age_ms), False

    def is_carried(self):
        """Return whether the car moves though nothing of its own turns:

        KL15 off, and fixes or long unrest say so.
        """
        return (
            self.kl15 is False
            and not self.is_running()
            and (self.fast_ms >= CARRIED_FIX_MS or self.restless_ms >= CARRIED_RESTLESS_MS)
        )

    def is_settled(self):
        """Return whether the car has stood for `SETTLED_MS` by one of the two proofs and nothing says
        otherwise.
        """
        motion, _, _ = self.assess()
        return motion == MOTION_STILL and (
            self._compute_still_ms() >= SETTLED_MS or self._compute_slow_ms() >= SETTLED_MS
        )
