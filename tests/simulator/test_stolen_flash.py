"""What a thief has who reads a box's flash: with the box's keys in it, and without them.

The figures of SECURITY.md ("What a stolen flash gives") rest on what is shown here; how long a search takes
is the space over the guesses a second, so a small part of the space is searched.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from glovebox_sim.board import load_partitions
from glovebox_sim.flash_image.littlefs import read_files
from glovebox_sim.flash_image.report import read_image
from glovebox_sim.simulation import Simulation
from glovebox_sim.world import CarWorld
from support_box import EPOCH_2000, provision

SHORT = bytes.fromhex("5b3ac1e2")
LONG = bytes.fromhex("04a1b2c3d4e5f6")
KEY = bytes([3]) * 32  # the badge key that `provision` writes
KEYS = [bytes([at + 1]) * 32 for at in range(5)]
PARTITIONS = load_partitions()
PLACES = {row[4]: (row[2], row[3]) for row in PARTITIONS}


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The flash of a box that knows two badges, one of which has the car."""
    directory = tmp_path_factory.mktemp("stolen")
    with Simulation(seed=1) as sim:
        box = sim.add_box("AB-123-CD", directory=directory)
        world = CarWorld(sim, box)
        box.power_on()
        sim.run_for(1)
        now_s = int(sim.now) - EPOCH_2000
        rights = [
            (SHORT.hex(), 17, now_s - 100, now_s + 7200, 1, 0),
            (LONG.hex(), 18, now_s, now_s + 9, 2, 0),
        ]
        provision(box, rights)
        sim.run_for(5)
        world.tap(SHORT)
        sim.run_for(10)
        box.power_off()
        world.close()
    return (directory / "flash.bin").read_bytes()


def without_keys(image: bytes) -> bytes:
    """The same where the identity cannot be read: each copy of it is gone, old blocks of files too."""
    data = bytearray(image)
    at, size = PLACES["identity"]
    data[at : at + size] = b"\xff" * size
    marks = [json.dumps(key.hex()).encode() for key in KEYS]
    start, length = PLACES["vfs"]
    for block in range(start, start + length, 4096):
        if any(mark in data[block : block + 4096] for mark in marks):
            for mark in marks:
                data[block : block + 4096] = data[block : block + 4096].replace(mark, b'"' + b"0" * 64 + b'"')
    return bytes(data)


def hashes_in(image: bytes) -> set[str]:
    """Every badge's hash that the reader finds: authorisations, session, journal."""
    report: dict[str, Any] = read_image(image, PARTITIONS)
    found = {entry["badge"] for entry in report["authorisations"]["entries"]}
    for ring in report["rings"].values():
        found |= {record["badge"] for record in ring["records"] if "badge" in record}
    session = report["session"]["data"]
    return (found | {session["badge"], session["last_badge"]}) - {bytes(8).hex()}


def search(hashes: set[str], keys: Iterable[bytes], space: Iterable[bytes]) -> set[bytes]:
    """Guess UIDs under each key; return those whose hash is among `hashes`."""
    found = set()
    uids = list(space)
    for key in keys:
        for uid in uids:
            if hmac.digest(key, bytes([len(uid)]) + uid, hashlib.sha256)[:8].hex() in hashes:
                found.add(uid)
    return found


def space_around(uid: bytes) -> list[bytes]:
    """65,536 UIDs with this one among them: its last two bytes unknown."""
    return [uid[:-2] + bytes((high, low)) for high in range(256) for low in range(256)]


def test_no_badges_number_lies_on_the_flash(image: bytes) -> None:
    for uid in (SHORT, LONG):
        assert uid not in image
        assert uid[::-1] not in image
        for text in (uid.hex(), uid.hex().upper()):
            assert text.encode() not in image


def test_with_the_whole_flash_a_thief_has_the_keys_and_finds_the_numbers(image: bytes) -> None:
    (path,) = [name for name in ("identity.1",) if name in read_files(part(image, "vfs")).contents]
    stolen = json.loads(read_files(part(image, "vfs")).contents[path][16:-4])
    assert bytes.fromhex(stolen["keys"]["badge"]) == KEY
    hashes = hashes_in(image)
    assert len(hashes) == 2
    assert search(hashes, [KEY], space_around(SHORT)) == {SHORT}
    assert search(hashes, [KEY], space_around(LONG)) == {LONG}


def test_without_the_key_the_same_search_finds_nobody(image: bytes) -> None:
    bare = without_keys(image)
    for key in KEYS:
        assert key not in bare
        assert key.hex().encode() not in bare
    hashes = hashes_in(bare)
    assert len(hashes) == 2, "who may drive when still lies there, by hash"
    guesses = [b"", bytes(32), b"BOX00001", hashlib.sha256(b"BOX00001").digest()]
    assert search(hashes, guesses, space_around(SHORT)) == set()
    plain = {
        hashlib.sha256(form).digest()[:8].hex() for uid in space_around(SHORT) for form in (uid, b"\4" + uid)
    }
    assert not plain & hashes


def test_a_new_generation_of_keys_makes_the_stolen_one_worthless(image: bytes) -> None:
    """The successor's box knows the same badges by other hashes."""
    new = hmac.digest(b"another key".ljust(32), bytes([4]) + SHORT, hashlib.sha256)[:8].hex()
    assert new not in hashes_in(image)
    assert search({new}, KEYS, space_around(SHORT)) == set()


def test_two_boxes_know_one_badge_by_two_hashes(image: bytes) -> None:
    """So two stolen boxes without keys do not show that one person drove both."""
    assert len({hmac.digest(key, bytes([4]) + SHORT, hashlib.sha256)[:8] for key in KEYS}) == len(KEYS)


def part(image: bytes, label: str) -> bytes:
    at, size = PLACES[label]
    return image[at : at + size]


def test_security_md_says_what_is_on_the_flash() -> None:
    text = (Path(__file__).parents[2] / "SECURITY.md").read_text(encoding="utf-8")
    section = text.split("## What a stolen flash gives")[1].split("\n## ")[0]
    for word in ("2^32", "2^48", "Wi-Fi", "generation"):
        assert word in section
