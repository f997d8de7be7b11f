"""A journal ring on a raw flash partition: one program a record, one erase per 63.

Sectors (`box.storage.sector`) are opened one after the other, round the partition; the one opened last is
the head, the oldest still held the tail. A record is durable when `append` returns: it was programmed and
read back.

Power may fail at any program or erase. A header is programmed last when a sector is opened and zeroed
before the sector is erased, so a sector is in the ring whole or not at all; a torn slot is passed over and
the record, which was never reported, is gone or whole. A record that was programmed but not reported is
kept.

Ring `vital` overwrites acknowledged records only and else raises RingFull. Ring `telemetry` drops its
oldest sector and tells of it by a record `dropped`, written before the next one, or on the next start if
power fails in between.

The epoch on flash and wire has the identity's in its upper half; the lower half is drawn anew whenever the
ring is found blank, so that a wiped partition never gives a second meaning to a sequence the cloud holds.
"""

import os

from micropython import const

from ..protocols import codes, records
from ..protocols.crypto import Hmac
from . import sector as layout
from .flash import UNIT_SIZE, FlashError, mend_bit

_SLOT_SIZE = const(64)
_SLOT_COUNT = const(64)
_BAD_SECTORS_MAX = const(8)  # more than so many in a row is a dead chip
_PROGRAM_TRIES = const(4)
_DROP_AHEAD_SLOTS = const(
    8
)  # telemetry: unacknowledged ones are dropped only when the head is this near its end
_EPOCH_HALF = const(0xFFFF)


class RingFull(OSError):
    """Ring `vital` holds nothing but records not yet acknowledged."""


