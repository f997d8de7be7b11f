"""`/api/v1/push-key`, `/api/v1/push-subscriptions`."""

from typing import Annotated

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel, ConfigDict, Field

from glovebox.dependencies import CloudDep, Id, ReadTx, ScopeDep
from glovebox.errors import Conflict
from glovebox.messages import subscriptions, webpush
from glovebox.messages.push import LONGEST_ENDPOINT
from glovebox.messages.schemas import Device

router = APIRouter(tags=["messages"])

# The key of RFC 8291's example.
A_POINT = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
A_SECRET = "BTBZMqHH6r4Tts7J_aSIgg"


class PushKey(BaseModel):
    """What a browser subscribes with: `applicationServerKey`, base64url."""

    model_config = ConfigDict(json_schema_extra={"example": {"public_key": A_POINT}})
    public_key: str


class Keys(BaseModel):
    """A browser's public key (a point of P-256) and its secret of 16 bytes, base64url."""

    model_config = ConfigDict(json_schema_extra={"example": {"p256dh": A_POINT, "auth": A_SECRET}})
    p256dh: str = Field(min_length=1, max_length=100)
    auth: str = Field(min_length=1, max_length=40)


class SubscriptionIn(BaseModel):
    """A browser's subscription as its `PushSubscription.toJSON()` gives it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "endpoint": "https://updates.push.services.mozilla.com/wpush/v2/gAAAAABl",
                "keys": {
                    "p256dh": A_POINT,
                    "auth": A_SECRET,
                },
            }
        }
    )
    endpoint: str = Field(min_length=1, max_length=LONGEST_ENDPOINT)
    keys: Keys


@router.get("/push-key")
def read_push_key(_scope: ScopeDep, cloud: CloudDep) -> PushKey:
    """The deployment's key. 409 `push_not_set_up` where it names no push service."""
    if not cloud.config.push_services:
        raise Conflict("push_not_set_up")
    return PushKey(public_key=webpush.encode64(webpush.point_of(cloud.keyring.push_key())))


@router.get("/push-subscriptions")
def list_subscriptions(tx: ReadTx, scope: ScopeDep) -> list[Device]:
    """One's own devices, at most 5. Their addresses are told to nobody."""
    return subscriptions.list_devices(tx, scope)


@router.post("/push-subscriptions", status_code=201)
async def add_subscription(
    asked: SubscriptionIn,
    scope: ScopeDep,
    cloud: CloudDep,
    user_agent: Annotated[str, Header(max_length=1_000)] = "",
) -> Device:
    """Adds the browser, or renews it; one's messages come by push from now on. The address has to be one of
    a push service this deployment names."""
    now, services = cloud.now(), cloud.config.push_services
    return await cloud.writer.write(
        lambda tx: subscriptions.add_device(
            tx, now, scope, services, asked.endpoint, asked.keys.p256dh, asked.keys.auth, user_agent
        )
    )


@router.delete("/push-subscriptions/{device_id}", status_code=204, response_class=Response)
async def remove_subscription(device_id: Id, scope: ScopeDep, cloud: CloudDep) -> None:
    """The browser is told nothing more."""
    await cloud.writer.write(lambda tx: subscriptions.remove_device(tx, scope, device_id))
