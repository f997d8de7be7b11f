"""Incidents: opened by the server where facts and promises contradict, or by people; closed by people (or by
the fact that explains them). What the system can do about one stands in `acts`."""

from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, Select, insert, select, update

from glovebox.errors import Conflict, Forbidden, NotFound
from glovebox.fleet.tables import vehicles
from glovebox.incidents.schemas import Incident
from glovebox.incidents.tables import incidents
from glovebox.people.tables import people
from glovebox.scope import Scope


def open_incident(
    tx: Connection,
    now: int,
    kind: str,
    vehicle_id: int,
    *,
    reservation_id: int | None = None,
    trip_id: int | None = None,
    person_id: int | None = None,
    detail: str = "",
) -> int:
    """Opens an incident of the car's organisation; returns its id. `kind` is the key of its sentence."""
    organisation = select(vehicles.c.organisation_id).where(vehicles.c.id == vehicle_id).scalar_subquery()
    values = {"reservation_id": reservation_id, "trip_id": trip_id, "person_id": person_id}
    statement = insert(incidents).values(
        kind=kind,
        vehicle_id=vehicle_id,
        organisation_id=organisation,
        opened_at=now,
        detail=detail[:300],
        **values,
    )
    return int(tx.execute(statement.returning(incidents.c.id)).scalar_one())


def list_incidents(
    tx: Connection,
    scope: Scope,
    *,
    vehicle_id: int | None = None,
    kind: str = "",
    is_open: bool | None = True,
    offset: int = 0,
    limit: int = 50,
) -> list[Incident]:
    """Incidents of cars one manages or looks after on the spot, newest first. `is_open` None: closed ones
    too."""
    query = _INCIDENTS.where(scope.attended_cars(incidents.c.organisation_id, vehicles.c.pool_id))
    if is_open is not None:
        query = query.where(
            incidents.c.closed_at.is_(None) if is_open else incidents.c.closed_at.is_not(None)
        )
    if vehicle_id is not None:
        query = query.where(incidents.c.vehicle_id == vehicle_id)
    if kind:
        query = query.where(incidents.c.kind == kind)
    query = query.order_by(incidents.c.opened_at.desc(), incidents.c.id.desc()).offset(offset).limit(limit)
    return [_incident(row, scope) for row in tx.execute(query).mappings()]


def get_incident(tx: Connection, scope: Scope, incident_id: int) -> Incident:
    """One incident of a car one manages or looks after on the spot. Raises NotFound, also behind the wall."""
    seen = scope.attended_cars(incidents.c.organisation_id, vehicles.c.pool_id)
    row = tx.execute(_INCIDENTS.where(seen, incidents.c.id == incident_id)).mappings().first()
    if row is None:
        raise NotFound()
    return _incident(row, scope)


def may_manage(tx: Connection, scope: Scope, incident_id: int) -> bool:
    """True where something may be done about it, not only seen."""
    managed = scope.managed_cars(incidents.c.organisation_id, vehicles.c.pool_id)
    query = (
        select(incidents.c.id)
        .join(vehicles, vehicles.c.id == incidents.c.vehicle_id, isouter=True)
        .where(managed, incidents.c.id == incident_id)
    )
    return tx.execute(query).first() is not None


def close_incident(
    tx: Connection, now: int, scope: Scope, incident_id: int, note: str, resolution: str = "checked"
) -> None:
    """Closes an incident with how it was resolved and a remark. Raises NotFound, Forbidden, Conflict where it
    is closed already."""
    car = tx.execute(
        select(incidents.c.organisation_id, vehicles.c.pool_id, incidents.c.closed_at)
        .join(vehicles, vehicles.c.id == incidents.c.vehicle_id, isouter=True)
        .where(incidents.c.id == incident_id)
    ).first()
    if car is None:
        raise NotFound()
    if not scope.may_manage_car(car.organisation_id, car.pool_id):
        raise Forbidden()
    if car.closed_at is not None:
        raise Conflict("incident_closed")
    one = update(incidents).where(incidents.c.id == incident_id)
    how = {"resolution": resolution, "closed_by": scope.person_id, "closing_note": clean(note)}
    tx.execute(one.values(closed_at=now, **how))


def close_by_id(tx: Connection, now: int, incident_id: int, note: str) -> None:
    """The server's own way to close one: the fact that explains it has arrived."""
    one = (incidents.c.id == incident_id) & incidents.c.closed_at.is_(None)
    tx.execute(update(incidents).where(one).values(closed_at=now, closing_note=note[:300]))


def clean(text: str) -> str:
    """What people typed, without control characters (PostgreSQL stores no NUL)."""
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()[:300]


_closers = people.alias("closers")
_INCIDENTS: Final[Select[Any]] = (
    select(
        incidents,
        vehicles.c.registration,
        vehicles.c.site_id,
        vehicles.c.pool_id,
        people.c.given_name,
        people.c.family_name,
        _closers.c.given_name.label("closer_given"),
        _closers.c.family_name.label("closer_family"),
    )
    .join(vehicles, vehicles.c.id == incidents.c.vehicle_id, isouter=True)
    .join(people, people.c.id == incidents.c.person_id, isouter=True)
    .join(_closers, _closers.c.id == incidents.c.closed_by, isouter=True)
)
_COMPUTED: Final = ("person_name", "closed_by_name", "steps")


# Who drove, and what a manager wrote about it, are for those who manage the car.
_HIDDEN: Final[dict[str, Any]] = {
    "person_id": None, "person_name": "", "reservation_id": None, "trip_id": None, "closed_by_name": "",
    "closing_note": "",
}  # fmt: skip


def _incident(row: Any, scope: Scope) -> Incident:
    plain = {name: row[name] for name in Incident.__dataclass_fields__ if name not in _COMPUTED}
    found = Incident(
        **plain,
        person_name="" if row["given_name"] is None else f"{row['given_name']} {row['family_name']}",
        closed_by_name="" if row["closer_given"] is None else f"{row['closer_given']} {row['closer_family']}",
    )
    if scope.may_manage_car(found.organisation_id, row["pool_id"]):
        return found
    return replace(found, **_HIDDEN)
