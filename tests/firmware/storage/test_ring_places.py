"""A ring at its limits: what its headers hold, bad sectors and slots in a row, where it begins and ends."""

import pytest
from box.protocols import records
from box.storage import sector as layout
from box.storage.flash import FlashError, Partition
from box.storage.ring import Ring
from support_flash import SECTOR, FlashDevice
from support_ring_cuts import TELEMETRY, VITAL
from support_ring_places import (
    FULL,
    PER_SECTOR,
    DeafDevice,
    append,
    erase_counts,
    header,
    numbers,
    told,
    wipe,
)
from support_rings import BOX, EPOCH, KEY, SECTORS, Cloud, check_books, make_ring

# --- where it begins ---


def test_the_first_header_says_that_all_begins_here():
    device = FlashDevice(SECTORS)
    ring = make_ring(device, VITAL)
    assert (ring.first_held, ring.torn, ring.damaged, ring.count_free()) == (1, 0, 0, FULL)
    append(ring)
    assert header(device, 0) == (EPOCH | 0x1234, 1, 1, 0, 0, 1, records.FIRST_MAC)
    assert ring.first_held == 1


def test_the_lower_half_of_the_epoch_is_drawn_by_chance_and_the_upper_one_is_the_identitys():
    drawn = set()
    for _ in range(40):
        ring = Ring(Partition(FlashDevice(SECTORS)), VITAL, BOX, EPOCH | 0xFFFF, KEY)
        ring.open()
        assert ring.epoch >> 16 == EPOCH >> 16
        drawn.add(ring.epoch & 0xFFFF)
    assert len(drawn) > 30
    assert max(drawn) > 0xFF


def test_an_identity_with_another_lower_half_finds_its_ring_again():
    device = FlashDevice(SECTORS)
    append(make_ring(device, VITAL), 5)
    ring = Ring(Partition(device), VITAL, BOX, EPOCH | 0xFFFF, KEY, lambda: b"\0\0")
    ring.open()
    assert (ring.epoch, ring.last_sequence, numbers(ring)) == (EPOCH | 0x1234, 5, [1, 2, 3, 4, 5])


@pytest.mark.parametrize("last_bit", [0x0001_0000, 0x8000_0000])
def test_a_ring_of_another_epoch_by_one_bit_is_not_this_one(last_bit):
    device = FlashDevice(SECTORS)
    append(make_ring(device, VITAL), 5)
    ring = Ring(Partition(device), VITAL, BOX, EPOCH ^ last_bit, KEY)
    ring.open()
    assert ring.is_blank


def test_a_ring_made_ready_has_its_epoch_on_flash_and_is_not_opened_twice():
    device = FlashDevice(SECTORS)
    ring = make_ring(device, VITAL)
    ring.make_ready()
    ring.make_ready()
    assert (device.erases, header(device, 0)[layout.EPOCH]) == (1, ring.epoch)
    again = Ring(Partition(device), VITAL, BOX, EPOCH, KEY, lambda: b"\0\0")
    again.open()
    assert (again.epoch, again.last_sequence, again.is_blank) == (ring.epoch, 0, False)
    again.make_ready()
    append(again)
    assert device.erases == 1


# --- bad sectors and slots ---


@pytest.mark.parametrize(("bad", "is_dead"), [(7, False), (8, True)])
def test_seven_bad_sectors_in_a_row_are_passed_over_and_eight_are_a_dead_chip(bad, is_dead):
    device = FlashDevice(12, bad_sectors=tuple(range(1, 1 + bad)))
    device.image[SECTOR:] = bytes(11 * SECTOR)
    ring = make_ring(device, VITAL)
    append(ring, PER_SECTOR)
    if is_dead:
        with pytest.raises(FlashError):
            append(ring)
    else:
        append(ring)
        assert numbers(make_ring(device, VITAL)) == list(range(1, 65))
    assert ring.damaged == bad


def test_a_blank_ring_may_begin_in_its_last_sector_and_then_has_no_other():
    device = FlashDevice(SECTORS, bytearray(SECTORS * SECTOR), bad_sectors=(0, 1, 2))
    ring = make_ring(device, VITAL)
    append(ring, PER_SECTOR)
    assert header(device, 3)[layout.ERASES] == 1
    assert ring.damaged == 3
    with pytest.raises(FlashError):
        append(ring)
    assert ring.damaged == 6
    assert numbers(make_ring(device, VITAL)) == list(range(1, 64))