class Ring:
    """One ring. Call `open()` first. Raises RingFull, FlashError (OSError), RecordError for a bad record.

    `epoch`, `last_sequence` (0 none), `acked` (0 none) tell where it stands; `is_blank` that `open` found no
    records; `torn` and `damaged` count slots and records that were so; `erase_count` the head's erasures.
    `box_id` and `journal_key` are bytes; `pick()` gives two random bytes.
    """

    def __init__(self, partition, ring_id, box_id, epoch, journal_key, pick=None):
        self.ring_id = ring_id
        self.epoch = epoch & ~_EPOCH_HALF
        self.torn = 0
        self.damaged = 0
        self._partition = partition
        self._box_id = box_id
        self._hmac = Hmac(journal_key)
        self._pick = pick or (lambda: os.urandom(2))
        self._is_droppable = ring_id == codes.RING_TELEMETRY
        self._count = partition.sector_count
        self._buffer = bytearray(_SLOT_SIZE)

    def _reset(self):
        self.last_sequence = 0
        self.acked = 0
        self._head = self._count - 1  # so that a blank ring begins at sector 0
        self._head_erases = 0
        self._number = 0
        self._slot_next = _SLOT_COUNT  # no room: the next record opens a sector
        self._mac = records.FIRST_MAC
        self._lost_through = 0
        self._tail_first = 1
        self._ahead = -1  # an erased sector ready to be opened
        self._cached = None  # (sector, first sequence, slots): the map read last
        self._mended = {}  # sector -> header in which a cell has worn, until it is erased

    # --- recovery ---

    def open(self):
        """Find out what the flash holds; safe after a cut anywhere, also in an earlier `open`."""
        self._reset()
        head = None
        for sector in range(self._count):
            header = self._read_header(sector) or self._mend_header(sector)
            if header and (head is None or header[layout.NUMBER] > head[layout.NUMBER]):
                head, self._head = header, sector
        self.is_blank = head is None
        self.epoch = head[layout.EPOCH] if head else self.epoch | int.from_bytes(self._pick(), "big")
        self._chain = records.Chain(self._hmac, self._box_id, self.ring_id, self.epoch)
        if head:
            self._number = head[layout.NUMBER]
            self._head_first = head[layout.FIRST]
            self._head_erases = head[layout.ERASES]
            self._lost_through = head[layout.LOST]
            self._recover_head(head)
            self._tail = self._next_held(self._head)
            self._tail_first = self._first_of(self._tail)
        self._opened_to = self.last_sequence

    def _recover_head(self, header):
        scan = layout.Scan(self._partition, self._head)
        scan.sort_out(self._chain, self._head_first, header[layout.MAC])
        self._slots = scan.slots  # of the head's records
        self._slot_next = scan.used
        self._marks_slot, self._marks_used = scan.marks_slot, scan.marks_used
        self._mac = scan.mac
        self.torn += scan.torn
        self.damaged += scan.damaged
        self.last_sequence = self._head_first + len(scan.slots) - 1
        self.acked = max(header[layout.ACKED], scan.acked)
        if self._is_droppable:
            for index in scan.slots:
                self._note_dropped(scan.read(index))

    def _note_dropped(self, slot):
        if slot[0] == codes.RECORD_DROPPED:
            _, last = records.unpack(codes.RECORD_DROPPED, records.unpack_slot(slot)[5])
            self._lost_through = max(self._lost_through, last)

    # --- sectors ---

    def _read_header(self, sector):
        if sector in self._mended:
            return self._mended[sector]
        self._partition.read(sector, 0, self._buffer)
        return self._parse_header()

    def _parse_header(self):
        header = layout.unpack_header(self._buffer, self.ring_id)
        if header and (header[layout.EPOCH] ^ self.epoch) & ~_EPOCH_HALF == 0:
            return header
        return None

    def _mend_header(self, sector):
        """Return the header just read with one bit put right, or None: 63 records hang on it."""
        if not layout.is_like_header(self._buffer, self.ring_id):
            return None
        if not mend_bit(self._buffer, self._parse_header):
            return None
        self.damaged += 1
        self._mended[sector] = header = self._parse_header()
        return header

    def _next_held(self, sector):
        """Return the next sector in the ring after `sector`: itself if it is alone."""
        for step in range(1, self._count):
            other = (sector + step) % self._count
            if other == self._head or self._read_header(other):
                return other
        return sector

    def _first_of(self, sector):
        header = None if sector == self._head else self._read_header(sector)
        return header[layout.FIRST] if header else self._head_first

    def _last_of(self, sector):
        """Return the last sequence in a sector that is not the head, or before it if it holds none."""
        return self._first_of(self._next_held(sector)) - 1

    def _prepare(self, after):
        """Have an erased sector ahead, the first after sector `after` that erases. Raises RingFull,
        FlashError.
        """
        for _ in range(_BAD_SECTORS_MAX):
            after = (after + 1) % self._count
            if after == self._head and self._number:
                break
            erases = self._head_erases + (1 if after <= self._head else 0)
            header = self._read_header(after)
            if header:
                if not self._is_droppable and self._last_of(after) > self.acked:
                    raise RingFull("unacknowledged")
                self._mended.pop(after, None)
                self._partition.zero(after, 0)
                self._leave(after)
            try:
                self._partition.erase(after)
            except FlashError:
                self.damaged += 1
                continue
            self._ahead, self._ahead_erases = after, erases
            return
        raise FlashError("no sector erases")

    def _leave(self, sector):
        """The tail is gone from flash: the ring begins at the next sector."""
        self._tail = self._next_held(sector)
        self._tail_first = self._first_of(self._tail)

    def _open_sector(self, slots=()):
        """Make the sector ahead the head, with `slots` in it from the first. Raises RingFull, FlashError."""
        after = self._head
        for _ in range(_PROGRAM_TRIES):
            if self._ahead < 0:
                self._prepare(after)
            sector, self._ahead = self._ahead, -1
            first = self.last_sequence + 1
            header = (
                self.epoch,
                first,
                self._ahead_erases,
                self.acked,
                self._lost_through,
                self._number + 1,
                self._mac,
            )
            try:
                for index, slot in enumerate(slots):
                    self._partition.program(sector, (index + 1) * _SLOT_SIZE, slot)
                self._partition.program(sector, 0, layout.pack_header(self.ring_id, header))
            except FlashError:
                self.damaged += 1
                self._partition.zero(sector, 0)
                after = sector
                continue
            if not self._number:
                self._tail, self._tail_first = sector, first
            self._head, self._head_first, self._head_erases = sector, first, self._ahead_erases
            self._number += 1
            self._slots = bytearray(range(1, len(slots) + 1))
            self._slot_next = len(slots) + 1
            self._marks_slot = 0
            if slots:
                self.last_sequence += len(slots)
                self._mac = bytes(slots[-1][records.MAC_OFFSET :])
            return
        raise FlashError("no header holds")

    def make_ready(self):
        """Open the first sector of a blank ring, so that its epoch is settled. Raises FlashError."""
        if not self._number:
            self._open_sector()

    # --- writing ---

    def append(self, kind, payload, at_s, trust, boot):
        """Write a record, durable on return; return its sequence.

        Raises RingFull, FlashError, RecordError.
        """
        if self._slot_next >= _SLOT_COUNT:
            self._open_sector()
        gap = self._find_gap()
        if gap:
            told = records.pack(codes.RECORD_DROPPED, gap[0], gap[1])
            self._write(codes.RECORD_DROPPED, told, at_s, trust, boot)
            self._lost_through = gap[1]
        return self._write(kind, payload, at_s, trust, boot)

    def _find_gap(self):
        told = max(self.acked, self._lost_through)
        if self._is_droppable and self._tail_first - 1 > told:
            # From the first that the cloud lacks: what told of the earlier ones may itself be overwritten.
            return self.acked + 1, self._tail_first - 1
        return None

    def _write(self, kind, payload, at_s, trust, boot):
        sequence = self.last_sequence + 1
        slot = self._chain.seal(self._mac, kind, trust, boot, sequence, at_s, payload)
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
            self._slots.append(index)
            self._mac = bytes(slot[records.MAC_OFFSET :])
            self.last_sequence = sequence
            return sequence
        raise FlashError("no slot holds")

    def acknowledge(self, sequence):
        """Note durably that the cloud has all up to `sequence`; return whether that is news.

        What was never written cannot be acknowledged. If there is no room to note it, it is noted with the
        next sector; losing it would only send records again.
        """
        if not self.acked < sequence <= self.last_sequence:
            return False
        self.acked = sequence
        if not self._marks_slot:
            if self._slot_next >= _SLOT_COUNT:
                if self._is_next_free():
                    self._open_sector()  # its header notes it
                return True
            self._marks_slot, self._marks_used = self._slot_next, 0
            self._slot_next += 1
        offset = self._marks_slot * _SLOT_SIZE + self._marks_used * UNIT_SIZE
        self._marks_used += 1
        if self._marks_used == layout.MARKS_PER_SLOT:
            self._marks_slot = 0
        try:
            self._partition.program(self._head, offset, layout.pack_mark(sequence))
        except FlashError:
            self.damaged += 1
            self._marks_slot = 0
        return True

    def skip_to(self, sequence):
        """Go on after `sequence`, which the cloud has though this ring has not: a sector died with the head
        in it. Return whether it did: a ring can have lost no more than it holds.

        What was written since the start under numbers the cloud already has is written once more, with new
        ones: as many as a sector holds become valid together with its header.
        """
        if sequence - self.last_sequence > self.capacity:
            return False
        since, last = max(self.first_unacked, self._opened_to + 1), self.last_sequence
        slots = []
        mac = self._mac
        for _, slot in self.iterate(since, _SLOT_COUNT - 1):
            kind, trust, boot, _, at_s, payload, _ = records.unpack_slot(slot)
            slot = self._chain.seal(mac, kind, trust, boot, sequence + len(slots) + 1, at_s, payload)
            slots.append(slot)
            mac = bytes(slot[records.MAC_OFFSET :])
        self.last_sequence = self.acked = sequence
        self._open_sector(slots)
        for number, slot in self.iterate(since + len(slots), last):
            if number > last:
                break
            kind, trust, boot, _, at_s, payload, _ = records.unpack_slot(slot)
            self.append(kind, payload, at_s, trust, boot)
        return True

    def _is_next_free(self):
        """Tell whether the sector after the head may be erased without losing anything."""
        after = (self._head + 1) % self._count
        return self._last_of(after) <= self.acked

    def erase_ahead(self):
        """Erase the next sector if there is none ahead and it may be; return whether it did. For idle
        moments.
        """
        if self._ahead >= 0 or not self._number:
            return False
        if not self._is_next_free():
            if not self._is_droppable or _SLOT_COUNT - self._slot_next > _DROP_AHEAD_SLOTS:
                return False
        self._prepare(self._head)
        return True

    # --- reading ---

    @property
    def first_unacked(self):
        """The sequence from which on records are to be sent: one past the last if all are acknowledged."""
        return max(self.acked + 1, self._tail_first)

    @property
    def first_held(self):
        """The oldest sequence on flash."""
        return self._tail_first

    @property
    def capacity(self):
        """Records that fit."""
        return self._count * (_SLOT_COUNT - 1)

    def count_free(self):
        """Return how many records fit before the ring is full (`vital`) or drops (`telemetry`), about."""
        return self.capacity - (self.last_sequence + 1 - self.first_unacked)

    def used_fraction(self):
        """Return how much of the ring is not yet acknowledged, 0 to 1."""
        return 1 - self.count_free() / self.capacity

    def iterate(self, first, limit):
        """Yield up to `limit` pairs `(sequence, slot)` from `first`, or from the oldest held, on.

        A sequence may be missing where flash was damaged; the caller sees it by the numbers.
        """
        sequence = max(first, self._tail_first)
        while limit > 0 and sequence <= self.last_sequence:
            sector, start, slots = self._load_map(sequence)
            if sequence - start >= len(slots):
                sequence = self._first_of(self._next_held(sector))
                continue
            slot = bytearray(_SLOT_SIZE)
            self._partition.read(sector, slots[sequence - start] * _SLOT_SIZE, slot)
            yield sequence, slot
            sequence += 1
            limit -= 1

    def _load_map(self, sequence):
        """Return `(sector, first sequence, slots)` of the sector with `sequence`."""
        if sequence >= self._head_first:
            return self._head, self._head_first, self._slots
        if self._cached and self._cached[1] <= sequence:
            sector, first, slots = self._cached
            if sequence < first + len(slots):
                return self._cached
        else:
            sector, first = self._tail, self._tail_first
        while True:
            after = self._next_held(sector)
            end = self._first_of(after)
            if end > sequence:
                break
            sector, first = after, end
        scan = layout.Scan(self._partition, sector)
        if len(scan.slots) != end - first:
            header = self._read_header(sector)
            scan.sort_out(self._chain, first, header[layout.MAC] if header else records.FIRST_MAC)
        self._cached = (sector, first, bytes(scan.slots))
        return self._cached
