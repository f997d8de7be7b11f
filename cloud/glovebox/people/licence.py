"""The last day of a driving licence, as lists and forms have it. Stored is the instant from which it is no
longer valid: the midnight after that day."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from glovebox.errors import Invalid

# A licence is valid for 15 years at most; what is further away is a slip.
YEARS: Final = 20


def read_until(text: str, now: int, zone: ZoneInfo) -> int | None:
    """`2031-05-14` or `14/05/2031`, both valid through that day; None for "". Raises Invalid."""
    if not text:
        return None
    for form in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            day = datetime.strptime(text, form).date()  # noqa: DTZ007 (a day has no zone)
        except ValueError:
            continue
        if abs(day.year - datetime.fromtimestamp(now, zone).year) <= YEARS:
            return int(datetime.combine(day + timedelta(days=1), time(), zone).timestamp())
    raise Invalid("licence_day", text=text[:20])


def last_day(until: int, zone: ZoneInfo) -> date:
    """The day through which it is valid."""
    return datetime.fromtimestamp(until - 1, UTC).astimezone(zone).date()
