"""Distance and fuel of a session, from what the car's bus tells (pure but for the counters it keeps).

Distance: the odometer counts hundreds of metres. The metres before its first step and after its last one are
integrated from the wheel speed, so that distance = head + 100 * (last - first) + tail. A gap (no power, no
bus) in between costs nothing: the odometer has counted it. Without an odometer the integrated wheel speed
stands alone, without that the satellites' speed.

Fuel: the burnt millilitres the bus counts, stretched over the metres driven while nothing was counted; else
the fall of the level. No speed and no position is kept.
"""

import struct

from micropython import const

from ..clock import ticks_diff
from ..protocols.codes import (
    DISTANCE_SOURCE_GNSS,
    DISTANCE_SOURCE_ODOMETER,
    DISTANCE_SOURCE_UNKNOWN,
    DISTANCE_SOURCE_WHEEL_SPEED,
    FUEL_SOURCE_LEVEL,
    FUEL_SOURCE_RATE,
    FUEL_SOURCE_UNKNOWN,
)

NO_ODOMETER = const(0xFFFFFFFF)
NO_FUEL = const(255)
_GAP_MS = const(10_000)  # speeds further apart are not joined: what lay between is not known
_HM_MM = const(100_000)
_ODOMETER_PERIOD_MS = const(5_000)  # as the car's bus is asked for it
LAYOUT = "<IIIIIIIIBB"
SIZE = struct.calcsize(LAYOUT)


