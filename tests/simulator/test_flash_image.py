"""`glovebox-sim flash`: the reader and the firmware say the same of a flash, whole or damaged."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from box.protocols import codes
from glovebox_sim import cli
from glovebox_sim.board import load_partitions
from glovebox_sim.flash_image import records
from glovebox_sim.flash_image.littlefs import read_files
from glovebox_sim.flash_image.report import print_lines, read_image
from glovebox_sim.simulation import Simulation
from glovebox_sim.world import CarWorld
from hypothesis import given, settings
from hypothesis import strategies as st
from support_box import EPOCH_2000, provision, read_journal
from support_micropython import run_micropython

VECTORS = Path(__file__).parents[1] / "vectors"
DRIVER = "04a1b2c3d4e5f6"
PURPOSES = ("wire", "time", "badge", "journal", "authorisations")
BUNDLE = {
    "box_id": b"BOX00001".hex(),
    "keys": {purpose: (bytes([at + 1]) * 32).hex() for at, purpose in enumerate(PURPOSES)},
}
PARTITIONS = load_partitions()
PLACES = {row[4]: (row[2], row[3]) for row in PARTITIONS}


class Played:
    """The flash of a box in the middle of a session, and what the firmware says of it."""

    def __init__(self, directory: Path) -> None:
        with Simulation(seed=1) as sim:
            box = sim.add_box("AB-123-CD", directory=directory)
            world = CarWorld(sim, box)
            box.power_on()
            sim.run_for(1)
            self.now_s = now_s = int(sim.now) - EPOCH_2000
            rights = [(DRIVER, 17, now_s - 100, now_s + 7200, 1, 0), ("04ffffffffffff", 18, 5, 9, 2, 3)]
            provision(box, rights)
            sim.run_for(5)
            world.tap(bytes.fromhex(DRIVER))
            sim.run_for(20)
            self.journal = {ring: read_journal(box, ring) for ring in (1, 2)}
            box.power_off()
            world.close()
        self.path = directory / "flash.bin"
        self.image = self.path.read_bytes()

    def damage(self, label: str, offset: int, data: bytes) -> bytes:
        at = PLACES[label][0] + offset
        return self.image[:at] + data + self.image[at + len(data) :]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return Played(tmp_path_factory.mktemp("played"))


def test_the_reader_and_the_firmware_read_the_same_journal(played: Played) -> None:
    report = read_image(played.image, PARTITIONS, BUNDLE)
    for name, number in (("vital", 1), ("telemetry", 2)):
        ring = report["rings"][name]
        assert ring["records"]
        assert all(record["verified"] is True for record in ring["records"])
        assert (ring["damaged"], ring["gaps"], ring["breaks"]) == ([], [], [])
        kinds = {code: word for word, code in CODES["record"].items()}
        said = [(kinds[kind], sequence, at_s or None) for kind, sequence, at_s, _ in played.journal[number]]
        assert [(r["kind"], r["sequence"], r["at_s"]) for r in ring["records"]] == said
    assert report["chain_key"] == "given"
    assert report["problems"] == []


def test_identity_session_and_authorisations_are_told_and_no_secret(played: Played) -> None:
    report = read_image(played.image, PARTITIONS)
    assert report["identity"]["box_id"] == BUNDLE["box_id"]
    assert {"sector 0", "identity.1"} <= set(report["identity"]["copies"])
    session = report["session"]["data"]
    (start,) = [r for r in report["rings"]["vital"]["records"] if r["kind"] == "session_start"]
    assert (session["state"], session["number"], session["badge"]) == (
        "open",
        start["sequence"],
        start["badge"],
    )
    entries = {entry["authorisation_id"]: entry for entry in report["authorisations"]["entries"]}
    assert entries[17]["badge"] == start["badge"]
    assert (entries[17]["ends_s"], entries[17]["kind"]) == (played.now_s + 7200, "reservation")
    assert (entries[18]["place"], entries[18]["kind"]) == (3, "standing")
    assert report["chain_key"] == "image"
    said = json.dumps(report) + "\n".join(print_lines(report, show_all=True))
    assert not [purpose for purpose, key in BUNDLE["keys"].items() if key in said]


def test_the_command_prints_it_for_a_person_and_as_json(
    played: Played, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    keys = tmp_path / "claim.json"
    keys.write_text(json.dumps(BUNDLE))
    assert cli.main(["flash", str(played.path), "--keys", str(keys)]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^vital: 1\.\.\d+, acknowledged up to 0, epoch 0x1", out, re.M)
    assert re.search(r"session_start .*badge=[0-9a-f]{16} auth_kind=reservation via=badge", out)
    assert "chains verified with the keys given" in out
    assert cli.main(["flash", str(played.path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["session"]["data"]["state"] == "open"
    keys.write_text("{}")
    assert cli.main(["flash", str(played.path), "--keys", str(keys)]) == 2


def test_with_another_boxs_keys_nothing_passes_for_verified(played: Played) -> None:
    other = {**BUNDLE, "keys": {**BUNDLE["keys"], "journal": "ee" * 32}}
    report = read_image(played.image, PARTITIONS, other)
    for ring in report["rings"].values():
        assert not [record for record in ring["records"] if record["verified"]]


@pytest.mark.parametrize("byte", [0, 5, 8, 20, 47, 50, 63])
def test_an_edited_record_is_told_and_those_behind_it_still_verify(played: Played, byte: int) -> None:
    at = 2 * 64 + byte  # the second record
    old = played.image[PLACES["vital"][0] + at]
    report = read_image(played.damage("vital", at, bytes([old ^ 1])), PARTITIONS, BUNDLE)
    ring = report["rings"]["vital"]
    assert [r["verified"] for r in ring["records"]] == [r["sequence"] != 2 for r in ring["records"]]
    assert len(ring["records"]) == len(played.journal[1])
    assert ring["damaged"] == [[0, 2]]
    assert "vital: sector 0 slot 2 is damaged" in report["problems"]


def test_a_lost_header_identity_and_filesystem_are_told_and_the_rest_is_read(played: Played) -> None:
    image = played.damage("vital", 0, bytes(64))
    report = read_image(image, PARTITIONS, BUNDLE)
    assert report["rings"]["vital"]["without_header"][0][0] == 0
    assert report["rings"]["telemetry"]["records"]
    garbage = random.Random(2).randbytes(8192)
    report = read_image(played.damage("vfs", 0, garbage), PARTITIONS)
    assert "no filesystem: both superblocks damaged" in report["problems"]
    assert report["identity"]["box_id"] == BUNDLE["box_id"]
    assert report["chain_key"] == "image"
    report = read_image(played.damage("identity", 0, garbage), PARTITIONS)
    assert report["identity"]["copies"]
    assert any(problem.startswith("identity sector") for problem in report["problems"])
    short = read_image(played.image[: PLACES["vfs"][0] + 100_000], PARTITIONS)
    assert "session: the image ends before it does" in short["problems"]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1 << 32), st.sampled_from(["identity", "vital", "telemetry", "vfs", "session"]))
def test_no_damage_stops_the_reader_and_none_passes_for_a_record(
    played: Played, seed: int, label: str
) -> None:
    chance = random.Random(seed)
    data = bytearray(played.image)
    for _ in range(chance.choice((1, 5, 50))):
        at = PLACES[label][0] + chance.randrange(min(PLACES[label][1], 6 * 4096))
        data[at : at + 16] = chance.randbytes(16)
    report = read_image(bytes(data), PARTITIONS, BUNDLE)
    assert list(print_lines(report, show_all=True))
    true = {
        r["sequence"]: r for r in read_image(played.image, PARTITIONS, BUNDLE)["rings"]["vital"]["records"]
    }
    for record in report["rings"]["vital"]["records"]:
        assert not record["verified"] or record == true[record["sequence"]]


# --- against the real littlefs, and against the documents ---


def test_files_are_read_as_littlefs_itself_reads_them() -> None:
    done = run_micropython("littlefs_dump.py")
    assert done.returncode == 0, done.stderr[-2000:]
    files: dict[str, bytes] = {}
    image = bytearray(b"\xff" * (64 * 4096))
    for line in done.stdout.splitlines():
        word, name, *data = line.split(" ")
        if word == "FILE":
            files[name] = bytes.fromhex(data[0])
        elif word == "BLOCK":
            image[int(name) * 4096 : (int(name) + 1) * 4096] = bytes.fromhex(data[0])
    found = read_files(bytes(image))
    assert found.problems == []
    assert found.contents == files
    assert len(files) > 30


CODES: dict[str, dict[str, int]] = json.loads((VECTORS / "codes.json").read_text())
_SIZES = {"u8": "B", "u16": "H", "u32": "I", "i32": "i", "8": "8s"}


def test_the_payloads_are_those_of_the_wires_page() -> None:
    text = (VECTORS / "WIRE.md").read_text()
    rows = re.findall(r"^\| (\d+) \| (\w+) \| (.*) \|$", text.split("## Records")[1], re.M)
    assert {int(kind) for kind, *_ in rows} == set(records.KINDS) == set(CODES["record"].values())
    for kind, name, payload in rows:
        told = re.sub(r"\([^)]*\)", "", payload.split(". ")[0])
        fields: list[Any] = []
        for part in [] if told.startswith("pairs") else told.split(", "):
            if part.strip() == "0":
                fields.append(("0", "x"))
            else:
                found = re.fullmatch(r"(\w+) (u8|u16|u32|i32|8)\b.*", part.strip())
                if found:
                    fields.append((found[1], _SIZES[found[2]]))
        known, layout, _ = records.KINDS[int(kind)]
        words = layout.split()
        assert (known, list(zip(words[::2], words[1::2], strict=True))) == (name, fields)


def names_of(kind: str) -> list[str]:
    words = {code: word for word, code in CODES[kind].items()}
    return [words.get(code, "") for code in range(max(words) + 1)]


def test_the_words_are_those_of_the_table_of_codes() -> None:
    """A code newer than the reader is shown as its number."""
    kinds = {"auth_kind": "authorisation_kind", "source": "relay_source", "outcome": "relay_outcome"}
    kinds |= {"cause": "alarm_cause", "result": "command_result", "wanted": "contact", "mode": "mode_bit"}
    for field, names in records.NAMES.items():
        kind = kinds.get(field, field)
        if kind in CODES:
            assert list(names) == names_of(kind)[: len(names)], field
    assert codes.RECORD_DROPPED in records.KINDS
