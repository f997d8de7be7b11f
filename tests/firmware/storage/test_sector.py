"""A sector of a ring by itself: what header, marks and slots are taken for: whole, torn, damaged."""

import random
import struct
import zlib

import pytest
from box.protocols import codes, records
from box.protocols.crypto import Hmac
from box.storage import sector
from box.storage.flash import Partition
from box.storage.sector import Scan
from support_flash import FlashDevice
from support_rings import BOX, EPOCH, KEY, payload_of

HEADER = (0x5A5A1234, 1000, 7, 900, 800, 77, bytes(range(16)))
FIRST = 100
PREVIOUS = b"mac of record 99"
ERASED = b"\xff" * 64
TORN = b"\5" + random.Random(1).randbytes(63)


def with_crc(data: bytes, fields: dict[int, int]) -> bytes:
    """The same with some bytes changed, and the CRC at its end right again."""
    changed = bytearray(data)
    for at, value in fields.items():
        changed[at] = value
    return bytes(changed[:-4]) + struct.pack("<I", zlib.crc32(changed[:-4]))


# --- headers ---


def test_a_header_gives_back_what_was_packed_each_part_at_its_place():
    header = sector.unpack_header(sector.pack_header(1, HEADER), 1)
    assert header == HEADER
    places = (sector.EPOCH, sector.FIRST, sector.ERASES, sector.ACKED, sector.LOST, sector.NUMBER, sector.MAC)
    assert places == (0, 1, 2, 3, 4, 5, 6)


@pytest.mark.parametrize(
    "fields", [{0: 0x48}, {4: 2}, {5: 2}], ids=["another magic", "another ring", "a later layout"]
)
def test_a_header_of_another_kind_is_none_though_its_crc_is_right(fields):
    assert sector.unpack_header(with_crc(sector.pack_header(1, HEADER), fields), 1) is None


def test_a_header_with_a_bit_wrong_is_none():
    data = bytearray(sector.pack_header(1, HEADER))
    for bit in range(8 * 64):
        data[bit // 8] ^= 1 << bit % 8
        assert sector.unpack_header(data, 1) is None
        data[bit // 8] ^= 1 << bit % 8


@pytest.mark.parametrize(("flips", "is_like"), [([], True), ([0], True), ([63], True), ([0, 63], False)])
def test_a_header_is_recognised_with_one_bit_of_its_beginning_wrong_and_not_with_two(flips, is_like):
    data = bytearray(sector.pack_header(2, HEADER))
    for bit in flips:
        data[bit // 8] ^= 1 << bit % 8
    assert sector.is_like_header(data, 2) is is_like


# --- marks ---


@pytest.mark.parametrize("at", [0, 1, 4, 8])
def test_a_mark_wrong_in_one_part_is_none_though_its_crc_is_right(at):
    mark = sector.pack_mark(500)
    assert sector.unpack_mark(mark, 0) == 500
    assert sector.unpack_mark(with_crc(mark, {at: mark[at] ^ 1}), 0) is None


def marks(*sequences: int | None) -> bytes:
    """A slot of marks; None is a damaged one."""
    slot = b"".join(sector.pack_mark(9 if s is None else s) for s in sequences)
    for at, sequence in enumerate(sequences):
        if sequence is None:
            slot = slot[: at * 16 + 15] + bytes([slot[at * 16 + 15] ^ 1]) + slot[at * 16 + 16 :]
    return slot.ljust(64, b"\xff")


def scan(*slots: bytes) -> Scan:
    device = FlashDevice(1)
    device.image[:64] = sector.pack_header(1, HEADER)
    for index, slot in enumerate(slots, 1):
        device.image[index * 64 : index * 64 + 64] = slot
    return Scan(Partition(device), 0)


@pytest.mark.parametrize(
    ("slots", "acked", "room"),
    [
        ([], 0, (0, 0)),
        ([marks(3)], 3, (1, 1)),
        ([marks(3, 7)], 7, (1, 2)),
        ([marks(3, 7, 8)], 8, (1, 3)),
        ([marks(3, 7, 8, 9)], 9, (0, 4)),
        ([marks(7, None)], 7, (1, 2)),
        ([marks(None)], 0, (1, 1)),
        ([marks(3, 7, 8, 9), ERASED, marks(20)], 20, (3, 1)),
        ([marks(3), marks(4, 5, 6, 7)], 7, (0, 4)),
    ],
)
def test_the_highest_mark_counts_and_the_last_slot_of_them_is_gone_on_with(slots, acked, room):
    found = scan(*slots)
    assert (found.acked, (found.marks_slot, found.marks_used)) == (acked, room)
    assert found.used == len(slots) + 1
    assert found.slots == b""


# --- records ---


def seal(count: int, mac: bytes = PREVIOUS, first: int = FIRST) -> list[bytes]:
    """Records in a row."""
    slots = []
    for number in range(first, first + count):
        slot = chain().seal(mac, codes.RECORD_FAULT_SET, 3, 1, number, 5, payload_of(number))
        slots.append(bytes(slot))
        mac = bytes(slot[records.MAC_OFFSET :])
    return slots


def chain() -> records.Chain:
    return records.Chain(Hmac(KEY), BOX, codes.RING_VITAL, EPOCH)


def flip(slot: bytes, at: int) -> bytes:
    return slot[:at] + bytes([slot[at] ^ 1]) + slot[at + 1 :]


A, B, C, D = seal(4)
STRAY = seal(1, A[48:], FIRST + 5)[0]  # chains over A, and bears another number
PAYLOAD, MAC, SEQUENCE = 20, 60, 4  # where a bit is flipped


@pytest.mark.parametrize(
    ("slots", "held", "torn", "damaged"),
    [
        ([], [], 0, 0),
        ([A, B, C], [1, 2, 3], 0, 0),
        ([A, TORN, B, C], [1, 3, 4], 1, 0),
        ([TORN, A], [2], 1, 0),
        ([A, B, TORN], [1, 2], 1, 0),
        ([A, TORN, TORN, B], [1, 4], 2, 0),
        ([A, TORN, B, TORN, C], [1, 3, 5], 2, 0),
        ([A, marks(99), B], [1, 3], 0, 0),
        ([A, flip(B, PAYLOAD), C], [1, 2, 3], 0, 1),
        ([A, flip(B, MAC), C, D], [1, 2, 3, 4], 0, 1),
        ([A, flip(B, SEQUENCE), C, D], [1, 2, 3, 4], 0, 1),
        ([flip(A, PAYLOAD), B, C], [1, 2, 3], 0, 1),
        ([A, flip(B, PAYLOAD), flip(C, PAYLOAD), D], [1, 2, 3, 4], 0, 2),
        ([A, flip(B, PAYLOAD), C, flip(D, PAYLOAD)], [1, 2, 3], 1, 1),
        ([A, flip(B, PAYLOAD)], [1], 1, 0),
        ([A, flip(B, PAYLOAD), STRAY], [1], 2, 0),
        ([A, STRAY], [1], 1, 0),
    ],
)
def test_a_slot_that_does_not_verify_is_torn_unless_the_next_goes_on_after_it(slots, held, torn, damaged):
    found = scan(*slots)
    found.sort_out(chain(), FIRST, PREVIOUS)
    assert (list(found.slots), found.torn, found.damaged) == (held, torn, damaged)
    last = bytes(found.read(held[-1])) if held else b""
    assert found.mac == (last[48:] or PREVIOUS)
    assert found.used == len(slots) + 1


def test_the_last_slot_of_a_sector_is_seen():
    found = scan(*seal(63))
    assert (found.used, list(found.slots)) == (64, list(range(1, 64)))
