"""Values about trips."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Trip:
    """What a car did between two badges. None is unknown. Across the tenant wall the person is None /
    empty."""

    id: int
    vehicle_id: int
    registration: str
    vehicle_name: str
    reservation_id: int | None
    person_id: int | None
    person_name: str
    kind: str
    """reservation, standing, service, unreserved"""
    via: str
    started_at: int
    ended_at: int | None
    site_id: int
    """On whose clock its times are told: where it began, else where the car stands."""
    start_site: str | None
    end_site: str | None
    end_lat_e7: int | None
    end_lon_e7: int | None
    distance_m: int | None
    distance_source: str
    fuel_ml: int | None
    fuel_source: str
    start_fuel_percent: int | None
    end_fuel_percent: int | None
    start_odometer_m: int | None
    end_odometer_m: int | None
    end_reason: str
    end_flags: tuple[str, ...]
    is_time_unsure: bool


@dataclass(frozen=True)
class Stopover:
    """A stop away from the end: the trip goes on."""

    stopped_at: int
    resumed_at: int | None
    site: str | None
