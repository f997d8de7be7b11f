"""`glovebox-box self-test`: the firmware's drivers on the simulator's chips, asked through mpremote."""

import shutil

import pytest
from glovebox_sim.network import AccessPoint
from glovebox_sim.virtual_board_box import SimulatedMachine
from glovebox_tools.box.messages import MESSAGES, Words
from glovebox_tools.box.self_test import CHECKS, describe

RMC = b"$GNRMC,101500.00,A,4716.80000,N,00212.60000,W,0.0,0.0,210626,,,A*"
SENTENCE = RMC + b"%02X\r\n" % __import__("functools").reduce(lambda a, b: a ^ b, RMC[1:-1])


@pytest.fixture
def machine(flashed, tmp_path):
    shutil.copytree(flashed, tmp_path / "board")
    machine = SimulatedMachine(tmp_path / "board")
    machine.box.network.access_points = [AccessPoint("mairie", bytes(6)), AccessPoint("gare", bytes(6), -80)]
    machine.sim.every(1.0, lambda: machine.box.board.gnss.feed(SENTENCE))
    return machine


def line(said, check):
    return next(text for text in said.splitlines() if f" {check}:" in text)


def test_a_sound_box_passes_every_check_and_its_relay_does_not_move(glovebox_box, machine):
    moved = []
    machine.sim.on_event.append(
        lambda t, box, source, name, data: moved.append(name) if source == "relay" else None
    )
    contact = machine.box.board.relay.contact
    code, said, complaint = glovebox_box("self-test")
    assert (code, complaint) == (0, "")
    assert f"All {len(CHECKS)} checks are good" in said
    assert "FAIL" not in said
    assert "2 networks heard, the strongest -60 dBm" in line(said, "Wi-Fi")
    assert machine.box.board.relay.contact == contact
    assert moved == []


def test_a_reader_without_supply_fails_with_what_to_check_and_the_rest_goes_on(glovebox_box, machine, board):
    with machine.sim.lock:
        machine.box.board.reader.chip.power_off(machine.sim.now_us)
    code, said, _ = glovebox_box("self-test")
    assert code == 1
    assert "FAIL" in line(said, "card reader")
    assert "Check the cable to the windscreen" in said
    assert "pass" in line(said, "accelerometer")
    assert "Failed: card reader." in said


def test_a_dead_receiver_and_a_low_battery_fail_each_by_itself(glovebox_box, machine):
    machine.box.board.battery_mv = 8_000
    machine.box.board.gnss.is_dead = True
    machine.box.board.gnss.power_off()  # nor does what it has sent already arrive
    code, said, _ = glovebox_box("self-test")
    assert code == 1
    assert "FAIL" in line(said, "12 V")
    assert "the fuse" in said
    assert "Failed: satellite receiver, 12 V." in said


def test_the_inputs_are_told_as_they_stand(glovebox_box, machine):
    machine.box.board.door_open = True
    machine.box.board.kl15 = True
    _, said, _ = glovebox_box("self-test")
    assert "ignition on: yes; a door open: yes" in line(said, "inputs")


def test_with_the_ignition_on_the_relay_is_not_moved_and_the_reason_is_said(glovebox_box, machine):
    machine.box.board.kl15 = True
    contact = machine.box.board.relay.contact
    code, said, _ = glovebox_box("self-test", "--move-relay")
    assert code == 1
    assert "refused, the ignition is on" in line(said, "relay moved")
    assert machine.box.board.relay.contact == contact


@pytest.mark.sweep
def test_standing_with_the_ignition_off_for_a_minute_the_relay_moves_both_ways_and_ends_where_it_began(
    glovebox_box, machine
):
    contact = machine.box.board.relay.contact
    moved = []
    machine.sim.on_event.append(
        lambda t, box, source, name, data: moved.append(name) if source == "relay" else None
    )
    code, said, _ = glovebox_box("self-test", "--move-relay")
    assert "inhibit: done" in line(said, "relay moved")
    assert code == 0
    assert moved
    assert machine.box.board.relay.contact == contact


@pytest.mark.parametrize("check", [*CHECKS, "relay_moved"])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_failed_check_says_what_to_look_at(check, language):
    text = describe(Words(language), {"check": check, "ok": False, "error": "OSError: bus"})
    assert "OSError: bus" in text
    assert MESSAGES["fix_" + check][("en", "fr").index(language)] in text
