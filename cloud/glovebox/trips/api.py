"""`/api/v1/trips`: facts, newest first."""

from typing import Annotated

from fastapi import APIRouter, Query

from glovebox.dependencies import Id, Instant, ReadTx, ScopeDep
from glovebox.trips import service
from glovebox.trips.schemas import Stopover, Trip

router = APIRouter(tags=["trips"])


@router.get("/trips")
def list_trips(
    tx: ReadTx,
    scope: ScopeDep,
    vehicle_id: Id | None = None,
    person_id: Id | None = None,
    started_after: Instant | None = None,
    started_before: Instant | None = None,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> list[Trip]:
    """Trips of managed cars, and one's own."""
    return service.list_trips(
        tx,
        scope,
        vehicle_id=vehicle_id,
        person_id=person_id,
        started_after=started_after,
        started_before=started_before,
        offset=offset,
        limit=limit,
    )


@router.get("/trips/{trip_id}")
def get_trip(trip_id: Id, tx: ReadTx, scope: ScopeDep) -> Trip:
    """One trip."""
    return service.get_trip(tx, scope, trip_id)


@router.get("/trips/{trip_id}/stopovers")
def list_stopovers(trip_id: Id, tx: ReadTx, scope: ScopeDep) -> list[Stopover]:
    """A trip's stopovers."""
    return service.list_stopovers(tx, scope, trip_id)
