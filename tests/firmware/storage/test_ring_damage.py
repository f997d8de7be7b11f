"""Worn cells and lost sectors: a flipped bit costs its own record at most, and a skip costs none."""

from __future__ import annotations

import struct

import pytest
from box.storage.ring import Ring
from support_flash import MODES, FlashDevice, PowerCut
from support_ring_cuts import TELEMETRY, VITAL
from support_rings import SECTORS, kind_of, make_ring, payload_of

PER_SECTOR = 63
WRITTEN = 170  # three sectors, the head among them half full


def fill(ring_id: int, count: int = WRITTEN, acked: int = 3) -> FlashDevice:
    device = FlashDevice(SECTORS)
    ring = make_ring(device, ring_id)
    for number in range(1, count + 1):
        ring.append(kind_of(ring_id), payload_of(number), 5, 3, 1)
    ring.acknowledge(acked)
    return device


def read(device: FlashDevice, ring_id: int, ring_class: type[Ring] = Ring) -> dict[int, bytes]:
    return {n: bytes(slot) for n, slot in make_ring(device, ring_id, ring_class).iterate(1, 1000)}


def flip_headers(ring_id: int, step: int, ring_class: type[Ring] = Ring) -> int:
    device = fill(ring_id)
    whole = read(device, ring_id)
    assert len(whole) == WRITTEN
    count = 0
    for sector in range(3):
        for bit in range(0, 512, step):
            device.image[sector * 4096 + bit // 8] ^= 1 << bit % 8
            assert read(device, ring_id, ring_class) == whole, (sector, bit)
            device.image[sector * 4096 + bit // 8] ^= 1 << bit % 8
            count += 1
    return count


@pytest.mark.parametrize("ring_id", [VITAL, TELEMETRY])
def test_a_flipped_bit_in_a_header_loses_nothing(ring_id):
    assert flip_headers(ring_id, 3) > 500


class BelievesTheHeader(Ring):
    def _mend_header(self, sector):
        return None


def test_without_putting_it_right_a_flipped_bit_would_lose_a_sector():
    with pytest.raises(AssertionError):
        flip_headers(VITAL, 37, BelievesTheHeader)


def test_a_ring_with_a_worn_header_goes_on_round_and_round():
    device = fill(VITAL)
    for sector in range(3):
        device.image[sector * 4096 + 9] ^= 1
    ring = make_ring(device, VITAL)
    assert (ring.last_sequence, ring.acked, ring.damaged) == (WRITTEN, 3, 3)
    for number in range(WRITTEN + 1, 1000):
        ring.append(kind_of(VITAL), payload_of(number), 5, 3, 1)
        ring.acknowledge(ring.last_sequence)
    again = make_ring(device, VITAL)
    assert (again.last_sequence, again.damaged) == (999, 0)


def test_a_flipped_bit_in_a_slot_damages_that_record_alone():
    """Slots of records, of marks and erased ones. A record is given as it lies there: the cloud judges it."""
    device = fill(VITAL, 100)
    whole = read(device, VITAL)
    for at in range(64, 2 * 4096, 61):
        sector, slot = at // 4096, at % 4096 // 64
        if slot == 0:
            continue
        device.image[at] ^= 1 << at % 8
        have = read(device, VITAL)
        differs = {n for n in whole if have.get(n) != whole[n]}
        assert differs <= {sector * PER_SECTOR + slot}, at
        assert len(have) >= len(whole) - (sector * PER_SECTOR + slot == 100), at
        ring = make_ring(device, VITAL)
        assert ring.append(kind_of(VITAL), payload_of(7), 5, 3, 1) >= 100
        device = fill(VITAL, 100)


# --- a sector that died with the newest records in it ---

STORED = 126  # the cloud has both sectors, the ring has lost the second


def lose_a_sector() -> FlashDevice:
    device = fill(VITAL, STORED, acked=0)
    device.image[4096:8192] = bytes(4096)
    ring = make_ring(device, VITAL)
    assert ring.last_sequence == PER_SECTOR
    return device


def numbers(ring: Ring) -> list[int]:
    return [struct.unpack_from("<I", slot, 12)[0] for _, slot in ring.iterate(ring.first_unacked, 1000)]


@pytest.mark.parametrize("since", [0, 1, 62, 63, 64, 150])
def test_all_that_was_written_since_a_sector_died_is_written_anew_behind_what_the_cloud_has(since):
    device = lose_a_sector()
    ring = make_ring(device, VITAL)
    want = [1000 + number for number in range(since)]
    for number in want:
        ring.append(kind_of(VITAL), payload_of(number), 5, 3, 1)
    cloud_has = max(STORED, ring.last_sequence + 1)
    ring.skip_to(cloud_has)
    for view in (ring, make_ring(device, VITAL)):
        assert view.first_unacked == cloud_has + 1
        assert numbers(view) == want
    ring.append(kind_of(VITAL), payload_of(5000), 5, 3, 1)
    assert numbers(make_ring(device, VITAL)) == [*want, 5000]


def skip_with_cuts(ring_class: type[Ring]) -> int:
    """Power fails at every step of the skip; the cloud still has what it has, and tells it again."""
    want = [1000 + number for number in range(20)]
    cuts = 0
    for mode in MODES:
        for cut_at in range(100):
            device = lose_a_sector()
            ring = make_ring(device, VITAL, ring_class)
            for number in want:
                ring.append(kind_of(VITAL), payload_of(number), 5, 3, 1)
            broken = FlashDevice(SECTORS, bytearray(device.image), cut_at=None, mode=mode)
            ring._partition._device = broken
            broken.cut_at = cut_at
            try:
                ring.skip_to(STORED)
            except PowerCut:
                cuts += 1
            else:
                break
            again = make_ring(FlashDevice(SECTORS, bytearray(broken.image)), VITAL, ring_class)
            if again.last_sequence < STORED:  # as it was: what the restart does not know apart stays
                assert [struct.unpack_from("<I", slot, 12)[0] for _, slot in again.iterate(64, 99)] == want
            else:
                assert numbers(again) == want, (mode, cut_at)
    return cuts


def test_a_power_cut_in_a_skip_leaves_all_of_the_new_records_or_none():
    assert skip_with_cuts(Ring) > 60


class SkipsOneByOne(Ring):
    """Opens the sector first and fills it then."""

    def _open_sector(self, slots=()):
        super()._open_sector()
        for slot in slots:
            self._partition.program(self._head, self._slot_next * 64, slot)
            self._slots.append(self._slot_next)
            self._slot_next += 1
            self.last_sequence += 1


def test_the_sweep_of_the_skip_catches_one_that_is_broken_on_purpose():
    with pytest.raises(AssertionError):
        skip_with_cuts(SkipsOneByOne)
