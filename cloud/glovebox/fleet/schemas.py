"""Values of the fleet: what services return and the API shows."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

# As printed on a driving licence of the European Union.
LICENCE_CATEGORIES: Final = (
    "AM", "A1", "A2", "A", "B1", "B", "BE", "C1", "C1E", "C", "CE", "D1", "D1E", "D", "DE",
)  # fmt: skip
Energy = Literal["petrol", "diesel", "electric", "hybrid", "lpg", "cng"]
ENERGIES: Final = get_args(Energy)
Status = Literal["in_service", "workshop", "retired"]
STATUSES: Final = get_args(Status)


@dataclass(frozen=True)
class Organisation:
    """A body that owns cars or drives them."""

    id: int
    name: str


@dataclass(frozen=True)
class Pool:
    """Cars of one organisation that are shared together."""

    id: int
    organisation_id: int
    name: str


@dataclass(frozen=True)
class Site:
    """A place where cars start and end. `id` is its number on the wire; opening hours in local minutes of
    the day."""

    id: int
    organisation_id: int
    name: str
    address: str
    lat_e7: int
    lon_e7: int
    radius_m: int
    opens_minute: int
    closes_minute: int


@dataclass(frozen=True)
class Vehicle:
    """A car of a pool; `site_id`/`site_name` where its last trip left it, `bay` its own place there (empty
    away from `home_site_id`), `licence_category` what its driver needs. Electric cars: `battery_wh` usable,
    `consumption_wh_per_km`, `charge_w` at its bay; None where nobody has said it."""

    id: int
    organisation_id: int
    organisation_name: str
    pool_id: int
    pool_name: str
    site_id: int
    site_name: str
    registration: str
    make: str
    model: str
    energy: str
    seats: int
    tank_ml: int
    interlock_kind: str
    key_holder_fitted: bool
    bay: str
    status: str
    licence_category: str = "B"
    home_site_id: int | None = None
    battery_wh: int | None = None
    consumption_wh_per_km: int | None = None
    charge_w: int | None = None
