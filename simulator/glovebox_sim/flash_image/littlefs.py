"""Reads files out of a littlefs 2 image, damaged or not: what still holds together is given, the rest told.

Source: littlefs SPEC.md (on-disk version 2.1): metadata pairs of commits, each closed by a CRC; tags XORed
with the one before; small files inline, larger ones as a CTZ skip list read backwards from its head.
Read only; nothing here mounts or repairs.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

BLOCK_SIZE = 4096
ROOT = (0, 1)
_NO_ID = 0x3FF
_DELETED = 0x3FF
_MAX_PAIRS = 4096  # a damaged chain of directories may be a circle
_MAX_DEPTH = 8  # of directories: the box has two
_REGULAR, _DIRECTORY = 0x001, 0x002
_STRUCT_INLINE, _STRUCT_LIST = 0x201, 0x202
_CREATE, _DELETE = 0x401, 0x4FF
_SOFT_TAIL, _HARD_TAIL = 0x600, 0x601
_MOVE = 0x7FF


@dataclass
class Entry:
    """One id of a metadata pair: its name tag and the newest struct tag."""

    name: str = ""
    kind: int = 0
    struct: int = 0
    data: bytes = b""


@dataclass
class Pair:
    """A metadata pair as its newest whole commit leaves it."""

    revision: int
    entries: list[Entry] = field(default_factory=list)
    tail: tuple[int, int] | None = None  # the next of all pairs ...
    is_hard: bool = False  # ... which goes on with this directory
    move: bytes = bytes(12)  # its share of the pending move: all shares XORed are the whole


@dataclass
class Files:
    """What was found: path -> contents; `problems` says in words what could not be read."""

    contents: dict[str, bytes] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def read_files(image: bytes) -> Files:
    """Return all files of the partition's bytes. Never raises for damage."""
    found = Files()
    volume = _Volume(image, found)
    if not any(volume.read_block(number) for number in ROOT):
        blank = not image.strip(b"\xff")
        found.problems.append("no filesystem: blank" if blank else "no filesystem: both superblocks damaged")
        return found
    volume.gather_move()
    volume.take_directory(ROOT, "", 0)
    return found


