"""Values about Today."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

Kind = Literal[
    "not_back",
    "departure_at_risk",
    "ignition_off",
    "battery_low",
    "energy_low",
    "fault",
    "silent",
    "damage",
    "approval",
    "place_unconfirmed",
    "incident",
]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
"""In the order in which they are shown: worst first."""


@dataclass(frozen=True)
class Line:
    """One thing to look after. `subject_id` tells which of its kind: the reservation's, the incident's or the
    car's number. `at`: since when, or for a departure when."""

    kind: Kind
    subject_id: int
    vehicle_id: int
    registration: str
    vehicle_name: str
    site_id: int
    site_name: str
    at: int | None
    person_id: int | None = None
    person_name: str = ""
    """Who has the car, or waits for it."""
    number: int | None = None
    """Millivolts, per cent, how many faults, or minutes late as the driver said; None where the kind has
    none."""
    code: str = ""
    """The fault's or the incident's name; `electric` where charge is low."""
    detail: str = ""
    """The reporter's own words."""
    owner_id: int | None = None
    owner_name: str = ""
    """Who has said "I take it"."""
    newest: int = 0
    """The number of the newest thing that it tells: put away with it, it is back with a newer one."""
    snoozed_until: int | None = None
