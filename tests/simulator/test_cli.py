"""The command line: what it prints, how it fails, a bench started and ended as a user would."""

import base64
import json
import re
import signal
import struct
import subprocess
import sys
import urllib.request

import can
import pytest
from glovebox_sim import cli, cli_fleet, cli_scenario
from glovebox_sim.car_powertrain import ELECTRIC_CAR
from glovebox_sim.cli_fleet import FleetError
from glovebox_sim.faults import FAULTS
from glovebox_sim.recorder import Recorder
from glovebox_sim.simulation import Simulation
from glovebox_sim.world_actions import ACTIONS
from support_sim_world import idle_firmware


def run(capsys, *arguments):
    status = cli.main([str(a) for a in arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_help_teaches_the_first_steps(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["--help"])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    for command in ("bench", "run", "query", "faults", "actions", "roads", "flash"):
        assert command in out


@pytest.mark.parametrize("command", ["bench", "run", "query", "faults", "actions", "roads", "flash"])
def test_the_help_of_each_command_says_what_it_is_for(capsys, command):
    with pytest.raises(SystemExit):
        cli.main([command, "--help"])
    about = capsys.readouterr().out.split("\n\n", 1)[1].split("options:")[0]
    assert len(about.split()) > 8


def test_a_folder_of_traces_that_is_not_there_is_refused(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["roads", "--traces", "no such folder"])
    assert ended.value.code == 2
    assert "there is no folder" in capsys.readouterr().err


def test_faults_and_actions_are_all_listed(capsys):
    _, out, _ = run(capsys, "faults")
    assert all(slug in out for slug in FAULTS)
    _, out, _ = run(capsys, "faults", "--fr")
    assert "Lecteur de badges figé" in out
    _, out, _ = run(capsys, "actions")
    assert all(slug in out for slug in ACTIONS)


def test_roads_are_listed_with_their_lengths(capsys):
    _, out, _ = run(capsys, "roads")
    assert re.search(r"route town_loop +5\.6 km", out)
    assert re.search(r"trace town +2\.1 km +5\.0 min", out)


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "r.db"
    with Recorder(path) as recorder:
        recorder.event(1_800_000_000.0, "car", "relay", "contact", {"contact": "allow"})
    return path


def test_a_recording_is_asked_in_three_forms(capsys, recording):
    _, out, _ = run(capsys, "query", recording, "select box, name from relay")
    assert out.split() == ["box", "name", "car", "contact", "1", "rows"]
    _, out, _ = run(capsys, "query", recording, "select box, name from relay", "--format", "json")
    assert json.loads(out) == [{"box": "car", "name": "contact"}]
    _, out, _ = run(capsys, "query", recording, "select box, name from relay", "--format", "csv")
    assert out.splitlines() == ["box,name", "car,contact"]
    _, out, _ = run(capsys, "query", recording)
    assert re.search(r"events +1\b", out)
    assert re.search(r"relay +1\b", out)


@pytest.mark.parametrize(
    "arguments",
    [("query", "none.db", "select 1"), ("run", "none.toml"), ("bench",), ("bench", "--file", "none.json"),
     ("flash", "none"), ("bench", "--provision", "none.json")],
)  # fmt: skip
def test_an_error_of_use_is_one_line_and_status_2(capsys, monkeypatch, tmp_path, arguments):
    monkeypatch.chdir(tmp_path)
    status, _, err = run(capsys, *arguments)
    assert status == 2
    assert err.startswith("glovebox-sim: ")
    assert len(err.splitlines()) == 1


def test_a_scenario_that_is_not_there_is_named_with_how_to_begin(capsys, tmp_path):
    status, _, err = run(capsys, "run", tmp_path / "errand.toml")
    assert status == 2
    assert "errand.toml" in err
    assert "--example" in err


def test_the_flash_images_partitions_are_printed(capsys, tmp_path):
    with Simulation() as sim:
        box = sim.add_box("x", directory=tmp_path / "x", firmware=idle_firmware(tmp_path / "fw"))
        box.board.flash.program(0x512000, b"\x00")
    _, out, _ = run(capsys, "flash", tmp_path / "x")
    assert re.search(r"vital +0x512000 +0x120000 +288 +1$", out, re.M)
    assert re.search(r"telemetry .* 0$", out, re.M)


def settings(kind, holder, tank_ml, lat=47.28, lon=-2.21):
    value = struct.pack("<I", 7)
    value += bytes([1, 6]) + struct.pack("<BBI", kind, holder, tank_ml)
    value += bytes([2, 4]) + struct.pack("<I", 900)
    value += bytes([0x10, 12]) + struct.pack("<HiiH", 3, round(lat * 1e7), round(lon * 1e7), 80)
    return base64.b64encode(value).decode()


def test_a_bundles_settings_say_what_car_it_is():
    found = cli_fleet.vehicle_of({"settings": settings(2, 0, 38_000)})
    assert found["interlock_kind"] == "start_button"
    assert found["key_holder_fitted"] is False
    assert found["tank_ml"] == 38_000
    assert found["at"] == pytest.approx([47.28, -2.21])
    spec = cli_fleet.spec_of(found)
    assert (spec.interlock_kind, spec.key_holder_fitted, spec.tank_ml) == ("start_button", False, 38_000)
    assert cli_fleet.vehicle_of({}) == {}
    assert cli_fleet.vehicle_of({"settings": "AAAAAAE="}) == {}
    assert cli_fleet.spec_of({"fuel": "electric"}) == ELECTRIC_CAR


@pytest.mark.parametrize(
    ("energy", "fuel"),
    [("electric", "electric"), ("petrol", "petrol"), ("diesel", "petrol"), ("hybrid", "petrol")],
)
def test_a_car_is_electric_if_the_cloud_says_so_and_burns_something_otherwise(energy, fuel):
    found = cli_fleet.vehicle_of({"vehicle": {"energy": energy}, "settings": settings(3, 0, 0)})
    assert found["fuel"] == fuel
    assert cli_fleet.spec_of(found).is_electric == (fuel == "electric")


@pytest.mark.parametrize(
    "text", ["[]", "{}", '{"cars": []}', '{"cars": [{"colour": "red"}]}', "{", '{"cars": 5}', '{"cars": [5]}']
)
def test_a_bench_file_that_is_none_is_refused_by_name(tmp_path, text):
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(FleetError, match="bad"):
        cli_fleet.read_bench(path)


SCENARIO = """
name = "the contact decides"
seed = 4
settle_s = 1
[[car]]
name = "X"
directory = "X"
firmware = "fw"
[[step]]
at = 1
do = "get_in"
refused = true
[[step]]
at = 2
do = "hold_card"
with = { uid = "04A1B2C3D4E5F6" }
[[step]]
at = 3
do = "inject"
with = { fault = "relay_shock" }
[[expect]]
at = 4
that = { contact = "inhibit", kl15 = 0 }
"""


@pytest.fixture
def scenario(tmp_path):
    idle_firmware(tmp_path / "fw")
    path = tmp_path / "s.toml"
    path.write_text(SCENARIO)
    return path


def test_a_scenario_is_played_in_virtual_time_and_recorded(capsys, scenario, tmp_path):
    status, out, err = run(capsys, "run", scenario, "--record", tmp_path / "r.db")
    assert (status, err) == (0, "")
    assert "contact = 'inhibit', as expected" in out
    assert "get_in: refused: The doors are locked." in out
    _, out, _ = run(capsys, "query", tmp_path / "r.db", "select count(*) n from cars", "--format", "json")
    assert json.loads(out)[0]["n"] >= 4
    _, out, _ = run(capsys, "query", tmp_path / "r.db", "select data from relay where name = 'contact'")
    assert "inhibit" in out


def test_a_scenario_that_goes_otherwise_ends_with_status_1(capsys, scenario):
    scenario.write_text(SCENARIO.replace('"inhibit"', '"allow"').replace("refused = true", ""))
    status, _, err = run(capsys, "run", scenario)
    assert status == 1
    assert len(err.splitlines()) == 2
    assert "expected 'allow'" in err


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (('do = "get_in"', 'do = "fly"'), "no action 'fly'"), (("at = 1\n", ""), "no time"),
        (("[[car]]", "[[cart]]"), "at least one"), (('that = {', 'do = "brake"\nthat = {'), "either do"),
        (("at = 2", 'car = "Y"\nat = 2'), "no car 'Y'"), (("seed = 4", "seed = "), "s.toml"),
    ],
)  # fmt: skip
def test_a_scenario_with_a_mistake_is_refused_before_anything_runs(scenario, change, match):
    scenario.write_text(SCENARIO.replace(*change))
    with pytest.raises(FleetError, match=match):
        cli_scenario.load(scenario)


