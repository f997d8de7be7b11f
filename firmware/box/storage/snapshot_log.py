"""A small snapshot that is saved in one program: generations one behind the other on a raw partition.

For what must be durable while somebody waits. A save under littlefs erases a sector (45 ms, at worst 400)
and reads its directory for as long again; here it programs one slot that is blank already, and the next
sector is erased in idle moments. The newest whole generation is the one in force, and the sector it lies in
is never erased: power may fail at any program or erase, and the old generation is there or the new one.

A sector is 32 slots of 128 bytes, within the chip's page of 256:
    0  4  generation  rises by one with each save, round the partition
    4  1  length of the data
    5  n  data, then zeros
  124  4  CRC-32 of all before
"""

import struct
from binascii import crc32

from micropython import const

from .flash import FlashError, is_erased, mend_bit

MAX_SIZE = const(119)
_SLOT_SIZE = const(128)
_SLOT_COUNT = const(32)
_HALF = const(64)
_CRC_OFFSET = const(124)
_DATA_OFFSET = const(5)
_BAD_SECTORS_MAX = const(8)  # more than so many in a row is a dead chip
_PROGRAM_TRIES = const(4)
_AHEAD_SLOTS = const(16)  # erase ahead when no more are left: a box that starts over and over wears no sector


class SnapshotLog:
    """The snapshot on `partition`, of two sectors or more; the like of `Snapshot`. Call `load()` first.

    `damaged` counts slots that did not take their data and sectors that did not erase. A slot that a power
    cut has torn is passed over and is no damage.
    """

    def __init__(self, partition):
        self._partition = partition
        self._slot = bytearray(_SLOT_SIZE)
        self.damaged = 0

    def load(self):
        """Return the bytes saved last, or None. Writes nothing."""
        self._generation = 0  # of the newest on flash
        self._head = self._partition.sector_count - 1  # so that a blank partition begins at sector 0
        self._kept = -1  # the sector of the newest generation
        self._slot_next = _SLOT_COUNT  # no room: the next save opens a sector
        self._ahead = -1  # a sector erased since the start, ready to be opened
        for sector in range(self._partition.sector_count):
            # Within a sector generations rise, and no two sectors mix: one whole slot tells which is newest.
            for index in range(_SLOT_COUNT):
                generation = self._read(sector, index)
                if generation:
                    if generation > self._generation:
                        self._generation, self._head, self._kept = generation, sector, sector
                    break
        return self._load_head() if self._generation else None

    def _load_head(self):
        data = None
        for index in range(_SLOT_COUNT):
            generation = self._read(self._head, index)
            if generation is not None:
                self._slot_next = index + 1  # torn or whole, it cannot be programmed again
            if generation:
                self._generation = generation
                data = self._take_data()
        data = self._load_worn(self._head, self._slot_next - 1, data)
        if self._slot_next == _SLOT_COUNT:
            data = self._load_worn((self._head + 1) % self._partition.sector_count, 0, data)
        return data or None

    def _load_worn(self, sector, index, data):
        """Return the data of the slot behind the newest if one bit put right makes it whole, else `data`."""
        generation = self._generation + 1
        if self._read(sector, index) != 0 or not mend_bit(self._slot, self._is_slot_whole):
            return data
        if struct.unpack_from("<I", self._slot, 0)[0] != generation:
            return data
        self._generation = generation
        self._head = self._kept = sector
        data = self._take_data()
        for later in range(index, _SLOT_COUNT):
            if self._read(sector, later) is not None:
                self._slot_next = later + 1
        return data

    def _take_data(self):
        return bytes(self._slot[_DATA_OFFSET : _DATA_OFFSET + self._slot[4]])

    def _read(self, sector, index):
        """Read a slot; return its generation, 0 if it is not whole, None if it is erased."""
        slot = self._slot
        self._partition.read(sector, index * _SLOT_SIZE, slot)
        view = memoryview(slot)
        if is_erased(view[:_HALF]) and is_erased(view[_HALF:]):
            return None
        return struct.unpack_from("<I", slot, 0)[0] if self._is_slot_whole() else 0

    def _is_slot_whole(self):
        crc = crc32(memoryview(self._slot)[:_CRC_OFFSET])
        return crc == struct.unpack_from("<I", self._slot, _CRC_OFFSET)[0]

    def save(self, data):
        """Keep `data` (at most MAX_SIZE bytes), durable on return: one program, if a sector was erased ahead.

        Raises FlashError (OSError) if the flash does not take it, ValueError if it is too long.
        """
        if len(data) > MAX_SIZE:
            raise ValueError("size")
        generation = self._generation + 1
        slot = bytearray(_SLOT_SIZE)
        struct.pack_into("<IB", slot, 0, generation, len(data))
        slot[_DATA_OFFSET : _DATA_OFFSET + len(data)] = data
        struct.pack_into("<I", slot, _CRC_OFFSET, crc32(memoryview(slot)[:_CRC_OFFSET]))
        for _ in range(_PROGRAM_TRIES):
            if self._slot_next >= _SLOT_COUNT:
                self._open_sector()
            index = self._slot_next
            self._slot_next += 1
            try:
                self._partition.program(self._head, index * _SLOT_SIZE, slot)
            except FlashError:
                self.damaged += 1
                continue
            self._generation = generation
            self._kept = self._head
            return
        raise FlashError("no slot holds")

    def remove(self):
        """Forget all generations, loaded or not. To erase them would, cut short, bring an older one back."""
        self.load()
        self.save(b"")

    def _open_sector(self):
        if self._ahead < 0:
            self._prepare()
        self._head, self._ahead = self._ahead, -1
        self._slot_next = 0

    def erase_ahead(self):
        """Erase the next sector if it is needed soon; return whether it did. For idle moments.

        After a start the sector is erased whatever it holds: an erase that was cut may read as one that was
        not.
        """
        if self._ahead >= 0 or _SLOT_COUNT - self._slot_next > _AHEAD_SLOTS:
            return False
        self._prepare()
        return True

    def _prepare(self):
        """Have the first sector behind the head that erases ahead. Raises FlashError."""
        sector = self._head
        for _ in range(_BAD_SECTORS_MAX):
            sector = (sector + 1) % self._partition.sector_count
            if sector == self._kept:
                break
            try:
                self._partition.erase(sector)
            except FlashError:
                self.damaged += 1
                continue
            self._ahead = sector
            return
        raise FlashError("no sector erases")
