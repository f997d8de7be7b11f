"""Power cuts at every program and erase of the session's log: the sweep that tests and the benchmark run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from box.storage.flash import Partition
from box.storage.snapshot_log import MAX_SIZE, SnapshotLog
from support_flash import MODES, SECTOR, FlashDevice, Operation, PowerCut

SECTORS = 3
PER_SECTOR = 32
SLOT = SECTOR // PER_SECTOR
SAVES = 3 * PER_SECTOR * SECTORS + 5


def data_of(number: int) -> bytes | None:
    """What save `number` keeps; there is none before the first, and the lengths differ."""
    return bytes([number & 255, number >> 8]) * (1 + number % (MAX_SIZE // 2)) if number else None


def open_log(device: FlashDevice, log_class: type[SnapshotLog] = SnapshotLog) -> SnapshotLog:
    log = log_class(Partition(device))
    log.load()
    return log


def load(device: FlashDevice) -> bytes | None:
    return SnapshotLog(Partition(device)).load()


@dataclass(frozen=True)
class Told:
    """What the box knows: the save that returned last, and the one under way."""

    done: int = 0
    tried: int = 0


@dataclass
class Life:
    """Saves one number after the other; every few an idle moment."""

    device: FlashDevice
    log_class: type[SnapshotLog]
    told: Told

    def run(self, count: int) -> None:
        log = open_log(self.device, self.log_class)
        for number in range(self.told.tried + 1, self.told.tried + count + 1):
            self.told = replace(self.told, tried=number)
            log.save(data_of(number))
            self.told = Told(number, number)
            assert load(self.device) == data_of(number), f"save {number} was reported and is not there"
            if number % 5 == 0:
                log.erase_ahead()


def record(log_class: type[SnapshotLog]) -> list[tuple[Operation, Told]]:
    """Run once; return every program and erase with what the box knew before it."""
    device = FlashDevice(SECTORS, recording=[])
    seen: list[tuple[Operation, Told]] = []
    life = Life(device, log_class, Told())

    class Tape(list[Operation]):
        def append(self, operation: Operation) -> None:
            seen.append((operation, life.told))

    device.recording = Tape()
    life.run(SAVES)
    return seen


def check(device: FlashDevice, told: Told) -> Told:
    """What is on flash is the old one or the new one; return what holds from now on."""
    have = load(FlashDevice(SECTORS, bytearray(device.image)))
    for number in (told.tried, told.done):
        if have == data_of(number):
            return Told(number, told.tried)
    raise AssertionError(f"neither {told.done} nor {told.tried} but {have!r}")


def go_on(device: FlashDevice, told: Told, log_class: type[SnapshotLog], saves: int) -> None:
    """Start on what the cut left, and save on; where the power fails once more, start once more."""
    life = Life(device, log_class, check(device, told))
    try:
        life.run(saves)
    except PowerCut:
        life = Life(FlashDevice(SECTORS, bytearray(device.image)), log_class, check(device, life.told))
        life.run(saves)


def iterate_points(
    stride: int = 1, log_class: type[SnapshotLog] = SnapshotLog, second: bool = False
) -> Iterator[Callable[[], None]]:
    """Every cut as a function that tries it: raises AssertionError if something was lost."""
    for operation, told in record(log_class)[::stride]:
        for mode in MODES:
            image = operation.cut(mode, 0)
            for cut_at in range(4) if second else (None,):
                for mode_again in MODES if second else ("",):
                    device = FlashDevice(SECTORS, bytearray(image), cut_at=cut_at, mode=mode_again, seed=1)
                    # What an erase left is met when the sector before is full.
                    saves = 2 * PER_SECTOR if operation.kind == "erase" else 2
                    yield partial(go_on, device, told, log_class, saves)


def sweep(stride: int, log_class: type[SnapshotLog] = SnapshotLog, second: bool = False) -> int:
    """Try all of them; return how many there were."""
    count = 0
    for try_it in iterate_points(stride, log_class, second):
        try_it()
        count += 1
    return count
