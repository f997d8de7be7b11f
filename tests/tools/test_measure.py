"""`glovebox-box measure`: names as in board_costs.json, no harm to the journal."""

import json
import shutil
from pathlib import Path

import glovebox_sim
import pytest
from glovebox_sim.virtual_board_box import SimulatedMachine

COSTS = json.loads((Path(glovebox_sim.__file__).parent / "board_costs.json").read_text())


@pytest.fixture
def machine(flashed, tmp_path):
    shutil.copytree(flashed, tmp_path / "board")
    return SimulatedMachine(tmp_path / "board")


def test_what_is_measured_has_the_names_of_the_file_it_is_to_replace(glovebox_box, tmp_path):
    code, _, complaint = glovebox_box("measure", "--output", str(tmp_path / "out.json"))
    assert (code, complaint) == (0, "")
    told = json.loads((tmp_path / "out.json").read_text())
    names = set(told) - {"_", "is_real_board"}
    assert {"spi_overhead_us", "i2c_overhead_us", "flash_erase_sector_us", "flash_program_page_us"} <= names
    assert names <= set(COSTS)
    assert all(isinstance(told[name], int) and told[name] >= 0 for name in names)
    assert told["is_real_board"] is False, "figures of a virtual board must not pass for measurements"


def test_only_the_slot_that_is_not_running_is_erased(glovebox_box, machine, tmp_path):
    touched = []
    machine.sim.on_event.append(
        lambda t, box, source, name, data: touched.append(data["address"]) if source == "flash" else None
    )
    glovebox_box("measure", "--output", str(tmp_path / "out.json"))
    slots = {row[4]: (row[2], row[2] + row[3]) for row in machine.box.board.partitions}
    begin, end = slots["ota_1"]
    assert any(begin <= address < end for address in touched)
    for name in ("identity", "vital", "telemetry", "ota_0"):
        begin, end = slots[name]
        assert not [address for address in touched if begin <= address < end], name
