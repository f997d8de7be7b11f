"""Routes: where a car is after so many metres.

A route is a polyline of (latitude, longitude) in degrees, parametrised by distance. Lengths are taken in a
local plane about each leg (equirectangular on a sphere of 6,371,008.8 m), good to a part in 10,000 over a
town. The files in `routes/` are this project's own, drawn by hand around Saint-Nazaire; they follow no map
and need none.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

EARTH_M = 6_371_008.8
"""Mean radius of the Earth (IUGG), metres."""
FOLDER = Path(__file__).parent / "routes"
MAX_POINTS = 100_000


class RouteError(ValueError):
    """A route that cannot be driven: fewer than two points, no length, or not coordinates."""


@dataclass(frozen=True)
class Place:
    """Where a car is and which way it points. Degrees; the course is clockwise from north."""

    lat: float
    lon: float
    course_deg: float


def wrap_lon(lon: float) -> float:
    """A longitude brought into [-180, 180)."""
    return lon if -180.0 <= lon < 180.0 else (lon + 180.0) % 360.0 - 180.0


def offset(lat: float, lon: float, north_m: float, east_m: float) -> tuple[float, float]:
    """The point so many metres north and east of another."""
    north = lat + math.degrees(north_m / EARTH_M)
    east = lon + math.degrees(east_m / (EARTH_M * max(math.cos(math.radians(lat)), 1e-9)))
    return north, wrap_lon(east)


def vector_m(from_point: tuple[float, float], to_point: tuple[float, float]) -> tuple[float, float]:
    """(north, east) in metres from one point to another, across the date line too."""
    middle = math.radians((from_point[0] + to_point[0]) / 2)
    north = math.radians(to_point[0] - from_point[0]) * EARTH_M
    east = math.radians(wrap_lon(to_point[1] - from_point[1])) * EARTH_M * math.cos(middle)
    return north, east


def metres_between(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Distance of two near points, metres."""
    return math.hypot(*vector_m(a, b))


class Route:
    """A polyline that a car follows. Immutable. Raises `RouteError` when built from what is none."""

    def __init__(self, name: str, points: Sequence[tuple[float, float]]) -> None:
        if not 2 <= len(points) <= MAX_POINTS:
            raise RouteError(f"{name}: a route has between 2 and {MAX_POINTS} points, not {len(points)}")
        for lat, lon in points:
            if not (-90 < lat < 90 and -180 <= lon <= 180):
                raise RouteError(f"{name}: {lat}, {lon} is not a place to drive")
        self.name = name
        self.points = tuple((float(lat), float(lon)) for lat, lon in points)
        self._d = [0.0]
        for a, b in pairwise(self.points):
            self._d.append(self._d[-1] + metres_between(a, b))
        if self._d[-1] <= 0:
            raise RouteError(f"{name}: the route has no length")

    @property
    def length_m(self) -> float:
        return self._d[-1]

    @property
    def is_loop(self) -> bool:
        return metres_between(self.points[0], self.points[-1]) < 1.0

    def at(self, distance_m: float) -> Place:
        """The place after `distance_m`; a loop goes round again, any other route ends at its last point."""
        if self.is_loop:
            distance_m %= self.length_m
        distance_m = min(max(distance_m, 0.0), self.length_m)
        i = min(max(bisect_right(self._d, distance_m) - 1, 0), len(self.points) - 2)
        while self._d[i + 1] == self._d[i] and i > 0:
            i -= 1
        a, b = self.points[i], self.points[i + 1]
        share = (distance_m - self._d[i]) / (self._d[i + 1] - self._d[i])
        north, east = vector_m(a, b)
        lat = a[0] + share * (b[0] - a[0])
        lon = wrap_lon(a[1] + share * wrap_lon(b[1] - a[1]))
        return Place(lat, lon, math.degrees(math.atan2(east, north)) % 360.0)

    def reversed(self) -> Route:
        return Route(f"{self.name} back", self.points[::-1])

    def fitted(self, length_m: float) -> Route:
        """The same shape, scaled about its start until it is `length_m` long.

        So a loop ends where it began after a cycle of any length, at true speed; the streets are then not
        where the original had them, which nothing in the box can know.
        """
        points = self.points
        for _ in range(4):  # the plane is only nearly flat: the second pass is already exact to a millimetre
            scale = length_m / Route(self.name, points).length_m
            start = points[0]
            vectors = [vector_m(start, p) for p in points]
            points = tuple(_from_vector(start, north * scale, east * scale) for north, east in vectors)
        return Route(self.name, points)

    def starting_at(self, lat: float, lon: float) -> Route:
        """The same shape, carried to another start: a loop drawn in one town driven from any site."""
        start = self.points[0]
        moved = [_from_vector((lat, lon), *vector_m(start, p)) for p in self.points]
        return Route(self.name, moved).fitted(self.length_m)


def between(start: tuple[float, float], end: tuple[float, float]) -> Route:
    """A road of our own from one place to another: not straight, always the same."""
    north, east = vector_m(start, end)
    bends = ((0.2, 0.10), (0.4, -0.06), (0.65, 0.08), (0.85, -0.03))
    inner = [
        _from_vector(start, north * along - east * aside, east * along + north * aside)
        for along, aside in bends
    ]
    return Route("road", [start, *inner, end])


def _from_vector(start: tuple[float, float], north_m: float, east_m: float) -> tuple[float, float]:
    """The inverse of `vector_m`."""
    lat = start[0] + math.degrees(north_m / EARTH_M)
    middle = math.radians((start[0] + lat) / 2)
    return lat, wrap_lon(start[1] + math.degrees(east_m / (EARTH_M * math.cos(middle))))


def load(path: Path | str) -> Route:
    """Read a route: JSON with `name` and `points`, a list of [lat, lon]. Raises `RouteError`, `OSError`."""
    path = Path(path)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return Route(str(data["name"]), [(float(lat), float(lon)) for lat, lon in data["points"]])
    except (ValueError, KeyError, TypeError) as problem:
        if isinstance(problem, RouteError):
            raise
        raise RouteError(f"{path.name}: not a route ({problem})") from problem


def names() -> list[str]:
    """The routes that come with the simulator."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def words(name: str) -> dict[str, str]:
    """The name of a route that comes with the simulator, in English and French."""
    data = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return {"en": data["name"], "fr": data["name_fr"]}


def find(name: str) -> Route:
    """A route by the name of its file in `routes/`, or by a path ending in .json."""
    if name in names():
        return load(FOLDER / f"{name}.json")
    if name.endswith(".json") and Path(name).is_file():
        return load(name)
    raise RouteError(f"no route called {name!r}; known: {', '.join(names())}")
