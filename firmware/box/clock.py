"""The time of the box and how far it may be trusted.

Time is an input to every decision, so it comes with a trust level: ``NONE`` (nobody said), ``KEPT`` (the
clock chip has run since a trusted time), ``GNSS`` and ``CLOUD``. Instants are seconds since
2000-01-01T00:00:00Z (uint32, until 2136).

A durable lower bound of the present keeps a box that lay a month without power from going back. What
satellites or the clock chip say moves the bound at most 24 h past what the cloud last said, so a forged
satellite date cannot poison it; only the cloud, whose word is signed, moves it further or lowers it.
"""

import struct

from micropython import const

try:
    from time import ticks_diff
except ImportError:  # CPython, in tests: its integers do not wrap
    from operator import sub as ticks_diff


NONE = const(0)
KEPT = const(1)
GNSS = const(2)
CLOUD = const(3)

BOUND_LEAP_S = const(86_400)  # how far anyone but the cloud may move the bound past the cloud's last word
_GNSS_LEAP_S = const(
    86_400
)  # a satellite date further than this from a running trusted clock is taken for forged
_CLOUD_FRESH_S = const(86_400)  # as long as this after the cloud's word, satellites have nothing to correct
_SAVE_EVERY_S = const(
    3600
)  # the bound is saved at most this often: a flash write an hour, 87,600 in ten years
_CHIP_SLACK_S = const(120)  # the chip may lag the bound by its drift and by the rounding of a write
_CHIP_OFF_S = const(2)  # the chip is written again when it is off by this much

_FORMAT = "<II"  # bound_s, cloud_s


class Clock:
    """Keeps the present; durable through `load` and `save`, through power loss by the clock chip where there
    is one.

    `ticks_ms` is the monotonic counter; `chip` has `read_s()` and `write_s(s)` or is None; `load()` gives the
    bytes last saved or None; `save(bytes)` makes them durable, and is called by `save_bound` alone.
    `on_chip_error()` is called when the chip does not answer.
    """

    def __init__(self, ticks_ms, chip=None, load=None, save=None, on_chip_error=None):
        self._ticks_ms = ticks_ms
        self._chip = chip
        self._save = save
        self._on_chip_error = on_chip_error
        self._base_s = 0
        self._base_ticks = ticks_ms()
        self._told_at_ticks_s = 0  # uptime in whole seconds when the cloud last spoke
        self._uptime_s = 0
        self._uptime_ms = 0
        self._uptime_ticks = self._base_ticks
        self.trust = NONE
        self.bound_s = 0
        self.refused = 0  # times that were not believed
        self.cloud_s = 0  # when the cloud last spoke, 0 never
        self._saved_s = 0
        self._must_save = False
        stored = load() if load else None
        if stored and len(stored) == struct.calcsize(_FORMAT):
            self.bound_s, self.cloud_s = struct.unpack(_FORMAT, stored)
            self._saved_s = self.bound_s
        self._start_from_chip()

    def _start_from_chip(self):
        chip_s = self._call_chip(None)
        if chip_s is None:
            return
        if chip_s + _CHIP_SLACK_S < self.bound_s:
            self.refused += 1  # the chip fell back: it is not a trusted time since
            return
        self._set(max(chip_s, self.bound_s), KEPT)

    def _call_chip(self, write_s):
        if self._chip is None:
            return None
        try:
            if write_s is None:
                return self._chip.read_s()
            self._chip.write_s(write_s)
        except OSError:
            if self._on_chip_error:
                self._on_chip_error()
        return None

    def _set(self, now_s, trust):
        self._base_s = now_s
        self._base_ticks = self._ticks_ms()
        self.trust = trust

    def uptime_ms(self):
        """Return the milliseconds since this object was made; it does not wrap."""
        return self.uptime_s() * 1000 + self._uptime_ms

    def uptime_s(self):
        """Return the whole seconds since this object was made; to be called more often than the ticks wrap (6
        days).
        """
        now = self._ticks_ms()
        self._uptime_ms += ticks_diff(now, self._uptime_ticks)
        self._uptime_ticks = now
        self._uptime_s += self._uptime_ms // 1000
        self._uptime_ms %= 1000
        return self._uptime_s

    def now_s(self):
        """Return the present in seconds since 2000, or None with trust `NONE`."""
        if self.trust == NONE:
            return None
        elapsed_s = ticks_diff(self._ticks_ms(), self._base_ticks) // 1000
        if elapsed_s > 3600:  # rebase, so that the ticks never wrap between two looks
            self._base_s += elapsed_s
            self._base_ticks += elapsed_s * 1000
            elapsed_s = 0
            # a plain sum may leave the range of the ticks; the difference to the counter puts it back
            self._base_ticks = self._ticks_ms() - ticks_diff(self._ticks_ms(), self._base_ticks)
        return self._base_s + elapsed_s

    def stamp(self):
        """Return `(at_s, trust)` for a record: `at_s` is 0 with trust `NONE`."""
        return (self.now_s() or 0), self.trust

    def set_from_cloud(self, now_s):
        """Believe the cloud, whose word is signed: it sets the time and the bound, also backwards."""
        self._set(now_s, CLOUD)
        self._told_at_ticks_s = self.uptime_s()
        lowered = now_s + BOUND_LEAP_S < self.bound_s or now_s < self.cloud_s
        self.cloud_s = now_s
        self.bound_s = now_s
        self._must_save = self._must_save or lowered or now_s < self._saved_s
        self._write_chip(now_s)

    def set_from_gnss(self, time_s):
        """Take the time of a valid fix; return whether it was believed.

        A date before the bound (a week number that rolled over) is refused, and one more than a day from a
        clock that runs on a trusted time. While the cloud's word is fresh the satellites are only compared.
        """
        now_s = self.now_s()
        if time_s < self.bound_s or (now_s is not None and abs(time_s - now_s) > _GNSS_LEAP_S):
            self.refused += 1
            return False
        if self.trust == CLOUD and self.uptime_s() - self._told_at_ticks_s < _CLOUD_FRESH_S:
            return True
        if self.trust != GNSS or now_s is None or abs(time_s - now_s) >= _CHIP_OFF_S:
            self._set(time_s, GNSS)
            self._write_chip(time_s)
        self.keep_bound()
        return True

    def keep_bound(self):
        """Move the lower bound after the present, within what its trust allows."""
        now_s = self.now_s()
        if now_s is None:
            return
        if self.trust != CLOUD:
            now_s = min(now_s, self.cloud_s + BOUND_LEAP_S)
        self.bound_s = max(self.bound_s, now_s)

    def _write_chip(self, now_s):
        chip_s = self._call_chip(None)
        if chip_s is None or abs(chip_s - now_s) >= _CHIP_OFF_S:
            self._call_chip(now_s)

    def save_bound(self):
        """Make the bound durable if that is due; return whether it was. For idle moments: it erases flash."""
        if not self._must_save and self.bound_s - self._saved_s < _SAVE_EVERY_S:
            return False
        if self._save:
            self._save(struct.pack(_FORMAT, self.bound_s, self.cloud_s))
        self._saved_s = self.bound_s
        self._must_save = False
        return True
