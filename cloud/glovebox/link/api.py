"""Endpoints of `/box/v1`: sync, link and claim on the TLS port, time on the plain one. No transaction is
open while a link waits."""

import asyncio
import base64
import logging
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from fastapi import APIRouter, FastAPI, Request, Response
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketState

from glovebox.boxes import service as boxes
from glovebox.boxes.schemas import Claimed
from glovebox.cloud import Cloud
from glovebox.dependencies import CloudDep
from glovebox.errors import Busy
from glovebox.fleet import service as fleet
from glovebox.fleet.schemas import Vehicle
from glovebox.keys import PURPOSES
from glovebox.link.exchange import Exchange
from glovebox.link.exchange import Request as Asked
from glovebox.link.hub import Link
from glovebox.link.settings import read_settings
from glovebox.link.wire import ENVELOPE_LIMIT, WireError
from glovebox.scope import SYSTEM

OCTETS: Final = "application/octet-stream"
_CLOSE: Final = 4000
# Time to give back what was read while a flood lasts.
BUSY_CLOSE: Final = 4503

log = logging.getLogger("glovebox.link")


def mount_link(app: FastAPI) -> None:
    """Adds sync, link and claim to the boxes' application."""
    # Plain Starlette routes: parameters and models would cost each sync a tenth of its time and say nothing
    # here.
    app.router.routes.append(Route("/box/v1/sync", sync, methods=["POST"]))
    app.router.routes.append(WebSocketRoute("/box/v1/link", link))
    app.include_router(claims)


def mount_time(app: FastAPI) -> None:
    """Adds the time request to the plain application: certificates need a date before TLS can be had."""
    app.router.routes.append(Route("/box/v1/time", tell_time, methods=["POST"]))


async def sync(request: Request) -> Response:
    """One envelope up, one down. 400, 401, 409, 413 and 503 as the wire's description has them."""
    exchange = _exchange(request.app.state.cloud)
    raw = await _read_bounded(request)
    try:
        asked, reply = await exchange.receive(raw, is_link=False)
    except WireError as error:
        return Response(error.reason, error.status, media_type="text/plain")
    except Busy as error:
        return Response(
            "busy", error.status, {"Retry-After": str(error.retry_after_s)}, media_type="text/plain"
        )
    return Response(exchange.seal(asked, reply.bodies[:1])[0], media_type=OCTETS)


async def tell_time(request: Request) -> Response:
    """The time under the box's time key, for a box that knows no date yet."""
    raw = await _read_bounded(request, limit=17)
    try:
        answer = _exchange(request.app.state.cloud).answer_time(raw)
    except WireError as error:
        return Response(error.reason, error.status, media_type="text/plain")
    return Response(answer, media_type=OCTETS)


async def link(socket: WebSocket) -> None:
    """An open link: envelopes up are answered at once, news go down as further parts of the last request."""
    cloud: Cloud = socket.app.state.cloud
    exchange = _exchange(cloud)
    await socket.accept()
    mine: Link | None = None
    asked: Asked | None = None
    receiving = asyncio.ensure_future(socket.receive())
    try:
        while True:
            waking = None if mine is None else asyncio.ensure_future(mine.wake.wait())
            await asyncio.wait(
                [task for task in (receiving, waking) if task], return_when=asyncio.FIRST_COMPLETED
            )
            if waking is not None and not waking.done():
                waking.cancel()
            if mine is not None and mine.is_replaced:
                await socket.close(1001)
                return
            if receiving.done():
                raw = _bytes_of(receiving.result())
                if raw is None:
                    return
                receiving = asyncio.ensure_future(socket.receive())
                asked, mine = await _answer(cloud, exchange, socket, raw, mine)
            elif mine is not None and asked is not None:
                mine.wake.clear()
                for sealed in await exchange.fetch_news(asked):
                    await socket.send_bytes(sealed)
    except WireError as error:
        await _close(socket, _CLOSE + error.status)
    except Busy:
        await _close(socket, BUSY_CLOSE)
    except (OSError, RuntimeError):
        log.debug("a link broke while it was spoken to")
    finally:
        receiving.cancel()
        if mine is not None:
            cloud.hub.leave(mine)


async def _answer(
    cloud: Cloud, exchange: Exchange, socket: WebSocket, raw: bytes, mine: Link | None
) -> tuple[Asked, Link]:
    asked, reply = await exchange.receive(raw, is_link=True)
    box_id = asked.envelope.box_id
    if mine is not None and mine.box_id != box_id:
        cloud.hub.leave(mine)
        mine = None
    if mine is None:
        mine = Link(box_id, reply.box_pk)
    cloud.hub.join(mine, reply.vehicle_id)
    for sealed in exchange.seal(asked, reply.bodies):
        await socket.send_bytes(sealed)
    return asked, mine


def _bytes_of(message: Any) -> bytes | None:
    """The binary message, None at the end of the link. Text is damage."""
    if message["type"] == "websocket.disconnect":
        return None
    raw = message.get("bytes")
    return raw if raw is not None else b""


async def _close(socket: WebSocket, code: int) -> None:
    if socket.application_state is WebSocketState.CONNECTED:
        try:
            await socket.close(code)
        except RuntimeError:
            log.debug("closed already")


async def _read_bounded(request: Request, limit: int = ENVELOPE_LIMIT) -> bytes:
    """The body, or one byte more than the limit of it: never the whole of what somebody cares to send."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > limit:
            break
    return bytes(raw[: limit + 1])


def _exchange(cloud: Cloud) -> Exchange:
    exchange: Exchange = cloud.exchange
    return exchange


claims = APIRouter()


class ClaimIn(BaseModel):
    """What an installer's tool sends."""

    token: str = Field(min_length=1, max_length=100)
    hardware_id: str = Field(min_length=1, max_length=64)


@claims.post("/box/v1/claim")
async def claim_box(claim: ClaimIn, cloud: CloudDep) -> JSONResponse:
    """Makes a box the one of the token's car and returns its identity, keys and settings; the token is used
    up."""
    now = cloud.now()

    def job(tx: Any) -> tuple[Claimed, Vehicle, bytes]:
        claimed = boxes.claim(tx, now, cloud.keyring, cloud.entropy, claim.token, claim.hardware_id)
        vehicle = fleet.get_vehicle(tx, SYSTEM, claimed.vehicle_id)
        return claimed, vehicle, read_settings(tx, claimed.vehicle_id)[1]

    claimed, vehicle, settings = await cloud.writer.write(job)
    ca_der = x509.load_pem_x509_certificate(
        (cloud.config.tls_directory / "ca.pem").read_bytes()
    ).public_bytes(Encoding.DER)
    keys = {
        purpose: cloud.keyring.box_key(claimed.box_id, claimed.key_id, purpose).hex() for purpose in PURPOSES
    }
    return JSONResponse(
        {
            "box_id": claimed.box_id.hex(),
            "key_id": claimed.key_id,
            "keys": keys,
            "epoch": claimed.journal_epoch,
            "cloud_host": cloud.config.public_host,
            "cloud_port": cloud.config.public_box_port or cloud.box_port,
            "time_port": cloud.config.public_time_port or cloud.web_port,
            "ca_der": base64.b64encode(ca_der).decode(),
            "store_epoch": cloud.store_epoch,
            "settings": base64.b64encode(settings).decode(),
            "vehicle": {
                "id": vehicle.id,
                "registration": vehicle.registration,
                "make": vehicle.make,
                "model": vehicle.model,
                "interlock_kind": vehicle.interlock_kind,
                "site": vehicle.site_name,
            },
        }
    )
