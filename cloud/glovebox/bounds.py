"""How much anybody may send, bodies and the head of a request, and how many may be connected. What is too
much is refused before it is kept."""

import resource
from asyncio import BaseTransport, Transport
from collections.abc import Set
from typing import Any, Final, cast

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# The largest form is a list of people on its way from preview to store: 250 kB in base64, percent-encoded.
LARGEST_BODY: Final = 500_000
# The largest box's request outside the link is a claim.
LARGEST_BOX_BODY: Final = 16_384
# Four times what browsers send with a long address and cookies of other programs of the host.
LARGEST_HEAD: Final = 32_768
# Open files that are no visitor's: 40 readers of the database with two each, its writer, logs, mails and push
# under way, handshakes, and those who are told that there is no room.
OTHER_FILES: Final = 250
NO_LIMIT: Final = 1 << 30
REFUSED_AT_ONCE: Final = 64
# Who says nothing is not told why; long enough for a request over a slow modem.
REFUSED_S: Final = 10
# A heartbeat later others have left, or there is work for whoever runs the server.
COME_BACK_S: Final = 60
_NO_ROOM: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: %d\r\ncontent-type: text/plain\r\n"
    b"content-length: 4\r\nconnection: close\r\n\r\nbusy" % COME_BACK_S
)


class BodyLimit:
    """Pure ASGI middleware: reading a body longer than `limit` raises HTTPException 413 where it is read."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app, self.limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "")
        is_told = length.isascii() and length.isdigit() and int(length[:20]) > self.limit
        count = 0

        async def receive_bounded() -> Message:
            nonlocal count
            if is_told:
                raise HTTPException(413)
            message = await receive()
            count += len(message.get("body", b""))
            if count > self.limit:
                raise HTTPException(413)
            return message

        await self.app(scope, receive_bounded, send)


def raise_open_files() -> int:
    """Lets this process open as many files as its hard limit allows; how many that are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return NO_LIMIT if hard == resource.RLIM_INFINITY else hard


class Doors:
    """All connections of the process, over its ports: each is an open file, and without one left nothing
    works, neither the database nor a goodbye."""

    def __init__(self, files: int) -> None:
        self.room = files - min(OTHER_FILES, files // 2)
        """Connections that are let in."""
        self.refused: set[object] = set()
        """Those being told that there is no room."""
        self._ports: list[Set[object]] = []

    def add_port(self, connections: Set[object]) -> None:
        """One more port, by the set in which its server keeps its connections."""
        self._ports.append(connections)

    @property
    def are_full(self) -> bool:
        """Whether more have come than there is room for."""
        return sum(map(len, self._ports)) - len(self.refused) > self.room


class BoundedProtocol(HttpToolsProtocol):
    """Uvicorn's own keeps any number of headers of any length; here a head that is not complete after
    `LARGEST_HEAD` bytes (and the read that passed them) is the connection's end. Who comes when `doors` are
    full is answered 503, whatever is asked."""

    _head_length = 0
    _is_head_open = True
    _is_refused = False
    _tail = b""

    def __init__(self, *arguments: Any, doors: Doors, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._doors = doors

    def connection_made(self, transport: BaseTransport) -> None:
        """Somebody has come."""
        super().connection_made(cast("Transport", transport))
        if not self._doors.are_full:
            return
        self._is_refused = True
        self._doors.refused.add(self)
        if len(self._doors.refused) > REFUSED_AT_ONCE:
            self.transport.abort()
        else:
            self.loop.call_later(REFUSED_S, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Somebody has left."""
        self._doors.refused.discard(self)
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """A request begins."""
        self._is_head_open = True
        super().on_message_begin()

    def on_headers_complete(self) -> Any:
        """Its head is over."""
        self._is_head_open = False
        self._head_length = 0
        return super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Bytes of the connection."""
        if self._is_refused:
            self._refuse(data)
            return
        super().data_received(data)
        if self._is_head_open:
            self._head_length += len(data)
            if self._head_length > LARGEST_HEAD and not self.transport.is_closing():
                self.send_400_response("The head of this request is too long.")

    def _refuse(self, data: bytes) -> None:
        """Answers once, at the end of the request's head; its body is nobody's."""
        self._head_length += len(data)
        if self.transport.is_closing():
            return
        self._tail = (self._tail + data)[-LARGEST_HEAD:]
        if b"\r\n\r\n" in self._tail or self._head_length > LARGEST_HEAD:
            self.transport.write(_NO_ROOM)
            self.transport.close()
