"""`/api/v1/vehicles/{id}/blocks`, `/api/v1/blocks`: cars in the workshop or damaged."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from glovebox.blocks import service
from glovebox.blocks.schemas import Block, BlockKind
from glovebox.dependencies import BodyInstant, CloudDep, Id, Instant, ReadTx, ScopeDep
from glovebox.fleet import service as fleet

router = APIRouter(tags=["blocks"])


class BlockIn(BaseModel):
    """A block asked for. `ends_at` empty: nobody knows until when."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"kind": "workshop", "starts_at": 1_773_129_600, "reason": "Contrôle technique"}
        }
    )
    kind: BlockKind
    starts_at: BodyInstant
    ends_at: BodyInstant | None = None
    reason: str = Field(default="", max_length=200)


class BlockChange(BaseModel):
    """Another end; null: nobody knows until when."""

    model_config = ConfigDict(json_schema_extra={"example": {"ends_at": 1_773_216_000}})
    ends_at: BodyInstant | None


@router.get("/vehicles/{vehicle_id}/blocks")
def list_blocks(
    vehicle_id: Id,
    tx: ReadTx,
    scope: ScopeDep,
    cloud: CloudDep,
    ends_after: Annotated[Instant | None, Query(description="Empty: now")] = None,
) -> list[Block]:
    """Blocks of a car, present and coming. `reason` is empty for those who do not manage the car."""
    fleet.get_vehicle(tx, scope, vehicle_id, cloud.now())
    return service.list_blocks(
        tx, scope, [vehicle_id], ends_after=cloud.now() if ends_after is None else ends_after
    )


@router.post("/vehicles/{vehicle_id}/blocks", status_code=201)
async def add_block(vehicle_id: Id, asked: BlockIn, scope: ScopeDep, cloud: CloudDep) -> Block:
    """Takes a car out of service, whatever is reserved: those reservations are at risk from now on."""
    now = cloud.now()

    def job(tx: Connection) -> Block:
        block_id = service.add_block(
            tx, now, scope, vehicle_id, asked.kind, asked.starts_at, asked.ends_at, asked.reason
        )
        return service.get_block(tx, scope, block_id)

    return await cloud.writer.write(job)


@router.patch("/blocks/{block_id}")
async def change_block(block_id: Id, asked: BlockChange, scope: ScopeDep, cloud: CloudDep) -> Block:
    """Another end: reservations no longer under the block are safe again."""
    now = cloud.now()

    def job(tx: Connection) -> Block:
        service.change_block(tx, now, scope, block_id, asked.ends_at)
        return service.get_block(tx, scope, block_id)

    return await cloud.writer.write(job)


@router.delete("/blocks/{block_id}", status_code=204, response_class=Response)
async def end_block(block_id: Id, scope: ScopeDep, cloud: CloudDep) -> None:
    """Puts the car back into service now."""
    now = cloud.now()
    await cloud.writer.write(lambda tx: service.end_block(tx, now, scope, block_id))
