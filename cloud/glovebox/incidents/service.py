"""Incidents: opened by the server where facts and promises contradict, closed by people (or by the fact
that explains them)."""

from typing import Any

from sqlalchemy import Connection, insert, select, update

from glovebox.errors import Forbidden, NotFound
from glovebox.fleet.tables import vehicles
from glovebox.incidents.schemas import Incident
from glovebox.incidents.tables import incidents
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
    tx: Connection, scope: Scope, *, vehicle_id: int | None = None, limit: int = 50
) -> list[Incident]:
    """Open incidents of managed cars, newest first."""
    query = _INCIDENTS.where(
        scope.managed_cars(incidents.c.organisation_id, vehicles.c.pool_id), incidents.c.closed_at.is_(None)
    )
    if vehicle_id is not None:
        query = query.where(incidents.c.vehicle_id == vehicle_id)
    query = query.order_by(incidents.c.opened_at.desc(), incidents.c.id.desc()).limit(limit)
    return [_incident(row) for row in tx.execute(query).mappings()]


def close_incident(tx: Connection, now: int, scope: Scope, incident_id: int, note: str) -> None:
    """Closes an incident with a note. Raises NotFound, Forbidden."""
    car = tx.execute(
        select(incidents.c.organisation_id, vehicles.c.pool_id)
        .join(vehicles, vehicles.c.id == incidents.c.vehicle_id, isouter=True)
        .where(incidents.c.id == incident_id)
    ).first()
    if car is None:
        raise NotFound()
    if not scope.may_manage_car(*car):
        raise Forbidden()
    close_by_id(tx, now, incident_id, note)


def close_by_id(tx: Connection, now: int, incident_id: int, note: str) -> None:
    """The server's own way to close one: the fact that explains it has arrived."""
    one = (incidents.c.id == incident_id) & incidents.c.closed_at.is_(None)
    tx.execute(update(incidents).where(one).values(closed_at=now, closing_note=note[:300]))


_INCIDENTS = select(incidents, vehicles.c.registration).join(
    vehicles, vehicles.c.id == incidents.c.vehicle_id, isouter=True
)


def _incident(row: Any) -> Incident:
    return Incident(**{name: row[name] for name in Incident.__dataclass_fields__})
