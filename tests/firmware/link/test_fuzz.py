"""A cloud gone mad, whose MAC is right: the box takes what is whole, refuses the rest, and lives."""

import asyncio
import json
import random
import struct
import time
from pathlib import Path

import pytest
from box.link.hooks import Hooks
from box.link.inbox import Inbox
from box.link.outbox import Outbox
from box.protocols import codes, wire
from box.protocols.crypto import Hmac
from box.storage.authorisations import Authorisations
from box.storage.journal import Journal
from support_flash import FlashDevice
from support_rings import SECTORS, make_ring
from vectors.wire_cases import envelope as signed

WIRE = json.loads((Path(__file__).parents[2] / "vectors" / "wire.json").read_text())
BODIES = [bytes.fromhex(case["bytes"])[27:-16] for case in WIRE["down"]]
CASES = 3_000
FIELDS_A_BODY = 4
KEY = Hmac(bytes(range(32)))


class Clock:
    def stamp(self):
        return 820_454_400, codes.TRUST_CLOUD


class Box:
    """An inbox on real rings and a real store, with hooks that note what they are given."""

    def __init__(self, directory):
        self.settings = []
        self.journal = Journal(
            make_ring(FlashDevice(SECTORS), codes.RING_VITAL),
            make_ring(FlashDevice(SECTORS), codes.RING_TELEMETRY),
            Clock(),
        )
        for _ in range(20):
            self.journal.write(codes.RECORD_DRIVING, bytes(4))
        self.authorisations = Authorisations(str(directory), Hmac(signed.AUTHORISATIONS))
        hooks = Hooks(
            get_state=lambda: bytes(22),
            active_faults=lambda: b"",
            list_counters=list,
            get_settings_version=lambda: 0,
            on_settings=self.settings.append,
            on_time=lambda now_s: None,
            on_authorisations=lambda: None,
            on_command=self.on_command,
            set_fault=lambda code, detail: None,
            clear_fault=lambda code: None,
            is_allowed=lambda: True,
            is_saving=lambda: False,
            is_serving=lambda: False,
        )
        self.outbox = Outbox(self.journal, self.authorisations, hooks, "0", 1, 1)
        self.inbox = Inbox(self.journal, self.authorisations, hooks, self.outbox, str(directory))
        self.outbox.reset()

    async def on_command(self, command_id, kind, expires_at, role, argument):
        return codes.COMMAND_RESULT_REFUSED, codes.REFUSAL_NOT_PARKED

    def list_held(self):
        return self.authorisations.version, list(self.authorisations._iterate())


def fields_of(body):
    at = 0
    while at < len(body):
        size = struct.unpack_from("<H", body, at + 1)[0]
        yield body[at : at + 3 + size]
        at += 3 + size


FIELDS = [field for body in BODIES for field in fields_of(body)]


def draw_body(rng):
    """Whole fields of the vectors in any order, now and then with a byte changed."""
    body = b""
    for _ in range(rng.randint(1, FIELDS_A_BODY)):
        field = bytearray(rng.choice(FIELDS))
        if rng.random() < 0.5 and len(field) > 3:
            field[rng.randrange(3, len(field))] = rng.choice((0, 1, 255, rng.randrange(256)))
        body += field
    return body


def decode(body):
    asked = wire.Requests()
    asked.remember(1, bytes(8))
    head = struct.pack("<BB8sBIH8sH", 0x44, 1, signed.BOX, 1, 1, 0, bytes(8), len(body)) + body
    return wire.decode_down(head + KEY.digest(head, bytes(8))[:16], KEY, signed.BOX, 1, asked)


@pytest.fixture
def box(tmp_path, monkeypatch):
    async def sleep_ms(ms):
        pass

    monkeypatch.setattr(asyncio, "sleep_ms", sleep_ms, raising=False)
    monkeypatch.setattr(time, "ticks_ms", lambda: 0, raising=False)
    monkeypatch.setattr(time, "ticks_diff", lambda a, b: a - b, raising=False)
    monkeypatch.setattr(time, "ticks_add", lambda a, b: a + b, raising=False)
    return Box(tmp_path)


def test_whatever_a_cloud_says_the_box_lives_and_its_set_changes_only_with_its_version(box):
    rng = random.Random(20261121)
    refused = taken = changed = 0

    async def run():
        nonlocal refused, taken, changed
        for _ in range(CASES):
            before = box.list_held()
            try:
                fields = decode(draw_body(rng))
            except wire.WireError:
                refused += 1
                assert box.list_held() == before
                continue
            await box.inbox.take(fields, rng.choice((0, 60_000)), rng.random() < 0.2)
            taken += 1
            after = box.list_held()
            if after[0] == before[0]:
                assert after == before
            else:
                changed += 1
            assert 15 <= box.inbox.heartbeat_s <= 3600
            assert len(box.outbox.compose(1, True)) <= wire.MAX_BODY
            if rng.random() < 0.1:
                box.inbox.abandon()

    asyncio.run(run())
    assert min(refused, taken, changed) > 10, (refused, taken, changed)
    again = Authorisations(box.authorisations._directory, Hmac(signed.AUTHORISATIONS))
    assert (again.version, list(again._iterate())) == box.list_held()
    assert box.journal.write(codes.RECORD_DRIVING, bytes(4))
