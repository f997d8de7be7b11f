"""A NOR flash in memory for the storage tests, which can lose power at any program or erase.

Each power cycle has its own device object: after the cut it stays dead, so that an object left over from
before (a file's finaliser) cannot write to the flash that lives on. Programming only clears bits.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

SECTOR = 4096
MODES = ("dropped", "torn", "garbage", "unreported")


class PowerCut(Exception):
    """The supply failed; not an OSError, so that no handler of flash errors can take it for one."""


@dataclass
class Operation:
    """One program or erase: what it would do, and the flash as it was before."""

    kind: str
    sector: int
    offset: int
    data: bytes
    before: bytes

    def cut(self, mode: str, seed: int) -> bytes:
        """The image that a power cut in the middle leaves, by mode."""
        image = bytearray(self.before)
        at = self.sector * SECTOR + self.offset
        chance = random.Random(f"{seed}/{mode}/{self.kind}/{at}")
        if mode == "dropped":
            return bytes(image)
        if self.kind == "erase":
            done = SECTOR if mode == "unreported" else chance.randrange(1, SECTOR)
            image[at : at + done] = b"\xff" * done
            if mode == "garbage":
                for index in range(at + done, at + SECTOR):
                    image[index] |= chance.getrandbits(8)
            return bytes(image)
        done = len(self.data) if mode == "unreported" else chance.randrange(len(self.data))
        for index in range(done):
            image[at + index] &= self.data[index]
        if mode == "garbage":  # of the rest some bits were cleared already, rightly or not
            for index in range(done, len(self.data)):
                image[at + index] &= chance.getrandbits(8)
        return bytes(image)


@dataclass
class FlashDevice:
    """A block device shaped like `esp32.Partition`.

    `cut_at` counts programs and erases from 0; at that one the power fails in `mode`. `recording` keeps every
    operation with the image before it. `bad_sectors` do not erase.
    """

    sectors: int
    image: bytearray = field(default_factory=bytearray)
    cut_at: int | None = None
    mode: str = "dropped"
    seed: int = 0
    recording: list[Operation] | None = None
    bad_sectors: tuple[int, ...] = ()
    operations: int = 0
    programs: int = 0
    erases: int = 0
    is_dead: bool = False

    def __post_init__(self) -> None:
        if not self.image:
            self.image = bytearray(b"\xff" * (self.sectors * SECTOR))

    def _alive(self) -> None:
        if self.is_dead:
            raise PowerCut

    def _operate(self, operation: Operation) -> None:
        self._alive()
        if self.recording is not None:
            self.recording.append(operation)
        if self.operations == self.cut_at:
            self.image[:] = operation.cut(self.mode, self.seed)
            self.is_dead = True
            raise PowerCut
        self.operations += 1

    def _make(self, kind: str, sector: int, offset: int, data: bytes) -> Operation:
        keep = self.recording is not None or self.cut_at is not None
        return Operation(kind, sector, offset, data, bytes(self.image) if keep else b"")

    def readblocks(self, sector: int, buffer: bytearray | memoryview, offset: int = 0) -> None:
        self._alive()
        at = sector * SECTOR + offset
        assert offset >= 0
        assert offset + len(buffer) <= SECTOR
        buffer[:] = self.image[at : at + len(buffer)]

    def writeblocks(self, sector: int, data: bytes, offset: int | None = None) -> None:
        assert offset is not None, "without an offset the port would erase first"
        assert offset % 16 == 0, "programmed in whole units"
        assert len(data) % 16 == 0, "programmed in whole units"
        assert offset + len(data) <= SECTOR
        self._operate(self._make("program", sector, offset, bytes(data)))
        self.programs += 1
        at = sector * SECTOR + offset
        for index, byte in enumerate(bytes(data)):
            self.image[at + index] &= byte

    def ioctl(self, operation: int, argument: int) -> int:
        if operation in (4, 5):
            assert argument == 0
            return self.sectors if operation == 4 else SECTOR
        assert operation == 6
        self._operate(self._make("erase", argument, 0, b""))
        self.erases += 1
        if argument not in self.bad_sectors:
            self.image[argument * SECTOR : (argument + 1) * SECTOR] = b"\xff" * SECTOR
        return 0
