"""A journal's life for the ring tests: a workload, a cloud that stores idempotently, and what must hold."""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass, field

from box.protocols import codes
from box.storage.flash import Partition
from box.storage.ring import Ring, RingFull
from support_flash import FlashDevice

BOX = bytes.fromhex("47420000000000a1")
KEY = bytes(range(32))
EPOCH = 0x5A5A0000
SECTORS = 4
BATCH = 32


def make_ring(device: FlashDevice, ring_id: int, ring_class: type[Ring] = Ring) -> Ring:
    ring = ring_class(Partition(device), ring_id, BOX, EPOCH, KEY, lambda: b"\x12\x34")
    ring.open()
    return ring


def payload_of(number: int) -> bytes:
    return struct.pack("<II", number, number * 2654435761 & 0xFFFFFFFF)


def kind_of(ring_id: int) -> int:
    return codes.RECORD_FAULT_SET if ring_id == codes.RING_VITAL else codes.RECORD_HEALTH


@dataclass
class Cloud:
    """Stores slots by sequence; the same sequence must always bring the same bytes."""

    slots: dict[int, bytes] = field(default_factory=dict)
    stored_to: int = 0

    def take(self, ring: Ring) -> int:
        """Take one batch and return the sequence to acknowledge."""
        for sequence, slot in ring.iterate(ring.first_unacked, BATCH):
            have = self.slots.setdefault(sequence, bytes(slot))
            assert have == bytes(slot), f"sequence {sequence} has two meanings"
            self.stored_to = max(self.stored_to, sequence)
        return self.stored_to

    def copy(self) -> Cloud:
        return Cloud(dict(self.slots), self.stored_to)


def mac_of(ring: Ring, previous: bytes, slot: bytes) -> bytes:
    scope = BOX + struct.pack("<BI", ring.ring_id, ring.epoch)
    return hmac.new(KEY, previous + scope + slot[:48], hashlib.sha256).digest()[:16]


def check_books(ring: Ring, cloud: Cloud) -> list[int]:
    """All records up to the last are in the cloud exactly once, chained; gaps are told by `dropped`.

    Returns the numbers in the payloads of the ordinary records, in sequence.
    """
    while cloud.stored_to < ring.last_sequence:
        before = cloud.stored_to
        ring.acknowledge(cloud.take(ring))
        assert cloud.stored_to > before, "the ring has more, but gives nothing"
    gone: set[tuple[int, int]] = set()  # spans
    numbers = []
    for sequence in sorted(cloud.slots):
        slot = cloud.slots[sequence]
        assert struct.unpack_from("<I", slot, 4)[0] == sequence
        previous = bytes(16) if sequence == 1 else cloud.slots.get(sequence - 1, b"")[48:]
        if previous:
            assert slot[48:] == mac_of(ring, previous, slot), f"chain broken at {sequence}"
        if slot[0] == codes.RECORD_DROPPED:
            first, last = struct.unpack_from("<II", slot, 12)
            assert first <= last < sequence
            gone.add((first, last))
        else:
            number, check = struct.unpack_from("<II", slot, 12)
            assert payload_of(number) == struct.pack("<II", number, check), f"record {sequence} is not ours"
            numbers.append(number)
    missing = set(range(1, ring.last_sequence + 1)) - set(cloud.slots)
    for first, last in sorted(gone, reverse=True):
        if missing:  # the newest tells of most
            missing = {sequence for sequence in missing if not first <= sequence <= last}
    assert not missing, f"lost without a word: {sorted(missing)[:5]}"
    assert numbers == sorted(set(numbers)), "a record came twice"
    return numbers


@dataclass
class Life:
    """What the box has been told so far: numbers whose append returned, and the cloud's books."""

    ring: Ring
    cloud: Cloud
    returned: list[int] = field(default_factory=list)
    tried: set[int] = field(default_factory=set)  # under way when the power failed

    def append(self, number: int) -> None:
        self.tried.add(number)
        record = (kind_of(self.ring.ring_id), payload_of(number), 5, 3, 1)
        try:
            self.ring.append(*record)
        except RingFull:
            while self.cloud.stored_to < self.ring.last_sequence:
                self.sync()
            self.ring.append(*record)
        self.returned.append(number)
        self.tried.discard(number)

    def sync(self) -> None:
        self.ring.acknowledge(self.cloud.take(self.ring))


def workload(life: Life, steps: int, start: int = 1) -> None:
    """Appends with pauses of the link; long enough to go round the ring and, unacknowledged, to drop."""
    is_vital = life.ring.ring_id == codes.RING_VITAL
    for number in range(start, start + steps):
        life.append(number)
        offline = 80 <= number < 340 if is_vital else 40 <= number < 330
        if not offline and number % 3 == 0:
            life.sync()
        if number % 7 == 0:
            life.ring.erase_ahead()
