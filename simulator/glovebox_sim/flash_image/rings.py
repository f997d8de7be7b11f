"""Reads a ring of the journal from its partition's bytes, by firmware/FLASH.md, "Rings"."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from .records import FIRST_MAC, MAC_OFFSET, SLOT_SIZE, Record, claimed_sequence, compute_mac, parse_record

SECTOR_SIZE = 4096
_SLOTS = 64
_MARK = 0xAC
_MARK_SIZE = 16
_ERASED_SLOT = b"\xff" * SLOT_SIZE
_HEADER = struct.Struct("<4sBBHIIIIII16s12sI")


@dataclass
class Header:
    """Of one sector."""

    sector: int
    ring: int
    epoch: int
    first_sequence: int
    erase_count: int
    acked: int
    lost_through: int
    number: int
    previous_mac: bytes


@dataclass
class Ring:
    """What a ring holds; `records` in sequence, `damaged` and `torn` slots as `(sector, slot)`."""

    epoch: int = 0
    acked: int = 0
    sectors: list[Header] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    damaged: list[tuple[int, int]] = field(default_factory=list)
    torn: list[tuple[int, int]] = field(default_factory=list)
    orphans: list[tuple[int, int]] = field(default_factory=list)  # sector and how many slots without a header
    gaps: list[tuple[int, int]] = field(default_factory=list)
    breaks: list[int] = field(default_factory=list)  # sequences that do not follow the sector before

    def as_dict(self) -> dict[str, Any]:
        erases = [header.erase_count for header in self.sectors]
        return {
            "epoch": self.epoch,
            "first": self.records[0].sequence if self.records else None,
            "last": self.records[-1].sequence if self.records else None,
            "acked": self.acked,
            "sectors": len(self.sectors),
            "erase_count_max": max(erases, default=0),
            "damaged": [list(place) for place in self.damaged],
            "torn": [list(place) for place in self.torn],
            "without_header": [list(place) for place in self.orphans],
            "gaps": [list(gap) for gap in self.gaps],
            "breaks": self.breaks,
            "records": [record.as_dict() for record in self.records],
        }


@dataclass(frozen=True)
class Seal:
    """What a chain is verified with."""

    key: bytes
    box_id: bytes


def read_mark(data: bytes) -> int | None:
    """The sequence or counter of a mark of 16 bytes, None for one that is none."""
    mark, sequence, complement, crc = struct.unpack("<IIII", data)
    is_whole = mark == _MARK and sequence == complement ^ 0xFFFFFFFF and crc == zlib.crc32(data[:12])
    return int(sequence) if is_whole else None


def read_header(data: bytes, sector: int, ring: int) -> Header | None:
    """The header in a sector's first slot, or None."""
    magic, number, layout, _, *values, crc = _HEADER.unpack(data)
    if magic != b"GBXR" or number != ring or layout != 1 or crc != zlib.crc32(data[:60]):
        return None
    epoch, first, erases, acked, lost, opening, mac, _ = values
    return Header(sector, ring, epoch, first, erases, acked, lost, opening, mac)


