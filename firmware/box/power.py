"""Load is shed in steps by the 12 V, with hysteresis (S7): the box is never the reason that a car does not
start.

Step 0 normal; 1 a warning; 2 the link dozes and the reader polls once a second; 3 the link is off; 4 the
reader sleeps as well until somebody knocks. With the ignition on the alternator speaks, not the battery:
steps only fall then.
"""

from .config import BATTERY_LAST_MV, BATTERY_SHED_MV, BATTERY_SILENT_MV, BATTERY_WARN_MV

NORMAL = 0
WARN = 1
SHED = 2
LAST = 3
SILENT = 4
_LIMITS = (BATTERY_WARN_MV, BATTERY_SHED_MV, BATTERY_LAST_MV, BATTERY_SILENT_MV)
_AVERAGE_SHIFT = 3  # cranking and door motors dip the voltage for a second: the mean of some 8 s counts


class Power:
    """`update` once a second with the reading; `step` is what to do."""

    def __init__(self, battery_mv):
        self._mean = battery_mv << _AVERAGE_SHIFT
        self.battery_mv = battery_mv
        self.step = NORMAL
        self._choose()

    def update(self, battery_mv, kl15_on):
        """Take a reading in mV; return whether the step changed."""
        before = self.step
        self.battery_mv = battery_mv
        if not kl15_on or battery_mv > self._mean >> _AVERAGE_SHIFT:
            self._mean += battery_mv - (self._mean >> _AVERAGE_SHIFT)
        self._choose()
        return self.step != before

    def _choose(self):
        mean_mv = self._mean >> _AVERAGE_SHIFT
        while self.step < SILENT and mean_mv < _LIMITS[self.step][0]:
            self.step += 1
        while self.step > NORMAL and mean_mv >= _LIMITS[self.step - 1][1]:
            self.step -= 1

    @property
    def is_low(self):
        """Whether a driver is to be warned."""
        return self.step >= WARN
