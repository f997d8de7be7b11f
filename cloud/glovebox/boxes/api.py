"""`/api/v1/boxes`, claim tokens, commands: to a car by whoever looks after it, by phone by its driver."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from glovebox.accounts.api import ViewerDep
from glovebox.accounts.cars import find_car
from glovebox.audit import service as audit
from glovebox.boxes import by_phone, service
from glovebox.boxes.schemas import CarBox, ClaimToken, Command
from glovebox.dependencies import CloudDep, Id, PartDep, ReadTx, ScopeDep
from glovebox.errors import Invalid
from glovebox.reservations import service as reservations

router = APIRouter(tags=["boxes"])


class CommandIn(BaseModel):
    """What the car is to do, and why: kept with the command. The car decides."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"kind": "flash_lights", "reason": "Find it on the car park"}}
    )
    kind: Literal["lock", "end_session", "flash_lights", "self_test", "refresh", "garage"]
    reason: str = Field(min_length=1, max_length=200)


@router.get("/boxes")
def list_boxes(tx: ReadTx, viewer: ViewerDep, part: PartDep) -> list[CarBox]:
    """Boxes in cars on which this person may fit boxes."""
    return part.of(service.list_car_boxes(tx, viewer.vehicles("boxes")))


@router.post("/vehicles/{vehicle_id}/claim-token", status_code=201)
async def make_claim_token(vehicle_id: Id, viewer: ViewerDep, cloud: CloudDep) -> ClaimToken:
    """A token, valid 15 minutes and once, by which an installer's tool claims a box for this car."""
    now = cloud.now()

    def job(tx: Connection) -> ClaimToken:
        vehicle = find_car(tx, viewer, "boxes", vehicle_id)
        scope = viewer.scope_on("boxes", vehicle.organisation_id, vehicle.pool_id)
        token = service.add_claim_token(tx, now, scope, cloud.keyring, cloud.entropy, vehicle_id)
        audit.note(tx, now, scope, "claim token made", actor=viewer.name, filter_text=vehicle.registration)
        return ClaimToken(token, now + service.CLAIM_VALID_S)

    return await cloud.writer.write(job)


@router.post("/vehicles/{vehicle_id}/commands", status_code=201)
async def send_command(vehicle_id: Id, asked: CommandIn, viewer: ViewerDep, cloud: CloudDep) -> Command:
    """Queues a command; it expires after a minute. 409 `no_box`."""
    now = cloud.now()
    if not asked.reason.strip():
        raise Invalid("reason_missing")
    argument = service.GARAGE_DAYS if asked.kind == "garage" else 0

    def job(tx: Connection) -> Command:
        vehicle = find_car(tx, viewer, "commands", vehicle_id)
        scope = viewer.scope_on("commands", vehicle.organisation_id, vehicle.pool_id)
        number = service.add_command(tx, now, scope, vehicle_id, asked.kind, asked.reason, argument=argument)
        return by_phone.get_command(tx, scope, vehicle_id, number)

    return await cloud.writer.write(job)


@router.get("/vehicles/{vehicle_id}/commands/{command_id}")
def get_command(vehicle_id: Id, command_id: Id, tx: ReadTx, scope: ScopeDep) -> Command:
    """What became of a command one has sent."""
    return by_phone.get_command(tx, scope, vehicle_id, command_id)


@router.post("/reservations/{reservation_id}/open", status_code=201)
async def open_car(reservation_id: Id, scope: ScopeDep, cloud: CloudDep) -> Command:
    """Opens the car of one's own reservation, standing beside it. 409 `open_already`, `car_driving`."""
    return await _by_phone(cloud, scope, reservation_id, "open")


@router.post("/reservations/{reservation_id}/close", status_code=201)
async def close_car(reservation_id: Id, scope: ScopeDep, cloud: CloudDep) -> Command:
    """Locks it; it stays one's own until a badge ends the trip. 409 `closed_already`, `not_begun`."""
    return await _by_phone(cloud, scope, reservation_id, "close")


async def _by_phone(cloud: CloudDep, scope: ScopeDep, reservation_id: int, act: by_phone.Act) -> Command:
    now = cloud.now()

    def job(tx: Connection) -> Command:
        number = by_phone.command(tx, now, scope, reservation_id, act)
        vehicle_id = reservations.get_reservation(tx, scope, reservation_id).vehicle_id
        return by_phone.get_command(tx, scope, vehicle_id, number)

    return await cloud.writer.write(job)
