"""A snapshot in one program: after a power cut anywhere the old one is there or the new one."""

from __future__ import annotations

import random

import pytest
from box.access.session import Session
from box.storage.flash import FlashError, Partition
from box.storage.snapshot_log import MAX_SIZE, SnapshotLog
from hypothesis import given, settings
from hypothesis import strategies as st
from support_flash import SECTOR, FlashDevice
from support_session_cuts import PER_SECTOR, SAVES, SECTORS, SLOT, data_of, load, open_log, sweep


def fill(device: FlashDevice, count: int) -> SnapshotLog:
    log = open_log(device)
    for number in range(1, count + 1):
        log.save(data_of(number))
        log.erase_ahead()
    return log


def test_a_blank_partition_holds_nothing():
    assert load(FlashDevice(SECTORS)) is None


def test_what_was_saved_last_is_loaded_wherever_the_log_stands():
    for count in range(1, SAVES):
        assert load(fill_image(count)) == data_of(count)


IMAGES: dict[int, FlashDevice] = {}


def fill_image(count: int) -> FlashDevice:
    """The flash after `count` saves; made once for all counts."""
    if not IMAGES:
        device = FlashDevice(SECTORS)
        log = open_log(device)
        for number in range(1, SAVES):
            log.save(data_of(number))
            log.erase_ahead()
            IMAGES[number] = FlashDevice(SECTORS, bytearray(device.image))
    return IMAGES[count]


def test_a_save_is_one_program_and_no_erase_where_one_was_erased_ahead():
    device = FlashDevice(SECTORS)
    log = open_log(device)
    assert log.erase_ahead()
    assert not log.erase_ahead()
    erases = device.erases
    for number in range(1, PER_SECTOR + 1):
        before = device.programs, device.erases
        log.save(data_of(number))
        assert (device.programs, device.erases) == (before[0] + 1, erases)
    assert log.erase_ahead()
    log.save(data_of(99))
    assert load(device) == data_of(99)


def test_without_an_idle_moment_a_save_erases_itself():
    device = FlashDevice(SECTORS)
    log = open_log(device)
    for number in range(1, SAVES):
        log.save(data_of(number))
        assert load(device) == data_of(number)


def test_a_start_never_trusts_an_erase_of_before():
    device = fill_image(PER_SECTOR + 20)
    log = open_log(FlashDevice(SECTORS, bytearray(device.image)))
    assert log.erase_ahead()


def test_a_box_that_starts_over_and_over_erases_nothing_while_there_is_room():
    device = FlashDevice(SECTORS, bytearray(fill_image(PER_SECTOR + 3).image))
    for _ in range(100):
        assert not open_log(device).erase_ahead()
    assert device.operations == 0


def test_wear_is_one_erase_a_sector_for_32_saves_and_even():
    device = FlashDevice(SECTORS, recording=[])
    fill(device, 50 * PER_SECTOR)
    assert device.recording is not None
    erased = [operation.sector for operation in device.recording if operation.kind == "erase"]
    assert len(erased) <= 51
    counts = [erased.count(sector) for sector in range(SECTORS)]
    assert max(counts) - min(counts) <= 1


def test_the_session_fits_a_slot():
    assert len(Session().pack()) <= MAX_SIZE


def test_more_than_fits_is_refused_before_anything_is_written():
    device = FlashDevice(SECTORS)
    log = open_log(device)
    with pytest.raises(ValueError, match="size"):
        log.save(bytes(MAX_SIZE + 1))
    assert device.operations == 0


def test_what_was_removed_does_not_come_back():
    device = FlashDevice(SECTORS)
    log = fill(device, 40)
    log.remove()
    assert load(device) is None
    open_log(device).save(b"new")
    assert load(device) == b"new"


def test_sectors_that_no_longer_erase_are_passed_over_and_counted():
    device = FlashDevice(5)
    fill(device, 5 * PER_SECTOR)
    device.bad_sectors = (1, 2)
    log = open_log(device)
    for number in range(1, 7 * PER_SECTOR):
        log.save(data_of(number))
        assert load(device) == data_of(number)
    assert log.damaged


def test_a_chip_that_erases_no_more_raises_and_keeps_what_it_holds():
    device = FlashDevice(2)
    fill(device, 3 * PER_SECTOR)  # the head, sector 0, is full; sector 1 is erased
    broken = bytearray(device.image)
    broken[SECTOR:] = bytes(SECTOR)  # cells stuck at 0
    device = FlashDevice(2, broken, bad_sectors=(1,))
    log = open_log(device)
    for _ in range(3):
        with pytest.raises(FlashError):
            log.save(b"new")
        with pytest.raises(FlashError):
            log.erase_ahead()
    assert load(device) == data_of(3 * PER_SECTOR)


class ForgetfulDevice(FlashDevice):
    """Takes no program in `deaf_sector`, and says nothing."""

    deaf_sector = 1

    def writeblocks(self, sector: int, data: bytes, offset: int | None = None) -> None:
        if sector != self.deaf_sector:
            super().writeblocks(sector, data, offset)