def read_ring(partition: bytes, ring: int, seal: Seal | None = None, epoch: int | None = None) -> Ring:
    """Read the ring; `epoch` is the identity's (its upper half counts), else the newest sector's is taken."""
    headers: list[Header] = []
    found = Ring()
    for sector in range(len(partition) // SECTOR_SIZE):
        data = _sector(partition, sector)
        header = read_header(data[:SLOT_SIZE], sector, ring)
        if header:
            headers.append(header)
        elif data[SLOT_SIZE:].strip(b"\xff"):
            slots = range(SLOT_SIZE, SECTOR_SIZE, SLOT_SIZE)
            claims = sum(claimed_sequence(data[at : at + SLOT_SIZE]) is not None for at in slots)
            if claims:
                found.orphans.append((sector, claims))
    if epoch is None and headers:
        epoch = max(headers, key=lambda header: header.number).epoch
    found.sectors = sorted(
        (header for header in headers if epoch is not None and header.epoch >> 16 == epoch >> 16),
        key=lambda header: header.number,
    )
    if not found.sectors:
        return found
    head = found.sectors[-1]
    found.epoch, found.acked = head.epoch, head.acked
    chain = _Chain(seal, found)
    for header in found.sectors:
        chain.enter(header)
        chain.follow(_list_slots(_sector(partition, header.sector), found))
    sequences = [record.sequence for record in found.records]
    for before, after in pairwise(sequences):
        if after > before + 1:
            found.gaps.append((before + 1, after - 1))
    return found


def _sector(partition: bytes, sector: int) -> bytes:
    return partition[sector * SECTOR_SIZE : (sector + 1) * SECTOR_SIZE]


def _list_slots(data: bytes, found: Ring) -> list[tuple[int, bytes]]:
    """The programmed slots of a sector but for those of marks, which are noted."""
    slots: list[tuple[int, bytes]] = []
    for index in range(1, _SLOTS):
        slot = data[index * SLOT_SIZE : (index + 1) * SLOT_SIZE]
        if slot == _ERASED_SLOT:
            continue
        if slot[0] == _MARK:
            marks = (read_mark(slot[at : at + _MARK_SIZE]) for at in range(0, SLOT_SIZE, _MARK_SIZE))
            found.acked = max(found.acked, *(mark or 0 for mark in marks))
        else:
            slots.append((index, slot))
    return slots


class _Chain:
    """Follows the slots, sector by sector, and tells records from torn and damaged ones."""

    def __init__(self, seal: Seal | None, found: Ring) -> None:
        self._seal = seal
        self._found = found
        self._sequence = 0
        self._previous: tuple[bytes, ...] = ()  # what the next record may chain over

    def enter(self, header: Header) -> None:
        """Begin a sector: it says what its first record follows, and the sector before has to agree."""
        self._header = header
        mac = header.previous_mac if header.first_sequence > 1 else FIRST_MAC
        if self._sequence == header.first_sequence and mac not in self._previous:
            self._found.breaks.append(header.first_sequence)
        self._previous, self._sequence = (mac,), header.first_sequence

    def follow(self, slots: list[tuple[int, bytes]]) -> None:
        """Take the sector's records; slots are `(index, 64 bytes)`."""
        sector = self._header.sector
        at = 0
        while at < len(slots):
            index, slot = slots[at]
            later = next((i for i in range(at, len(slots)) if self._is_next(slots[i][1])), None)
            if later is not None:
                self._found.torn += [(sector, number) for number, _ in slots[at:later]]
                self._take(slots[later][1], True if self._seal else None)
                at = later + 1
            elif self._is_worn(slots[at + 1][1] if at + 1 < len(slots) else None):
                self._found.damaged.append((sector, index))
                self._take(slot, False)
                at += 1
            else:
                self._found.torn.append((sector, index))
                at += 1

    def _compute(self, previous: bytes, slot: bytes) -> bytes:
        assert self._seal is not None
        header = self._header
        return compute_mac(self._seal.key, self._seal.box_id, header.ring, header.epoch, previous, slot)

    def _is_next(self, slot: bytes) -> bool:
        if claimed_sequence(slot) != self._sequence:
            return False
        if self._seal is None:
            return True
        return any(self._compute(previous, slot) == slot[MAC_OFFSET:] for previous in self._previous)

    def _is_worn(self, after: bytes | None) -> bool:
        """A record in which a cell has worn: the one behind it has the next number."""
        return after is not None and claimed_sequence(after) == self._sequence + 1

    def _take(self, slot: bytes, is_verified: bool | None) -> None:
        record = parse_record(slot)
        if record is None or record.sequence != self._sequence:
            record = Record(self._sequence, 0, "unreadable", "none", 0, 0, {"bytes": slot.hex()})
        record.is_verified = is_verified
        self._found.records.append(record)
        macs = [slot[MAC_OFFSET:]]
        if is_verified is False and self._seal:  # only the mac's own bytes may be worn
            macs += [self._compute(previous, slot) for previous in self._previous]
        self._previous = tuple(macs)
        self._sequence += 1
