"""A virtual board behind a real pseudo-terminal, and the real mpremote program."""

import subprocess
import sys

import pytest
from glovebox_sim.virtual_board import VirtualBoard

MPREMOTE_TIMEOUT_S = 60


@pytest.fixture
def machine(tmp_path):
    from support_virtual_board import make_machine

    return make_machine(tmp_path / "board")


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
