"""The time request under attack, over a connection that gives what an attacker would; under either Python.

Prints `OK` and how many attacks there were.
"""

import asyncio
import struct
import sys

from box.link import time_request
from box.link.time_request import LIMIT_MS, TimeError, check_answer
from box.protocols.crypto import Hmac
from support_chip_bench import run_all

BOX, OTHER_BOX = b"glovebox", b"another1"
KEY, OTHER_KEY = Hmac(bytes(range(32))), Hmac(bytes(range(1, 33)))
NONCE, OTHER_NONCE = bytes(range(8)), bytes(range(1, 9))
# Small integers end, signed seconds since 1970, signed and unsigned ones since 2000.
MOMENTS = (0, 2**30 - 1, 2**30, 1_200_798_847, 2**31 - 1, 2**31, 2**32 - 1)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n"


def make_answer(now_s, key=KEY, box_id=BOX, nonce=NONCE, purpose=b"time"):
    """Return the body of an answer, as the wire's description has it."""
    packed = struct.pack("<I", now_s)
    return packed + key.digest(purpose, box_id, nonce, packed)[:16]


def is_taken(answer, age_ms=0, check=check_answer):
    try:
        check(answer, KEY, BOX, NONCE, age_ms)
    except TimeError:
        return False
    return True


def count_taken_forgeries(check):
    """Return how many answers that are not the cloud's to this question are taken."""
    good = make_answer(1_100_000_000)
    forged = [
        bytes(good[:at]) + bytes((good[at] ^ 1 << bit,)) + good[at + 1 :]
        for at in range(20)
        for bit in range(8)
    ]
    forged += [good[:size] for size in range(20)] + [good + bytes(more) for more in range(1, 30)]
    forged += [
        make_answer(1_100_000_000, key=OTHER_KEY),
        make_answer(1_100_000_000, box_id=OTHER_BOX),
        make_answer(1_100_000_000, nonce=OTHER_NONCE),
        make_answer(1_100_000_000, purpose=b"wire"),
        struct.pack("<I", 0) + good[4:],
    ]
    late = [is_taken(good, age_ms, check) for age_ms in (LIMIT_MS + 1, LIMIT_MS * 2, 2**29)]
    return sum(is_taken(answer, 0, check) for answer in forged) + sum(late)


def test_the_clouds_answer_is_taken_at_every_moment_and_up_to_the_limit():
    for now_s in MOMENTS:
        assert check_answer(make_answer(now_s), KEY, BOX, NONCE, 0) == now_s
    for age_ms in (0, LIMIT_MS - 1, LIMIT_MS):
        assert is_taken(make_answer(5), age_ms)


def test_no_answer_that_is_not_the_clouds_to_this_question_is_taken():
    assert count_taken_forgeries(check_answer) == 0


def test_a_broken_check_is_caught():
    def of_any_box(answer, key, _box_id, nonce, age_ms):
        return check_answer(answer, key, OTHER_BOX, nonce, age_ms)

    def of_any_nonce(answer, key, box_id, _nonce, age_ms):
        return check_answer(answer, key, box_id, OTHER_NONCE, age_ms)

    def of_any_key(answer, _key, box_id, nonce, age_ms):
        return check_answer(answer, OTHER_KEY, box_id, nonce, age_ms)

    def without_age(answer, key, box_id, nonce, _age_ms):
        return check_answer(answer, key, box_id, nonce, 0)

    def without_size(answer, key, box_id, nonce, age_ms):
        return check_answer(answer[:20], key, box_id, nonce, age_ms)

    def without_last_byte(answer, key, box_id, nonce, age_ms):
        whole = make_answer(struct.unpack("<I", answer[:4])[0]) if len(answer) == 20 else answer
        return check_answer(answer[:19] + whole[19:], key, box_id, nonce, age_ms)

    for broken in (of_any_box, of_any_nonce, of_any_key, without_age, without_size, without_last_byte):
        assert count_taken_forgeries(broken) > 0


