"""Speed traces: how fast a car goes at each second, as a driving cycle prescribes it.

A trace is a broken line through (time, speed). Speed is linear between the points, so distance is the
trapezium sum exactly, whatever step the simulation takes. `town()` and `block()` are this project's own;
`load()` reads the published cycles a tester has at hand (WLTC in rows of km/h, UDDS as CSV in m/s, both at
1 Hz).
"""

from __future__ import annotations

import csv
import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

KMH_PER_MS = 3.6
BRAKING_MS2 = 1.2
"""A calm driver's braking; the published cycles stay below 1.5 m/s2."""
MAX_POINTS = 100_000
"""A day at 1 Hz: a longer file is a mistake, not a cycle."""
MAX_KMH = 250.0


class TraceError(ValueError):
    """A speed trace that cannot be driven: not numbers, negative, standing times out of order, too long."""


class SpeedTrace:
    """A broken line of speed over time.

    `times_s` rise strictly from 0; `speeds_ms` are in metres a second, none negative. The trace is immutable.
    Raises `TraceError` on anything else. It does not know the road: see `route.Route`.
    """

    def __init__(self, name: str, times_s: Sequence[float], speeds_ms: Sequence[float]) -> None:
        if len(times_s) != len(speeds_ms) or len(times_s) < 2:
            raise TraceError(f"{name}: a trace needs at least two points of time and speed")
        if len(times_s) > MAX_POINTS:
            raise TraceError(f"{name}: {len(times_s)} points, at most {MAX_POINTS}")
        if times_s[0] != 0 or any(b <= a for a, b in pairwise(times_s)):
            raise TraceError(f"{name}: times must start at 0 and rise")
        if any(not math.isfinite(v) or not 0 <= v <= MAX_KMH / KMH_PER_MS for v in speeds_ms):
            raise TraceError(f"{name}: a speed is not between 0 and {MAX_KMH:g} km/h")
        self.name = name
        self._t = tuple(float(t) for t in times_s)
        self._v = tuple(float(v) for v in speeds_ms)
        distance = [0.0]
        for i in range(1, len(self._t)):
            distance.append(distance[-1] + (self._t[i] - self._t[i - 1]) * (self._v[i] + self._v[i - 1]) / 2)
        self._d = tuple(distance)

    @property
    def duration_s(self) -> float:
        return self._t[-1]

    @property
    def total_m(self) -> float:
        return self._d[-1]

    def _index(self, t: float) -> int:
        return min(max(bisect_right(self._t, t) - 1, 0), len(self._t) - 2)

    def speed_ms(self, t: float) -> float:
        """Speed at `t` seconds; before the start and after the end the first and the last speed."""
        if t <= 0:
            return self._v[0]
        if t >= self._t[-1]:
            return self._v[-1]
        i = self._index(t)
        share = (t - self._t[i]) / (self._t[i + 1] - self._t[i])
        return self._v[i] + share * (self._v[i + 1] - self._v[i])

    def acceleration_ms2(self, t: float) -> float:
        if t < 0 or t >= self._t[-1]:
            return 0.0
        i = self._index(t)
        return (self._v[i + 1] - self._v[i]) / (self._t[i + 1] - self._t[i])

    def distance_m(self, t: float) -> float:
        """Metres driven from the start to `t`."""
        if t <= 0:
            return 0.0
        if t >= self._t[-1]:
            return self._d[-1]
        i = self._index(t)
        return self._d[i] + (t - self._t[i]) * (self._v[i] + self.speed_ms(t)) / 2

    def segments(self, start_s: float, end_s: float) -> Iterator[tuple[float, float, float]]:
        """The pieces between two times as (speed at the start, speed at the end, seconds), each linear."""
        t = max(start_s, 0.0)
        end = min(end_s, self._t[-1])
        i = self._index(t)
        while t < end:
            until = min(self._t[i + 1], end)
            if until > t:
                yield self.speed_ms(t), self.speed_ms(until), until - t
            t = until
            i = min(i + 1, len(self._t) - 2)

    def stops_s(self) -> list[tuple[float, float]]:
        """Where the trace stands still: (from, until) in seconds, longest wait included at either end."""
        stops: list[tuple[float, float]] = []
        for i in range(len(self._t) - 1):
            if self._v[i] == 0 == self._v[i + 1]:
                if stops and stops[-1][1] == self._t[i]:
                    stops[-1] = (stops[-1][0], self._t[i + 1])
                else:
                    stops.append((self._t[i], self._t[i + 1]))
        return stops

    def part(self, start_s: float, end_s: float) -> SpeedTrace:
        """The piece from `start_s` to `end_s`, beginning at 0; two parts in a row drive what the whole
        drives."""
        inner = [(t, v) for t, v in zip(self._t, self._v, strict=True) if start_s < t < end_s]
        points = [(start_s, self.speed_ms(start_s)), *inner, (end_s, self.speed_ms(end_s))]
        return SpeedTrace(
            f"{self.name}[{start_s:g}..{end_s:g}]", [t - start_s for t, _ in points], [v for _, v in points]
        )

    def then(self, other: SpeedTrace) -> SpeedTrace:
        """This trace and after it another; the second must start at the first one's last speed."""
        if abs(other._v[0] - self._v[-1]) > 1e-9:
            raise TraceError(f"{self.name} ends at another speed than {other.name} starts with")
        return SpeedTrace(
            f"{self.name}+{other.name}",
            (*self._t, *(t + self._t[-1] for t in other._t[1:])),
            (*self._v, *other._v[1:]),
        )

    def ending_after(self, distance_m: float) -> SpeedTrace:
        """Repeated or cut so that the car stands still after exactly `distance_m`, braking at the end.

        Raises `TraceError` if the trace never moves or would have to be repeated beyond the bound of points.
        """
        if distance_m <= 0 or self.total_m <= 0:
            raise TraceError(f"{self.name}: cannot be made to end after {distance_m:g} m")
        whole = self
        while whole.total_m < distance_m:
            if self._v[0] != whole._v[-1]:
                whole = whole.then(_bridge(whole._v[-1], self._v[0]))
            whole = whole.then(self)
        low, high = 0.0, whole.duration_s
        for _ in range(60):
            middle = (low + high) / 2
            stands_at_m = whole.distance_m(middle) + whole.speed_ms(middle) ** 2 / (2 * BRAKING_MS2)
            low, high = (middle, high) if stands_at_m <= distance_m else (low, middle)
        begun = whole.part(0.0, low) if low > 1e-6 else None
        speed = whole.speed_ms(low)
        if begun is None:
            raise TraceError(f"{self.name}: {distance_m:g} m is too short to drive")
        if speed < 1e-6:
            return SpeedTrace(self.name, begun._t, (*begun._v[:-1], 0.0))
        end = begun.then(SpeedTrace("braking", (0.0, speed / BRAKING_MS2), (speed, 0.0)))
        return SpeedTrace(self.name, end._t, end._v)


