"""Put the firmware on a box: compile, copy only what differs, read back, start.

Safe to interrupt at any moment and to repeat. `main.py` is removed first and copied last, so that a box
never starts a mixture; and the reset in between ends the firmware's watchdog, which on an ESP32 nothing
else can and which would cut a copy of more than a minute.
"""

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from glovebox_tools.box.board import SILENCE_S, Board, BoardError
from glovebox_tools.box.messages import Words
from glovebox_tools.box.partition_table import check_partitions
from glovebox_tools.firmware_build import (
    BUILD,
    FIRMWARE,
    MPY_VERSION,
    BuildError,
    DeviceFile,
    NoFirmwareError,
    architecture,
    build,
)

PLATFORMS = ("esp32", "linux")  # linux: the simulator's virtual board
MAIN = PurePosixPath("main.py")
NAMED = 10  # as many files are named before the copy; each is named when it is copied
BLOCK_BYTES = 4096  # littlefs rounds a file up to its blocks; one more for the directory entry
RESET_S = 0.5  # mpremote's reset waits 100 ms on the board first; whoever talks to it sooner cancels it
RESTART_TIMEOUT_S = 30.0  # an ESP32 with PSRAM answers 2 s after a reset
FAILED_RESET_SILENCE_S = 5.0  # whoever reads that the board is silent shall not wait another minute
_PRINT_CAUSE = (
    "import machine; print('cause', machine.reset_cause() in (machine.HARD_RESET, machine.PWRON_RESET))"
)
_HARD_RESET = "cause True"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What has to happen on the box. Paths as on the box, without the leading slash."""

    copy: list[DeviceFile]
    remove: list[str]

    @property
    def is_empty(self) -> bool:
        """Whether the box already holds exactly the firmware."""
        return not self.copy and not self.remove


def flash(board: Board, words: Words, say: Say, firmware: Path = FIRMWARE, *, dry_run: bool = False) -> None:
    """Bring the box to exactly the firmware in `firmware`.

    Raises BoardError; nothing is half-started then.
    """
    facts = read_facts(board)
    say(words("board_is", **facts))
    with started_again(board), compiled(facts, board.port, firmware) as files:
        check_partitions(facts, board.port)
        _bring(board, words, say, files, int(facts["free_bytes"]), dry_run=dry_run)


def _bring(
    board: Board, words: Words, say: Say, files: list[DeviceFile], free_bytes: int, *, dry_run: bool
) -> None:
    say(words("compiled", count=len(files), bytes=sum(file.size for file in files)))
    plan = make_plan(files, read_hashes(board))
    if plan.is_empty:
        say(words("up_to_date"))
        return
    names = ", ".join(str(file.on_box) for file in plan.copy)
    if len(plan.copy) > NAMED:
        names = words("so_many", count=len(plan.copy))
    say(words("will_copy", copy=names or words("none"), remove=", ".join(plan.remove) or words("none")))
    if dry_run:
        say(words("dry_run"))
        return
    _check_room(plan, free_bytes)
    main = next((file for file in files if file.on_box == MAIN), None)
    try:
        _carry_out(board, words, say, plan, main)
        say(words("reading_back"))
        check_hashes(files, read_hashes(board))
    except (BoardError, KeyboardInterrupt):
        say(words("flash_again"))
        raise
    say(words("flashed", count=len(files)))


def read_facts(board: Board) -> dict[str, Any]:
    """What the board is. Raises BoardError if it is none that Glovebox runs on."""
    facts: dict[str, Any] = board.ask("probe.py")
    if facts["platform"] not in PLATFORMS:
        raise BoardError("wrong_platform", port=board.port, platform=facts["platform"])
    return facts


@contextlib.contextmanager
def compiled(facts: dict[str, Any], port: str, firmware: Path = FIRMWARE) -> Iterator[list[DeviceFile]]:
    """Compile for the board's processor, into a folder of `build/` that lives as long as the context.

    A folder of its own, so that two boxes can be flashed at once. Raises BoardError on another .mpy version
    or a compiler's error.
    """
    mpy = int(facts["mpy"])
    if mpy & 0xFF != MPY_VERSION:
        raise BoardError("wrong_mpy", port=port, board=mpy & 0xFF, ours=MPY_VERSION, version=facts["version"])
    BUILD.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD, ignore_cleanup_errors=True) as folder:
        try:
            files = build(firmware, Path(folder), architecture(mpy))
        except NoFirmwareError as error:
            raise BoardError("no_source", folder=firmware) from error
        except BuildError as error:
            raise BoardError("does_not_compile", text=str(error)) from error
        yield files


def read_hashes(board: Board) -> dict[str, tuple[int, str]]:
    """Path -> (size, SHA-256) of every firmware file on the box."""
    return {str(path): (int(size), str(digest)) for path, size, digest in board.answers("hashes.py")}


def make_plan(files: list[DeviceFile], on_box: dict[str, tuple[int, str]]) -> Plan:
    """What to copy and what to remove. A stray file matters: MicroPython takes app.py before app.mpy."""
    copy = [file for file in files if on_box.get(str(file.on_box)) != (file.size, file.sha256)]
    wanted = {str(file.on_box) for file in files}
    return Plan(copy, sorted(path for path in on_box if path not in wanted))


def check_hashes(files: list[DeviceFile], on_box: dict[str, tuple[int, str]]) -> None:
    """Raise BoardError if the box does not hold exactly `files`."""
    plan = make_plan(files, on_box)
    if not plan.is_empty:
        raise BoardError("flash_differs", files=", ".join([str(f.on_box) for f in plan.copy] + plan.remove))


def restart(board: Board, silence_s: float = SILENCE_S) -> None:
    """Reset the box, as its button does: it then starts what is on it."""
    board.run("reset", silence_s=silence_s)
    time.sleep(RESET_S)


@contextlib.contextmanager
def started_again(board: Board) -> Iterator[None]:
    """mpremote stops the firmware for whatever is asked in this context; start it again at the end.

    Also after a failure, where the board still answers: a box must not be left deaf by a refused token.
    """
    try:
        yield
    except BaseException:
        with contextlib.suppress(BoardError):
            restart(board, FAILED_RESET_SILENCE_S)
        raise
    restart(board)


def restart_and_wait(board: Board) -> None:
    """Reset the box and wait until it answers again. Raises the last BoardError after RESTART_TIMEOUT_S.

    That it was reset is read from the reset cause; `resume` keeps mpremote from a soft reset, which would
    hide it.
    """
    restart(board)
    deadline = time.monotonic() + RESTART_TIMEOUT_S
    while True:
        try:
            if _HARD_RESET in board.run("resume", "exec", _PRINT_CAUSE, silence_s=RESTART_TIMEOUT_S):
                return
            board.run("reset")
        except BoardError:
            if time.monotonic() > deadline:
                raise
        if time.monotonic() > deadline:
            raise BoardError("not_reset", port=board.port)
        time.sleep(RESET_S)


def _check_room(plan: Plan, free_bytes: int) -> None:
    needed = sum((file.size // BLOCK_BYTES + 2) * BLOCK_BYTES for file in plan.copy)
    if needed > free_bytes:
        raise BoardError("flash_full")


def _carry_out(board: Board, words: Words, say: Say, plan: Plan, main: DeviceFile | None) -> None:
    say(words("stopping_firmware"))
    board.ask("remove.py", ["main.py"])
    restart_and_wait(board)
    rest = [path for path in plan.remove if path != "main.py"]
    for path in rest:
        say(words("removing", file=path))
    board.ask("remove.py", rest)
    copies = [file for file in plan.copy if file.on_box != MAIN]
    if main:
        copies.append(main)
    if not copies:
        return
    # mpremote does not make folders on the way; one run of it copies all, so that the board is entered once.
    folders = sorted({str(parent) for file in copies for parent in file.on_box.parents if str(parent) != "."})
    board.ask("make_folders.py", folders)
    arguments: list[str] = []
    for file in copies:
        arguments += ["+"] * bool(arguments) + ["fs", "cp", "-f", str(file.built), f":{file.on_box}"]
    n = 0
    for line in board.lines(*arguments):
        if line.startswith("cp "):
            n += 1
            say(words("copying", n=n, of=len(copies), file=line.rpartition(":")[2].strip()))
