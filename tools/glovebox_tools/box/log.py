"""Show the box's console while it runs, without sending it anything.

`mpremote resume repl` is what does it; it wants a terminal, so it is given one of its own. What the installer
types goes nowhere.
"""

import contextlib
import os
import pty
import select
import subprocess
import time
from collections.abc import Callable

from glovebox_tools.box.board import Board, BoardError
from glovebox_tools.box.messages import Words

READ_BYTES = 4096
POLL_S = 0.2
END_TIMEOUT_S = 5.0
_MPREMOTES_OWN = ("Connected to MicroPython at ", "Use Ctrl-] ")  # of a terminal that nobody types into
_LEAVE = b"\x1d"  # Ctrl-]: mpremote's own key to leave its terminal


def show_log(board: Board, words: Words, say: Callable[[str], None], seconds: float | None) -> None:
    """Print what the box says until `seconds` have passed, or for ever. Raises BoardError without a cable."""
    board.check_port()
    say(words("log_until"))
    terminal, inner = pty.openpty()
    process = subprocess.Popen(
        board.command("resume", "repl"), stdin=inner, stdout=inner, stderr=inner, start_new_session=True
    )
    os.close(inner)
    end_at = None if seconds is None else time.monotonic() + seconds
    rest = b""
    is_connected = False
    said: list[str] = []
    try:
        while end_at is None or time.monotonic() < end_at:
            if select.select([terminal], [], [], POLL_S)[0]:
                try:
                    data = os.read(terminal, READ_BYTES)
                except OSError:  # mpremote has ended
                    break
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    text = line.decode("utf-8", "replace").rstrip("\r")
                    if text.startswith(_MPREMOTES_OWN):
                        is_connected = True
                    elif is_connected:
                        say(text)
                    else:
                        said.append(text)  # why it cannot connect
        if process.poll() is None:
            with contextlib.suppress(OSError):
                os.write(terminal, _LEAVE)
    finally:
        os.close(terminal)
        try:
            process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if end_at is None or time.monotonic() < end_at:
        if is_connected:  # whatever mpremote says of it
            raise BoardError("unplugged", "\n".join(said), port=board.port)
        said.append(rest.decode("utf-8", "replace"))
        raise board.error(["\n".join(said)])
