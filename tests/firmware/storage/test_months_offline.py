"""Three months without a network, on rings of the board's size: every vital record waits, what telemetry
dropped is told, and all of it is in the books once and in order when the link comes back.
"""

import struct

import pytest
from box.protocols import codes
from box.storage.flash import Partition
from box.storage.journal import Journal
from box.storage.ring import Ring, RingFull
from support_flash import FlashDevice
from support_rings import BOX, EPOCH, KEY, Cloud, check_books, kind_of, payload_of
from support_wear import RECORDS_A_DAY, sectors_of

DAYS = 90
RESTART_DAYS = 13  # the battery is flat now and then


class Clock:
    def stamp(self):
        return 5, codes.TRUST_KEPT


def open_ring(device: FlashDevice, ring_id: int) -> Ring:
    ring = Ring(Partition(device), ring_id, BOX, EPOCH, KEY, lambda: b"\x12\x34")
    ring.open()
    return ring


def write_days(device: FlashDevice, ring_id: int, records_a_day: int, days: int = DAYS) -> tuple[Ring, int]:
    ring = open_ring(device, ring_id)
    number = 0
    for day in range(days):
        if day % RESTART_DAYS == 0:
            ring = open_ring(device, ring_id)
        for _ in range(records_a_day):
            number += 1
            ring.append(kind_of(ring_id), payload_of(number), 5, 3, 1)
        ring.erase_ahead()
    return ring, number


def test_vital_keeps_ninety_days_whole_warns_and_gives_all_of_it_when_the_link_is_back():
    device = FlashDevice(sectors_of("vital"))
    ring, written = write_days(device, codes.RING_VITAL, RECORDS_A_DAY["vital"])
    assert ring.used_fraction() > 0.95
    again = open_ring(device, codes.RING_VITAL)
    assert again.first_unacked == 1
    assert check_books(again, Cloud()) == list(range(1, written + 1))
    assert again.used_fraction() < 0.01


def test_the_warning_comes_weeks_before_no_session_begins_any_more_and_service_still_writes():
    device = FlashDevice(sectors_of("vital"))
    journal = Journal(
        open_ring(device, codes.RING_VITAL), open_ring(FlashDevice(4), codes.RING_TELEMETRY), Clock()
    )
    warned_at = full_at = 0
    day = 0
    while not full_at:
        day += 1
        for _ in range(RECORDS_A_DAY["vital"]):
            if not journal.vital_full:
                journal.write(codes.RECORD_BAG, struct.pack("<I", day))
        if journal.vital.used_fraction() >= 0.8 and not warned_at:
            warned_at = day
        full_at = day if journal.vital_full else 0
    assert (warned_at, full_at) == (73, 91)
    assert journal.write(codes.RECORD_SERVICE, bytes(10)), "what room is left is for those"
    while journal.vital.count_free():
        journal.vital.append(codes.RECORD_BAG, b"\1\0\0\0", 5, 3, 1)
    with pytest.raises(RingFull):
        journal.vital.append(codes.RECORD_BAG, b"\1\0\0\0", 5, 3, 1)
    assert journal.write(codes.RECORD_BAG, b"\1\0\0\0") == 0
    assert open_ring(device, codes.RING_VITAL).first_unacked == 1, "nothing was overwritten for it"


def test_what_telemetry_dropped_is_told_also_when_the_ring_went_round_often_and_the_telling_was_overwritten():
    for laps in (1, 2, 5):
        ring, written = write_days(FlashDevice(4), codes.RING_TELEMETRY, 63, 4 * laps + 2)
        first = ring.first_held
        cloud = Cloud()
        assert check_books(ring, cloud)[-1] == written
        told = [slot for slot in cloud.slots.values() if slot[0] == codes.RECORD_DROPPED]
        assert struct.unpack_from("<II", told[-1], 12) == (1, first - 1)


@pytest.mark.sweep
@pytest.mark.timeout(300)
def test_telemetry_of_ninety_days_holds_the_newest_weeks_and_tells_of_the_rest():
    device = FlashDevice(sectors_of("telemetry"))
    _, written = write_days(device, codes.RING_TELEMETRY, RECORDS_A_DAY["telemetry"])
    ring = open_ring(device, codes.RING_TELEMETRY)
    assert ring.last_sequence - ring.first_held > 41_000
    assert check_books(ring, Cloud())[-1] == written


class TellsNothing(Ring):
    def _find_gap(self):
        return None


def test_the_books_would_show_a_loss_that_was_not_told():
    device = FlashDevice(4)
    ring = TellsNothing(Partition(device), codes.RING_TELEMETRY, BOX, EPOCH, KEY, lambda: b"\x12\x34")
    ring.open()
    for number in range(1, 400):
        ring.append(kind_of(codes.RING_TELEMETRY), payload_of(number), 5, 3, 1)
    with pytest.raises(AssertionError, match="lost without a word"):
        check_books(ring, Cloud())
