"""What the car has said about itself: the last reading of each value (no bus, no policy)."""

import time

from micropython import const

from ..protocols import obd

_RATE_GAP_MS = const(3_000)  # a longer gap between two fuel rates is not bridged here
_UL = const(7200)  # (ml/h + ml/h) / 2 * ms / 3,600 is microlitres


class CarValues:
    """Attributes are None until known. `..._at_ms` are ticks. `speed_kmh` and `rpm` are forgotten with the
    ignition.
    """

    def __init__(self, ticks_ms=None, ticks_diff=None):
        self._ticks_ms = ticks_ms or time.ticks_ms
        self._ticks_diff = ticks_diff or time.ticks_diff
        self.vin = None
        self.mil = None
        self.dtcs = None
        self.fuel_percent = None
        self.odometer_hm = None
        self.cleared_distance_km = None
        self._burnt_ul = None
        self._burnt_rest = 0
        self.forget_motion()

    @property
    def fuel_ml_burnt(self):
        """Fuel burnt since the program started, by PID 5E; None if the car does not tell its rate."""
        return None if self._burnt_ul is None else self._burnt_ul / 1000

    def forget_motion(self):
        """The ignition went off: what moved is unknown from now on."""
        self.speed_kmh = None
        self.speed_at_ms = None
        self.rpm = None
        self.rpm_at_ms = None
        self._rate_ml_h = None
        self._rate_at_ms = 0

    def take(self, name, value, now_ms):
        """Note one value under its name of `obd.PIDS`."""
        if name == "speed_kmh":
            self.speed_kmh, self.speed_at_ms = value, now_ms
        elif name == "rpm":
            self.rpm, self.rpm_at_ms = value, now_ms
        elif name == "fuel_rate_ml_h":
            self._burn(value, now_ms)
        elif name in ("fuel_percent", "hybrid_battery_percent"):
            self.fuel_percent = value
        elif name == "monitor":
            self.mil = value[0]
        elif name in ("odometer_hm", "cleared_distance_km", "vin"):
            setattr(self, name, value)

    def take_codes(self, codes):
        """Note the trouble codes of all units together."""
        self.dtcs = sorted(codes)[: obd.MAX_CODES]

    def _burn(self, rate_ml_h, now_ms):
        """Integrate by trapezoids. Whole microlitres are booked, the rest waits for the next reading."""
        if self._burnt_ul is None:
            self._burnt_ul = 0
        if self._rate_ml_h is not None:
            gap_ms = self._ticks_diff(now_ms, self._rate_at_ms)
            if 0 < gap_ms <= _RATE_GAP_MS:
                self._burnt_rest += (rate_ml_h + self._rate_ml_h) * gap_ms
                self._burnt_ul += self._burnt_rest // _UL
                self._burnt_rest %= _UL
        self._rate_ml_h = rate_ml_h
        self._rate_at_ms = now_ms
