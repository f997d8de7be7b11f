"""Read-only questions of the console that no service answers: cars, promises, faults and boxes as its viewer
may see them. Each names its bound; each obeys the wall by its caller's viewer."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select

from glovebox.accounts.cars import find_car
from glovebox.accounts.roles import Viewer
from glovebox.boxes.schemas import Command
from glovebox.boxes.tables import commands
from glovebox.errors import NotFound
from glovebox.fleet import service as fleet
from glovebox.fleet.schemas import Vehicle
from glovebox.fleet.tables import agreements, organisations, sites, vehicles
from glovebox.people.tables import badges, people
from glovebox.records.tables import faults
from glovebox.reservations import service as reservation_service
from glovebox.reservations.schemas import Reservation
from glovebox.reservations.tables import reservations
from glovebox.scope import Scope
from glovebox.words import fault_name


def console_vehicles(
    tx: Connection, viewer: Viewer, *, site_id: int | None = None, search: str = ""
) -> list[Vehicle]:
    """Cars not retired on which this viewer holds a console role, by site and registration."""
    return _list_vehicles(tx, viewer.vehicles("console"), site_id, search)


def _list_vehicles(
    tx: Connection, reach: ColumnElement[bool], site_id: int | None, search: str = ""
) -> list[Vehicle]:
    query = fleet.VEHICLES.where(reach, vehicles.c.status != "retired")
    if site_id is not None:
        query = query.where(vehicles.c.site_id == site_id)
    for word in search.lower().split()[:4]:
        text = vehicles.c.registration + " " + vehicles.c.make + " " + vehicles.c.model
        query = query.where(func.lower(text).contains(word, autoescape=True))
    rows = tx.execute(query.order_by(sites.c.name, sites.c.id, vehicles.c.registration)).mappings()
    return [fleet.read_vehicle(row) for row in rows]


def console_vehicle(tx: Connection, viewer: Viewer, vehicle_id: int) -> Vehicle:
    """One of those, retired ones too. Raises NotFound."""
    return find_car(tx, viewer, "console", vehicle_id)


def _get_vehicle(tx: Connection, reach: ColumnElement[bool], vehicle_id: int) -> Vehicle:
    row = tx.execute(fleet.VEHICLES.where(reach, vehicles.c.id == vehicle_id)).mappings().one_or_none()
    if row is None:
        raise NotFound()
    return fleet.read_vehicle(row)


def shared_cars(viewer: Viewer) -> ColumnElement[bool]:
    """SQL condition on `vehicles`: cars of other bodies' pools that an agreement opens to people this viewer
    looks after. Of them he sees intervals and organisations, and his own people's names."""
    admitted = select(agreements.c.pool_id).where(
        agreements.c.organisation_id.in_(sorted(viewer.organisations("people")))
    )
    return vehicles.c.pool_id.in_(admitted)


def timeline_vehicles(tx: Connection, viewer: Viewer, *, site_id: int | None = None) -> list[Vehicle]:
    """Cars on the timeline: the console's, and those shared by agreement; by site and registration."""
    return _list_vehicles(tx, _on_timeline(viewer), site_id)


def _on_timeline(viewer: Viewer) -> ColumnElement[bool]:
    return or_(viewer.vehicles("console"), shared_cars(viewer))


def _count(
    tx: Connection, column: ColumnElement[int], ids: list[int], is_counted: ColumnElement[bool]
) -> dict[int, int]:
    query = select(column, func.count()).where(is_counted, column.in_(ids)).group_by(column)
    return {row[0]: row[1] for row in tx.execute(query)}


def count_faults(tx: Connection, vehicle_ids: list[int]) -> dict[int, int]:
    """How many faults are open on each of these cars; a car without any is absent."""
    return _count(tx, faults.c.vehicle_id, vehicle_ids, faults.c.cleared_at.is_(None))


@dataclass(frozen=True)
class OpenFault:
    """A fault that is set, by the name of its sentences."""

    name: str
    detail: int
    set_at: int


def open_faults(tx: Connection, vehicle_id: int) -> list[OpenFault]:
    """The faults set on a car the caller may see, newest first."""
    query = (
        select(faults.c.code, faults.c.detail, faults.c.set_at)
        .where(faults.c.vehicle_id == vehicle_id, faults.c.cleared_at.is_(None))
        .order_by(faults.c.set_at.desc())
    )
    return [OpenFault(fault_name(row.code), row.detail, row.set_at) for row in tx.execute(query)]


def last_commands(tx: Connection, vehicle_id: int, limit: int) -> list[Command]:
    """The last commands to a car the caller may see, newest first."""
    columns = [commands.c[name] for name in Command.__dataclass_fields__]
    query = select(*columns).where(commands.c.vehicle_id == vehicle_id).order_by(commands.c.id.desc())
    return [Command(**row._mapping) for row in tx.execute(query.limit(limit))]


