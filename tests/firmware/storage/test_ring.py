"""The journal's ring: durable on return, in order, exactly once, whatever happens to the power."""

import random
import struct

import pytest
from box.protocols import codes
from box.storage.flash import FlashError, Partition
from box.storage.ring import Ring, RingFull
from hypothesis import given, settings
from hypothesis import strategies as st
from support_flash import FlashDevice
from support_ring_cuts import TELEMETRY, VITAL, sweep
from support_rings import (
    BOX,
    EPOCH,
    KEY,
    SECTORS,
    Cloud,
    check_books,
    kind_of,
    make_ring,
    payload_of,
)

PER_SECTOR = 63


def append(ring: Ring, count: int, start: int = 1) -> None:
    for number in range(start, start + count):
        ring.append(kind_of(ring.ring_id), payload_of(number), 5, 3, 1)


def numbers(ring: Ring, first: int = 1) -> list[int]:
    return [struct.unpack_from("<I", slot, 12)[0] for _, slot in ring.iterate(first, 10_000)]


def test_a_blank_ring_begins_at_one_and_draws_the_lower_half_of_its_epoch():
    ring = make_ring(FlashDevice(SECTORS), VITAL)
    assert ring.is_blank
    assert ring.epoch == EPOCH | 0x1234
    assert (ring.last_sequence, ring.acked, ring.first_unacked) == (0, 0, 1)
    assert ring.append(codes.RECORD_BAG, b"\1\0\0\0", 0, 0, 1) == 1


def test_records_survive_the_ring_object():
    device = FlashDevice(SECTORS)
    append(make_ring(device, VITAL), 100)
    again = make_ring(device, VITAL)
    assert not again.is_blank
    assert again.last_sequence == 100
    assert numbers(again) == list(range(1, 101))
    assert again.append(codes.RECORD_BAG, b"", 0, 0, 1) == 101


def test_one_program_a_record_and_one_erase_a_sector():
    device = FlashDevice(SECTORS)
    append(make_ring(device, VITAL), PER_SECTOR * 3)
    assert device.erases == 3
    assert device.programs == PER_SECTOR * 3 + 3


def test_an_acknowledgement_is_durable_and_only_up_to_what_was_written():
    device = FlashDevice(SECTORS)
    ring = make_ring(device, VITAL)
    append(ring, 10)
    assert not ring.acknowledge(11)
    for sequence in (3, 4, 6, 7, 9):
        assert ring.acknowledge(sequence)
        assert make_ring(device, VITAL).acked == sequence
    assert not ring.acknowledge(5)
    assert make_ring(device, VITAL).first_unacked == 10
    assert numbers(make_ring(device, VITAL), 10) == [10]


def test_vital_overwrites_only_what_is_acknowledged():
    ring = make_ring(FlashDevice(SECTORS), VITAL)
    append(ring, SECTORS * PER_SECTOR)
    assert ring.count_free() == 0
    assert ring.used_fraction() == 1
    with pytest.raises(RingFull):
        append(ring, 1)
    assert numbers(ring) == list(range(1, SECTORS * PER_SECTOR + 1))
    ring.acknowledge(PER_SECTOR - 1)
    with pytest.raises(RingFull):
        append(ring, 1)
    ring.acknowledge(PER_SECTOR)
    append(ring, PER_SECTOR - 1, 253)
    assert ring.first_held == PER_SECTOR + 1


def test_telemetry_drops_its_oldest_and_says_so_in_the_chain():
    ring = make_ring(FlashDevice(SECTORS), TELEMETRY)
    append(ring, SECTORS * PER_SECTOR)
    append(ring, 1, 253)
    slots = dict(ring.iterate(1, 1000))
    assert min(slots) == PER_SECTOR + 1
    told = slots[SECTORS * PER_SECTOR + 1]
    assert told[0] == codes.RECORD_DROPPED
    assert struct.unpack_from("<II", told, 12) == (1, PER_SECTOR)
    check_books(ring, Cloud())


