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
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

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
_OCTETS: Final = (b"content-type", OCTETS.encode())
_TEXT: Final = (b"content-type", b"text/plain")
# A WebSocket closes with 4000 + the HTTP status.
_CLOSE: Final = 4000
_BUSY: Final = 4503
_SILENT: Final = 4401
# Another link of the same box has come, or the server stops.
_GOING_AWAY: Final = 1001

log = logging.getLogger("glovebox.link")


def mount_link(app: FastAPI) -> None:
    """Adds link and claim to what `BoxApp` leaves to FastAPI."""
    app.router.routes.append(WebSocketRoute("/box/v1/link", link))
    app.include_router(claims)


def mount_time(app: FastAPI) -> None:
    """Adds the time request to the plain application: certificates need a date before TLS can be had."""
    app.router.routes.append(Route("/box/v1/time", tell_time, methods=["POST"]))


class BoxApp:
    """The boxes' application: sync itself, everything else FastAPI's. Routing, middleware, request and
    response objects would cost each sync a tenth of its time, and a sync has neither parameters nor a
    model."""

    def __init__(self, cloud: Cloud, others: FastAPI) -> None:
        self.others = others
        self._exchange = cloud.exchange

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http" and scope["path"] == "/box/v1/sync" and scope["method"] == "POST":
            await self.sync(receive, send)
        else:
            await self.others(scope, receive, send)

    async def sync(self, receive: Receive, send: Send) -> None:
        """One envelope up, one down. 400, 401, 409, 413 and 503 as the wire's description has them."""
        raw = await _receive_bounded(receive)
        try:
            asked, reply = await self._exchange.receive(raw, is_link=False)
        except WireError as error:
            await _answer_plain(send, error.status, error.reason.encode(), _TEXT)
        except Busy as error:
            retry = (b"retry-after", str(error.retry_after_s).encode())
            await _answer_plain(send, error.status, b"busy", _TEXT, retry)
        else:
            await _answer_plain(send, 200, self._exchange.seal(asked, reply.bodies[:1])[0], _OCTETS)


async def _receive_bounded(receive: Receive) -> bytes:
    """The body, or one byte more than the limit of it: never the whole of what somebody cares to send."""
    message = await receive()
    raw: bytes = message.get("body", b"")
    while message.get("more_body") and len(raw) <= ENVELOPE_LIMIT:
        message = await receive()
        raw += message.get("body", b"")
    return raw[: ENVELOPE_LIMIT + 1]


async def _answer_plain(send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [length, *headers]})
    await send({"type": "http.response.body", "body": body})


async def tell_time(request: Request) -> Response:
    """The time under the box's time key, for a box that knows no date yet."""
    raw = await _receive_bounded(request.receive)
    try:
        answer = request.app.state.cloud.exchange.answer_time(raw)
    except WireError as error:
        return Response(error.reason, error.status, media_type="text/plain")
    return Response(answer, media_type=OCTETS)


async def link(socket: WebSocket) -> None:
    """An open link: envelopes up are answered at once, news go down as further parts of the last request."""
    cloud: Cloud = socket.app.state.cloud
    exchange = cloud.exchange
    await socket.accept()
    mine: Link | None = None
    asked: Asked | None = None
    receiving = asyncio.ensure_future(socket.receive())
    try:
        while True:
            waking = None if mine is None else asyncio.ensure_future(mine.wake.wait())
            await asyncio.wait(
                [task for task in (receiving, waking) if task],
                timeout=cloud.config.greeting_s if mine is None else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if waking is not None and not waking.done():
                waking.cancel()
            if mine is not None and mine.is_replaced:
                if asked is not None and mine.retry_after_s:
                    await socket.send_bytes(exchange.seal_refusal(asked, mine.retry_after_s))
                cloud.hub.leave(mine)  # told; a carrier that is gone would hold the goodbye up
                await _close(socket, _GOING_AWAY)
                return
            if receiving.done():
                raw = _bytes_of(receiving.result())
                if raw is None:
                    return
                receiving = asyncio.ensure_future(socket.receive())
                asked, mine = await _answer(cloud, exchange, socket, raw, mine)
            elif mine is None or asked is None:
                await _close(socket, _SILENT)
                return
            else:
                mine.wake.clear()
                for sealed in await _fetch_news(cloud, asked, mine):
                    await socket.send_bytes(sealed)
    except WireError as error:
        await _close(socket, _CLOSE + error.status)
    except Busy:
        await _close(socket, _BUSY)
    except (OSError, RuntimeError, WebSocketDisconnect):
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
    cloud.hub.join(mine, reply.vehicle_id, reply.pool_id)
    for sealed in exchange.seal(asked, reply.bodies):
        await socket.send_bytes(sealed)
    return asked, mine


async def _fetch_news(cloud: Cloud, asked: Asked, mine: Link) -> list[bytes]:
    """In turn; a writer that is busy with others is asked again, not a reason to end a link."""
    async with cloud.hub.turns:
        with_settings, mine.may_need_settings = mine.may_need_settings, False
        try:
            return await cloud.exchange.fetch_news(asked, with_settings)
        except Busy as error:
            mine.may_need_settings |= with_settings
            cloud.hub.wake_later(asked.envelope.box_id, error.retry_after_s)
            return []


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
        except (RuntimeError, WebSocketDisconnect):
            log.debug("closed already")


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
        version, settings = read_settings(tx, claimed.vehicle_id)
        return claimed, vehicle, version.to_bytes(4, "little") + settings

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
                "energy": vehicle.energy,
                "interlock_kind": vehicle.interlock_kind,
                "site": vehicle.site_name,
            },
        }
    )
