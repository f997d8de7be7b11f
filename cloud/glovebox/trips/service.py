"""Trips: facts from journals, also without reservation, also weeks late."""

from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, func, or_, select

from glovebox.errors import NotFound
from glovebox.fleet.tables import sites, vehicles
from glovebox.link.codes import END_FLAG_BIT, names_of_bits
from glovebox.people.tables import people
from glovebox.scope import Scope
from glovebox.trips.schemas import Stopover, Trip
from glovebox.trips.tables import stopovers, trips


def list_trips(
    tx: Connection,
    scope: Scope,
    *,
    vehicle_id: int | None = None,
    person_id: int | None = None,
    started_after: int | None = None,
    started_before: int | None = None,
    offset: int = 0,
    limit: int = 50,
) -> list[Trip]:
    """Trips of managed cars and the person's own, newest first."""
    query = _TRIPS.where(_visible(scope))
    if vehicle_id is not None:
        query = query.where(trips.c.vehicle_id == vehicle_id)
    if person_id is not None:
        query = query.where(trips.c.person_id == person_id)
    if started_after is not None:
        query = query.where(trips.c.started_at >= started_after)
    if started_before is not None:
        query = query.where(trips.c.started_at < started_before)
    query = query.order_by(trips.c.started_at.desc(), trips.c.id.desc()).offset(offset).limit(limit)
    return [_trip(row) for row in tx.execute(query).mappings()]


def get_trip(tx: Connection, scope: Scope, trip_id: int) -> Trip:
    """One trip. Raises NotFound."""
    row = tx.execute(_TRIPS.where(_visible(scope), trips.c.id == trip_id)).mappings().first()
    if row is None:
        raise NotFound()
    return _trip(row)


def list_stopovers(tx: Connection, scope: Scope, trip_id: int) -> list[Stopover]:
    """A trip's stopovers in order. Raises NotFound."""
    get_trip(tx, scope, trip_id)
    query = (
        select(stopovers.c.stopped_at, stopovers.c.resumed_at, sites.c.name.label("site"))
        .join(sites, sites.c.id == stopovers.c.site_id, isouter=True)
        .where(stopovers.c.trip_id == trip_id)
        .order_by(stopovers.c.stopped_at, stopovers.c.id)
    )
    return [Stopover(**row) for row in tx.execute(query).mappings()]


def _visible(scope: Scope) -> ColumnElement[bool]:
    managed = scope.managed_cars(trips.c.organisation_id, vehicles.c.pool_id)
    return or_(managed, scope.mine(trips.c.person_id))


_start_sites = sites.alias("start_sites")
_end_sites = sites.alias("end_sites")
_TRIPS: Final = (
    select(
        trips,
        vehicles.c.registration,
        vehicles.c.make,
        vehicles.c.model,
        people.c.given_name,
        people.c.family_name,
        func.coalesce(trips.c.start_site_id, vehicles.c.site_id).label("site_id"),
        _start_sites.c.name.label("start_site"),
        _end_sites.c.name.label("end_site"),
    )
    .join(vehicles, vehicles.c.id == trips.c.vehicle_id)
    .join(people, people.c.id == trips.c.person_id, isouter=True)
    .join(_start_sites, _start_sites.c.id == trips.c.start_site_id, isouter=True)
    .join(_end_sites, _end_sites.c.id == trips.c.end_site_id, isouter=True)
)
_COMPUTED: Final = ("vehicle_name", "person_name", "end_flags", "is_time_unsure")


def _trip(row: Any) -> Trip:
    plain = {name: row[name] for name in Trip.__dataclass_fields__ if name not in _COMPUTED}
    return Trip(
        **plain,
        vehicle_name=f"{row['make']} {row['model']}",
        person_name="" if row["person_id"] is None else f"{row['given_name']} {row['family_name']}",
        end_flags=names_of_bits(row["end_flags"], END_FLAG_BIT),
        is_time_unsure=bool(row["is_time_unsure"]),
    )
