"""Values about series."""

from dataclasses import dataclass
from datetime import date

from glovebox.errors import GloveboxError
from glovebox.reservations.schemas import Offer, Reservation


@dataclass(frozen=True)
class Rule:
    """Which days, and when on each, by the clock of the car's site. `weekdays`: 0 is Monday. `ends_minute`
    past 1440 is on the next day. `but`: days left out."""

    weekdays: frozenset[int]
    first_day: date
    last_day: date
    starts_minute: int
    ends_minute: int
    every_weeks: int = 1
    skips_holidays: bool = True
    but: frozenset[date] = frozenset()


@dataclass(frozen=True)
class Looked:
    """One occurrence before it is booked: `problem` None: it can be had; else why not, and the first other
    car of the site that can (`instead`)."""

    day: date
    starts_at: int
    ends_at: int
    problem: GloveboxError | None = None
    instead: Offer | None = None


@dataclass(frozen=True)
class Preview:
    """All occurrences of a rule. `holidays`: days left out for that; None: the site's calendar knows none."""

    occurrences: list[Looked]
    holidays: list[date] | None


@dataclass(frozen=True)
class Done:
    """What an act on several occurrences did: reservations booked, changed or cancelled, and the days for
    which it could not be."""

    series_id: int
    reservation_ids: list[int]
    refused: list[tuple[date, GloveboxError]]


@dataclass(frozen=True)
class Refused:
    """A day that the last act on it could not book or move: what was wanted, and why not."""

    day: date
    vehicle_id: int
    starts_at: int
    ends_at: int
    problem: GloveboxError


@dataclass(frozen=True)
class Series:
    """A series with its occurrences, by start; given back ones too."""

    id: int
    organisation_id: int
    person_id: int | None
    person_name: str
    vehicle_id: int
    rule: Rule
    purpose: str
    time_zone: str
    occurrences: list[tuple[date, bool, Reservation]]
    """(its day, is it an exception, the reservation)"""
    refused: list[Refused]
    """Days ahead that are not booked, or could not be moved and stayed as they were."""
