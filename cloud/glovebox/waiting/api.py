"""`/api/v1/waits`: the waiting list."""

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from glovebox.dependencies import BodyId, BodyInstant, CloudDep, Id, PartDep, ReadTx, ScopeDep
from glovebox.errors import Invalid
from glovebox.fleet.schemas import Energy
from glovebox.reservations.availability import Wanted
from glovebox.reservations.schemas import Reservation
from glovebox.reservations.service import get_reservation
from glovebox.waiting import service
from glovebox.waiting.schemas import Wait

router = APIRouter(tags=["waiting list"])


class WaitIn(BaseModel):
    """A car waited for. `person_id` empty: oneself."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"starts_at": 1_773_129_600, "ends_at": 1_773_136_800, "from_site": 1, "seats": 4}
        }
    )
    starts_at: BodyInstant
    ends_at: BodyInstant
    from_site: BodyId
    to_site: BodyId | None = None
    seats: int = Field(strict=True, default=1, ge=1, le=60)
    energy: Energy | None = None
    distance_m: int = Field(strict=True, default=0, ge=0, le=5_000_000)
    purpose: str = Field(default="", max_length=200)
    person_id: BodyId | None = None


@router.get("/waits")
def list_waits(tx: ReadTx, scope: ScopeDep, part: PartDep) -> list[Wait]:
    """Who still waits: oneself and the people one manages, the soonest first."""
    return part.of(service.list_waits(tx, scope))


@router.post("/waits", status_code=201)
async def join(asked: WaitIn, scope: ScopeDep, cloud: CloudDep) -> Wait:
    """Waits for a car when none is free: it is booked as soon as one is, and from two hours before the start
    on held for a quarter of an hour and offered. 409 `free_already`, `waiting_already`, `too_many_waits`."""
    person_id = asked.person_id if asked.person_id is not None else scope.person_id
    if person_id is None:
        raise Invalid("person_missing")
    now = cloud.now()
    wanted = Wanted(**asked.model_dump(exclude={"purpose", "person_id"}))

    def job(tx: Connection) -> Wait:
        wait_id = service.join(tx, now, scope, person_id, wanted, purpose=asked.purpose)
        return service.get_wait(tx, scope, wait_id)

    return await cloud.writer.write(job)


@router.post("/waits/{wait_id}/take")
async def take(wait_id: Id, scope: ScopeDep, cloud: CloudDep) -> Reservation:
    """Takes the car that is held. 409 `wait_over` where nothing is held any more."""
    now = cloud.now()

    def job(tx: Connection) -> Reservation:
        return get_reservation(tx, scope, service.take(tx, now, scope, wait_id))

    return await cloud.writer.write(job)


@router.delete("/waits/{wait_id}", status_code=204, response_class=Response)
async def leave(wait_id: Id, scope: ScopeDep, cloud: CloudDep) -> None:
    """Waits no more; a car that is held is free again."""
    now = cloud.now()
    await cloud.writer.write(lambda tx: service.leave(tx, now, scope, wait_id))