def test_slots_that_do_not_take_their_data_never_lead_to_erasing_the_newest():
    device = ForgetfulDevice(2)
    device.deaf_sector = -1
    fill(device, PER_SECTOR)
    device.deaf_sector = 1
    log = open_log(device)
    for _ in range(2 * PER_SECTOR):
        with pytest.raises(FlashError):
            log.save(b"new")
        assert load(device) == data_of(PER_SECTOR)


def test_a_worn_bit_in_the_newest_slot_is_put_right_and_two_leave_the_one_before():
    device = FlashDevice(SECTORS)
    fill(device, 40)
    for bit in range(SLOT * 8):
        device.image[SECTOR + 7 * SLOT + bit // 8] ^= 1 << bit % 8
        assert load(device) == data_of(40), bit
        device.image[SECTOR + 7 * SLOT + bit // 8] ^= 1 << bit % 8
    device.image[SECTOR + 7 * SLOT] ^= 3
    log = SnapshotLog(Partition(device))
    assert log.load() == data_of(39)
    log.save(b"next")
    assert load(device) == b"next"


def test_a_worn_bit_in_the_only_slot_of_a_sector_is_put_right_too():
    device = FlashDevice(SECTORS)
    fill(device, 33)
    for bit in range(SLOT * 8):
        device.image[SECTOR + bit // 8] ^= 1 << bit % 8
        log = SnapshotLog(Partition(FlashDevice(SECTORS, bytearray(device.image))))
        assert log.load() == data_of(33), bit
        log.save(b"next")
        log.erase_ahead()
        assert log.load() == b"next"
        device.image[SECTOR + bit // 8] ^= 1 << bit % 8


@settings(max_examples=50)
@given(st.integers(0, 1 << 32), st.integers(0, SECTORS - 1), st.integers(1, SAVES - 1))
def test_garbage_in_a_sector_is_never_taken_for_a_snapshot(seed, sector, count):
    device = FlashDevice(SECTORS, bytearray(fill_image(count).image))
    device.image[sector * SECTOR : (sector + 1) * SECTOR] = random.Random(seed).randbytes(SECTOR)
    log = SnapshotLog(Partition(device))
    assert log.load() in [None, *(data_of(number) for number in range(count + 1))]
    log.save(b"new")
    assert load(device) == b"new"


# --- power cuts ---


def test_a_power_cut_at_every_program_and_erase_leaves_the_old_or_the_new():
    assert sweep(1) > 1_000


def test_a_second_cut_in_some_recoveries_leaves_the_old_or_the_new():
    assert sweep(19, second=True) > 700


@pytest.mark.sweep
def test_a_second_cut_in_every_recovery_leaves_the_old_or_the_new():
    assert sweep(1, second=True) > 16_000


class OverwritesTorn(SnapshotLog):
    """Takes the slot behind the newest for blank, though a cut may have torn it, and does not read back."""

    def _load_head(self):
        data = super()._load_head()
        while self._slot_next and not self._read(self._head, self._slot_next - 1):
            self._slot_next -= 1
        self._partition.program = self._write_blind
        return data

    def _write_blind(self, sector, offset, data):
        self._partition._device.writeblocks(sector, data, offset)


class TrustsErased(SnapshotLog):
    """Takes a sector whose first slot is blank for one that was erased to its end, and does not read back."""

    def _prepare(self):
        sector = (self._head + 1) % self._partition.sector_count
        if self._read(sector, 0) is not None:
            super()._prepare()
        self._ahead = sector
        self._partition.program = lambda sector, offset, data: self._partition._device.writeblocks(
            sector, data, offset
        )


class BelievesAnything(SnapshotLog):
    """Does not look at the CRC."""

    def _read(self, sector, index):
        generation = super()._read(sector, index)
        return int.from_bytes(self._slot[:4], "little") if generation == 0 else generation


class ErasesFirst(SnapshotLog):
    """Erases where the newest lies: as many sectors as there are, and one too few."""

    def _prepare(self):
        self._partition.erase(self._head)
        self._ahead = self._head


@pytest.mark.parametrize("broken", [OverwritesTorn, TrustsErased, BelievesAnything, ErasesFirst])
def test_the_sweep_catches_a_log_that_is_broken_on_purpose(broken):
    with pytest.raises((AssertionError, FlashError)):
        sweep(1, broken)


class TidiesTorn(SnapshotLog):
    """Erases a sector with a torn slot and saves the newest there anew: lost if the power fails once more."""

    def load(self):
        data = super().load()
        if any(self._read(self._head, index) == 0 for index in range(PER_SECTOR)):
            self._partition.erase(self._head)
            self._slot_next = 0
            self.save(data or b"")
        return data


def test_the_second_cut_catches_what_the_first_does_not():
    assert sweep(5, TidiesTorn) > 100
    with pytest.raises((AssertionError, FlashError)):
        sweep(5, TidiesTorn, second=True)
