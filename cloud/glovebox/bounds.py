"""How much anybody may send: bodies, and the head of a request. What is too much is refused before it is
kept."""

from typing import Any, Final

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


class BoundedProtocol(HttpToolsProtocol):
    """Uvicorn's own keeps any number of headers of any length; here a head that is not complete after
    `LARGEST_HEAD` bytes (and the read that passed them) is the connection's end."""

    _head_length = 0
    _is_head_open = True

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
        super().data_received(data)
        if self._is_head_open:
            self._head_length += len(data)
            if self._head_length > LARGEST_HEAD and not self.transport.is_closing():
                self.send_400_response("The head of this request is too long.")
