"""Both copies of the identity at their limits: which is taken, what is repaired, where marks lie."""

from __future__ import annotations

import json
import shutil
import struct
import zlib
from pathlib import Path

import pytest
from box.storage import identity
from box.storage.flash import Partition
from box.storage.identity import PURPOSES, RESERVE, Identity, IdentityError, IdentityStore
from box.storage.sector import pack_mark
from box.storage.snapshot import Snapshot
from support_flash import SECTOR, FlashDevice

VALUES = {
    "box_id": b"GB\0\0\0\0\0\xa1",
    "key_id": 1,
    "keys": {purpose: purpose.encode().ljust(32, b".") for purpose in PURPOSES},
    "cloud_host": "cloud.example",
    "cloud_port": 8443,
    "time_port": 8080,
    "ca_der": b"\x30",
    "wifi": [("pool", "secret")],
    "epoch": 0x12340000,
}
MARKS = 3072
LONGEST = 3040
PER_SECTOR = 64  # marks


class Place:
    """A directory and a partition, and copies of them from before."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "now"
        self.directory.mkdir()
        self.kept = directory / "kept"
        self.device = FlashDevice(2)

    def open(self) -> IdentityStore:
        return IdentityStore(str(self.directory), Partition(self.device))

    def load(self) -> Identity:
        loaded = self.open().load()
        assert loaded is not None
        return loaded

    def keep(self) -> None:
        shutil.copytree(self.directory, self.kept)
        self.image = bytes(self.device.image)

    def restore(self, copy: str) -> None:
        if copy == "file":
            shutil.rmtree(self.directory)
            shutil.copytree(self.kept, self.directory)
        else:
            self.device.image[:] = self.image

    def lose(self, copy: str) -> None:
        if copy == "file":
            for path in self.directory.iterdir():
                path.unlink()
        else:
            self.device.image[:] = b"\xff" * len(self.device.image)

    def get_generations(self) -> list[int]:
        """Of both sectors; 0 without a head."""
        heads = [bytes(self.device.image[at : at + 8]) for at in (0, SECTOR)]
        return [struct.unpack_from("<I", head, 4)[0] if head[:4] == b"GBXI" else 0 for head in heads]

    def get_file_generation(self) -> int:
        content = Snapshot(str(self.directory), "identity").load()
        assert content is not None
        return int.from_bytes(content[:4], "little")


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def named(host: str) -> dict:
    return {**VALUES, "cloud_host": host}


# --- two copies ---


@pytest.mark.parametrize("copy", ["file", "flash"])
@pytest.mark.parametrize("is_lost", [False, True])
def test_of_two_copies_the_newer_is_taken_and_the_other_made_like_it(place, copy, is_lost):
    place.open().save(named("older"))
    place.keep()
    place.open().save(named("newer"))
    if is_lost:
        place.lose(copy)
    else:
        place.restore(copy)
    store = place.open()
    loaded = store.load()
    assert loaded is not None
    assert (loaded["cloud_host"], store.damaged) == ("newer", 1)
    assert (max(place.get_generations()), place.get_file_generation()) == (2, 2)
    operations = place.device.operations
    store = place.open()
    assert store.load() is not None
    assert (store.damaged, place.device.operations) == (0, operations)


def test_generations_go_from_sector_to_sector_and_past_the_higher_of_the_copies(place):
    seen = []
    for number in range(1, 5):
        saved = place.open().save(named(f"host{number}"))
        assert saved["cloud_host"] == f"host{number}"
        seen.append((place.get_generations(), place.get_file_generation()))
    assert seen == [([1, 0], 1), ([1, 2], 2), ([3, 2], 3), ([3, 4], 4)]
    place.lose("flash")
    place.open().save(named("again"))
    assert (place.get_generations(), place.get_file_generation()) == ([5, 0], 5)
    place.lose("file")
    place.open().save(named("again"))
    assert (place.get_generations(), place.get_file_generation()) == ([5, 6], 6)


def test_an_older_generation_is_taken_where_the_newer_is_damaged(place):
    place.open().save(named("older"))
    place.open().save(named("newer"))
    place.lose("file")
    place.device.image[SECTOR + 40] ^= 1
    store = place.open()
    loaded = store.load()
    assert loaded is not None
    assert loaded["cloud_host"] == "older"
    assert store.damaged > 0


def test_a_partition_that_takes_nothing_leaves_the_file_and_the_counters_in_it(place):
    place.device.bad_sectors = (0, 1)
    place.device.image[:] = bytes(len(place.device.image))
    store = place.open()
    saved = store.save(VALUES)
    assert store.damaged == 1
    assert [saved.take_counter() for _ in range(3)] == [1, 2, 3]
    assert place.load().take_counter() == RESERVE + 1


def sector_of(data: bytes, magic: bytes = b"GBXI", length: int | None = None) -> bytes:
    """A sector with its CRC right, whatever else is wrong with it."""
    head = magic + struct.pack("<II", 9, len(data) if length is None else length)
    return head + data + struct.pack("<I", zlib.crc32(head + data))


@pytest.mark.parametrize(
    ("content", "damaged"),
    [
        (sector_of(b"{}"), True),
        (sector_of(identity.encode(VALUES), magic=b"GBXS"), False),
        (sector_of(b"{" + b" " * LONGEST), False),
        (sector_of(identity.encode(VALUES))[:-1] + b"\0", True),
        (sector_of(identity.encode(VALUES), length=5), True),
        (b"", False),
    ],
)
def test_what_is_no_identity_on_the_partition_is_passed_over(place, content, damaged):
    place.device.image[: len(content)] = content
    store = place.open()
    assert store.load() is None
    assert store.damaged == (1 if damaged else 0)


@pytest.mark.parametrize("content", [b"", b"\1\0\0", b"\1\0\0\0", b"\1\0\0\0{}"])
def test_what_is_no_identity_in_the_file_is_passed_over(place, content):
    Snapshot(str(place.directory), "identity").save(content)
    assert place.open().load() is None


# --- counters ---


def test_a_sector_takes_64_marks_then_the_other_is_written(place):
    saved = place.open().save(VALUES)
    reserved = 0
    for number in range(1, 200):
        while saved.take_counter() <= reserved:
            pass
        reserved += RESERVE
        written = 1 + number // PER_SECTOR
        assert (max(place.get_generations()), place.get_file_generation()) == (written, written)
        assert place.device.erases == written
        last = place.device.image[(written - 1) % 2 * SECTOR + MARKS :][: 16 * (number % PER_SECTOR + 1)]
        assert last[-16:] == pack_mark(reserved)


@pytest.mark.parametrize("copy", ["file", "flash"])
@pytest.mark.parametrize("before", [0, 1, 5])
def test_either_copy_alone_knows_which_counters_are_taken(place, copy, before):
    saved = place.open().save(VALUES)
    for _ in range(before * RESERVE):
        saved.take_counter()
    place.lose(copy)
    assert place.load().take_counter() == before * RESERVE + 1
    assert place.open().save(VALUES).take_counter() == before * RESERVE + 1 + RESERVE


def test_a_new_identity_keeps_the_counters_in_both_copies(place):
    saved = place.open().save(VALUES)
    for _ in range(3 * RESERVE):
        saved.take_counter()
    place.lose("file")
    place.open().save(VALUES)
    place.lose("flash")
    assert place.load().take_counter() == 3 * RESERVE + 1


def test_the_highest_mark_counts_wherever_it_lies_and_a_torn_one_does_not(place):
    place.open().save(VALUES)
    place.device.image[MARKS + 16 : MARKS + 32] = pack_mark(7000)
    place.device.image[MARKS + 32 : MARKS + 48] = b"\xac" + bytes(15)
    place.device.image[SECTOR + MARKS + 63 * 16 : SECTOR + MARKS + 64 * 16] = pack_mark(9000)
    loaded = place.load()
    assert loaded.take_counter() == 9001
    assert place.device.image[MARKS + 48 : MARKS + 64] == pack_mark(10_000)


def test_a_counter_file_of_another_size_counts_for_nothing(place):
    Snapshot(str(place.directory), "counter").save(b"\0\0\1\0\0")
    assert place.open().save(VALUES).take_counter() == 1


def test_counters_the_cloud_has_seen_are_left_out(place):
    saved = place.open().save(VALUES)
    assert saved.take_counter() == 1
    saved.skip_counters()
    assert saved.take_counter() == RESERVE + 1


@pytest.mark.parametrize(
    ("taken", "is_due"), [(0, True), (1, False), (500, False), (501, True), (1000, True)]
)
def test_counters_are_reserved_ahead_when_fewer_than_500_are_left(place, taken, is_due):
    saved = place.open().save(VALUES)
    for _ in range(taken):
        saved.take_counter()
    programs = place.device.programs
    assert saved.reserve_ahead() is is_due
    assert place.device.programs == programs + is_due


# --- what is an identity ---


def change(name: str, value: object) -> dict:
    return {**VALUES, name: value}


GOOD = [
    change("key_id", 255),
    change("cloud_port", 1),
    change("cloud_port", 65535),
    change("time_port", 1),
    change("time_port", 65535),
    change("epoch", 0),
    change("epoch", 0xFFFFFFFF),
    change("wifi", []),
    change("wifi", [("a", "b")] * 8),
    change("cloud_host", ""),
]
BAD = [
    change("box_id", bytes(7)),
    change("box_id", bytes(9)),
    change("key_id", 0),
    change("key_id", 256),
    change("key_id", "1"),
    change("cloud_port", 0),
    change("cloud_port", 65536),
    change("cloud_port", 1.5),
    change("time_port", 0),
    change("time_port", 65536),
    change("time_port", 1.5),
    change("epoch", -1),
    change("epoch", 1 << 32),
    change("epoch", 1.0),
    change("cloud_host", 5),
    change("wifi", [("a", "b")] * 9),
    change("wifi", [(5, "b")]),
    change("wifi", [("a", None)]),
    change("wifi", [("a",)]),
    change("keys", {**VALUES["keys"], "wire": bytes(31)}),
    change("keys", {**VALUES["keys"], "authorisations": bytes(33)}),
]


@pytest.mark.parametrize("values", GOOD, ids=str)
def test_what_lies_within_the_limits_is_kept_as_it_is(place, values):
    saved = place.open().save(values)
    loaded = place.load()
    for view in (saved, loaded):
        assert {name: view[name] for name in VALUES} == values


@pytest.mark.parametrize("values", BAD, ids=str)
def test_what_lies_outside_is_refused_before_anything_is_written(place, values):
    with pytest.raises(IdentityError):
        place.open().save(values)
    assert place.device.operations == 0
    assert list(place.directory.iterdir()) == []


@pytest.mark.parametrize("name", list(VALUES))
def test_each_part_is_needed(name):
    assert identity.is_whole(identity.encode(VALUES)) is True
    with pytest.raises(IdentityError):
        identity.encode({key: value for key, value in VALUES.items() if key != name})
    told = json.loads(identity.encode(VALUES))
    del told[name]
    with pytest.raises(IdentityError):
        identity.decode(json.dumps(told).encode())
    assert identity.is_whole(json.dumps(told).encode()) is False


def test_the_longest_identity_fits_its_sector_and_one_byte_more_is_refused(place):
    room = LONGEST - len(identity.encode(named("")))
    saved = place.open().save(named("h" * room))
    place.lose("file")
    assert place.load()["cloud_host"] == saved["cloud_host"] == "h" * room
    with pytest.raises(IdentityError):
        place.open().save(named("h" * (room + 1)))


def test_a_drawn_epoch_leaves_the_lower_half_to_the_rings():
    drawn = [identity.draw_epoch() for _ in range(60)]
    assert all(epoch & 0xFFFF == 0 and 0 <= epoch < 1 << 32 for epoch in drawn)
    assert len(set(drawn)) > 50
    assert max(drawn) > 0xFF << 16


def test_by_the_module_one_saves_and_loads_in_one_word(place):
    partition = Partition(place.device)
    assert identity.load(str(place.directory), partition) is None
    assert identity.save(str(place.directory), partition, VALUES)["key_id"] == 1
    loaded = identity.load(str(place.directory), partition)
    assert loaded is not None
    assert loaded["box_id"] == VALUES["box_id"]
