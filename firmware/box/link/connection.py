"""One TLS connection to the cloud, and on it a WebSocket, or plain requests where that is refused.

TLS asks for a certificate of the deployment's own CA and for the right host name. Its dates are checked
against the processor's clock, which `set_certificate_clock` keeps: without a time no connection can be had.
MicroPython has no session resumption, and a TLS connection takes 20 KB on the board: there is never more
than one.
"""

import asyncio
import os
import time

import tls
from micropython import const

from ..protocols import websocket

LINK_PATH = "/box/v1/link"
SYNC_PATH = "/box/v1/sync"
OPEN_MS = const(20_000)  # TCP and the handshake: 1.2 s on the board, more on a bad line
WRITE_MS = const(15_000)  # an envelope into a full window; then the link is dead
CLOSE_MS = const(1_000)
_READ_SIZE = const(1024)
_CLOSE_BASE = const(4000)  # WIRE.md: the WebSocket's close codes are 4000 + the status of HTTP
_MAX_BODY = const(8192)
_IDLE_MS = const(3_000)  # uvicorn closes after 5 s


class LinkError(OSError):
    """The link is over; `close_code` says why if the cloud said so (4000 + status), else it is 0."""

    def __init__(self, text, close_code=0):
        super().__init__(text)
        self.close_code = close_code


class DeadLinkError(LinkError):
    """No answer came: what lies between has forgotten the connection without a word."""


class CertificateError(LinkError):
    """The server could not prove that it is our cloud."""


class UpgradeRefused(LinkError):
    """The server speaks HTTP, but no WebSocket here."""


def set_certificate_clock(now_s):
    """Set the processor's clock, by which TLS checks the dates of certificates (a port without one has it
    set).
    """
    import machine

    clock = getattr(machine, "RTC", None)
    if clock is not None and hasattr(clock, "datetime"):
        year, month, day, hour, minute, second, weekday, _ = time.gmtime(now_s)[:8]
        clock().datetime((year, month, day, weekday, hour, minute, second, 0))


async def open_stream(host, port, ca_der):
    """Return a TLS stream to the host. Raises OSError, CertificateError, asyncio.TimeoutError."""
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    context.verify_mode = tls.CERT_REQUIRED  # pyright: ignore[reportAttributeAccessIssue] (stub lacks it)
    try:
        context.load_verify_locations(ca_der)
        opening = asyncio.open_connection(host, port, ssl=context, server_hostname=host)
        stream, _ = await asyncio.wait_for_ms(opening, OPEN_MS)
    except ValueError as error:
        raise CertificateError(str(error))
    return stream


async def _write(stream, data):
    """Write all of `data`. A certificate that is refused shows at the first write or read, as ValueError."""
    try:
        stream.write(data)
        await asyncio.wait_for_ms(stream.drain(), WRITE_MS)
    except ValueError as error:
        raise CertificateError(str(error))
    except asyncio.TimeoutError:
        raise LinkError("no room to write")


async def _read(stream, size=_READ_SIZE):
    try:
        data = await stream.read(size)
    except ValueError as error:
        raise CertificateError(str(error))
    if not data:
        raise LinkError("closed by the other end")
    return data


async def _read_head(stream):
    """Return `(status, headers, rest)`: an answer's head, and what came after it."""
    received = bytearray()
    while True:
        received.extend(await _read(stream, 256))
        end = received.find(b"\r\n\r\n")
        if end >= 0:
            status, headers = websocket.parse_head(received[: end + 4])
            return status, headers, bytes(received[end + 4 :])
        if len(received) > websocket.MAX_HEAD:
            raise LinkError("head too long")


async def close_stream(stream):
    """Close, but wait no longer than CLOSE_MS for it."""
    try:
        stream.close()
        await asyncio.wait_for_ms(stream.wait_closed(), CLOSE_MS)
    except (OSError, ValueError, asyncio.TimeoutError):
        pass


class WebSocketConnection:
    """Binary messages both ways. Raises LinkError, OSError, WebSocketError (ValueError)."""

    is_http = False

    def __init__(self, stream):
        self._stream = stream
        self._decoder = websocket.Decoder(_MAX_BODY)
        self._events = []

    async def open(self, host, port):
        """Upgrade; raises UpgradeRefused where the server answers, but not so."""
        key = websocket.encode_key(os.urandom(16))
        await _write(self._stream, websocket.build_upgrade(host, port, LINK_PATH, key))
        status, headers, rest = await asyncio.wait_for_ms(_read_head(self._stream), OPEN_MS)
        if status == 503:
            raise LinkError("busy", _CLOSE_BASE + status)
        if not websocket.is_accepted(status, headers, key):
            raise UpgradeRefused(str(status))
        if rest:
            self._events = self._decoder.feed(rest)

    async def send(self, message):
        """Send one message."""
        await _write(self._stream, websocket.encode_frame(websocket.BINARY, message, os.urandom(4)))

    async def receive(self):
        """Return the next message; answers pings meanwhile."""
        while True:
            while self._events:
                opcode, payload = self._events.pop(0)
                if opcode == websocket.BINARY:
                    return payload
                if opcode == websocket.PING:
                    pong = websocket.encode_frame(websocket.PONG, payload, os.urandom(4))
                    await _write(self._stream, pong)
                elif opcode == websocket.CLOSE:
                    raise LinkError("closed by the cloud", payload)
            try:
                self._events = self._decoder.feed(await _read(self._stream))
            except websocket.WebSocketError as error:
                await _write(self._stream, websocket.encode_close(error.close_code, os.urandom(4)))
                raise

    async def close(self):
        """Say goodbye and close."""
        try:
            await _write(self._stream, websocket.encode_close(websocket.NORMAL, os.urandom(4)))
        except (OSError, ValueError):
            pass
        await close_stream(self._stream)


class HttpConnection:
    """The same for a network that lets no WebSocket through: each message is a POST, its answer the next
    received.

    A connection is kept for what follows at once; servers close idle ones within seconds.
    """

    is_http = True

    def __init__(self, host, port, ca_der):
        self._host = host
        self._port = port
        self._ca_der = ca_der
        self._stream = None
        self._used_at = 0
        self._asked = asyncio.Event()

    async def send(self, message):
        """Send a request; its answer must be received before the next."""
        now = time.ticks_ms()
        if self._stream is not None and time.ticks_diff(now, self._used_at) > _IDLE_MS:
            await self.close()
        if self._stream is None:
            self._stream = await open_stream(self._host, self._port, self._ca_der)
        head = b"POST %s HTTP/1.1\r\nHost: %s:%d\r\nContent-Type: application/octet-stream\r\n" % (
            SYNC_PATH.encode(),
            self._host.encode(),
            self._port,
        )
        await _write(self._stream, head + b"Content-Length: %d\r\n\r\n" % len(message) + message)
        self._asked.set()

    async def receive(self):
        """Return the body of the answer to what was sent last; waits until something was."""
        await self._asked.wait()
        self._asked.clear()
        status, headers, body = await _read_head(self._stream)
        size = headers.get(b"content-length", b"")
        if not size.isdigit() or int(size) > _MAX_BODY or len(body) > int(size):
            raise LinkError("no size")
        received = bytearray(body)
        while len(received) < int(size):
            received.extend(await _read(self._stream, int(size) - len(received)))
        if status != 200:
            raise LinkError("refused", _CLOSE_BASE + status)
        self._used_at = time.ticks_ms()
        return bytes(received)

    async def close(self):
        """Close."""
        if self._stream is not None:
            stream, self._stream = self._stream, None
            await close_stream(stream)