def test_telemetry_says_nothing_of_what_was_acknowledged():
    ring = make_ring(FlashDevice(SECTORS), TELEMETRY)
    cloud = Cloud()
    for start in range(1, 800, 20):
        append(ring, 20, start)
        ring.acknowledge(cloud.take(ring))
    assert not [s for s in cloud.slots.values() if s[0] == codes.RECORD_DROPPED]
    assert check_books(ring, cloud) == list(range(1, 801))


def test_the_next_sector_is_erased_ahead_but_never_one_with_news_in_it():
    device = FlashDevice(SECTORS)
    ring = make_ring(device, VITAL)
    append(ring, 1)
    assert ring.erase_ahead()
    assert not ring.erase_ahead()
    erases = device.erases
    append(ring, PER_SECTOR, 2)
    assert device.erases == erases  # the record that opened the next sector waited for no erase
    append(ring, 2 * PER_SECTOR, 70)
    while ring.erase_ahead():
        pass
    assert ring.first_held == 1


def test_wear_is_even_and_counted():
    device = FlashDevice(SECTORS)
    ring = make_ring(device, VITAL)
    for lap in range(5):
        append(ring, SECTORS * PER_SECTOR, lap * SECTORS * PER_SECTOR)
        ring.acknowledge(ring.last_sequence)
    counts = [struct.unpack_from("<I", device.image, sector * 4096 + 16)[0] for sector in range(SECTORS)]
    assert max(counts) - min(counts) <= 1
    assert 5 <= max(counts) <= 7


def test_a_sector_that_no_longer_erases_is_passed_over():
    device = FlashDevice(5)
    ring = make_ring(device, VITAL)
    cloud = Cloud()
    append(ring, 5 * PER_SECTOR)
    while cloud.stored_to < ring.last_sequence:
        ring.acknowledge(cloud.take(ring))
    device.bad_sectors = (1, 2)
    for start in range(316, 1000, 20):
        append(ring, 20, start)
        ring.acknowledge(cloud.take(ring))
    assert ring.damaged
    again = make_ring(device, VITAL)
    assert again.last_sequence == ring.last_sequence
    assert check_books(again, cloud) == list(range(1, 1016))


def test_a_chip_that_erases_nothing_raises_and_changes_nothing():
    device = FlashDevice(SECTORS, bytearray(SECTORS * 4096), bad_sectors=tuple(range(SECTORS)))
    ring = make_ring(device, VITAL)
    with pytest.raises(FlashError):
        append(ring, 1)
    assert ring.last_sequence == 0


def test_flash_of_another_box_epoch_or_ring_is_blank():
    device = FlashDevice(SECTORS)
    append(make_ring(device, VITAL), 5)
    assert make_ring(device, TELEMETRY).is_blank
    other = Ring(Partition(device), VITAL, BOX, EPOCH + 0x10000, KEY)
    other.open()
    assert other.is_blank


