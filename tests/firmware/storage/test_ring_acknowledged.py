"""What a ring does with an acknowledgement, a skip over what it lost, and where reading begins and ends."""

import pytest
from box.storage import sector as layout
from box.storage.ring import RingFull
from support_flash import FlashDevice
from support_ring_cuts import VITAL
from support_ring_places import (
    FULL,
    PER_SECTOR,
    DeafDevice,
    append,
    header,
    numbers,
)
from support_rings import SECTORS, kind_of, make_ring

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
