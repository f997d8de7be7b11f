"""`/api/v1/messages`, `/api/v1/message-choice`, `/api/v1/deliveries`."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from glovebox.dependencies import CloudDep, Id, PartDep, ReadTx, ScopeDep
from glovebox.messages import service
from glovebox.messages.schemas import Channel, Choice, Delivery, Message

router = APIRouter(tags=["messages"])


class ChoiceIn(BaseModel):
    """How to be told. `phone` in international form, needed for `sms`."""

    model_config = ConfigDict(json_schema_extra={"example": {"channel": "sms", "phone": "+33612345678"}})
    channel: Channel
    phone: str = Field(default="", max_length=30)


@router.get("/messages")
def list_messages(
    tx: ReadTx, scope: ScopeDep, cloud: CloudDep, part: PartDep, unseen_only: bool = False
) -> list[Message]:
    """One's own messages, newest first."""
    return part.of(service.list_messages(tx, cloud.now(), scope, unseen_only=unseen_only, limit=part.end))


@router.get("/message-choice")
def get_choice(tx: ReadTx, scope: ScopeDep) -> Choice:
    """How one is told, besides this list."""
    return service.get_choice(tx, scope)


@router.put("/message-choice")
async def choose(asked: ChoiceIn, scope: ScopeDep, cloud: CloudDep) -> Choice:
    """Chooses: mail, push (once a device is there), SMS, or only this list."""
    return await cloud.writer.write(lambda tx: service.choose(tx, scope, asked.channel, asked.phone))


@router.get("/deliveries")
def list_deliveries(
    tx: ReadTx,
    scope: ScopeDep,
    state: Literal["waiting", "sent", "kept", "failed", "dropped"] | None = None,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> list[Delivery]:
    """What became of messages to the people one manages, newest first."""
    return service.list_deliveries(tx, scope, state=state, offset=offset, limit=limit)


@router.post("/deliveries/{message_id}/retry", status_code=204, response_class=Response)
async def retry(message_id: Id, scope: ScopeDep, cloud: CloudDep) -> None:
    """Tries a failed message again, or one that stayed in its person's list."""
    now = cloud.now()
    await cloud.writer.write(lambda tx: service.retry(tx, now, scope, message_id))
