"""Days and times as people type them, to instants and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from glovebox.errors import Invalid

# Cars are booked by the quarter of an hour; a time typed between two is taken as it is.
STEP_S: Final = 900
USUAL_LENGTH_S: Final = 2 * 3600
LONGEST_YEARS: Final = 2


def parse_day(text: str, default: date, field: str, years: int = LONGEST_YEARS) -> date:
    """`2026-11-21`, as the date field `field` sends it; `default` for "". Raises Invalid, also further than
    `years` away."""
    if not text:
        return default
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise Invalid("no_such_day", field=field) from error
    if abs(day.year - default.year) > years:
        raise Invalid("no_such_day", field=field)
    return day


def to_instant(day: date, clock_text: str, zone: ZoneInfo, field: str = "") -> int:
    """A local day and `14:30`, typed in `field`, to UTC seconds. Raises Invalid, also for the hour that
    spring leaves out."""
    try:
        clock = time.fromisoformat(clock_text)
    except ValueError as error:
        raise Invalid("no_such_day", field=field) from error
    local = datetime.combine(day, clock.replace(second=0, microsecond=0), zone)
    instant = int(local.timestamp())
    returned = datetime.fromtimestamp(instant, UTC).astimezone(zone)
    if returned.replace(tzinfo=None) != local.replace(tzinfo=None):
        raise Invalid("no_such_day", field=field)
    return instant


def midnight(day: date, zone: ZoneInfo) -> int:
    """The instant at which a local day begins."""
    return int(datetime.combine(day, time(), zone).timestamp())


@dataclass(frozen=True)
class Wish:
    """An interval as typed into the search form."""

    day: date
    start: str
    end_day: date
    end: str

    def interval(self, zone: ZoneInfo) -> tuple[int, int]:
        """Instants of start and end. Raises Invalid: no such time, or the end not after the start."""
        starts = to_instant(self.day, self.start, zone, "start")
        ends = to_instant(self.end_day, self.end, zone, "end")
        if ends <= starts:
            raise Invalid("end_before_start")
        return starts, ends


def next_step(now: int) -> int:
    """The next quarter of an hour: the earliest start that a form proposes."""
    return -(-now // STEP_S) * STEP_S


def usual_wish(now: int, zone: ZoneInfo) -> Wish:
    """The next quarter of an hour, for two hours."""
    starts = next_step(now)
    return wish_of(starts, starts + USUAL_LENGTH_S, zone)


def wish_of(starts_s: int, ends_s: int, zone: ZoneInfo) -> Wish:
    """The form's fields for an interval."""
    start, end = (datetime.fromtimestamp(at, UTC).astimezone(zone) for at in (starts_s, ends_s))
    return Wish(start.date(), start.strftime("%H:%M"), end.date(), end.strftime("%H:%M"))


def read_wish(typed: Mapping[str, str], now: int, zone: ZoneInfo) -> Wish:
    """What was typed, with the usual where a field is empty. Raises Invalid for no day."""
    usual = usual_wish(now, zone)
    day, start, end_day, end = (typed.get(name, "").strip() for name in ("day", "start", "end_day", "end"))
    if not (day or start or end):
        return usual
    first = parse_day(day, usual.day, "day")
    return Wish(first, start or usual.start, parse_day(end_day, first, "end_day"), end or usual.end)


def next_day(day: date, days: int = 1) -> date:
    """That many days on."""
    return day + timedelta(days=days)
