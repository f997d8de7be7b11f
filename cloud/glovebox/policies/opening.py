"""When a site is open: weekly hours, closed days, public holidays, in the site's own time zone.

Hours belong to the day on which they begin: Friday 18:00 to 2:00 ends on Saturday, also where Saturday is
closed. A local time that the spring change leaves out moves forward by the hour, one that autumn brings twice
is its first.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import holidays

from glovebox.clock import MINUTE_S
from glovebox.policies.schemas import Closure, DayHours

MINUTES_A_DAY: Final = 1_440
# The next opening is looked for over this many days: a summer's closure and then some.
LOOKED_AHEAD_DAYS: Final = 100


@lru_cache(maxsize=512)
def public_holidays(code: str, year: int) -> frozenset[date]:
    """Public holidays of a country or a part of it (`FR`, `FR-57`) in a year. Raises NotImplementedError for
    a code that nobody knows."""
    country, _, part = code.partition("-")
    return frozenset(holidays.country_holidays(country, subdiv=part or None, years=year))


def local_instant(day: date, minute: int, zone: ZoneInfo) -> int:
    """The instant of a local minute of that day (past 1440: on the next one)."""
    days, minute = divmod(minute, MINUTES_A_DAY)
    local = datetime.combine(day + timedelta(days=days), time(minute // 60, minute % 60), zone)
    return int(local.timestamp())


def week_start(at: int, zone: ZoneInfo) -> int:
    """The instant at which the local week of `at` began: Monday, 0:00."""
    day = datetime.fromtimestamp(at, UTC).astimezone(zone).date()
    return local_instant(day - timedelta(days=day.weekday()), 0, zone)


def next_week_start(start: int, zone: ZoneInfo) -> int:
    """Where the week after the one that begins at `start` begins: not always 168 hours on."""
    day = datetime.fromtimestamp(start, UTC).astimezone(zone).date()
    return local_instant(day + timedelta(days=7), 0, zone)


@dataclass(frozen=True)
class Calendar:
    """One site's."""

    site_id: int
    site_name: str
    zone: ZoneInfo
    hours: tuple[DayHours, ...] = ()
    closures: tuple[Closure, ...] = ()
    holidays: str = ""
    _minutes: dict[int, tuple[int, int]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        minutes = {one.weekday: (one.opens_minute, one.closes_minute) for one in self.hours}
        always = dict.fromkeys(range(7), (0, MINUTES_A_DAY))
        object.__setattr__(self, "_minutes", minutes or always)

    @property
    def never_closes(self) -> bool:
        """True where nothing is laid down."""
        return not (self.hours or self.closures or self.holidays)

    def day_of(self, at: int) -> date:
        """The local day."""
        return datetime.fromtimestamp(at, UTC).astimezone(self.zone).date()

    def is_closed_day(self, day: date) -> bool:
        """A closed day or a public holiday, whatever the weekday."""
        text = day.isoformat()
        if any(one.first_day <= text <= one.last_day for one in self.closures):
            return True
        return bool(self.holidays) and day in public_holidays(self.holidays, day.year)

    def open_on(self, day: date) -> tuple[int, int] | None:
        """The instants between which the site is open by the hours of that day."""
        minutes = self._minutes.get(day.weekday())
        if minutes is None or self.is_closed_day(day):
            return None
        opens, closes = (local_instant(day, minute, self.zone) for minute in minutes)
        return (opens, closes) if opens < closes else None

    def is_open(self, at: int) -> bool:
        """True from opening to closing time, both included: at closing time a car may still come back."""
        day = self.day_of(at)
        spans = (self.open_on(day - timedelta(days=back)) for back in (0, 1))
        return any(span is not None and span[0] <= at <= span[1] for span in spans)

    def may_start(self, at: int) -> bool:
        """True while open, but for the last minute: who comes at closing time finds the gate shut."""
        return self.is_open(at) and self.is_open(at + MINUTE_S)

    def next_opening(self, at: int) -> int | None:
        """The first opening time at or after this instant; None where the site stays closed for long."""
        day = self.day_of(at)
        for ahead in range(LOOKED_AHEAD_DAYS):
            span = self.open_on(day + timedelta(days=ahead))
            if span is not None and span[0] >= at:
                return span[0]
        return None

    def last_closing(self, at: int) -> int | None:
        """The last closing time before this instant; None where the site was closed for long."""
        day = self.day_of(at)
        for back in range(LOOKED_AHEAD_DAYS):
            span = self.open_on(day - timedelta(days=back))
            if span is not None and span[1] <= at:
                return span[1]
        return None
