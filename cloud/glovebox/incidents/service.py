"""Incidents: opened by the server where facts and promises contradict, closed by people."""

from sqlalchemy import Connection

from glovebox.incidents.schemas import Incident
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
    """Opens an incident of the car's organisation."""
    raise NotImplementedError


def list_incidents(
    tx: Connection, scope: Scope, *, open_only: bool = True, vehicle_id: int | None = None, limit: int = 50
) -> list[Incident]:
    """Incidents of the managed organisations, newest first."""
    raise NotImplementedError


def close_incident(tx: Connection, now: int, scope: Scope, incident_id: int, note: str) -> None:
    """Closes an incident with a note. Raises NotFound, Forbidden."""
    raise NotImplementedError