def test_the_example_that_is_printed_plays_as_it_says(capsys, tmp_path):
    _, out, _ = run(capsys, "run", "--example")
    path = tmp_path / "errand.toml"
    path.write_text(out)
    status, out, err = run(capsys, "run", path)
    assert (status, err) == (0, "")
    assert "refused: The doors are locked." in out


def test_a_bench_is_started_from_a_file_serves_its_page_and_its_can_bus_and_ends_on_a_signal(tmp_path):
    """The command as a user starts it, on the firmware as it lies in the checkout, unprovisioned."""
    bench = {"cars": [{"name": "AB-123-CD", "directory": "box"}], "cards": [{"uid": "04", "name": "x"}]}
    (tmp_path / "bench.json").write_text(json.dumps(bench))
    command = [sys.executable, "-m", "glovebox_sim.cli", "bench", "--file", "bench.json", "--record", "r.db"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        try:
            address = process.stdout.readline().split()[1]
            door = re.search(r"127\.0\.0\.1:(\d+)", process.stdout.readline())[1]
            with urllib.request.urlopen(address + "api/bench", timeout=20) as answer:
                assert json.load(answer)["cars"] == ["AB-123-CD"]
            with can.Bus(interface="socketcand", host="127.0.0.1", port=int(door), channel="can0") as tool:
                tool.send(can.Message(arbitration_id=0x7DF, data=b"\x02\x01\x0d", is_extended_id=False))
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    assert (tmp_path / "r.db").exists()
