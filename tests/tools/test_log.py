"""`glovebox-box log`: watches without disturbing."""

import pytest
from glovebox_tools.box.board import Board, BoardError
from glovebox_tools.box.log import show_log
from glovebox_tools.box.messages import Words

TALKER = "import time\nn = 0\nwhile True:\n    n += 1\n    print('line', n)\n    time.sleep_ms(50)\n"


@pytest.fixture
def talking(mpremote, heard, tmp_path):
    (tmp_path / "main.py").write_text(TALKER)
    mpremote("fs", "cp", str(tmp_path / "main.py"), ":main.py", "+", "reset")
    heard.wait_for("line 3")


def test_the_log_shows_what_the_box_says_and_the_program_runs_on(talking, board, heard):
    said = []
    show_log(Board(board.port), Words("en"), said.append, 2)
    lines = [text for text in said if text.startswith("line ")]
    assert len(lines) > 5
    number = int(lines[-1].split()[1])
    heard.wait_for(f"line {number + 5}")
    assert "KeyboardInterrupt" not in heard.wait_for("line")


def test_the_cable_pulled_ends_the_log_with_what_to_do(talking, board):
    def say(text):
        if text.startswith("line "):
            board.unplug()

    with pytest.raises(BoardError) as failed:
        show_log(Board(board.port), Words("en"), say, 30)
    assert failed.value.key == "unplugged"
