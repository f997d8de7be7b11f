"""A ring at its limits: what its headers hold, bad sectors and slots in a row, where it begins and ends."""

import struct

import pytest
from box.protocols import codes, records
from box.storage import sector as layout
from box.storage.flash import FlashError, Partition
from box.storage.ring import Ring, RingFull
from support_flash import SECTOR, FlashDevice
from support_ring_cuts import TELEMETRY, VITAL
from support_rings import BOX, EPOCH, KEY, SECTORS, Cloud, check_books, kind_of, make_ring, payload_of

PER_SECTOR = 63
FULL = SECTORS * PER_SECTOR


def append(ring: Ring, count: int = 1, start: int | None = None) -> None:
    start = ring.last_sequence + 1 if start is None else start
    for number in range(start, start + count):
        ring.append(kind_of(ring.ring_id), payload_of(number), 5, 3, 1)


def numbers(ring: Ring, first: int = 1, limit: int = 10_000) -> list[int]:
    return [struct.unpack_from("<I", slot, 12)[0] for _, slot in ring.iterate(first, limit)]


def header(device: FlashDevice, sector: int, ring_id: int = VITAL) -> tuple:
    found = layout.unpack_header(bytes(device.image[sector * SECTOR : sector * SECTOR + 64]), ring_id)
    assert found is not None
    return found


def erase_counts(device: FlashDevice) -> list[int]:
    return [header(device, sector)[layout.ERASES] for sector in range(device.sectors)]


def wipe(device: FlashDevice, sector: int) -> None:
    device.image[sector * SECTOR : (sector + 1) * SECTOR] = b"\xff" * SECTOR


