"""Where a session may end: fences of the settings, and how far a fix names the place (pure).

Positions are integers in 1e-7 degrees: the board's floats are single precision and would be off by up to 0.85
m. Only differences are turned into metres.
"""

from math import cos, radians

from micropython import const

from ..config import PLACE_TRAVEL_M

UNKNOWN = const(0)
ELSEWHERE = const(0xFFFF)

_HALF_TURN_E7 = const(1_800_000_000)
_M_PER_E7 = 0.011131949  # metres of 1e-7 degree of latitude: 40,075,017 m / 360 / 1e7


def compute_distance_m(lat_e7, lon_e7, other_lat_e7, other_lon_e7):
    """Return the metres between two positions; right to 1 % within 50 km, and across the date line."""
    dlon_e7 = (lon_e7 - other_lon_e7 + _HALF_TURN_E7) % (2 * _HALF_TURN_E7) - _HALF_TURN_E7
    north_m = (lat_e7 - other_lat_e7) * _M_PER_E7
    east_m = dlon_e7 * _M_PER_E7 * cos(radians(lat_e7 / 1e7))
    return (north_m * north_m + east_m * east_m) ** 0.5


def find(lat_e7, lon_e7, places):
    """Return the number of the place whose fence holds the position (the nearest, if several), or
    `ELSEWHERE`.
    """
    best = ELSEWHERE
    best_m = None
    for place, place_lat_e7, place_lon_e7, radius_m in places:
        distance_m = compute_distance_m(lat_e7, lon_e7, place_lat_e7, place_lon_e7)
        if distance_m <= radius_m and (best_m is None or distance_m < best_m):
            best, best_m = place, distance_m
    return best


class Whereabouts:
    """The place the car is at: by the last fix and how far was driven since, else Wi-Fi.

    `place` and `travelled_m` are what a power loss must not take: they are part of the durable snapshot,
    positions are not.
    """

    def __init__(self, settings):
        self._settings = settings
        self.place = UNKNOWN
        self.travelled_m = 0xFFFF
        self.lat_e7 = None
        self.lon_e7 = None
        self._wifi_place = UNKNOWN

    def note_fix(self, lat_e7, lon_e7):
        """Note a valid position; without fences it names no place."""
        self.lat_e7 = lat_e7
        self.lon_e7 = lon_e7
        self.travelled_m = 0
        self.place = find(lat_e7, lon_e7, self._settings.places) if self._settings.places else UNKNOWN

    def note_travel(self, metres):
        """Note metres driven since the last fix."""
        self.travelled_m = min(self.travelled_m + metres, 0xFFFF)

    def note_wifi(self, bssid):
        """Note the access point that is heard now, or None."""
        self._wifi_place = UNKNOWN
        for place, known in self._settings.wifi:
            if bssid == known:
                self._wifi_place = place

    def get_place(self):
        """Return the place, `ELSEWHERE` if known to be at none, or `UNKNOWN`."""
        if self.travelled_m <= PLACE_TRAVEL_M:
            return self.place
        return self._wifi_place