@pytest.mark.parametrize(("deaf", "is_dead"), [(3, False), (4, True)])
def test_a_record_is_tried_in_four_slots(deaf, is_dead):
    device = DeafDevice(SECTORS)
    device.deaf = frozenset((0, slot) for slot in range(2, 2 + deaf))
    ring = make_ring(device, VITAL)
    append(ring)
    if is_dead:
        with pytest.raises(FlashError):
            append(ring)
        assert ring.last_sequence == 1
        append(ring)
    else:
        append(ring)
    assert ring.damaged == deaf
    assert numbers(ring) == [1, 2]
    assert numbers(make_ring(device, VITAL)) == [1, 2]


def test_a_record_whose_last_slots_do_not_hold_goes_into_the_next_sector():
    device = DeafDevice(SECTORS)
    device.deaf = frozenset((0, slot) for slot in (62, 63))
    ring = make_ring(device, VITAL)
    append(ring, 70)
    assert header(device, 1)[layout.FIRST] == 62
    for view in (ring, make_ring(device, VITAL)):
        assert numbers(view) == list(range(1, 71))


@pytest.mark.parametrize(("deaf", "is_dead"), [(3, False), (4, True)])
def test_a_header_is_tried_in_four_sectors(deaf, is_dead):
    device = DeafDevice(8)
    device.deaf = frozenset((sector, 0) for sector in range(1, 1 + deaf))
    ring = make_ring(device, VITAL)
    append(ring, PER_SECTOR)
    if is_dead:
        with pytest.raises(FlashError):
            append(ring)
    else:
        append(ring)
        assert header(device, 1 + deaf)[layout.NUMBER] == 2
    assert ring.damaged == deaf
    for view in (ring, make_ring(device, VITAL)):
        assert numbers(view) == list(range(1, 64 if is_dead else 65))


class WeakDevice(FlashDevice):
    """One bit of a sector's header does not hold when it is programmed."""

    weak_sector = 1

    def writeblocks(self, sector: int, data: bytes, offset: int | None = None) -> None:
        super().writeblocks(sector, data, offset)
        if sector == self.weak_sector and offset == 0:
            self.image[sector * SECTOR + 12] &= 0xBF


def test_a_header_that_does_not_hold_is_not_put_right_later():
    device = WeakDevice(SECTORS)
    append(make_ring(device, VITAL), PER_SECTOR + 1)
    ring = make_ring(device, VITAL)
    assert (ring.damaged, numbers(ring)) == (0, list(range(1, 65)))


def test_torn_slots_in_a_sector_that_is_full_and_a_sector_that_is_lost_leave_the_others_readable():
    device = FlashDevice(SECTORS)
    ring = make_ring(device, VITAL)
    append(ring, 10)
    device.image[20 * 64 : 20 * 64 + 8] = bytes(8)
    append(ring, 200)
    device.image[(2 * 64 + 30) * 64 + 20] ^= 1  # damaged: given as it is
    for view in (ring, make_ring(device, VITAL)):
        assert [number for number, _ in view.iterate(1, 999)] == list(range(1, 211))
        assert numbers(view, 1, 70) == list(range(1, 71))
    wipe(device, 2)
    lost = range(126, 189)
    ring = make_ring(device, VITAL)
    assert numbers(ring) == [number for number in range(1, 211) if number not in lost]
    assert numbers(ring, 150, 3) == [189, 190, 191]


def test_a_header_that_is_lost_while_the_box_runs_stops_no_reading():
    device = FlashDevice(SECTORS)
    ring = make_ring(device, VITAL)
    append(ring, 200)
    wipe(device, 3)
    assert numbers(ring, 1, 189) == list(range(1, 190))


# --- what is counted ---


def test_each_sector_counts_its_erases_also_where_it_was_erased_ahead_or_lost_its_header():
    device = FlashDevice(SECTORS)
    ring = make_ring(device, VITAL)

    def fill_sector(ring: Ring, is_ahead: bool) -> None:
        append(ring, PER_SECTOR)
        if is_ahead:
            assert ring.erase_ahead()
        ring.acknowledge(ring.last_sequence)  # opens the next

    for number in range(13):
        fill_sector(ring, number % 3 == 0)
    assert erase_counts(device) == [4, 4, 3, 3]
    assert device.erases == 14  # none twice
    wipe(device, 2)
    ring = make_ring(device, VITAL)
    fill_sector(ring, False)
    assert erase_counts(device) == [4, 4, 4, 3]
    wipe(device, 0)
    fill_sector(ring, False)
    fill_sector(ring, False)
    assert erase_counts(device) == [5, 4, 4, 4]


