"""Laying down when a site is open."""

from dataclasses import asdict
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Connection, delete, insert, select, update

from glovebox.errors import Forbidden, Invalid
from glovebox.fleet import service as fleet
from glovebox.fleet.tables import sites
from glovebox.policies.opening import MINUTES_A_DAY, public_holidays
from glovebox.policies.schemas import Closure, DayHours, SiteHours
from glovebox.policies.service import note_change, take_back
from glovebox.policies.tables import site_calendars, site_closures, site_hours
from glovebox.scope import Scope
from glovebox.store.news import tell
from glovebox.store.values import check_values

CLOSURES_LIMIT: Final = 60
LATEST_CLOSING: Final = 2 * MINUTES_A_DAY - 1
# Boxes of a site that never closes are kept ready from 7 to 19.
READY_BY_DEFAULT: Final = (420, 1140)
# A country is known or not, whatever the year.
SAMPLE_YEAR: Final = 2026


def get_hours(tx: Connection, site_id: int) -> SiteHours:
    """A site's hours as laid down. Raises NotFound."""
    fleet.get_site(tx, site_id)
    columns = (site_hours.c.weekday, site_hours.c.opens_minute, site_hours.c.closes_minute)
    hours = select(*columns).where(site_hours.c.site_id == site_id).order_by(site_hours.c.weekday)
    days = (site_closures.c.first_day, site_closures.c.last_day, site_closures.c.name)
    closed = select(*days).where(site_closures.c.site_id == site_id)
    kept = select(site_calendars.c.holidays, site_calendars.c.time_zone)
    row = tx.execute(kept.where(site_calendars.c.site_id == site_id)).first()
    return SiteHours(
        site_id,
        tuple(DayHours(*one) for one in tx.execute(hours)),
        tuple(Closure(*one) for one in tx.execute(closed.order_by(*days))),
        "" if row is None else row.holidays,
        "" if row is None else row.time_zone,
    )


def set_hours(tx: Connection, now: int, scope: Scope, wanted: SiteHours) -> None:
    """Lays down when a site is open from now on. Bookings made stay; they are told nothing.
    Raises NotFound, Forbidden, Invalid."""
    _check_manager(tx, scope, wanted.site_id)
    _check(wanted)
    before = get_hours(tx, wanted.site_id)
    if wanted != before:
        note_change(tx, now, scope, subject_of(wanted.site_id), asdict(before))
        _store(tx, wanted)


def undo_hours(tx: Connection, scope: Scope, site_id: int) -> None:
    """Puts back what stood before the last change. Raises NotFound, Forbidden, Conflict."""
    _check_manager(tx, scope, site_id)
    _store(tx, _read(take_back(tx, subject_of(site_id))))


def subject_of(site_id: int) -> str:
    """The key of a site's changes."""
    return f"site.{site_id}"


def _read(values: dict[str, Any]) -> SiteHours:
    hours = tuple(DayHours(**one) for one in values["hours"])
    closures = tuple(Closure(**one) for one in values["closures"])
    return SiteHours(**{**values, "hours": hours, "closures": closures})


def _check_manager(tx: Connection, scope: Scope, site_id: int) -> None:
    if not scope.may_manage(fleet.get_site(tx, site_id).organisation_id):
        raise Forbidden()


def _check(wanted: SiteHours) -> None:
    weekdays = [one.weekday for one in wanted.hours]
    if len(set(weekdays)) != len(weekdays) or not all(0 <= weekday <= 6 for weekday in weekdays):
        raise Invalid("hours_impossible")
    for one in wanted.hours:
        is_day = 0 <= one.opens_minute < MINUTES_A_DAY
        if not is_day or not one.opens_minute < one.closes_minute <= LATEST_CLOSING:
            raise Invalid("hours_impossible")
    if len(wanted.closures) > CLOSURES_LIMIT:
        raise Invalid("too_many_closures", limit=CLOSURES_LIMIT)
    for closure in wanted.closures:
        _check_closure(closure)
    if wanted.time_zone:
        try:
            ZoneInfo(wanted.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise Invalid("no_such_zone", name=wanted.time_zone[:64]) from error
    if wanted.holidays:
        try:
            public_holidays(wanted.holidays[:13], SAMPLE_YEAR)
        except (NotImplementedError, ValueError) as error:
            raise Invalid("no_such_holidays", code=wanted.holidays[:12]) from error


def _check_closure(closure: Closure) -> None:
    for text in (closure.first_day, closure.last_day):
        try:
            is_day = date.fromisoformat(text).isoformat() == text
        except ValueError:
            is_day = False
        if not is_day:
            raise Invalid("no_such_date", text=text[:20])
    if closure.first_day > closure.last_day:
        raise Invalid("end_before_start")
    check_values(site_closures, asdict(closure))


def _store(tx: Connection, wanted: SiteHours) -> None:
    site_id = wanted.site_id
    for table in (site_hours, site_closures, site_calendars):
        tx.execute(delete(table).where(table.c.site_id == site_id))
    calendar = {"holidays": wanted.holidays, "time_zone": wanted.time_zone}
    tx.execute(insert(site_calendars).values(site_id=site_id, **calendar))
    for table, rows in ((site_hours, wanted.hours), (site_closures, wanted.closures)):
        if rows:
            tx.execute(insert(table), [{"site_id": site_id, **asdict(row)} for row in rows])
    opens, closes = READY_BY_DEFAULT
    if wanted.hours:  # boxes are kept ready while anybody may come
        opens = min(one.opens_minute for one in wanted.hours)
        closes = min(max(one.closes_minute for one in wanted.hours), MINUTES_A_DAY)
        if any(one.closes_minute > MINUTES_A_DAY for one in wanted.hours):
            opens = 0
    ready = {"opens_minute": opens, "closes_minute": closes}
    tx.execute(update(sites).where(sites.c.id == site_id).values(**ready))
    tell(tx, "settings", 0)
