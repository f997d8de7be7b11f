"""One sector of a ring: a header of 64 bytes, then 63 slots of 64 bytes.

Header:
    0  4  magic "GBXR"
    4  1  ring
    5  1  layout 1
    6  2  zero
    8  4  epoch
   12  4  first_sequence  of the sector's first record
   16  4  erase_count     how often this sector has been erased
   20  4  acked           acknowledged when the sector was opened
   24  4  lost_through    up to here, losses are told by `dropped` records
   28  4  number          of the opening: rises by one each time a sector is opened
   32 16  previous_mac    of the record before first_sequence
   48 12  zero
   60  4  CRC-32 of bytes 0..60

A slot holds a record (`box.protocols.records`), or up to four marks of 16 bytes, each a cumulative
acknowledgement: `0xAC, three zero bytes, sequence u32, its complement u32, CRC-32 u32`. Kinds of records
stay below 64, so the first byte tells which. A slot may be torn: a power cut in the middle of its
programming.
"""

import struct
from binascii import crc32

from micropython import const

from ..protocols.records import MAC_OFFSET, SLOT_SIZE, get_sequence
from .flash import UNIT_SIZE, is_erased

SLOT_COUNT = const(64)  # slot 0 is the header
MARKS_PER_SLOT = const(4)
_MARK = const(0xAC)
_MAGIC = b"GBXR"
_LAYOUT = "<4sBBHIIIIII16s"
_HEADER_DATA = const(60)

# Positions in the tuple of `unpack_header`.
EPOCH = const(0)
FIRST = const(1)
ERASES = const(2)
ACKED = const(3)
LOST = const(4)
NUMBER = const(5)
MAC = const(6)


def pack_header(ring_id, header):
    """Return the 64 bytes of a header tuple `(epoch, first, erases, acked, lost_through, number, mac)`."""
    data = struct.pack(_LAYOUT, _MAGIC, ring_id, 1, 0, *header) + bytes(12)
    return data + struct.pack("<I", crc32(data))


def unpack_header(data, ring_id):
    """Return the header tuple, or None if these 64 bytes are not a header of this ring."""
    values = struct.unpack_from(_LAYOUT, data, 0)
    if values[0] != _MAGIC or values[1] != ring_id or values[2] != 1:
        return None
    if crc32(memoryview(data)[:_HEADER_DATA]) != struct.unpack_from("<I", data, _HEADER_DATA)[0]:
        return None
    return values[4:]


def is_like_header(data, ring_id):
    """Tell whether the first 8 bytes are a header's but for one bit at most."""
    known = struct.pack("<4sBBH", _MAGIC, ring_id, 1, 0)
    return sum([bin(known[at] ^ data[at]).count("1") for at in range(len(known))]) <= 1


def pack_mark(sequence):
    """Return the 16 bytes that note an acknowledgement."""
    data = struct.pack("<III", _MARK, sequence, sequence ^ 0xFFFFFFFF)
    return data + struct.pack("<I", crc32(data))


def unpack_mark(slot, offset):
    """Return the sequence noted at `offset` of a slot of marks, or None."""
    mark, sequence, complement, crc = struct.unpack_from("<IIII", slot, offset)
    if mark != _MARK or sequence != complement ^ 0xFFFFFFFF:
        return None
    return sequence if crc == crc32(memoryview(slot)[offset : offset + UNIT_SIZE - 4]) else None


def is_marks(slot):
    """Tell whether the slot is one of marks."""
    return slot[0] == _MARK


class Scan:
    """What lies in one sector: `used` slots (the first free one), `slots` of its records in sequence,
    `acked`.

    `slots[i]` is the slot of record `first + i`. `torn` counts slots that are no record, `damaged` records
    that do not verify; both, and `mac`, that of the last record, are known once it is sorted out.
    """

    def __init__(self, partition, sector):
        self._partition = partition
        self._sector = sector
        self.used = 1
        self.slots = bytearray()
        self.acked = 0
        self.marks_slot = 0  # a slot of marks with room, 0 none
        self.marks_used = 0
        self.torn = 0
        self.damaged = 0
        self._find_used()

    def read(self, index):
        """Return a slot's 64 bytes."""
        slot = bytearray(SLOT_SIZE)
        self._partition.read(self._sector, index * SLOT_SIZE, slot)
        return slot

    def _find_used(self):
        slot = bytearray(SLOT_SIZE)
        for index in range(1, SLOT_COUNT):
            self._partition.read(self._sector, index * SLOT_SIZE, slot)
            if is_erased(slot):
                continue
            self.used = index + 1
            if is_marks(slot):
                self._take_marks(index, slot)
            else:
                self.slots.append(index)

    def _take_marks(self, index, slot):
        for number in range(MARKS_PER_SLOT):
            offset = number * UNIT_SIZE
            if not is_erased(slot[offset : offset + UNIT_SIZE]):
                self.acked = max(self.acked, unpack_mark(slot, offset) or self.acked)
                self.marks_slot, self.marks_used = index, number + 1
        if self.marks_used == MARKS_PER_SLOT:
            self.marks_slot = 0

    def sort_out(self, chain, first, previous_mac):
        """Tell records from torn slots by the chain; needed where power failed, or when their number is open.

        A slot that does not verify is torn if a later one verifies in its place, else a damaged record if the
        next slot goes on after it, else torn.
        """
        found = bytearray()
        mac = previous_mac
        at = 0
        while at < len(self.slots):
            sequence = first + len(found)
            slot, at_next = self._find_verified(chain, mac, sequence, at)
            if slot is None:
                slot, mac_after = self._find_damaged(chain, mac, sequence, at)
                if slot is None:
                    self.torn += 1
                    at += 1
                    continue
                self.damaged += 1
                mac = mac_after
            else:
                self.torn += at_next - at
                mac = bytes(slot[MAC_OFFSET:])
            found.append(self.slots[at_next])
            at = at_next + 1
        self.slots = found
        self.mac = mac

    def _find_verified(self, chain, mac, sequence, at):
        for later in range(at, len(self.slots)):
            slot = self.read(self.slots[later])
            if get_sequence(slot) == sequence and chain.verify(mac, slot):
                return slot, later
        return None, at

    def _find_damaged(self, chain, mac, sequence, at):
        """Return the slot at `at` and the mac that the next chains over, if the next one goes on after it."""
        if at + 1 == len(self.slots):
            return None, mac
        slot = self.read(self.slots[at])
        after = self.read(self.slots[at + 1])
        if get_sequence(after) != sequence + 1:
            return None, mac
        computed = chain.compute_mac(mac, slot)  # where only the mac's own bytes are damaged
        return slot, computed if chain.verify(computed, after) else bytes(slot[MAC_OFFSET:])