def test_slots_that_are_torn_and_records_that_are_damaged_are_counted_at_the_start():
    device = FlashDevice(SECTORS)
    append(make_ring(device, VITAL), 10)
    device.image[5 * 64 + 20] ^= 1
    device.image[11 * 64 : 11 * 64 + 20] = bytes(20)
    ring = make_ring(device, VITAL)
    assert (ring.torn, ring.damaged, ring.last_sequence) == (1, 1, 10)
    append(ring)
    assert [number for number, _ in make_ring(device, VITAL).iterate(1, 99)] == list(range(1, 12))


def test_a_worn_header_is_forgotten_once_its_sector_is_erased():
    device = FlashDevice(SECTORS)
    append(make_ring(device, VITAL), FULL)
    device.image[9] ^= 1
    ring = make_ring(device, VITAL)
    assert ring.damaged == 1
    ring.acknowledge(FULL)
    append(ring, FULL)
    assert numbers(ring) == numbers(make_ring(device, VITAL)) == list(range(FULL + 1, 2 * FULL + 1))


# --- what telemetry drops ---


def drop(device: FlashDevice, count: int) -> Ring:
    ring = make_ring(device, TELEMETRY)
    append(ring, count)
    return ring


@pytest.mark.parametrize("more", [1, 2, 61, 62, 63])
def test_what_was_dropped_is_told_once_also_after_starts_and_in_later_sectors(more):
    device = FlashDevice(SECTORS)
    drop(device, FULL + more - 1)
    ring = make_ring(device, TELEMETRY)
    append(ring)
    ring = make_ring(device, TELEMETRY)
    append(ring)
    assert told(ring)[0] == (1, PER_SECTOR)
    assert len(told(ring)) == len({last for _, last in told(ring)}) == (1 if more < 62 else 2)
    check_books(ring, Cloud())


def test_what_was_dropped_and_not_yet_told_when_the_power_failed_is_told_by_the_next_record():
    device = FlashDevice(SECTORS)
    ring = drop(device, FULL)
    assert ring.erase_ahead()
    ring = make_ring(device, TELEMETRY)
    append(ring)
    assert told(ring) == [(1, PER_SECTOR)]
    assert ring.last_sequence == FULL + 2


def test_what_is_told_begins_behind_what_was_acknowledged():
    device = FlashDevice(SECTORS)
    ring = drop(device, 100)
    ring.acknowledge(20)
    append(ring, FULL - 100 + 1)
    assert told(ring) == [(21, PER_SECTOR)]
    for acked, gaps in ((PER_SECTOR - 1, [(PER_SECTOR, PER_SECTOR)]), (PER_SECTOR, [])):
        ring = drop(FlashDevice(SECTORS), 100)
        ring.acknowledge(acked)
        append(ring, FULL - 100 + 1)
        assert told(ring) == gaps


def test_nothing_is_told_twice_where_a_sector_that_erases_again_is_opened_without_dropping():
    device = FlashDevice(SECTORS + 1, bad_sectors=(SECTORS,))
    device.image[SECTORS * SECTOR :] = bytes(SECTOR)
    drop(device, 2 * FULL - 10)
    device.bad_sectors = ()
    ring = make_ring(device, TELEMETRY)
    append(ring, 10)
    assert header(device, SECTORS, TELEMETRY)[layout.FIRST] > FULL
    before = told(ring)
    ring = make_ring(device, TELEMETRY)
    append(ring)
    assert told(ring) == before


def test_vital_tells_of_no_loss_where_an_acknowledgement_was_not_noted():
    device = DeafDevice(SECTORS)
    ring = make_ring(device, VITAL)
    append(ring, FULL - 20)
    device.deaf = frozenset({(3, 44)})
    ring.acknowledge(PER_SECTOR)
    assert ring.erase_ahead()
    ring = make_ring(device, VITAL)
    append(ring)
    assert (ring.first_unacked, told(ring)) == (PER_SECTOR + 1, [])


@pytest.mark.parametrize(("written", "may_drop"), [(54, False), (55, True), (63, True)])
def test_telemetry_drops_ahead_of_need_only_with_eight_slots_left(written, may_drop):
    ring = drop(FlashDevice(SECTORS), FULL - PER_SECTOR + written)
    assert ring.erase_ahead() is may_drop
    assert ring.first_held == (PER_SECTOR + 1 if may_drop else 1)


def test_vital_erases_ahead_nothing_unacknowledged_however_full_it_is():
    ring = make_ring(FlashDevice(SECTORS), VITAL)
    assert ring.erase_ahead() is False
    append(ring, FULL - 3)
    assert ring.erase_ahead() is False
    ring.acknowledge(PER_SECTOR - 1)
    assert ring.erase_ahead() is False
    ring.acknowledge(PER_SECTOR)
    assert ring.erase_ahead() is True
    assert ring.erase_ahead() is False
