"""A virtual board behind a real pseudo-terminal, and the real mpremote program."""

import shutil
import subprocess
import sys
import threading

import pytest
from glovebox_sim.virtual_board import VirtualBoard
from glovebox_sim.virtual_board_box import SimulatedMachine
from glovebox_tools.box.board import Board
from glovebox_tools.box.flash import flash
from glovebox_tools.box.messages import Words
from glovebox_tools.firmware_build import FIRMWARE

MPREMOTE_TIMEOUT_S = 300  # only a hang reaches it


@pytest.fixture(scope="session")
def real_firmware(tmp_path_factory):
    """The firmware of this checkout, as it was when the tests began."""
    folder = tmp_path_factory.mktemp("firmware") / "firmware"
    shutil.copytree(FIRMWARE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture(scope="session")
def flashed(tmp_path_factory, real_firmware):
    """The state of a board that has the real firmware and nothing else."""
    directory = tmp_path_factory.mktemp("flashed")
    with VirtualBoard(SimulatedMachine(directory)) as virtual:
        flash(Board(virtual.port), Words("en"), lambda _: None, real_firmware)
    return directory


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


@pytest.fixture
def firmware(tmp_path):
    """A small firmware that copies quickly: says that it runs, and runs for ever."""
    folder = tmp_path / "firmware"
    (folder / "box").mkdir(parents=True)
    (folder / "boot.py").write_text("")
    (folder / "main.py").write_text("from box import app\n\napp.run()\n")
    (folder / "box" / "__init__.py").write_text("")
    (folder / "box" / "app.py").write_text(APP.format(version=1))
    for number in range(6):
        (folder / "box" / f"part{number}.py").write_text(f"PART = {number}\nTEXT = {'x' * 2000!r}\n")
    return folder


APP = """
import time

def run():
    print("firmware {version} runs")
    while True:
        time.sleep_ms(20)
"""


@pytest.fixture
def glovebox_box(board, capsys):
    """Run the tool as the installer does; returns exit code, what it said, what it complained of."""
    from glovebox_tools.box.cli import main

    def run(*arguments, port=None):
        code = main([*arguments, "--port", port or board.port, "--lang", "en"])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


class Heard:
    """All that the box printed, and waiting for a word in it."""

    def __init__(self, board):
        self._text = ""
        self._changed = threading.Condition()
        board.listen(self._add)

    def _add(self, data):
        with self._changed:
            self._text += data.decode("utf-8", "replace")
            self._changed.notify_all()

    def wait_for(self, word, times=1):
        with self._changed:
            assert self._changed.wait_for(lambda: self._text.count(word) >= times, 30), self._text
            return self._text

    def wait_for_next(self, word, action):
        """Do `action` and wait until the box has printed `word` once more than before it."""
        before = self._text.count(word)
        action()
        return self.wait_for(word, before + 1)


@pytest.fixture
def heard(board):
    """What the box prints from now on."""
    return Heard(board)
