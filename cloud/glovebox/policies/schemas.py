"""Values of rules: what they say, where that was laid down, and when a site is open."""

from dataclasses import dataclass, fields
from typing import Final, Literal

from glovebox.clock import DAY_S, HOUR_S, MINUTE_S

Origin = Literal["built_in", "organisation", "group", "pool", "group_pool"]
"""From the widest level to the most specific."""


@dataclass(frozen=True)
class Rules:
    """What holds for a booking; the defaults are what holds where nobody has laid down anything. Seconds,
    but for `open_bookings` (a count); 0 in the two quotas: no limit."""

    buffer_s: int = 0
    """Between two bookings of a car."""
    lead_s: int = 0
    """From booking to start, at least."""
    longest_s: int = 31 * DAY_S
    horizon_s: int = 366 * DAY_S
    """How far ahead a booking may start."""
    open_bookings: int = 0
    """Of one person, not over yet."""
    week_s: int = 0
    """Of one person, booked in a calendar week."""
    needs_approval: int = 0
    approval_due_s: int = 2 * DAY_S
    """An approver's time to answer; after it the car is free again."""


BUILT_IN: Final = Rules()
NAMES: Final = tuple(one.name for one in fields(Rules))
LIMITS: Final[dict[str, tuple[int, int]]] = {
    "buffer_s": (0, DAY_S),
    "lead_s": (0, 60 * DAY_S),
    "longest_s": (15 * MINUTE_S, 92 * DAY_S),
    "horizon_s": (HOUR_S, 2 * 366 * DAY_S),
    "open_bookings": (0, 1_000),
    "week_s": (0, 7 * DAY_S),
    "needs_approval": (0, 1),
    "approval_due_s": (15 * MINUTE_S, 30 * DAY_S),
}
"""Least and largest. A longer promise than a season is an assignment, not a reservation."""


@dataclass(frozen=True)
class Policy:
    """What one level lays down for the cars of `organisation_id`: for all of them, one pool, one group of
    people, or one group in one pool. None: as the next wider level says."""

    organisation_id: int
    pool_id: int | None = None
    group_id: int | None = None
    buffer_s: int | None = None
    lead_s: int | None = None
    longest_s: int | None = None
    horizon_s: int | None = None
    open_bookings: int | None = None
    week_s: int | None = None
    needs_approval: int | None = None
    approval_due_s: int | None = None

    @property
    def origin(self) -> Origin:
        """Its level's name."""
        if self.pool_id is not None:
            return "pool" if self.group_id is None else "group_pool"
        return "organisation" if self.group_id is None else "group"


@dataclass(frozen=True)
class Resolved:
    """The rules for one person and one pool, and from which policy each comes (None: built in)."""

    rules: Rules
    sources: dict[str, Policy | None]

    def origin(self, name: str) -> Origin:
        """Where a value was laid down."""
        source = self.sources.get(name)
        return "built_in" if source is None else source.origin


@dataclass(frozen=True)
class PoolRules:
    """What holds for one person and one pool's cars; `origins`: the level at which each value is laid
    down."""

    pool_id: int
    rules: Rules
    origins: dict[str, str]


@dataclass(frozen=True)
class Group:
    """People of one organisation for whom rules differ. Of several groups of a person the one with the
    highest `priority` decides."""

    id: int
    organisation_id: int
    name: str
    priority: int
    members: int
    pool_ids: tuple[int, ...] = ()
    """Pools kept for this group (and others named there)."""


@dataclass(frozen=True)
class DayHours:
    """When a site opens on a weekday (Monday 0): local minutes of that day; past 1440 on the next one."""

    weekday: int
    opens_minute: int
    closes_minute: int


@dataclass(frozen=True)
class Closure:
    """Closed days, both included: local days as YYYY-MM-DD."""

    first_day: str
    last_day: str
    name: str = ""


@dataclass(frozen=True)
class SiteHours:
    """When cars can be fetched from a site and brought back. No hours: always; a weekday without hours:
    closed. `holidays` names the country whose public holidays are closed days (`FR`, `FR-57`), or "".
    `time_zone` "": the deployment's."""

    site_id: int
    hours: tuple[DayHours, ...] = ()
    closures: tuple[Closure, ...] = ()
    holidays: str = ""
    time_zone: str = ""
