"""Each fault has a file here, one on the cloud and a number on the wire; each is reached in the simulator,
stays silent where it must and ends when it is mended.

A file has `stay_silent(scene)`, `provoke(scene)` and, where the box itself sees the end, `mend(scene)`;
`options(directory)` where the simulated box is a special one.
"""

import importlib.util
import json
import tomllib
from pathlib import Path

import pytest
from box.protocols import codes
from glovebox.words.faults import FAULTS
from glovebox_sim.flash_image.records import FAULTS as IMAGE_FAULTS
from glovebox_sim.flash_image.rings import read_ring
from support_scene import Scene

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
WORDS = ROOT / "cloud" / "glovebox" / "words" / "faults"
NUMBERS = json.loads((ROOT / "tests" / "vectors" / "codes.json").read_text())["fault"]
SLUGS = sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("test_"))


def load(slug):
    spec = importlib.util.spec_from_file_location(f"fault_{slug}", HERE / f"{slug}.py")
    scenario = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scenario)
    return scenario


def _mark(slug):
    is_slow = getattr(load(slug), "IS_SLOW", False)
    return pytest.param(slug, marks=[pytest.mark.sweep] if is_slow else [])


def list_told(scene, kind):
    """The faults that the journal tells, read from the flash itself."""
    row = next(row for row in scene.board.partitions if row[4] == "vital")
    records = read_ring(bytes(scene.board.flash.memory[row[2] : row[2] + row[3]]), 1).records
    return [record.values["fault"] for record in records if record.name == kind]


@pytest.mark.parametrize("slug", [_mark(slug) for slug in SLUGS])
def test_a_fault_is_silent_where_it_must_be_told_when_provoked_and_over_when_mended(slug, tmp_path):
    scenario = load(slug)
    options = scenario.options(tmp_path) if hasattr(scenario, "options") else {}
    scene = Scene(tmp_path, **options)
    try:
        scene.provision()
        before = list_told(scene, "fault_set").count(slug)  # without a network to join
        scenario.stay_silent(scene)
        assert list_told(scene, "fault_set").count(slug) == before
        scenario.provoke(scene)
        assert list_told(scene, "fault_set").count(slug) == before + 1
        if hasattr(scenario, "mend"):
            cleared = list_told(scene, "fault_cleared").count(slug)
            scenario.mend(scene)
            assert list_told(scene, "fault_cleared").count(slug) == cleared + 1
    finally:
        scene.close()


def test_wire_firmware_cloud_simulator_and_scenarios_know_the_same_faults():
    firmware = {
        name[len("FAULT_") :].lower(): value
        for name, value in vars(codes).items()
        if name.startswith("FAULT_")
    }
    words = {path.stem: tomllib.loads(path.read_text())["code"] for path in WORDS.glob("*.toml")}
    image = {name: number for number, name in enumerate(IMAGE_FAULTS) if name}
    assert firmware == words == image == NUMBERS
    assert set(SLUGS) == set(FAULTS) == set(NUMBERS)


@pytest.mark.parametrize("slug", SLUGS)
def test_a_fault_says_when_it_is_set_and_cleared_and_what_to_do_in_both_languages(slug):
    fault = tomllib.loads((WORDS / f"{slug}.toml").read_text())
    assert set(fault) == {"code", "set", "cleared", "self_test", "en", "fr"}
    assert all(isinstance(fault[key], str) and fault[key].endswith(".") for key in ("set", "cleared"))
    for language in ("en", "fr"):
        assert set(fault[language]) == {"is", "do"}
        assert all(fault[language].values())


def test_the_firmware_sets_every_fault_somewhere():
    source = "".join(
        path.read_text() for path in (ROOT / "firmware" / "box").rglob("*.py") if path.name != "codes.py"
    )
    assert [name for name in NUMBERS if f"FAULT_{name.upper()}" not in source] == []


def test_the_self_test_looks_for_the_faults_whose_files_say_so():
    source = (ROOT / "firmware" / "box" / "app.py").read_text()
    body = source.split("async def self_test")[1].split("# ---")[0]
    looked_for = {name for name in NUMBERS if f"FAULT_{name.upper()}" in body}
    said = {path.stem for path in WORDS.glob("*.toml") if tomllib.loads(path.read_text())["self_test"]}
    assert looked_for == said
