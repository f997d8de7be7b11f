"""Read back what a box holds: its firmware by SHA-256, its identity without the keys."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from glovebox_tools.box.board import Board, BoardError
from glovebox_tools.box.flash import compiled, make_plan, read_facts, read_hashes, started_again
from glovebox_tools.box.messages import Words
from glovebox_tools.box.partition_table import check_partitions
from glovebox_tools.box.provision import read_identity
from glovebox_tools.firmware_build import FIRMWARE


def verify(board: Board, words: Words, say: Callable[[str], None], firmware: Path = FIRMWARE) -> bool:
    """Say what is on the box; True if the firmware is this checkout's and an identity is there.

    mpremote has stopped the firmware to ask; it is started again whatever came out.
    """
    facts = read_facts(board)
    say(words("board_is", **facts))
    with started_again(board):
        check_partitions(facts, board.port)
        return _compare(board, words, say, firmware, facts)


def _compare(
    board: Board, words: Words, say: Callable[[str], None], firmware: Path, facts: dict[str, Any]
) -> bool:
    on_box = read_hashes(board)
    if not on_box:
        raise BoardError("no_firmware", port=board.port)
    with compiled(facts, board.port, firmware) as files:
        plan = make_plan(files, on_box)
    if plan.is_empty:
        say(words("firmware_same", count=len(files)))
    else:
        names = [str(file.on_box) for file in plan.copy] + plan.remove
        say(words("firmware_differs", files=", ".join(names)))
    identity = read_identity(board, b"")
    if identity is None:
        say(words("no_identity"))
        return False
    _say_identity(words, say, identity)
    return plan.is_empty


def _say_identity(words: Words, say: Callable[[str], None], identity: dict[str, Any]) -> None:
    cloud = f"{identity['cloud_host']}:{identity['cloud_port']}"
    say(words("identity", **{**identity, "cloud": cloud}))
    say(words("identity_wifi", names=", ".join(identity["wifi"]) or words("none")))
