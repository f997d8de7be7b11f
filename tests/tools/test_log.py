"""`glovebox-box log`: watches without disturbing."""

import pytest
import serial
from glovebox_tools.box.board import Board, BoardError
from glovebox_tools.box.log import show_log
from glovebox_tools.box.messages import Words

TALKER = "import time\nn = 0\nwhile True:\n    n += 1\n    print('line', n)\n    time.sleep_ms(50)\n"


@pytest.fixture
def talking(mpremote, heard, tmp_path):
    (tmp_path / "main.py").write_text(TALKER)
    mpremote("fs", "cp", str(tmp_path / "main.py"), ":main.py", "+", "reset")
    heard.wait_for("line 3")


def test_the_log_shows_what_the_box_says_until_ctrl_c_and_the_program_runs_on(talking, board, heard):
    said = []

    def say(text):
        said.append(text)
        if len([line for line in said if line.startswith("line ")]) > 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        show_log(Board(board.port), Words("en"), say, None)
    assert not any("Ctrl-]" in text for text in said), "mpremote's own terminal is not the installer's"
    number = int(said[-1].split()[1])
    heard.wait_for(f"line {number + 5}")
    assert "KeyboardInterrupt" not in heard.wait_for("line")


def test_the_log_ends_by_itself_when_asked_to_and_the_program_runs_on(talking, board, heard):
    show_log(Board(board.port), Words("en"), lambda _: None, 0.2)
    heard.wait_for_next("line", lambda: None)
    assert "KeyboardInterrupt" not in heard.wait_for("line")


def test_the_cable_pulled_ends_the_log_with_what_to_do(talking, board):
    def say(text):
        if text.startswith("line "):
            board.unplug()

    with pytest.raises(BoardError) as failed:
        show_log(Board(board.port), Words("en"), say, 30)
    assert failed.value.key == "unplugged"


def test_a_port_that_another_program_has_open_is_told_as_such(board):
    with serial.Serial(board.port, exclusive=True), pytest.raises(BoardError) as failed:
        show_log(Board(board.port), Words("en"), lambda _: None, None)
    assert failed.value.key == "port_busy"
