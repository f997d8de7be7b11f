"""The journal chooses the ring, stamps the time, and strands nobody when it is full."""

import struct

import pytest
from box.protocols import codes, records
from box.storage.journal import Journal
from support_flash import FlashDevice
from support_rings import SECTORS, make_ring


class Clock:
    def stamp(self):
        return 820_454_400, codes.TRUST_CLOUD


@pytest.fixture
def journal():
    return Journal(
        make_ring(FlashDevice(SECTORS), codes.RING_VITAL),
        make_ring(FlashDevice(SECTORS), codes.RING_TELEMETRY),
        Clock(),
        boot=7,
    )


def test_a_record_lies_in_its_ring_with_time_trust_and_boot(journal):
    woken = []
    journal.on_write = lambda: woken.append(1)
    assert journal.write(codes.RECORD_DRIVING, struct.pack("<I", 5)) == 1
    assert journal.write(codes.RECORD_CODES, b"\0\0") == 1
    _, slot = next(journal.vital.iterate(1, 1))
    assert records.unpack_slot(slot)[:5] == (codes.RECORD_DRIVING, 3, 7, 1, 820_454_400)
    assert next(journal.telemetry.iterate(1, 1))[1][0] == codes.RECORD_CODES
    assert len(woken) == 2
    with pytest.raises(records.RecordError):
        journal.write(31, b"")


def test_before_the_starts_are_counted_a_record_bears_start_0_and_wakes_nobody():
    rings = [make_ring(FlashDevice(SECTORS), ring) for ring in (codes.RING_VITAL, codes.RING_TELEMETRY)]
    early = Journal(*rings, Clock())
    assert early.write(codes.RECORD_BAG, b"") == 1
    assert records.unpack_slot(next(early.vital.iterate(1, 1))[1])[2] == 0


def test_sessions_stop_beginning_before_the_ring_is_full_and_the_last_ones_are_told_to_their_end(journal):
    written = 0
    while not journal.vital_full:
        assert journal.write(codes.RECORD_BAG, b"\1\0\0\0")
        written += 1
    assert written == 63 * (SECTORS - 1) + 1
    for _ in range(62):
        assert journal.write(codes.RECORD_BAG, b"\1\0\0\0")
    assert journal.write(codes.RECORD_BAG, b"\1\0\0\0") == 0
    assert journal.unrecorded == 1
    journal.vital.acknowledge(100)
    assert not journal.vital_full
    assert journal.write(codes.RECORD_BAG, b"\1\0\0\0")


def test_idle_moments_erase_one_sector_at_a_time(journal):
    journal.write(codes.RECORD_BAG, b"")
    journal.write(codes.RECORD_CODES, b"")
    assert journal.erase_ahead()
    assert journal.erase_ahead()
    assert not journal.erase_ahead()
