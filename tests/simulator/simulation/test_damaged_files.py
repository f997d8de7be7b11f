"""A littlefs that no longer mounts: the board starts all the same and the firmware makes itself whole."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from box.protocols import codes
from glovebox_sim.host_box import Box
from glovebox_sim.simulation import Simulation
from glovebox_sim.world import CarWorld
from support_box import EPOCH_2000, provision, read_journal

DRIVER = "04a1b2c3d4e5f6"
SUPERBLOCKS = 2 * 4096


def fill_with_garbage(box: Box, length: int | None) -> None:
    """What a failed chip or a foreign image leaves in the partition of the files."""
    (row,) = [row for row in box.board.partitions if row[4] == "vfs"]
    length = length or row[3]
    box.board.flash.memory[row[2] : row[2] + length] = random.Random(3).randbytes(length)


@pytest.mark.parametrize("length", [SUPERBLOCKS, None], ids=["superblocks", "everything"])
def test_a_box_whose_files_are_garbage_keeps_identity_and_session_and_says_what_it_lost(
    tmp_path: Path, length: int | None
) -> None:
    with Simulation(seed=1) as sim:
        box = sim.add_box("AB-123-CD", directory=tmp_path)
        world = CarWorld(sim, box)
        box.power_on()
        sim.run_for(1)
        now_s = int(sim.now) - EPOCH_2000
        provision(box, [(DRIVER, 17, now_s - 100, now_s + 7200, 1, 0)])
        sim.run_for(5)
        world.tap(bytes.fromhex(DRIVER))
        sim.run_for(3)
        kinds = [kind for kind, *_ in read_journal(box)]
        assert kinds.count(codes.RECORD_SESSION_START) == 1
        assert codes.RECORD_SESSION_END not in kinds
        sim.run_for(3)
        contact = box.board.relay.contact

        box.power_off()
        fill_with_garbage(box, length)
        box.power_on()
        sim.run_for(20)

        assert not box.crashes
        assert box.resets[-1] == 1, "it started once and stayed"
        assert box.board.relay.contact == contact
        found = read_journal(box)
        powered_on = [
            at for at, (kind, _, _, values) in enumerate(found) if (kind, values[0]) == (codes.RECORD_BOOT, 1)
        ]
        since = found[powered_on[-1] :]
        faults = [values[0] for kind, _, _, values in since if kind == codes.RECORD_FAULT_SET]
        assert codes.FAULT_SNAPSHOT_DAMAGED in faults
        ends = [values[0] for kind, _, _, values in since if kind == codes.RECORD_SESSION_END]
        assert not ends, "the session has a partition of its own and goes on"
        sim.run_for(12)  # the journal was read by stopping the program
        world.tap(bytes.fromhex(DRIVER))
        sim.run_for(3)
        endings = [values[0] for kind, _, _, values in read_journal(box) if kind == codes.RECORD_ENDING]
        assert len(endings) == 1, "its driver ends it, though no authorisation is left"
        world.close()


def test_a_blank_partition_is_formatted_and_is_no_fault(tmp_path: Path) -> None:
    with Simulation(seed=1) as sim:
        box = sim.add_box("AB-123-CD", directory=tmp_path)
        box.power_on()
        sim.run_for(1)
        provision(box)
        sim.run_for(20)
        assert not box.crashes
        faults = [values[0] for kind, _, _, values in read_journal(box) if kind == codes.RECORD_FAULT_SET]
        assert codes.FAULT_SNAPSHOT_DAMAGED not in faults
