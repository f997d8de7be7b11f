"""The time from the cloud outside TLS, because certificates need a date before there can be TLS.

`POST /box/v1/time` with box, generation and a nonce; the answer is taken only for that nonce, under the
time key and within 10 s of asking, so an old answer that somebody kept is worth nothing. Source: WIRE.md,
Time request.
"""

import asyncio
import os
import struct
import time

from micropython import const

from ..protocols import websocket
from ..protocols.crypto import is_equal

PATH = b"/box/v1/time"
LIMIT_MS = const(10_000)
_NONCE_SIZE = const(8)
_ANSWER_SIZE = const(20)
_MAX_ANSWER = const(2048)


class TimeError(ValueError):
    """An answer that is not taken."""


def build_request(box_id, key_id, nonce):
    """Return the body of a time request."""
    return box_id + bytes((key_id,)) + nonce


def check_answer(answer, time_hmac, box_id, nonce, age_ms):
    """Return now_s of an answer's body, `age_ms` after the asking; raises TimeError."""
    if len(answer) != _ANSWER_SIZE:
        raise TimeError("size")
    if age_ms > LIMIT_MS:  # the box was held up: the answer may have lain there for any time
        raise TimeError("late")
    if not is_equal(time_hmac.digest(b"time", box_id, nonce, answer[:4])[:16], answer[4:]):
        raise TimeError("mac")
    return struct.unpack("<I", answer[:4])[0]


async def fetch_time(host, port, box_id, key_id, time_hmac):
    """Return the present in seconds since 2000. Raises OSError, TimeError, asyncio.TimeoutError."""
    return await asyncio.wait_for_ms(_fetch(host, port, box_id, key_id, time_hmac), LIMIT_MS)


async def _fetch(host, port, box_id, key_id, time_hmac):
    nonce = os.urandom(_NONCE_SIZE)
    body = build_request(box_id, key_id, nonce)
    reader, stream = await asyncio.open_connection(host, port)
    asked_ms = time.ticks_ms()
    try:
        stream.write(
            b"POST %s HTTP/1.1\r\nHost: %s:%d\r\nConnection: close\r\n" % (PATH, host.encode(), port)
            + b"Content-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % len(body)
            + body
        )
        await stream.drain()
        received = bytearray()
        while len(received) <= _MAX_ANSWER:
            data = await reader.read(512)
            if not data:
                break
            received.extend(data)
            end = received.find(b"\r\n\r\n")
            if end >= 0 and len(received) >= end + 4 + _ANSWER_SIZE:
                break
    finally:
        stream.close()
        await stream.wait_closed()
    end = received.find(b"\r\n\r\n")
    if end < 0:
        raise TimeError("no answer")
    try:
        status, _ = websocket.parse_head(received[: end + 4])
    except websocket.WebSocketError:
        raise TimeError("no HTTP")
    if status != 200:
        raise TimeError("status")
    age_ms = time.ticks_diff(time.ticks_ms(), asked_ms)
    return check_answer(bytes(received[end + 4 :]), time_hmac, box_id, nonce, age_ms)
