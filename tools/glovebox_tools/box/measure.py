"""Measure on a real board the times that the simulator models in `board_costs.json`.

Only what can be measured without harm: erase and program go to the last sector of the application slot that
is not running. What cannot (a TLS handshake, the time to boot) stays modelled and is not in the file. On
the virtual board the figures are the host's, and the file says so.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from glovebox_tools.box.board import Board, BoardError
from glovebox_tools.box.flash import read_facts, started_again
from glovebox_tools.box.messages import Words

SILENCE_S = 90.0


def measure(board: Board, words: Words, say: Callable[[str], None], output: Path) -> dict[str, Any]:
    """Write the measured times, microseconds as in `board_costs.json`, to `output`. Raises BoardError."""
    facts = read_facts(board)
    say(words("board_is", **facts))
    say(words("measuring"))
    with started_again(board):
        times: dict[str, int] = board.ask("measure.py", None, SILENCE_S)
    for name, value in times.items():
        say(f"  {name:<28} {value}")
    told = {
        "_": f"Measured by glovebox-box on {facts['machine']}, MicroPython {facts['version']}; medians.",
        "is_real_board": facts["platform"] == "esp32",
        **times,
    }
    try:
        output.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise BoardError("file_unreadable", reason=str(error)) from error
    say(words("measured", path=output))
    return told