class DeafDevice(FlashDevice):
    """Takes no program at the places in `deaf`, (sector, slot), and says nothing."""

    deaf: frozenset[tuple[int, int]] = frozenset()

    def writeblocks(self, sector: int, data: bytes, offset: int | None = None) -> None:
        if (sector, (offset or 0) // 64) not in self.deaf or not any(data):
            super().writeblocks(sector, data, offset)


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


def told(ring: Ring) -> list[tuple[int, int]]:
    slots = [slot for _, slot in ring.iterate(1, 9999) if slot[0] == codes.RECORD_DROPPED]
    return [struct.unpack_from("<II", slot, 12) for slot in slots]


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


# --- acknowledgements ---


@pytest.mark.parametrize("written", [10, 61, 62, 63])
def test_an_acknowledgement_is_kept_over_a_start_where_there_is_room_for_it_in_whatever_sector(written):
    device = FlashDevice(SECTORS)
    ring = make_ring(device, VITAL)
    append(ring, PER_SECTOR + written)
    for sequence in range(1, 30):
        ring.acknowledge(sequence)
        again = make_ring(device, VITAL)
        assert again.acked == sequence
        assert again.last_sequence == PER_SECTOR + written


def test_four_acknowledgements_share_a_slot():
    device = FlashDevice(SECTORS)
    ring = make_ring(device, VITAL)
    append(ring, 20)
    for sequence in range(1, 10):
        ring.acknowledge(sequence)
    assert [device.image[slot * 64] for slot in (21, 22, 23, 24)] == [0xAC, 0xAC, 0xAC, 0xFF]
    again = make_ring(device, VITAL)  # goes on in the slot that has room, also past a record
    again.acknowledge(10)
    append(again)
    again.acknowledge(11)
    again.acknowledge(12)
    again.acknowledge(13)
    kinds = [device.image[slot * 64] for slot in range(21, 27)]
    assert kinds == [0xAC, 0xAC, 0xAC, kind_of(VITAL), 0xAC, 0xFF]
    assert make_ring(device, VITAL).acked == 13


def test_with_no_room_and_nothing_to_overwrite_an_acknowledgement_is_noted_with_the_next_sector():
    device = FlashDevice(SECTORS)
    ring = make_ring(device, VITAL)
    append(ring, FULL)
    erases = device.erases
    assert ring.acknowledge(20) is True
    assert (ring.acked, device.erases) == (20, erases)
    assert make_ring(device, VITAL).acked == 0
    assert ring.acknowledge(PER_SECTOR) is True  # the oldest sector may go, and the next header notes it
    assert make_ring(device, VITAL).acked == PER_SECTOR
    append(ring)
    assert numbers(make_ring(device, VITAL), 1, 1) == [PER_SECTOR + 1]


def test_an_acknowledgement_that_its_slot_does_not_take_counts_and_the_next_goes_elsewhere():
    device = DeafDevice(SECTORS)
    ring = make_ring(device, VITAL)
    append(ring, 10)
    device.deaf = frozenset({(0, 11)})
    assert ring.acknowledge(3) is True
    assert ring.acknowledge(3) is False
    assert ring.acknowledge(11) is False
    assert (ring.acked, ring.damaged) == (3, 1)
    assert ring.acknowledge(4) is True
    again = make_ring(device, VITAL)
    assert (again.acked, again.last_sequence) == (4, 10)


# --- a skip ---


@pytest.mark.parametrize("beyond", [0, 1])
def test_a_ring_skips_over_no_more_than_it_holds(beyond):
    device = FlashDevice(SECTORS)
    ring = make_ring(device, VITAL)
    append(ring, 5)
    assert ring.skip_to(5 + FULL + beyond) is not beyond
    for view in (ring, make_ring(device, VITAL)):
        assert view.last_sequence == (5 if beyond else FULL + 10)
        assert numbers(view, view.first_unacked) == [1, 2, 3, 4, 5]
    assert ring.skip_to(2**32 - 1) is False
    append(ring)
    assert ring.last_sequence == (6 if beyond else FULL + 11)


def test_a_ring_without_any_record_skips_too():
    device = FlashDevice(SECTORS)
    ring = make_ring(device, VITAL)
    assert ring.skip_to(50) is True
    append(ring)
    for view in (ring, make_ring(device, VITAL)):
        assert (view.acked, view.last_sequence, view.first_held) == (50, 51, 51)


def test_what_was_written_before_the_start_is_not_written_anew():
    device = FlashDevice(SECTORS)
    append(make_ring(device, VITAL), 5)
    ring = make_ring(device, VITAL)
    append(ring, 2)
    assert ring.skip_to(70) is True
    assert numbers(ring, ring.first_unacked) == [6, 7]


@pytest.mark.parametrize("since", [62, 63, 64, 140])
def test_a_skip_writes_a_whole_sector_at_once_and_no_more_than_it_must(since):
    device = FlashDevice(8, recording=[])
    ring = make_ring(device, VITAL)
    append(ring, since)
    device.recording.clear()
    assert ring.skip_to(300) is True
    programs = [operation.offset for operation in device.recording if operation.kind == "program"]
    assert programs.index(0) == min(since, PER_SECTOR)  # what becomes valid with the header
    assert (ring.last_sequence, numbers(ring, 301)) == (300 + since, list(range(1, since + 1)))
    opened = -(-since // PER_SECTOR)
    assert device.erases == 2 * opened
    assert header(device, opened)[layout.FIRST] == 301


# --- reading ---


class CountingDevice(FlashDevice):
    """Counts what is read."""

    reads = 0

    def readblocks(self, sector: int, buffer: bytearray | memoryview, offset: int = 0) -> None:
        self.reads += 1
        super().readblocks(sector, buffer, offset)


@pytest.mark.parametrize("first", [64, 65, 100, 126])
def test_what_was_read_last_is_read_again_without_a_look_for_its_sector(first):
    device = CountingDevice(SECTORS)
    ring = make_ring(device, VITAL)
    append(ring, 240)
    numbers(ring, first, 1)
    device.reads = 0
    assert numbers(ring, first, 1) == [first]
    assert device.reads == 1


@pytest.mark.parametrize("first", [0, 1, 2, 62, 63, 64, 65, 126, 127, 189, 190, 230, 240, 241, 300])
@pytest.mark.parametrize("limit", [0, 1, 2, 70, 999])
def test_reading_may_begin_anywhere_and_ends_at_its_limit(first, limit):
    ring = make_ring(FlashDevice(SECTORS), VITAL)
    append(ring, 240)
    want = list(range(max(1, first), 241))[:limit]
    assert numbers(ring, first, limit) == want
    assert numbers(ring, 200, 1) == [200]
    assert numbers(ring, first, limit) == want
    assert numbers(ring, 5, 1) == [5]


def test_how_full_it_is_tells_what_waits_for_the_cloud():
    ring = make_ring(FlashDevice(SECTORS), VITAL)
    assert (ring.used_fraction(), ring.count_free()) == (0, FULL)
    append(ring, FULL // 4)
    assert (ring.used_fraction(), ring.count_free()) == (0.25, FULL - FULL // 4)
    ring.acknowledge(10)
    assert ring.count_free() == FULL - FULL // 4 + 10
    append(ring, FULL - FULL // 4)
    ring.acknowledge(9)
    with pytest.raises(RingFull):
        append(ring)
    assert ring.count_free() == 10
