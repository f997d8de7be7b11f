"""The satellite receiver in a car: what it would print at 1 Hz, written and checked by pynmea2.

Modelled: true place and speed with seeded noise (a slow wander of a few metres and a fast one of
decimetres), a cold start without a time, a hot start after a short cut of power, loss of the sky with the
time going on, a dead receiver. Sentences RMC, GGA, VTG, GSA under the talker of a receiver that uses
several systems (`GN`). Not modelled: satellites, their geometry, multipath in streets, leap seconds.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from datetime import UTC, datetime

import pynmea2

from .route import Place, offset, wrap_lon

WANDER_M = 2.0
"""Standard deviation, per axis, of the slow error."""
WANDER_S = 60.0
JITTER_M = 0.25
SPEED_NOISE_KMH = 0.2
COLD_START_S = 27.0
"""Typical time to first fix of a multi-system receiver under an open sky."""
HOT_START_S = 3.0
HOT_FOR_S = 4 * 3600.0
"""Orbits are good for about four hours: after a longer cut of power the start is cold."""
COURSE_FROM_KMH = 1.8
"""Below it a receiver leaves the course empty."""
KMH_PER_KNOT = 1.852
ALTITUDE_M, GEOID_M = 12.0, 48.6


class ReceiverError(AssertionError):
    """A sentence of ours that pynmea2 does not read back as it was meant: a fault of this model."""


class Receiver:
    """One receiver. `second(now, place, speed_ms)` gives the bytes of one second, empty if it says nothing.

    `sky_open` false is an underground car park; `is_dead` is a broken receiver; `date_off_s` is what a forger
    nearby adds to the date. `set_power` follows the
    box's supply. The sentences of one second all carry the same time of day.
    """

    def __init__(self, seed: int | str = 1, talker: str = "GN") -> None:
        self._rng = random.Random(f"{seed}/gnss")
        self._talker = talker
        self.sky_open = True
        self.is_dead = False
        self.date_off_s = 0
        self.cold_start_s = COLD_START_S
        self.has_fix = False
        self.has_time = False
        self.error_m = (self._rng.gauss(0, WANDER_M), self._rng.gauss(0, WANDER_M))
        self._is_powered = False
        self._off_since: float | None = None
        self._searching_s = COLD_START_S

    def set_power(self, on: bool, now: float) -> None:
        """The box is powered, or not."""
        if on == self._is_powered:
            return
        self._is_powered = on
        self.has_fix = False
        if not on:
            self._off_since = now
            return
        is_hot = self.has_time and self._off_since is not None and now - self._off_since <= HOT_FOR_S
        self._searching_s = HOT_START_S if is_hot else self.cold_start_s
        self.has_time = is_hot

    def second(self, now: float, place: Place, speed_ms: float) -> bytes:
        """What the receiver prints for the second that begins at `now`."""
        self._wander()
        if self.is_dead or not self._is_powered:
            return b""
        self._search()
        at = datetime.fromtimestamp(round(now) + self.date_off_s, UTC)
        if not self.has_fix:
            return self._print(self._without_fix(at), None)
        north, east = self.error_m
        jitter = self._rng.gauss(0, JITTER_M), self._rng.gauss(0, JITTER_M)
        lat, lon = offset(place.lat, place.lon, north + jitter[0], east + jitter[1])
        kmh = abs(speed_ms * 3.6 + self._rng.gauss(0, SPEED_NOISE_KMH))
        course = (place.course_deg + self._rng.gauss(0, 0.8)) % 360 if kmh >= COURSE_FROM_KMH else None
        return self._print(self._with_fix(at, lat, lon, kmh, course), (lat, lon))

    def _wander(self) -> None:
        keep = math.exp(-1 / WANDER_S)
        fresh = WANDER_M * math.sqrt(1 - keep * keep)
        gauss = self._rng.gauss
        self.error_m = (self.error_m[0] * keep + gauss(0, fresh), self.error_m[1] * keep + gauss(0, fresh))

    def _search(self) -> None:
        if not self.sky_open:
            self.has_fix = False
            self._searching_s = max(self._searching_s, HOT_START_S)
            return
        if not self.has_fix:
            self._searching_s -= 1
            self.has_time = self.has_time or self._searching_s <= 5
            self.has_fix = self._searching_s <= 0

    def _without_fix(self, at: datetime) -> list[tuple[str, tuple[str, ...]]]:
        clock, date = (_clock(at), at.strftime("%d%m%y")) if self.has_time else ("", "")
        return [
            ("RMC", (clock, "V", "", "", "", "", "", "", date, "", "", "N")),
            ("GGA", (clock, "", "", "", "", "0", "00", "99.99", "", "M", "", "M", "", "")),
            ("VTG", ("", "T", "", "M", "", "N", "", "K", "N")),
            ("GSA", ("A", "1", *[""] * 12, "99.99", "99.99", "99.99")),
        ]

    def _with_fix(
        self, at: datetime, lat: float, lon: float, kmh: float, course: float | None
    ) -> list[tuple[str, tuple[str, ...]]]:
        clock = _clock(at)
        where = (*_angle(lat, 2, "NS"), *_angle(lon, 3, "EW"))
        knots = f"{kmh / KMH_PER_KNOT:.3f}"
        way = "" if course is None else f"{course:.2f}"
        satellites = 9 + self._rng.randrange(4)
        hdop = f"{0.7 + self._rng.random() * 0.4:.2f}"
        used = [f"{2 * i + 3:02d}" for i in range(satellites)]
        height = (f"{ALTITUDE_M:.1f}", "M", f"{GEOID_M:.1f}", "M")
        return [
            ("RMC", (clock, "A", *where, knots, way, at.strftime("%d%m%y"), "", "", "A")),
            ("GGA", (clock, *where, "1", f"{satellites:02d}", hdop, *height, "", "")),
            ("VTG", (way, "T", "", "M", knots, "N", f"{kmh:.3f}", "K", "A")),
            ("GSA", ("A", "3", *(used + [""] * 12)[:12], "1.60", hdop, "1.30")),
        ]

    def _print(
        self, sentences: list[tuple[str, tuple[str, ...]]], place: tuple[float, float] | None
    ) -> bytes:
        lines = [_render(self._talker, kind, fields) for kind, fields in sentences]
        for line in lines:
            _check(line, place)
        return "".join(line + "\r\n" for line in lines).encode("ascii")


_SENTENCES: dict[str, Callable[..., object]] = {
    "RMC": pynmea2.RMC,
    "GGA": pynmea2.GGA,
    "VTG": pynmea2.VTG,
    "GSA": pynmea2.GSA,
}


def _clock(at: datetime) -> str:
    return at.strftime("%H%M%S.00")


def _angle(degrees: float, width: int, letters: str) -> tuple[str, str]:
    """Degrees as (ddmm.mmmmm, hemisphere), rounded before they are split: minutes never read 60."""
    hundred_thousandths = round(abs(degrees) * 60 * 100_000)
    whole, minutes = divmod(hundred_thousandths, 60 * 100_000)
    return f"{whole:0{width}d}{minutes / 100_000:08.5f}", letters[0] if degrees >= 0 else letters[1]


def _render(talker: str, kind: str, fields: tuple[str, ...]) -> str:
    return str(_SENTENCES[kind](talker, kind, fields))


def _check(line: str, place: tuple[float, float] | None) -> None:
    """Read the sentence back. Raises `ReceiverError` when pynmea2 reads another place than was meant."""
    try:
        read = pynmea2.parse(line, check=True)
    except pynmea2.ParseError as problem:
        raise ReceiverError(f"pynmea2 refuses our own sentence {line!r}: {problem}") from problem
    if place is not None and hasattr(read, "latitude"):
        off = max(abs(read.latitude - place[0]), abs(wrap_lon(read.longitude - place[1])))
        if off > 2e-7:
            raise ReceiverError(f"pynmea2 reads {line!r} {off} degrees away from {place}")
