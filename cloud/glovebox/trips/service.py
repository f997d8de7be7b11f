"""Trips: facts from journals, also without reservation, also weeks late."""

from sqlalchemy import Connection

from glovebox.scope import Scope
from glovebox.trips.schemas import Stopover, Trip


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
    """Trips of managed organisations' cars and the person's own, newest first."""
    raise NotImplementedError


def get_trip(tx: Connection, scope: Scope, trip_id: int) -> Trip:
    """One trip. Raises NotFound."""
    raise NotImplementedError


def list_stopovers(tx: Connection, scope: Scope, trip_id: int) -> list[Stopover]:
    """A trip's stopovers in order. Raises NotFound."""
    raise NotImplementedError
