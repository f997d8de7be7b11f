"""Erase cycles of the flash over ten years, from the operations that the firmware's own code makes."""

from __future__ import annotations

import csv
import struct
from pathlib import Path

from box.protocols import codes
from box.storage.flash import Partition
from box.storage.identity import RESERVE
from box.storage.ring import Ring
from box.storage.snapshot_log import SnapshotLog
from support_flash import SECTOR, FlashDevice
from support_micropython import run_micropython

PARTITIONS = Path(__file__).parents[1] / "hardware" / "partitions.csv"
DAYS_10Y = 3652
# A busy day: the budget's records, the link up and each tenth record acknowledged by itself, an hour of
# driving saved every 30 s and three sessions of a dozen changes; the clock's bound each hour, a start, eight
# deltas; a full set each month, counters at 300 envelopes a day.
RECORDS_A_DAY = {"vital": 200, "telemetry": 1_800}
RECORDS_AN_ACK = 10
SESSION_SAVES_A_DAY = 3600 // 30 + 3 * 12
BOUNDS_A_DAY, STARTS_A_DAY, DELTAS_A_DAY, SET_DAYS = 24, 1, 8, 30
COUNTER_DAYS = RESERVE // 300
LAPS = 2
LITTLEFS_DAYS = 365


class CountingDevice(FlashDevice):
    """Counts the erases of each sector."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.cycles = [0] * self.sectors

    def ioctl(self, operation: int, argument: int) -> int:
        if operation == 6:
            self.cycles[argument] += 1
        return super().ioctl(operation, argument)


def sectors_of(label: str) -> int:
    with PARTITIONS.open(newline="", encoding="utf-8") as file:
        for row in csv.reader(line for line in file if not line.startswith("#")):
            if row[0].strip() == label:
                return int(row[4], 0) // SECTOR
    raise KeyError(label)


def count_ring(label: str, ring_id: int) -> float:
    """Cycles of the sector erased most in ten years: laps round the whole ring, scaled."""
    device = CountingDevice(sectors_of(label))
    ring = Ring(Partition(device), ring_id, bytes(8), 1, bytes(32), lambda: b"\0\1")
    ring.open()
    kind = codes.RECORD_BAG if ring_id == codes.RING_VITAL else codes.RECORD_HEALTH
    written = 0
    while sum(device.cycles) < LAPS * device.sectors:
        ring.append(kind, struct.pack("<I", written), 5, 3, 1)
        written += 1
        if written % RECORDS_AN_ACK == 0:
            ring.acknowledge(ring.last_sequence)
            ring.erase_ahead()
    return max(device.cycles) * DAYS_10Y * RECORDS_A_DAY[label] / written


def count_session() -> float:
    """The same for the session's log."""
    device = CountingDevice(sectors_of("session"))
    log = SnapshotLog(Partition(device))
    log.load()
    saves = 0
    while sum(device.cycles) < LAPS * device.sectors:
        log.save(b"x" * 114)
        log.erase_ahead()
        saves += 1
    return max(device.cycles) * DAYS_10Y * SESSION_SAVES_A_DAY / saves


def count_identity() -> float:
    """A mark each reservation of counters, a sector of marks each 64."""
    marks = (SECTOR - 3072) // 16
    return DAYS_10Y / COUNTER_DAYS / marks / 2


def count_littlefs(days: int = LITTLEFS_DAYS) -> float:
    """The block erased most, by the real littlefs of the partition's size over a year, times ten."""
    numbers = (
        sectors_of("vfs"), days, BOUNDS_A_DAY, STARTS_A_DAY, DELTAS_A_DAY, SET_DAYS, COUNTER_DAYS,
    )  # fmt: skip
    done = run_micropython(
        "littlefs_wear.py", *(str(number) for number in numbers), heap="32m", timeout_s=600
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-500:])
    figures = dict(word.split("=") for word in done.stdout.split())
    return int(figures["max_erases"]) * DAYS_10Y / days


def count_all(littlefs_days: int = LITTLEFS_DAYS) -> dict[str, int]:
    """Cycles in ten years of each partition's most erased sector."""
    cycles = {
        "vital": count_ring("vital", codes.RING_VITAL),
        "telemetry": count_ring("telemetry", codes.RING_TELEMETRY),
        "session": count_session(),
        "identity": count_identity(),
        "vfs": count_littlefs(littlefs_days),
    }
    return {label: -int(-value // 1) for label, value in cycles.items()}
