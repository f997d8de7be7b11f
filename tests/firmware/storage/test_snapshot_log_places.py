"""A snapshot's log at its limits: where it begins, what it reads, bad slots and sectors in a row."""

from __future__ import annotations

import struct
import zlib

import pytest
from box.storage.flash import FlashError, Partition
from box.storage.snapshot_log import SnapshotLog
from support_flash import SECTOR, FlashDevice
from support_session_cuts import PER_SECTOR, SECTORS, SLOT, data_of, load, open_log

TORN = bytes(range(SLOT))
ERASED = b"\xff" * SLOT


class Device(FlashDevice):
    """Takes no program at the places in `deaf`, (sector, slot), and counts what is read."""

    deaf: frozenset[tuple[int, int]] = frozenset()
    reads = 0

    def writeblocks(self, sector: int, data: bytes, offset: int | None = None) -> None:
        if (sector, (offset or 0) // SLOT) not in self.deaf:
            super().writeblocks(sector, data, offset)

    def readblocks(self, sector: int, buffer: bytearray | memoryview, offset: int = 0) -> None:
        self.reads += 1
        super().readblocks(sector, buffer, offset)


def fill(device: FlashDevice, count: int) -> SnapshotLog:
    log = open_log(device)
    for number in range(1, count + 1):
        log.save(data_of(number))
    return log


def slot_of(generation: int, data: bytes) -> bytes:
    content = (struct.pack("<IB", generation, len(data)) + data).ljust(SLOT - 4, b"\0")
    return content + struct.pack("<I", zlib.crc32(content))


def put(device: FlashDevice, place: int, content: bytes) -> None:
    """Leave this at the place, counted in slots from the beginning."""
    device.image[place * SLOT : place * SLOT + len(content)] = content


def test_a_blank_log_begins_at_its_beginning_with_generation_1():
    device = FlashDevice(SECTORS)
    log = fill(device, 1)
    assert log.damaged == 0
    assert device.image[:SLOT] == slot_of(1, data_of(1))
    assert device.image[SLOT:] == b"\xff" * (SECTORS * SECTOR - SLOT)


@pytest.mark.parametrize("size", [0, 1, 118, 119])
def test_all_that_fits_a_slot_is_kept_and_nothing_is_none(size):
    device = FlashDevice(SECTORS)
    log = fill(device, 1)
    log.save(b"x" * size)
    assert load(device) == (b"x" * size or None)


def test_a_start_reads_the_newest_sector_and_of_the_others_one_slot():
    device = Device(SECTORS)
    fill(device, SECTORS * PER_SECTOR - 5)
    device.reads = 0
    assert load(device) == data_of(SECTORS * PER_SECTOR - 5)
    assert device.reads <= SECTORS + PER_SECTOR + 2


@pytest.mark.parametrize("count", [1, 5, 31, 32, 33, 64, 95, 96, 97])
@pytest.mark.parametrize("torn", [0, 1, 2, 4])
@pytest.mark.parametrize("content", [TORN, TORN[:64] + ERASED[64:], ERASED[64:] + TORN[64:]])
def test_slots_torn_behind_the_newest_are_passed_over_to_the_end_of_the_sector_and_beyond(
    count, torn, content
):
    device = FlashDevice(SECTORS)
    log = fill(device, count)
    if count % PER_SECTOR == 0:
        log.erase_ahead()
    place = count % (SECTORS * PER_SECTOR)
    torn = min(torn, PER_SECTOR - place % PER_SECTOR)
    for number in range(torn):
        put(device, place + number, content)
    log = open_log(device)
    assert log.load() == data_of(count)
    log.save(b"next")
    assert load(device) == b"next"
    assert log.damaged == 0


@pytest.mark.parametrize("count", [5, 31, 32, 64, 96])
@pytest.mark.parametrize("torn", [0, 1])
def test_a_worn_bit_in_the_newest_is_put_right_wherever_it_lies_and_it_is_gone_on_behind_it(count, torn):
    device = FlashDevice(SECTORS)
    log = fill(device, count)
    if count % PER_SECTOR == 0:
        log.erase_ahead()
    place = count % (SECTORS * PER_SECTOR)
    put(device, place, slot_of(count + 1, b"newest"))
    device.image[place * SLOT + 7] ^= 4
    if torn and place % PER_SECTOR == 0:
        put(device, place + 1, TORN)
    log = open_log(device)
    assert log.load() == b"newest"
    log.save(b"next")
    behind = place + 2 if torn and place % PER_SECTOR == 0 else place + 1
    assert device.image[behind * SLOT : (behind + 1) * SLOT] == slot_of(count + 2, b"next")
    for number in range(1, 40):
        log.save(data_of(number))
        assert load(device) == data_of(number)
    assert log.damaged == 0


def test_a_worn_newest_at_the_start_of_a_sector_is_found_also_where_the_last_of_the_one_before_is_torn():
    device = FlashDevice(SECTORS)
    fill(device, PER_SECTOR - 1)
    put(device, PER_SECTOR - 1, TORN)
    put(device, PER_SECTOR, slot_of(PER_SECTOR, b"newest"))
    device.image[PER_SECTOR * SLOT + 7] ^= 4
    log = open_log(device)
    assert log.load() == b"newest"
    log.save(b"next")
    assert load(device) == b"next"


@pytest.mark.parametrize("generation", [4, 5, 7])
def test_a_slot_that_one_bit_puts_right_but_that_is_not_the_next_is_not_taken(generation):
    device = FlashDevice(SECTORS)
    fill(device, 5)
    put(device, 5, slot_of(generation, b"stray"))
    device.image[5 * SLOT + 7] ^= 4
    assert load(device) == data_of(5)


def test_the_next_sector_is_looked_at_only_where_the_newest_is_full():
    device = FlashDevice(SECTORS)
    fill(device, 5)
    put(device, PER_SECTOR, slot_of(6, b"stray"))
    device.image[PER_SECTOR * SLOT + 7] ^= 4
    assert load(device) == data_of(5)


@pytest.mark.parametrize(("deaf", "is_dead"), [(3, False), (4, True)])
@pytest.mark.parametrize("at", [1, PER_SECTOR - 2])
def test_a_save_is_tried_in_four_slots(at, deaf, is_dead):
    device = Device(SECTORS)
    device.deaf = frozenset(divmod(place, PER_SECTOR) for place in range(at, at + deaf))
    log = fill(device, at)
    if is_dead:
        with pytest.raises(FlashError):
            log.save(b"new")
        assert load(device) == data_of(at)
        log.save(b"new")
    else:
        log.save(b"new")
    assert log.damaged == deaf
    assert load(device) == b"new"


@pytest.mark.parametrize(("bad", "is_dead"), [(7, False), (8, True)])
def test_seven_bad_sectors_in_a_row_are_passed_over_and_eight_are_a_dead_chip(bad, is_dead):
    device = FlashDevice(12, bad_sectors=tuple(range(1, 1 + bad)))
    device.image[SECTOR:] = bytes(11 * SECTOR)
    log = fill(device, PER_SECTOR)
    if is_dead:
        with pytest.raises(FlashError):
            log.save(b"new")
        assert load(device) == data_of(PER_SECTOR)
    else:
        log.save(b"new")
        assert load(device) == b"new"
    assert log.damaged == bad


def test_where_no_other_sector_erases_the_newest_is_not_touched_and_each_is_tried_once():
    device = FlashDevice(SECTORS)
    fill(device, PER_SECTOR)
    device.image[SECTOR:] = bytes((SECTORS - 1) * SECTOR)
    device.bad_sectors = (1, 2)
    log = open_log(device)
    with pytest.raises(FlashError):
        log.save(b"new")
    assert log.damaged == 2
    assert load(device) == data_of(PER_SECTOR)


@pytest.mark.parametrize(("count", "is_due"), [(15, False), (16, True), (32, True)])
def test_a_sector_is_erased_ahead_when_half_of_the_newest_is_used(count, is_due):
    device = FlashDevice(SECTORS)
    device.image[SECTOR : 2 * SECTOR] = bytes(SECTOR)
    log = fill(device, count)
    assert log.erase_ahead() is is_due
    assert log.erase_ahead() is False
    assert (device.image[SECTOR : 2 * SECTOR] == b"\xff" * SECTOR) == is_due


def test_a_log_that_was_removed_holds_nothing_and_needs_no_look_before():
    device = FlashDevice(SECTORS)
    fill(device, 40)
    SnapshotLog(Partition(device)).remove()
    assert load(device) is None
    log = open_log(device)
    log.save(b"new")
    assert load(device) == b"new"
    assert device.image[SECTOR + 9 * SLOT : SECTOR + 10 * SLOT] == slot_of(42, b"new")
