"""`/api/v1/today`: what a manager has to look after, worst first, and who does."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict

from glovebox.dependencies import BodyId, CloudDep, Instant, PartDep, ReadTx, ScopeDep
from glovebox.today import service
from glovebox.today.schemas import Kind, Line

router = APIRouter(tags=["today"])


class LineIn(BaseModel):
    """Which line."""

    model_config = ConfigDict(json_schema_extra={"example": {"kind": "not_back", "subject_id": 42}})
    kind: Kind
    subject_id: BodyId


class SnoozeIn(LineIn):
    """Until when it is put away; null: back now."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"kind": "battery_low", "subject_id": 7, "until": 1_773_216_000}}
    )
    until: Instant | None


@router.get("/today")
def list_lines(
    tx: ReadTx,
    scope: ScopeDep,
    cloud: CloudDep,
    part: PartDep,
    with_snoozed: Annotated[bool, Query(description="Also what is put away")] = False,
) -> list[Line]:
    """Lines of cars one manages and of reservations one approves, worst first."""
    found = service.list_lines(tx, cloud.now(), scope)
    return part.of([line for line in found if with_snoozed or line.snoozed_until is None])


@router.post("/today/take", status_code=204, response_class=Response)
async def take(asked: LineIn, scope: ScopeDep, cloud: CloudDep) -> None:
    """This person looks after it."""
    now = cloud.now()
    await cloud.writer.write(lambda tx: service.take(tx, now, scope, asked.kind, asked.subject_id))


@router.post("/today/release", status_code=204, response_class=Response)
async def release(asked: LineIn, scope: ScopeDep, cloud: CloudDep) -> None:
    """Nobody looks after it any more."""
    now = cloud.now()
    await cloud.writer.write(lambda tx: service.release(tx, now, scope, asked.kind, asked.subject_id))


@router.post("/today/snooze", status_code=204, response_class=Response)
async def snooze(asked: SnoozeIn, scope: ScopeDep, cloud: CloudDep) -> None:
    """Puts it away until a time, two weeks at most."""
    now = cloud.now()
    await cloud.writer.write(
        lambda tx: service.snooze(tx, now, scope, asked.kind, asked.subject_id, asked.until)
    )
