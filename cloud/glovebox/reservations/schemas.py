"""Values about reservations and availability."""

from dataclasses import dataclass, field
from typing import Any, Literal

from glovebox.errors import Conflict


@dataclass(frozen=True)
class Reservation:
    """A promise. `site_id` is where the car is taken, `end_site_id` where it is brought back (None: there).
    Across the tenant wall `person_id`, `person_name` and `purpose` are None / empty."""

    id: int
    vehicle_id: int
    registration: str
    vehicle_name: str
    site_id: int
    site_name: str
    organisation_id: int
    organisation_name: str
    person_id: int | None
    person_name: str
    starts_at: int
    ends_at: int
    state: str
    purpose: str
    end_site_id: int | None
    is_at_risk: bool
    created_at: int
    changed_at: int
    car_knows: bool
    """The box has acknowledged the version of its authorisations that holds this reservation."""
    car_heard_at: int | None
    car_has_box: bool
    """False: no badge opens this car; its key is handed out by people."""
    approval_due_at: int | None = None
    """While it is pending: after this the car is free again."""
    decision_reason: str = ""
    """Why its approver refused it."""
    end_site_name: str = ""
    series_id: int | None = None
    """The series of which it is an occurrence."""
    late_minutes: int = 0
    """How late it will be back, as its driver said last; 0: nothing was said."""
    late_said_at: int | None = None
    late_said_by: int | None = None
    """The person who said so: the driver, or who looks after him."""
    is_offer: bool = False
    """It holds a car for somebody of the waiting list, who has yet to take it, until `approval_due_at`."""


@dataclass(frozen=True)
class Rehousing:
    """What the server did about a reservation whose car will not be there: `outcome` is `moved`, `offered`,
    `told` or `declined`. `closed_at` None: it is still at risk."""

    id: int
    reservation: Reservation
    cause: str
    outcome: str
    found_at: int
    closed_at: int | None


@dataclass(frozen=True)
class Offer:
    """A car free for the whole interval asked for, where it will be then. `silent_for_s` is set where its box
    has not been heard for long: offered last, and why. Without a box (`has_box`) no badge opens it."""

    vehicle_id: int
    registration: str
    vehicle_name: str
    energy: str
    seats: int
    site_id: int
    site_name: str
    bay: str
    fuel_percent: int | None
    silent_for_s: int | None
    has_box: bool
    distance_m: int = 0
    range_m: int | None = None
    """How far an electric car goes on what it has, a margin kept; None where that is not known then, and for
    a car with a tank."""


@dataclass(frozen=True)
class Slot:
    """A free interval of one car."""

    vehicle_id: int
    starts_at: int
    ends_at: int


@dataclass(frozen=True)
class Alternatives:
    """What is free instead of a reservation's car at this moment; nothing of it is held."""

    others: list[Offer]
    later: list[Slot]


NearlyKind = Literal["other_time", "other_site", "fewer_seats", "charge", "rule"]
"""See the table of `glovebox.reservations.finding`."""


@dataclass(frozen=True)
class Nearly:
    """A car that nearly fits, and what would make it fit: the interval in which it can be had, `enough_at`
    when it goes the distance if it charges until then (None: never), `rule` and its `values` what forbids
    it."""

    kind: NearlyKind
    offer: Offer
    starts_at: int
    ends_at: int
    enough_at: int | None = None
    rule: str = ""
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Reason:
    """Why a car was chosen: `range` (metres it goes), `only_one`, or what set it apart from the next best:
    `range_known`, `heard_lately`, `opened_by_badge`, `right_size`, `nearest` (metres away), `fills_gap`
    (seconds left unused beside it), `most_range`, `as_good`."""

    code: str
    value: int | None


@dataclass(frozen=True)
class CarChoice:
    """The car to take."""

    offer: Offer
    reasons: list[Reason]


@dataclass(frozen=True)
class Findings:
    """What a wish for a car finds. `choice` is one of `offers`, None where nothing fits."""

    offers: list[Offer]
    nearly: list[Nearly]
    choice: CarChoice | None


class AlreadyTaken(Conflict):
    """The car is promised to another at that time. Says what is free instead."""

    code = "already_taken"

    def __init__(self, others: list[Offer], next_free: Slot | None, **values: object) -> None:
        """`others`: cars of the same site free at the same time; `next_free`: this car's next gap of the
        same length."""
        super().__init__(others=others, next_free=next_free, **values)
        self.others, self.next_free = others, next_free


class TooClose(AlreadyTaken):
    """The car is free then, but the rules keep a gap between two bookings: `too_close_before` says the
    `earliest_start` that would do, `too_close_after` the `latest_end`."""

    def __init__(self, code: str, others: list[Offer], next_free: Slot | None, **values: object) -> None:
        """As AlreadyTaken, with the rule's `buffer_s`."""
        super().__init__(others, next_free, **values)
        self.code = code
