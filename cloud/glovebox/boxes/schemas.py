"""Values about boxes and commands."""

from dataclasses import dataclass, field
from typing import Literal

CommandKind = Literal[
    "open_for", "lock", "end_session", "flash_lights", "self_test", "refresh", "garage", "track"
]


@dataclass(frozen=True)
class Live:
    """What a car's box said last. Every field None where the box does not know it. `age` is the reader's
    business: see `heard_at`."""

    vehicle_id: int
    box_pk: int
    is_linked: bool
    heard_at: int | None
    state: str | None = None
    """One of parked, asking, open, driving, stopover, ending."""
    state_at: int | None = None
    modes: frozenset[str] = frozenset()
    """Of garage, carried, dozing, safe."""
    kl15_on: bool | None = None
    door_open: bool | None = None
    key_in_holder: bool | None = None
    is_inhibited: bool | None = None
    is_still: bool | None = None
    is_locked: bool | None = None
    battery_mv: int | None = None
    fuel_percent: int | None = None
    odometer_m: int | None = None
    authorisation_id: int | None = None
    site_id: int | None = None
    is_elsewhere: bool = False
    """True: known to be at none of the sites."""
    fault_codes: tuple[int, ...] = field(default=())
    held_version: int = 0
    wanted_version: int = 0

    @property
    def knows_all(self) -> bool:
        """True where the box holds every authorisation the cloud wants it to."""
        return self.held_version >= self.wanted_version


@dataclass(frozen=True)
class Box:
    """A box. `box_id` in hex."""

    id: int
    box_id: str
    hardware_id: str
    vehicle_id: int | None
    registration: str | None
    key_id: int
    firmware: str
    heard_at: int | None
    records_refused: int


@dataclass(frozen=True)
class CarBox:
    """A box in a car: `links_lost` counts links found dead."""

    vehicle_id: int
    registration: str
    site_name: str
    hardware_id: str
    firmware: str
    heard_at: int | None
    records_refused: int
    links_lost: int


@dataclass(frozen=True)
class ClaimToken:
    """By which one box is claimed for one car, until `expires_at`."""

    token: str
    expires_at: int


@dataclass(frozen=True)
class Claimed:
    """What a claim made: the box's identity; keys are derived from it when the answer is written."""

    box_pk: int
    box_id: bytes
    key_id: int
    journal_epoch: int
    vehicle_id: int


@dataclass(frozen=True)
class Command:
    """A command to a car and what became of it: queued, sent, done, refused, expired, unknown."""

    id: int
    vehicle_id: int
    kind: str
    role: str
    person_id: int | None
    reason: str
    argument: int
    created_at: int
    expires_at: int
    state: str
    refusal: int
    answered_at: int | None