def _bridge(from_ms: float, to_ms: float) -> SpeedTrace:
    """A calm passage from one speed to another, where a repeated trace does not close by itself."""
    return SpeedTrace("bridge", (0.0, max(abs(to_ms - from_ms) / BRAKING_MS2, 1.0)), (from_ms, to_ms))


def braking(speed_ms: float) -> SpeedTrace:
    """From `speed_ms` to a stand."""
    return SpeedTrace("braking", (0.0, max(speed_ms / BRAKING_MS2, 0.1)), (speed_ms, 0.0))


def _from_phases(name: str, phases: Sequence[tuple[float, float]]) -> SpeedTrace:
    """A trace out of (seconds, km/h reached at their end) from a standing start."""
    times, speeds = [0.0], [0.0]
    for seconds, kmh in phases:
        times.append(times[-1] + seconds)
        speeds.append(kmh / KMH_PER_MS)
    return SpeedTrace(name, times, speeds)


def town() -> SpeedTrace:
    """Our own town trip: streets of 30 and 50 km/h, a roundabout, four lights; 2.1 km in five minutes."""
    return _from_phases(
        "town",
        [
            (6, 0), (8, 30), (18, 31), (6, 0), (12, 0),
            (12, 48), (26, 50), (7, 20), (8, 22), (9, 49), (24, 47), (11, 0), (17, 0),
            (9, 32), (21, 29), (5, 12), (6, 15), (10, 44), (20, 46), (12, 0), (15, 0),
            (9, 30), (14, 28), (8, 0), (7, 0),
        ],
    )  # fmt: skip


def block() -> SpeedTrace:
    """Once round the block: 210 m in 45 s, for a first look at the bench."""
    return _from_phases("block", [(2, 0), (6, 22), (10, 28), (4, 15), (4, 18), (9, 27), (7, 0), (3, 0)])


def load(path: Path | str) -> SpeedTrace:
    """Read a cycle at 1 Hz: `.csv` with a column `cycMps` (m/s), else numbers in rows, km/h.

    Raises `TraceError` naming the file for anything that is not such a cycle, `OSError` when it cannot be
    read.
    """
    path = Path(path)
    text = path.read_text(encoding="utf-8")
    try:
        if path.suffix == ".csv":
            rows = list(csv.DictReader(text.splitlines()))
            speeds = [float(row["cycMps"]) for row in rows]
        else:
            speeds = [float(word) / KMH_PER_MS for word in text.split()]
    except (ValueError, KeyError, TypeError) as problem:
        raise TraceError(f"{path.name}: not a speed trace ({problem})") from problem
    return SpeedTrace(path.stem, [float(i) for i in range(len(speeds))], speeds)


BUILT_IN = {"town": town, "block": block}
WORDS = {
    "town": {"en": "Through town, 5 minutes", "fr": "En ville, 5 minutes"},
    "block": {"en": "Round the block, 45 seconds", "fr": "Le tour du pâté de maisons, 45 secondes"},
}


def find(name: str, folder: Path | None = None) -> SpeedTrace:
    """A trace by name: a built-in one, the start of a file's name in `folder`, or a path.

    Raises `TraceError` saying which traces there are.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]()
    paths = [] if folder is None else sorted([*folder.glob("*.txt"), *folder.glob("*.csv")])
    files = {path.stem: path for path in paths}
    for stem, path in files.items():
        if name and stem.startswith(name):
            return load(path)
    if name.endswith((".txt", ".csv")) and Path(name).is_file():
        return load(name)
    raise TraceError(f"no speed trace called {name!r}; known: {', '.join([*sorted(BUILT_IN), *files])}")