def test_a_worn_cell_loses_no_record_but_its_own():
    for bit in (0, 5 * 8, 20 * 8, 47 * 8, 48 * 8, 63 * 8):
        for worn in (1, 30, 58, 59):
            device = FlashDevice(SECTORS)
            append(make_ring(device, VITAL), 60)
            device.image[worn * 64 + 64 * 0 + bit // 8] ^= 1
            again = make_ring(device, VITAL)
            assert again.last_sequence == 60, (bit, worn)
            held = dict(again.iterate(1, 100))
            assert list(held) == list(range(1, 61))
            for number in range(1, 61):
                if number != worn:
                    assert struct.unpack_from("<I", held[number], 12)[0] == number
            again.append(codes.RECORD_BAG, b"", 0, 0, 1)
            assert make_ring(device, VITAL).last_sequence == 61


@settings(max_examples=30)
@given(st.integers(0, 1 << 32), st.integers(0, SECTORS - 1), st.integers(0, 200))
def test_garbage_in_a_sector_never_stops_the_ring(seed, sector, count):
    garbage = random.Random(seed).randbytes(4096)
    device = FlashDevice(SECTORS)
    append(make_ring(device, TELEMETRY), count)
    device.image[sector * 4096 : (sector + 1) * 4096] = garbage
    ring = make_ring(device, TELEMETRY)
    list(ring.iterate(1, 1000))
    append(ring, 300)
    assert make_ring(device, TELEMETRY).last_sequence == ring.last_sequence


def test_a_ring_that_lost_its_head_goes_on_past_what_the_cloud_has_and_keeps_the_new_records():
    device = FlashDevice(SECTORS)
    append(make_ring(device, VITAL), 80)
    device.image[4096:8192] = bytes(4096)  # the sector with 64..80 is gone, and the cloud has them
    ring = make_ring(device, VITAL)
    append(ring, 2, 1000)
    assert ring.last_sequence == 65
    ring.skip_to(80)
    assert ring.first_unacked == 81
    again = make_ring(device, VITAL)
    assert (again.acked, again.last_sequence) == (80, 82)
    assert numbers(again, again.first_unacked) == [1000, 1001]


# --- power cuts ---


@pytest.mark.parametrize("ring_id", [VITAL, TELEMETRY])
def test_a_power_cut_at_every_program_and_erases_loses_nothing_reported(ring_id):
    assert sweep(ring_id, 1) > 1500


@pytest.mark.sweep
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("ring_id", [VITAL, TELEMETRY])
def test_a_second_cut_during_every_recovery_loses_nothing_either(ring_id):
    assert sweep(ring_id, 1, second=True) > 50_000


@pytest.mark.parametrize("ring_id", [VITAL, TELEMETRY])
def test_a_second_cut_during_some_recoveries_loses_nothing_either(ring_id):
    assert sweep(ring_id, 37, second=True) > 1000


class OverwritesTorn(Ring):
    """Takes a torn slot after the last good record for free, and does not read back what it programs."""

    def _recover_head(self, header):
        super()._recover_head(header)
        if self._slots:
            self._slot_next = self._slots[-1] + 1
        self._partition.program = lambda sector, offset, data: self._partition._device.writeblocks(
            sector, data, offset
        )


class SaysTooSoon(Ring):
    """Reports a record before it is programmed: it waits in memory for the next."""

    waiting = None

    def append(self, *record):
        if self.waiting:
            super().append(*self.waiting)
        self.waiting = record
        return self.last_sequence + 1


class ErasesUnmarked(Ring):
    """Forgets that the tail may hold what nobody has acknowledged."""

    def _last_of(self, sector):
        return 0


class TellsNothing(Ring):
    """Drops without saying so."""

    def _find_gap(self):
        return None


@pytest.mark.parametrize(
    ("broken", "ring_id"),
    [(OverwritesTorn, VITAL), (SaysTooSoon, VITAL), (ErasesUnmarked, VITAL), (TellsNothing, TELEMETRY)],
)
def test_the_sweep_catches_a_ring_that_is_broken_on_purpose(broken, ring_id):
    with pytest.raises((AssertionError, FlashError)):
        sweep(ring_id, 3, broken)


class RecoversInPlace(Ring):
    """Tidies a head with torn slots by erasing it: whole again, unless the power fails once more."""

    def open(self):
        super().open()
        if not self.torn:
            return
        slots = [self._partition_slot(0), *(self._partition_slot(index) for index in self._slots)]
        self._partition.erase(self._head)
        for index, slot in enumerate(slots):
            self._partition.program(self._head, index * 64, slot)
        self.torn = 0
        super().open()

    def _partition_slot(self, index):
        slot = bytearray(64)
        self._partition.read(self._head, index * 64, slot)
        return slot


def test_the_second_cut_catches_what_the_first_does_not():
    assert sweep(VITAL, 9, RecoversInPlace) > 100
    with pytest.raises(AssertionError):
        sweep(VITAL, 9, RecoversInPlace, second=True)
