"""Reads when sites are open."""

from collections.abc import Iterable
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, insert, select, update

from glovebox.fleet.tables import sites
from glovebox.policies.opening import Calendar
from glovebox.policies.schemas import Closure, DayHours
from glovebox.policies.tables import site_calendars, site_closures, site_hours
from glovebox.records.tables import store_facts

DEFAULT_ZONE: Final = "Europe/Paris"


def read_time_zone(tx: Connection) -> str:
    """The deployment's time zone: what `keep_time_zone` stored."""
    value = tx.execute(select(store_facts.c.value).where(store_facts.c.name == "time_zone")).scalar()
    return str(value or DEFAULT_ZONE)


def keep_time_zone(tx: Connection, name: str) -> None:
    """Stores the deployment's time zone where services find it; whoever starts the cloud says it."""
    kept = update(store_facts).where(store_facts.c.name == "time_zone").values(value=name)
    if not tx.execute(kept).rowcount:
        tx.execute(insert(store_facts).values(name="time_zone", value=name))


def read_zones(tx: Connection, site_id: int | None = None) -> dict[int, str]:
    """site -> time zone of those (or this one) that have their own."""
    own = select(site_calendars.c.site_id, site_calendars.c.time_zone).where(site_calendars.c.time_zone != "")
    if site_id is not None:
        own = own.where(site_calendars.c.site_id == site_id)
    return {row[0]: row[1] for row in tx.execute(own)}


def load_calendars(tx: Connection, site_ids: Iterable[int]) -> dict[int, Calendar]:
    """The calendars of these sites."""
    wanted = sorted(set(site_ids))
    default = read_time_zone(tx)
    hours: dict[int, list[DayHours]] = {}
    columns = (site_hours.c.weekday, site_hours.c.opens_minute, site_hours.c.closes_minute)
    query = select(site_hours.c.site_id, *columns).where(site_hours.c.site_id.in_(wanted))
    for site_id, *values in tx.execute(query.order_by(site_hours.c.weekday)):
        hours.setdefault(site_id, []).append(DayHours(*values))
    closures: dict[int, list[Closure]] = {}
    days = (site_closures.c.first_day, site_closures.c.last_day, site_closures.c.name)
    closed = select(site_closures.c.site_id, *days).where(site_closures.c.site_id.in_(wanted))
    for site_id, *texts in tx.execute(closed.order_by(site_closures.c.first_day, site_closures.c.id)):
        closures.setdefault(site_id, []).append(Closure(*texts))
    named = (
        select(sites.c.id, sites.c.name, site_calendars.c.time_zone, site_calendars.c.holidays)
        .join(site_calendars, site_calendars.c.site_id == sites.c.id, isouter=True)
        .where(sites.c.id.in_(wanted))
    )
    return {
        row.id: Calendar(
            row.id,
            row.name,
            ZoneInfo(row.time_zone or default),
            tuple(hours.get(row.id, ())),
            tuple(closures.get(row.id, ())),
            row.holidays or "",
        )
        for row in tx.execute(named)
    }
