"""What an accelerometer feels in a car, in milli-g: x forward, y left, z up.

Modelled: gravity with the box's fixed mounting tilt, longitudinal acceleration, an engine's and a road's
vibration as noise of a fitting size, the knock of a door, sensor noise. Not modelled: bends, slopes, the
spectrum of the vibration.
"""

from __future__ import annotations

import math
import random

from .car_powertrain import GRAVITY_MS2

SENSOR_NOISE_MG = 2.0
"""A still sensor's scatter at 10 Hz, high resolution."""
ENGINE_NOISE_MG = 14.0
ROAD_NOISE_MG_PER_MS = 3.0
ROAD_NOISE_MAX_MG = 75.0
DOOR_KNOCK_MG = 110.0
DOOR_KNOCK_S = 0.15
"""Time constant of the swing after a door was slammed."""
_FORGOTTEN_MG = 0.5


class MotionSensor:
    """The signal at the accelerometer's place. Seeded: the same seed and calls give the same signal."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._pitch = math.radians(rng.uniform(-4.0, 4.0))
        self._roll = math.radians(rng.uniform(-4.0, 4.0))
        self._knock_mg = 0.0

    def knock(self) -> None:
        """A door is shut, a wheel is kicked."""
        self._knock_mg = DOOR_KNOCK_MG

    def read_mg(
        self, seconds: float, *, acceleration_ms2: float, speed_ms: float, engine: bool
    ) -> tuple[int, int, int]:
        """The signal after `seconds` more, whole milli-g."""
        rough = SENSOR_NOISE_MG
        if engine:
            rough += ENGINE_NOISE_MG
        if speed_ms > 0:
            rough += min(10.0 + ROAD_NOISE_MG_PER_MS * speed_ms, ROAD_NOISE_MAX_MG)
        gauss = self._rng.gauss
        swing = self._knock_mg * self._rng.choice((-1.0, 1.0)) if self._knock_mg else 0.0
        self._knock_mg *= math.exp(-seconds / DOOR_KNOCK_S)
        if self._knock_mg < _FORGOTTEN_MG:
            self._knock_mg = 0.0
        forward = 1000 * acceleration_ms2 / GRAVITY_MS2
        x = 1000 * math.sin(self._pitch) + forward + gauss(0, rough)
        y = 1000 * math.sin(self._roll) + swing + gauss(0, rough)
        z = 1000 * math.cos(self._pitch) * math.cos(self._roll) + gauss(0, rough)
        return round(x), round(y), round(z)
