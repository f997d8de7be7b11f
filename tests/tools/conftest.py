"""A virtual board behind a real pseudo-terminal, and the real mpremote program."""

import subprocess
import sys

import pytest
from glovebox_sim.virtual_board import VirtualBoard
from glovebox_sim.virtual_board_box import SimulatedMachine

MPREMOTE_TIMEOUT_S = 60


@pytest.fixture
def machine(tmp_path):
    """The simulated box: `machine.box.board` is the car's side of it."""
    return SimulatedMachine(tmp_path / "board")


@pytest.fixture
def board(machine):
    """A new board, powered and plugged in."""
    with VirtualBoard(machine) as virtual:
        yield virtual


@pytest.fixture
def mpremote(board):
    """Run mpremote against the board: returns the finished process, output as text."""

    def run(*arguments, port=None):
        return subprocess.run(
            [sys.executable, "-m", "mpremote", "connect", port or board.port, *arguments],
            capture_output=True,
            text=True,
            timeout=MPREMOTE_TIMEOUT_S,
            check=False,
        )

    return run
