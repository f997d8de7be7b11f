"""RFC 6455, the client's end: the upgrade, masked frames out, bounded frames in.

Pure: bytes in, events out; the caller reads, writes and draws the random mask and key. Only binary messages
are spoken, without extensions or subprotocols. A message, whole or in fragments, is at most `max_size` bytes;
a frame too big is refused by its header already, so a peer cannot make the box buffer more. Everything wrong
raises WebSocketError, which says with which code to close (RFC 6455, section 7.4.1).
"""

import struct
from binascii import b2a_base64
from hashlib import sha1

from micropython import const

BINARY = const(0x2)
CLOSE = const(0x8)
PING = const(0x9)
PONG = const(0xA)
_CONTINUATION = const(0x0)
_TEXT = const(0x1)

NORMAL = const(1000)
PROTOCOL_ERROR = const(1002)
UNSUPPORTED = const(1003)
NO_STATUS = const(1005)
TOO_BIG = const(1009)

MAX_MESSAGE = const(8192)  # an envelope
MAX_HEAD = const(2048)  # status line and headers of an answer: uvicorn's is under 300 bytes
_MAX_CONTROL = const(125)  # RFC 6455, section 5.5
_MASK_STRIDE = const(
    64
)  # masked by long integers of this many bytes: a loop over bytes takes 20 times as long
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3


class WebSocketError(ValueError):
    """The peer does not speak RFC 6455 as we take it; `close_code` says which way."""

    def __init__(self, text, close_code=PROTOCOL_ERROR):
        super().__init__(text)
        self.close_code = close_code


def encode_key(random16):
    """Return the text of Sec-WebSocket-Key for 16 random bytes."""
    return b2a_base64(random16).strip()


def build_upgrade(host, port, path, key):
    """Return the request for the upgrade; `key` as of `encode_key`."""
    return b"GET %s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" % (
        path.encode(),
        host.encode(),
        port,
    ) + (b"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n" % key)


def parse_head(head):
    """Return `(status, headers)` of an HTTP/1.1 answer's head up to its blank line; names in lower case.

    Raises WebSocketError for what is no such head.
    """
    lines = bytes(head).split(b"\r\n")
    parts = lines[0].split(b" ", 2)
    if len(parts) < 2 or not parts[0].startswith(b"HTTP/1.") or len(parts[1]) != 3 or not parts[1].isdigit():
        raise WebSocketError("status line")
    headers = {}
    for line in lines[1:]:
        if not line:
            break
        at = line.find(b":")
        if at < 1:
            raise WebSocketError("header")
        headers[line[:at].lower()] = line[at + 1 :].strip()
    return int(parts[1]), headers


def is_accepted(status, headers, key):
    """Tell whether the answer upgrades: 101 and the accept value of our key (RFC 6455, section 4.1)."""
    expected = b2a_base64(sha1(key + _GUID).digest()).strip()
    return (
        status == 101
        and headers.get(b"upgrade", b"").lower() == b"websocket"
        and headers.get(b"sec-websocket-accept") == expected
    )


def encode_frame(opcode, payload, mask):
    """Return one final frame of `payload` (at most 65,535 bytes) under the 4 bytes of `mask`."""
    size = len(payload)
    if size <= _MAX_CONTROL:
        head = struct.pack("BB", 0x80 | opcode, 0x80 | size)
    else:
        head = struct.pack(">BBH", 0x80 | opcode, 0x80 | 126, size)
    frame = bytearray(head)
    frame.extend(mask)
    view = memoryview(payload)
    wide = int.from_bytes(bytes(mask) * (_MASK_STRIDE // 4), "little")
    for at in range(0, size, _MASK_STRIDE):
        chunk = bytes(view[at : at + _MASK_STRIDE])
        long = int.from_bytes(chunk, "little") ^ wide
        frame.extend(long.to_bytes(_MASK_STRIDE, "little")[: len(chunk)])
    return frame


def encode_close(code, mask):
    """Return a close frame with `code`."""
    return encode_frame(CLOSE, struct.pack(">H", code), mask)


class Decoder:
    """Takes what the server sends in pieces of any size.

    `feed(data)` returns a list of `(BINARY, message)`, `(PING, data)`, `(PONG, data)`, `(CLOSE, code)`.
    After WebSocketError or a close the decoder is done: feed it no more.
    """

    def __init__(self, max_size=MAX_MESSAGE):
        self._max_size = max_size
        self._buffer = bytearray()
        self._message = None  # bytearray of a fragmented message under way

    def feed(self, data):
        """Take bytes, return the events they complete; raises WebSocketError."""
        self._buffer.extend(data)
        events = []
        while True:
            head = self._parse_header()
            if head is None:
                return events
            start, size, is_final, opcode = head
            if len(self._buffer) < start + size:
                return events
            payload = bytes(memoryview(self._buffer)[start : start + size])
            self._buffer = self._buffer[start + size :]
            event = self._take(is_final, opcode, payload)
            if event is not None:
                events.append(event)
                if event[0] == CLOSE:
                    return events

    def _parse_header(self):
        """Return `(payload start, payload size, is final, opcode)`, or None while it is not all there."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        is_final, opcode, size, start = bool(buffer[0] & 0x80), buffer[0] & 0x0F, buffer[1] & 0x7F, 2
        if buffer[0] & 0x70:
            raise WebSocketError("reserved bits")
        if buffer[1] & 0x80:
            raise WebSocketError("masked by the server")
        if opcode not in (_CONTINUATION, _TEXT, BINARY, CLOSE, PING, PONG):
            raise WebSocketError("opcode")
        if opcode >= CLOSE:
            if not is_final or size > _MAX_CONTROL:
                raise WebSocketError("control frame")
        elif opcode == _TEXT:
            raise WebSocketError("text", UNSUPPORTED)
        elif (opcode == _CONTINUATION) != (self._message is not None):
            raise WebSocketError("fragment")
        if size == 127:
            raise WebSocketError("size", TOO_BIG)  # nothing under 65,536 bytes comes so (section 5.2)
        if size == 126:
            if len(buffer) < 4:
                return None
            start = 4
            (size,) = struct.unpack_from(">H", buffer, 2)
            if size < 126:
                raise WebSocketError("size not minimal")
        had = len(self._message) if self._message is not None and opcode == _CONTINUATION else 0
        if had + size > self._max_size:
            raise WebSocketError("size", TOO_BIG)
        return start, size, is_final, opcode

    def _take(self, is_final, opcode, payload):
        if opcode == CLOSE:
            if len(payload) == 1:
                raise WebSocketError("close frame")
            return (CLOSE, struct.unpack_from(">H", payload, 0)[0] if payload else NO_STATUS)
        if opcode >= CLOSE:
            return (opcode, payload)
        if is_final and self._message is None:
            return (BINARY, payload)
        if self._message is None:
            self._message = bytearray()
        self._message.extend(payload)
        if not is_final:
            return None
        message, self._message = bytes(self._message), None
        return (BINARY, message)