class Ticks:
    """Stands for the module `time`; a reader moves it on."""

    now_ms = 2**30 - 4_000

    def ticks_ms(self):
        """Return the counter."""
        return self.now_ms

    def ticks_diff(self, end_ms, start_ms):
        """Return the difference."""
        return end_ms - start_ms


class Line:
    """A connection: `give(nonce)` gives the pieces that come, one a read, for ever if it never ends."""

    def __init__(self, give, delay_ms):
        self._give = give
        self._delay_ms = delay_ms
        self._pieces = None
        self.read_bytes = 0
        self.is_closed = False

    def write(self, data):
        """Take the request."""
        body = data[data.find(b"\r\n\r\n") + 4 :]
        assert body[:9] == BOX + b"\x01"
        assert len(body) == 17
        self._pieces = iter(self._give(body[9:]))

    async def drain(self):
        """Nothing waits."""

    async def read(self, limit):
        """Give the next piece."""
        time_request.time.now_ms += self._delay_ms
        piece = next(self._pieces, b"")
        assert len(piece) <= limit
        self.read_bytes += len(piece)
        return piece

    def close(self):
        """Close."""
        self.is_closed = True

    async def wait_closed(self):
        """Nothing waits."""


def fetch(give, delay_ms=0):
    """Ask over such a line; return `(now_s or None, line)`."""
    line = Line(give, delay_ms)

    async def connect(_host, _port):
        return line, line

    opened, timed = asyncio.open_connection, time_request.time
    asyncio.open_connection, time_request.time = connect, Ticks()
    try:
        now_s = asyncio.run(time_request._fetch("cloud", 80, BOX, 1, KEY))
    except TimeError:
        now_s = None
    finally:
        asyncio.open_connection, time_request.time = opened, timed
    assert line.is_closed
    return now_s, line


def flood(piece):
    while True:
        yield piece


def test_an_answer_in_any_pieces_is_taken():
    for size in (1, 3, 19, 20, 59):
        now_s, _ = fetch(lambda nonce, size=size: cut(HEAD + make_answer(7, nonce=nonce), size))
        assert now_s == 7


def cut(data, size):
    return [data[at : at + size] for at in range(0, len(data), size)]


def test_a_flood_is_cut_off_and_what_is_no_answer_is_refused():
    old = []

    def replay(nonce):
        old.append(HEAD + make_answer(9, nonce=nonce))
        return [old[0]]

    assert fetch(replay)[0] == 9
    for _ in range(20):
        assert fetch(replay)[0] is None  # an answer that somebody kept
    for give in (
        lambda nonce: [],
        lambda nonce: [HEAD],
        lambda nonce: [HEAD[:-1]],
        lambda nonce: [make_answer(7, nonce=nonce)],
        lambda nonce: [HEAD + make_answer(7, nonce=nonce)[:-1]],
        lambda nonce: [HEAD + make_answer(7, nonce=nonce) + b"\x00"],
        lambda nonce: [b"HTTP/1.1 500 No\r\n\r\n" + make_answer(7, nonce=nonce)],
        lambda nonce: [b"\x00" * 40 + b"\r\n\r\n" + make_answer(7, nonce=nonce)],
        lambda nonce: [HEAD + make_answer(7, nonce=nonce, key=OTHER_KEY)],
        lambda nonce: [HEAD + make_answer(7, nonce=nonce, box_id=OTHER_BOX)],
        lambda nonce: flood(b"A" * 512),
        lambda nonce: flood(b"\r\n"),
        lambda nonce: flood(HEAD),
    ):
        now_s, line = fetch(give)
        assert now_s is None
        assert line.read_bytes <= 2048 + 512


def test_an_answer_that_lay_while_the_box_was_held_up_is_refused():
    assert fetch(lambda nonce: [HEAD + make_answer(7, nonce=nonce)], LIMIT_MS)[0] == 7
    assert fetch(lambda nonce: [HEAD + make_answer(7, nonce=nonce)], LIMIT_MS + 1)[0] is None


def run(_folder):
    """Everything; returns how much."""
    return run_all(globals())


if __name__ == "__main__":
    print("OK", run(sys.argv[1]))
