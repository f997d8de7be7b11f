"""A small file of two generations: what was saved last, or what was before it, whole."""

import struct
import zlib

import pytest
from box.storage.snapshot import Snapshot
from hypothesis import given
from hypothesis import strategies as st

LONGEST = 8192


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
    snapshot.save(bytes(LONGEST))
    with pytest.raises(ValueError):
        snapshot.save(bytes(LONGEST + 1))
    assert snapshot.load() == bytes(LONGEST)
    snapshot.remove()
    assert Snapshot(str(tmp_path), "session").load() is None


def content_of(generation, data, magic=b"GBXS", length=None):
    """A file with its CRC right, whatever else is wrong with it."""
    length = len(data) if length is None else length
    content = magic + struct.pack("<II", generation, length) + data
    return content + struct.pack("<I", zlib.crc32(content))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GBXS",
        content_of(9, b"")[:-1],
        content_of(9, b"data", magic=b"GBXT"),
        content_of(9, b"data", length=3),
        content_of(9, b"data", length=5),
        content_of(9, b"data")[:-1] + b"\0",
        content_of(9, b"data") + b"\0",
        content_of(9, bytes(LONGEST + 1)),
    ],
)
def test_a_file_that_is_not_whole_is_passed_over_and_counted(tmp_path, content):
    snapshot = Snapshot(str(tmp_path), "session")
    snapshot.save(b"older")
    (tmp_path / "session.0").write_bytes(content)
    again = Snapshot(str(tmp_path), "session")
    assert (again.load(), again.damaged) == (b"older", 1)


@pytest.mark.parametrize("data", [b"", b"x", bytes(LONGEST)])
def test_from_nothing_to_the_longest_all_is_kept(tmp_path, data):
    (tmp_path / "session.0").write_bytes(content_of(8, data))
    snapshot = Snapshot(str(tmp_path) + "/", "session")
    assert (snapshot.load(), snapshot.damaged) == (data, 0)


@pytest.mark.parametrize("how", ["the same", "started", "started and loaded"])
@pytest.mark.parametrize("before", [1, 2, 3, 4])
def test_a_save_goes_over_the_older_of_the_two_also_after_a_start(tmp_path, how, before):
    snapshot = Snapshot(str(tmp_path), "session")
    for number in range(before):
        snapshot.save(b"%d" % number)
    if how != "the same":
        snapshot = Snapshot(str(tmp_path), "session")
    if how == "started and loaded":
        snapshot.load()
    snapshot.save(b"new")
    assert list(Snapshot(str(tmp_path), "session").iterate()) == [b"new", b"%d" % (before - 1)]
    (generation,) = struct.unpack_from("<I", (tmp_path / f"session.{(before + 1) % 2}").read_bytes(), 4)
    assert generation == before + 1
