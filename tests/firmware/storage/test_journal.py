"""The journal chooses the ring, stamps the time, and strands nobody when it is full. Snapshots too."""

import struct

import pytest
from box.protocols import codes, records
from box.storage.journal import Journal
from box.storage.snapshot import MAX_SIZE, Snapshot
from hypothesis import given
from hypothesis import strategies as st
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


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=5))
def test_a_snapshot_gives_what_was_saved_last(tmp_path_factory, saves):
    directory = str(tmp_path_factory.mktemp("snapshot"))
    snapshot = Snapshot(directory, "session")
    assert snapshot.load() is None
    for data in saves:
        snapshot.save(data)
        assert Snapshot(directory, "session").load() == data
    assert snapshot.damaged == 0


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_damaged_generation_falls_back_to_the_one_before_and_counts(tmp_path_factory, at, flip):
    directory = tmp_path_factory.mktemp("snapshot")
    snapshot = Snapshot(str(directory), "session")
    snapshot.save(b"older")
    snapshot.save(b"newer")
    path = directory / "session.0"
    content = bytearray(path.read_bytes())
    content[at % len(content)] ^= flip
    path.write_bytes(content)
    again = Snapshot(str(directory), "session")
    assert again.load() == b"older"
    assert again.damaged == 1
    again.save(b"after")
    assert Snapshot(str(directory), "session").load() == b"after"


def test_a_snapshot_too_big_or_removed(tmp_path):
    snapshot = Snapshot(str(tmp_path), "session")
    snapshot.save(bytes(MAX_SIZE))
    with pytest.raises(ValueError):
        snapshot.save(bytes(MAX_SIZE + 1))
    assert snapshot.load() == bytes(MAX_SIZE)
    snapshot.remove()
    assert Snapshot(str(tmp_path), "session").load() is None
