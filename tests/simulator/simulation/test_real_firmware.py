"""The real firmware, unmodified, on the simulated board: what a seed promises."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from glovebox_sim.board import Card
from glovebox_sim.simulation import Simulation

PURPOSES = ("wire", "time", "badge", "journal", "authorisations")


def bundle() -> dict[str, Any]:
    """What a claim answers, with a network; nobody listens at the other end."""
    return {
        "box_id": "0102030405060708",
        "key_id": 1,
        "keys": {purpose: f"{number:064x}" for number, purpose in enumerate(PURPOSES, 1)},
        "cloud_host": "cloud.test",
        "cloud_port": 1,
        "time_port": 2,
        "ca_der": base64.b64encode(bytes(300)).decode(),
        "store_epoch": 1,
        "wifi": [{"ssid": "car", "password": "secret"}],
    }


def live_a_while(directory: Path, seed: int) -> tuple[list[str], list[object], str, int]:
    """Provision, boot, tap, lose power, tap: console, events, flash and operations."""
    events: list[object] = []
    with Simulation(seed=seed) as sim:
        sim.on_event.append(lambda *event: events.append(event))
        box = sim.add_box("AB-123-CD", directory=directory)
        said = json.loads(box.provision(bundle()))
        assert said["result"] == "provisioned"
        box.power_on()
        card = Card(b"\x04\x11\x22\x33")
        for _ in range(2):
            sim.run_for(20)
            box.board.reader.present(card)
            sim.run_for(1)
            box.board.reader.remove(card)
            sim.run_for(4)
            box.power_off()
            sim.run_for(3)
            box.power_on()
        sim.run_for(10)
        assert not box.crashes
        console = [line.replace(str(directory), "") for line in box.console]
        operations = box.operations
        box.power_off()
        image = hashlib.sha256(box.board.flash_path.read_bytes()).hexdigest()
        return console, events, image, operations


def test_a_seed_reproduces_the_real_firmware_to_the_last_bit_of_its_flash(tmp_path: Path) -> None:
    first = live_a_while(tmp_path / "1", 11)
    assert live_a_while(tmp_path / "2", 11) == first
    assert live_a_while(tmp_path / "3", 12)[2] != first[2]


def test_an_unprovisioned_box_shows_its_cards_that_it_is_nobody_s(tmp_path: Path) -> None:
    with Simulation(seed=1) as sim:
        box = sim.add_box("AB-123-CD", directory=tmp_path)
        box.power_on()
        sim.run_for(3)
        lit: list[object] = []
        sim.on_event.append(
            lambda at, name, source, what, data: lit.append(data) if what == "frame" else None
        )
        box.board.reader.present(Card(b"\x04\x11\x22\x33"))
        sim.run_for(3)
        assert lit
        assert not box.crashes
        assert box.board.relay.contact == "allow"