@dataclass(frozen=True)
class Promise:
    """A reservation on the timeline or in the list; the person is None behind the wall."""

    id: int
    vehicle_id: int
    registration: str
    site_name: str
    organisation_id: int
    organisation_name: str
    person_id: int | None
    person_name: str
    starts_at: int
    ends_at: int
    state: str
    is_at_risk: bool
    end_site_name: str = ""
    """Where the car is brought, if not back to its site."""
    site_id: int | None = None
    """Whose clock its times are told on: where it starts."""


SHOWN_ON_TIMELINE: Final = ("pending", "confirmed", "in_use", "completed", "expired")


def list_promises(
    tx: Connection,
    viewer: Viewer,
    *,
    vehicle_ids: list[int],
    starts_before: int,
    ends_after: int,
    states: Iterable[str] = SHOWN_ON_TIMELINE,
    offset: int = 0,
    limit: int = 5_000,
) -> list[Promise]:
    """Promises of these cars (which the viewer may see) touching the interval, by start; names only this
    side of the wall: one's own organisation's people, and drivers of a pool one manages."""
    query = (
        _promise_query(viewer)
        .where(
            reservations.c.vehicle_id.in_(vehicle_ids),
            reservations.c.starts_at < starts_before,
            reservations.c.ends_at > ends_after,
            reservations.c.state.in_(tuple(states)),
        )
        .order_by(reservations.c.starts_at, reservations.c.id)
        .offset(offset)
        .limit(limit)
    )
    return [_promise(row, viewer) for row in tx.execute(query)]


_end_sites = sites.alias("end_sites")


def _promise_query(viewer: Viewer) -> Select[Any]:
    return (
        select(
            reservations,
            vehicles.c.registration,
            vehicles.c.pool_id,
            vehicles.c.site_id.label("car_site_id"),
            vehicles.c.organisation_id.label("car_organisation_id"),
            sites.c.name.label("site_name"),
            _end_sites.c.name.label("end_site_name"),
            organisations.c.name.label("organisation_name"),
            people.c.given_name,
            people.c.family_name,
        )
        .join(vehicles, vehicles.c.id == reservations.c.vehicle_id)
        .join(sites, sites.c.id == vehicles.c.site_id)
        .join(organisations, organisations.c.id == reservations.c.organisation_id)
        .outerjoin(people, people.c.id == reservations.c.person_id)
        .outerjoin(_end_sites, _end_sites.c.id == reservations.c.end_site_id)
        .where(_on_timeline(viewer))
    )


def _promise(row: Any, viewer: Viewer) -> Promise:
    is_seen = row.person_id is not None and viewer.sees_person(
        row.organisation_id, row.car_organisation_id, row.pool_id
    )
    return Promise(
        row.id,
        row.vehicle_id,
        row.registration,
        row.site_name,
        row.organisation_id,
        row.organisation_name,
        row.person_id if is_seen else None,
        f"{row.given_name} {row.family_name}" if is_seen else "",
        row.starts_at,
        row.ends_at,
        row.state,
        bool(row.is_at_risk),
        row.end_site_name if row.end_site_name not in (None, row.site_name) else "",
        row.start_site_id or row.car_site_id,
    )


def shown_vehicle(tx: Connection, viewer: Viewer, vehicle_id: int) -> Vehicle:
    """One car of the timeline. Raises NotFound."""
    return _get_vehicle(tx, _on_timeline(viewer), vehicle_id)


def get_promise(tx: Connection, viewer: Viewer, reservation_id: int) -> Promise:
    """One promise of a car this viewer may see. Raises NotFound."""
    row = tx.execute(_promise_query(viewer).where(reservations.c.id == reservation_id)).one_or_none()
    if row is None:
        raise NotFound()
    return _promise(row, viewer)


def find_reservation(tx: Connection, scope: Scope, reservation_id: int) -> Reservation | None:
    """The reservation as its service tells it, None where the scope does not reach."""
    try:
        return reservation_service.get_reservation(tx, scope, reservation_id)
    except NotFound:
        return None


def upcoming_of(tx: Connection, scope: Scope, person_id: int, now: int) -> list[Reservation]:
    """A person's next bookings, at most ten."""
    return reservation_service.list_reservations(
        tx,
        scope,
        ends_after=now,
        person_id=person_id,
        states=["pending", "confirmed", "in_use"],
        limit=10,
    )


def count_badges(tx: Connection, person_ids: list[int]) -> dict[int, int]:
    """How many valid badges each of these people has; somebody without is absent."""
    return _count(tx, badges.c.person_id, person_ids, badges.c.revoked_at.is_(None))
