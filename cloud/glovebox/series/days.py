"""Which days a rule means, and the instants of an occurrence. Pure.

Local times are kept over both changes of the clock: one that spring leaves out moves forward by the hour, one
that autumn brings twice is its first.
"""

from datetime import date, timedelta
from typing import Final

from glovebox.clock import DAY_S
from glovebox.errors import Invalid
from glovebox.policies.opening import MINUTES_A_DAY, Calendar, local_instant, public_holidays
from glovebox.series.schemas import Rule

# Two a week for nearly two years; each is a reservation that somebody else cannot have.
OCCURRENCES: Final = 200
LONGEST_DAYS: Final = 731
BUT_DAYS: Final = 60
EVERY_WEEKS: Final = 8


def check_rule(rule: Rule, today: date) -> None:
    """Raises Invalid for a rule that means nothing or too much."""
    if not rule.weekdays or not rule.weekdays <= set(range(7)):
        raise Invalid("series_no_weekday")
    if rule.first_day > rule.last_day:
        raise Invalid("series_ends_before")
    if rule.first_day < today - timedelta(days=1) or rule.last_day > today + timedelta(days=LONGEST_DAYS):
        raise Invalid("series_too_far", days=LONGEST_DAYS)
    if not 1 <= rule.every_weeks <= EVERY_WEEKS:
        raise Invalid("number_out_of_range", column="every_weeks", least=1, largest=EVERY_WEEKS)
    if len(rule.but) > BUT_DAYS:
        raise Invalid("series_too_many_but", limit=BUT_DAYS)
    check_minutes(rule.starts_minute, rule.ends_minute)


def check_minutes(starts_minute: int, ends_minute: int) -> None:
    """Raises Invalid unless an occurrence starts on its day and lasts a day at most."""
    is_start = 0 <= starts_minute < MINUTES_A_DAY
    if not is_start or not starts_minute < ends_minute <= starts_minute + MINUTES_A_DAY:
        raise Invalid("end_before_start")


def list_days(rule: Rule, calendar: Calendar) -> tuple[list[date], list[date]]:
    """The rule's days, and those left out as public holidays. Raises Invalid for more than `OCCURRENCES`."""
    monday = rule.first_day - timedelta(days=rule.first_day.weekday())
    days: list[date] = []
    free: list[date] = []
    for ahead in range((rule.last_day - rule.first_day).days + 1):
        day = rule.first_day + timedelta(days=ahead)
        is_week = (day - monday).days // 7 % rule.every_weeks == 0
        if day.weekday() not in rule.weekdays or not is_week or day in rule.but:
            continue
        is_holiday = bool(calendar.holidays) and day in public_holidays(calendar.holidays, day.year)
        (free if rule.skips_holidays and is_holiday else days).append(day)
    if len(days) > OCCURRENCES:
        raise Invalid("series_too_long", limit=OCCURRENCES, count=len(days))
    return days, free


def instants(day: date, starts_minute: int, ends_minute: int, calendar: Calendar) -> tuple[int, int]:
    """Start and end of the occurrence of a day. Raises Invalid where the clock's change leaves nothing of
    it."""
    starts_at = local_instant(day, starts_minute, calendar.zone)
    ends_at = local_instant(day, ends_minute, calendar.zone)
    if starts_at >= ends_at:
        raise Invalid("series_hour_missing")
    assert ends_at - starts_at <= DAY_S + 2 * 3_600
    return starts_at, ends_at