class Trip:
    """Counters of one session; `pack` and `restore` carry them over a power loss."""

    def __init__(self):
        self.odometer_start_hm = NO_ODOMETER
        self._first_hm = NO_ODOMETER  # the odometer at its first step within the session
        self.odometer_hm = NO_ODOMETER
        self._head_mm = 0  # by wheel speed, before the first step
        self._tail_mm = 0  # by wheel speed, since the last step
        self._wheel_mm = 0
        self._gnss_mm = 0
        self._fuel_ul = 0
        self._has_rate = 0
        self.fuel_start_percent = NO_FUEL
        # of this power cycle only
        self._speed_kmh = None
        self._speed_at_ms = None
        self._gnss_kmh = None
        self._gnss_at_ms = None
        self._burnt_ml = None

    def pack(self):
        """Return the counters as bytes."""
        return struct.pack(
            LAYOUT,
            self.odometer_start_hm,
            self._first_hm,
            self.odometer_hm,
            _limit(self._head_mm),
            _limit(self._tail_mm),
            _limit(self._wheel_mm),
            _limit(self._gnss_mm),
            _limit(self._fuel_ul),
            self._has_rate,
            self.fuel_start_percent,
        )

    def restore(self, data, offset=0):
        """Take the counters from bytes that `pack` made."""
        (
            self.odometer_start_hm,
            self._first_hm,
            self.odometer_hm,
            self._head_mm,
            self._tail_mm,
            self._wheel_mm,
            self._gnss_mm,
            self._fuel_ul,
            self._has_rate,
            self.fuel_start_percent,
        ) = struct.unpack_from(LAYOUT, data, offset)

    def note_speed(self, speed_kmh, at_ms):
        """Note a wheel speed read at `at_ms` (ticks); return the whole metres it adds."""
        added_mm = _integrate(self._speed_kmh, self._speed_at_ms, speed_kmh, at_ms)
        self._speed_kmh, self._speed_at_ms = speed_kmh, at_ms
        before_m = self._wheel_mm // 1000
        self._wheel_mm += added_mm
        self._tail_mm += added_mm
        return self._wheel_mm // 1000 - before_m

    def note_gnss_speed(self, speed_kmh, at_ms):
        """Note the speed of a valid fix at `at_ms` (ticks); return the whole metres it adds."""
        added_mm = _integrate(self._gnss_kmh, self._gnss_at_ms, speed_kmh, at_ms)
        self._gnss_kmh, self._gnss_at_ms = speed_kmh, at_ms
        before_m = self._gnss_mm // 1000
        self._gnss_mm += added_mm
        return self._gnss_mm // 1000 - before_m

    def note_odometer(self, odometer_hm):
        """Note the odometer in units of 100 m; one that runs backwards is not believed."""
        last_hm = self.odometer_hm
        if last_hm == NO_ODOMETER:
            self.odometer_start_hm = self.odometer_hm = odometer_hm
        elif odometer_hm > last_hm:
            # It stepped at some instant since it was read before: on the mean half a period ago.
            late_mm = int((self._speed_kmh or 0) * _ODOMETER_PERIOD_MS / 7.2)
            if self._first_hm == NO_ODOMETER:
                self._first_hm = odometer_hm
                skipped_mm = (odometer_hm - last_hm - 1) * _HM_MM
                # Between the start and this step lies less than one unit, plus the steps that were not seen.
                self._head_mm = min(max(self._wheel_mm - late_mm, skipped_mm), skipped_mm + _HM_MM)
            self.odometer_hm = odometer_hm
            self._tail_mm = late_mm

    def note_burnt(self, burnt_ml):
        """Note the fuel the bus has counted since the box started, in ml (a running total)."""
        if self._burnt_ml is not None:
            self._fuel_ul += max(int((burnt_ml - self._burnt_ml) * 1000), 0)
        self._burnt_ml = burnt_ml
        self._has_rate = 1

    def note_fuel_level(self, percent):
        """Note the tank's level; the first one of the session is its start."""
        if self.fuel_start_percent == NO_FUEL:
            self.fuel_start_percent = int(percent + 0.5)

    def compute_distance(self):
        """Return `(metres, DISTANCE_SOURCE_ code)`."""
        if self._first_hm != NO_ODOMETER:
            tail_mm = min(self._tail_mm, _HM_MM)
            return (
                self._head_mm + (self.odometer_hm - self._first_hm) * _HM_MM + tail_mm + 500
            ) // 1000, DISTANCE_SOURCE_ODOMETER
        if self._wheel_mm:
            return (self._wheel_mm + 500) // 1000, DISTANCE_SOURCE_WHEEL_SPEED
        if self.odometer_hm != NO_ODOMETER:
            return 0, DISTANCE_SOURCE_ODOMETER
        if self._gnss_mm:
            return (self._gnss_mm + 500) // 1000, DISTANCE_SOURCE_GNSS
        return 0, DISTANCE_SOURCE_UNKNOWN

    def compute_fuel(self, level_percent, tank_ml):
        """Return `(ml, FUEL_SOURCE_ code)`; `level_percent` is the level now or None."""
        if self._has_rate:
            distance_m, source = self.compute_distance()
            counted_m = self._wheel_mm // 1000
            fuel_ml = (self._fuel_ul + 500) // 1000
            if source == DISTANCE_SOURCE_ODOMETER and counted_m:
                fuel_ml = fuel_ml * max(distance_m, counted_m) // counted_m
            return fuel_ml, FUEL_SOURCE_RATE
        if level_percent is not None and self.fuel_start_percent != NO_FUEL and tank_ml:
            used = self.fuel_start_percent - int(level_percent + 0.5)
            return max(used, 0) * tank_ml // 100, FUEL_SOURCE_LEVEL
        return 0, FUEL_SOURCE_UNKNOWN


def _limit(count):
    return min(count, 0xFFFFFFFF)  # some 4,300 km by one source alone: its count is lost only with the power


def _integrate(before_kmh, before_at_ms, now_kmh, at_ms):
    """Return the millimetres between two speeds by the trapezoidal rule, 0 over a gap."""
    if before_kmh is None:
        return 0
    dt_ms = ticks_diff(at_ms, before_at_ms)
    if not 0 < dt_ms <= _GAP_MS:
        return 0
    return int((before_kmh + now_kmh) * dt_ms / 7.2 + 0.5)  # km/h * ms / 3.6 is mm