class _Volume:
    def __init__(self, image: bytes, found: Files) -> None:
        self._image = image
        self._count = len(image) // BLOCK_SIZE
        self._found = found
        self._seen: set[tuple[int, int]] = set()
        self._move: tuple[int, int, set[int]] = (0, 0, set())  # type, id, pair

    # --- metadata ---

    def gather_move(self) -> None:
        """Find the rename that a power cut left half done: its old name no longer counts."""
        share = bytes(12)
        at: tuple[int, int] | None = ROOT
        seen: set[tuple[int, int]] = set()
        while at is not None and at not in seen and len(seen) < _MAX_PAIRS:
            seen.add(at)
            pair = self.read_pair(at)
            if pair is None:
                break
            share = bytes(a ^ b for a, b in zip(share, pair.move, strict=True))
            at = pair.tail
        tag, first, second = struct.unpack("<III", share)
        self._move = (tag >> 20 & 0x7FF, tag >> 10 & 0x3FF, {first, second})

    def take_directory(self, pair: tuple[int, int], path: str, depth: int) -> None:
        """Walk a directory's pairs by their hard tails and take its files, then its directories."""
        for entry in self._iterate_directory(pair, path):
            name = f"{path}{entry.name}"
            if entry.kind == _REGULAR:
                data = self._read_entry(entry)
                if data is None:
                    self._found.problems.append(f"{name}: its blocks cannot be followed")
                else:
                    self._found.contents[name] = data
            elif entry.kind == _DIRECTORY and len(entry.data) == 8 and depth < _MAX_DEPTH:
                first, second = struct.unpack("<II", entry.data)
                self.take_directory((first, second), f"{name}/", depth + 1)

    def _iterate_directory(self, pair: tuple[int, int], path: str) -> Iterator[Entry]:
        at: tuple[int, int] | None = pair
        while at is not None:
            if at in self._seen or len(self._seen) >= _MAX_PAIRS:
                self._found.problems.append(f"/{path}: its blocks lead in a circle")
                return
            self._seen.add(at)
            read = self.read_pair(at)
            if read is None:
                self._found.problems.append(f"/{path}: blocks {at[0]} and {at[1]} are both damaged")
                return
            for number, entry in enumerate(read.entries):
                if self._move != (_DELETE, number, set(at)):
                    yield entry
            at = read.tail if read.is_hard else None

    def read_pair(self, blocks: tuple[int, int]) -> Pair | None:
        """The newer of two blocks that has a whole commit."""
        best: Pair | None = None
        for number in blocks:
            read = self.read_block(number)
            if read and (best is None or 0 < (read.revision - best.revision) & 0xFFFFFFFF < 1 << 31):
                best = read
        return best

    def read_block(self, number: int) -> Pair | None:
        """Replay a block's commits up to the last whole one; None if there is none."""
        if not 0 <= number < self._count:
            return None
        block = self._image[number * BLOCK_SIZE : (number + 1) * BLOCK_SIZE]
        (revision,) = struct.unpack_from("<I", block, 0)
        done: list[tuple[int, int, bytes]] = []
        pending: list[tuple[int, int, bytes]] = []
        before = 0xFFFFFFFF
        at, begun = 4, 0
        crc = _crc(block[:4])
        while at + 4 <= BLOCK_SIZE:
            (stored,) = struct.unpack_from(">I", block, at)
            tag = stored ^ before
            size = 0 if tag & 0x3FF == _DELETED else tag & 0x3FF
            if tag >> 31 or at + 4 + size > BLOCK_SIZE:
                break
            kind = tag >> 20 & 0x7FF
            if kind & 0x780 == 0x500:  # the commit's own CRC
                crc = _crc(block[at : at + 4], crc)
                if size < 4 or crc != struct.unpack_from("<I", block, at + 4)[0]:
                    break
                done, begun = done + pending, begun + 1
                pending = []
                before = tag ^ (kind & 1) << 31
                crc = 0xFFFFFFFF
            else:
                crc = _crc(block[at : at + 4 + size], crc)
                pending.append((kind, tag >> 10 & 0x3FF, block[at + 4 : at + 4 + size]))
                before = tag
            at += 4 + size
        return _replay(revision, done) if begun else None

    # --- files ---

    def _read_entry(self, entry: Entry) -> bytes | None:
        if entry.struct == _STRUCT_INLINE:
            return entry.data
        if entry.struct != _STRUCT_LIST or len(entry.data) != 8:
            return None
        head, size = struct.unpack("<II", entry.data)
        if size > len(self._image):
            return None
        spans = _spans(size)
        parts: list[bytes] = []
        for index in range(len(spans) - 1, -1, -1):
            if not 0 <= head < self._count:
                return None
            pointers, length = spans[index]
            start = head * BLOCK_SIZE + pointers
            parts.append(self._image[start : start + length])
            (head,) = struct.unpack_from("<I", self._image, head * BLOCK_SIZE)
        return b"".join(reversed(parts))


def _spans(size: int) -> list[tuple[int, int]]:
    """Of each block of a list that holds `size` bytes: bytes of pointers before the data, bytes of data."""
    spans: list[tuple[int, int]] = []
    while size > 0:
        index = len(spans)
        pointers = 4 * ((index & -index).bit_length()) if index else 0
        length = min(size, BLOCK_SIZE - pointers)
        spans.append((pointers, length))
        size -= length
    return spans


def _replay(revision: int, tags: list[tuple[int, int, bytes]]) -> Pair:
    pair = Pair(revision)
    for kind, number, data in tags:
        entries = pair.entries
        if kind == _CREATE:
            entries.insert(number, Entry())
        elif kind == _DELETE:
            del entries[number : number + 1]
        elif kind in (_SOFT_TAIL, _HARD_TAIL) and len(data) == 8:
            first, second = struct.unpack("<II", data)
            pair.tail, pair.is_hard = (first, second), kind == _HARD_TAIL
        elif kind == _MOVE and len(data) == 12:
            pair.move = data
        elif number != _NO_ID and kind < 0x300:
            while len(entries) <= number:  # a file without a tag of creation
                entries.append(Entry())
            if kind < 0x100:
                entries[number].name, entries[number].kind = data.decode("utf-8", "replace"), kind
            else:
                entries[number].struct, entries[number].data = kind, data
    return pair


def _crc(data: bytes, crc: int = 0xFFFFFFFF) -> int:
    """CRC-32 as littlefs has it: the polynomial of zlib, without the last inversion."""
    return zlib.crc32(data, crc ^ 0xFFFFFFFF) ^ 0xFFFFFFFF
