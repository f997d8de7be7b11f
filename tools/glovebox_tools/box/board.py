"""The box at the other end of the cable, through the real `mpremote` program run as a process of its own.

Nothing here speaks the serial protocol: each call is one run of `python -m mpremote connect PORT ...`, so
that what works here works by hand. What mpremote says when it fails becomes a `BoardError` whose key names a
text that says what to do (`messages.py`).
"""

import contextlib
import json
import os
import queue
import re
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ON_BOARD = Path(__file__).parent / "on_board"

SILENCE_S = 60.0  # the longest a step is silent is one 60 KB file at 115,200 baud: about 20 s
RUN_S = 120.0  # the self-test with a Wi-Fi scan takes 20 s
LINE_MAX = 65_536  # an answer of a script on the board; hashes of 60 files are 8 KB
ANSWER_MARK = "glovebox-answer "  # what a script prints before its JSON: boot.py may print as well

# What mpremote or the board says, and the key of the text that says what to do. First match wins.
_WORDS = (
    (r"failed to access", "port_busy"),
    (r"no device found|No such file or directory: '/dev|could not open port", "port_gone"),
    (r"could not enter raw repl|could not exec command", "not_micropython"),
    (
        r"Input/output error|Errno 5|device reports readiness|read failed|write failed|Device not configured"
        r"|ClearCommError|termios\.error|Bad file descriptor|Errno 6\b|SerialException",
        "unplugged",
    ),
    (r"ENOSPC|No space left|OSError: 28\b", "flash_full"),
    (r"MemoryError", "no_memory"),
    (r"no module named '(?:box|main)", "no_firmware"),
    (r"KeyboardInterrupt", "interrupted"),
)


class BoardError(Exception):
    """The board or the cable did not do it.

    `key` names the text, `values` fill it, `detail` is mpremote's own.
    """

    def __init__(self, key: str, detail: str = "", **values: object) -> None:
        super().__init__(key, detail)
        self.key = key
        self.detail = detail
        self.values = values


class Board:
    """One box on one serial port."""

    def __init__(self, port: str, mpremote: Sequence[str] = (sys.executable, "-m", "mpremote")) -> None:
        self.port = port
        self._mpremote = list(mpremote)

    def command(self, *arguments: str) -> list[str]:
        """The whole command line, as one would type it."""
        return [*self._mpremote, "connect", self.port, *arguments]

    def lines(self, *arguments: str, silence_s: float = SILENCE_S, typed: str = "") -> Iterator[str]:
        """Run mpremote with `typed` on its standard input and yield its output line by line.

        Raises BoardError at its end if it failed.

        A board that stops answering leaves mpremote waiting for ever: after `silence_s` it is ended.
        """
        self.check_port()
        process = subprocess.Popen(
            self.command(*arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        said: list[str] = []
        try:
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError), process.stdin:  # it failed before it read: see below
                process.stdin.write(typed)
            for line in _with_deadline(process, silence_s):
                said.append(line)
                yield line
        except TimeoutError:
            raise self.error(said, "silent", seconds=round(silence_s)) from None
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
        if process.returncode:
            raise self.error(said)

    def run(self, *arguments: str, silence_s: float = SILENCE_S) -> str:
        """Run mpremote to its end and return all it said."""
        return "".join(self.lines(*arguments, silence_s=silence_s))

    def ask(self, script: str, values: object = None, silence_s: float = RUN_S) -> Any:
        """Run a script of `on_board/` and return the JSON it answers.

        `values` reach it as the variable VALUES. The text goes through a pipe, because it may hold keys: the
        command line is seen by others, and a file stays where the program is killed.
        """
        for answer in list(self.answers(script, values, silence_s)):  # to its end: a failure may follow
            return answer
        raise BoardError("no_answer", port=self.port)

    def answers(self, script: str, values: object = None, silence_s: float = RUN_S) -> Iterator[Any]:
        """Like `ask`, for a script that answers several times; yields each answer as it comes."""
        # json.dumps twice: the inner text is data, the outer a string literal both Pythons read alike.
        literal = json.dumps(json.dumps(values))
        text = f"import json\nVALUES = json.loads({literal})\n" + (ON_BOARD / script).read_text(
            encoding="utf-8"
        )
        for line in self.lines("run", "/dev/stdin", silence_s=silence_s, typed=text):
            _, found, answer = line.partition(ANSWER_MARK)
            if found:
                with contextlib.suppress(ValueError):
                    yield json.loads(answer)

    def check_port(self) -> None:
        """Raise BoardError if there is no such port, if it is none, or if this user may not use it."""
        if not os.path.exists(self.port):
            raise BoardError("port_gone", port=self.port)
        if not stat.S_ISCHR(os.stat(self.port).st_mode):
            raise BoardError("not_a_port", port=self.port)
        if not os.access(self.port, os.R_OK | os.W_OK):
            raise BoardError("port_forbidden", port=self.port)

    def error(self, said: list[str], key: str = "", **values: object) -> BoardError:
        """What mpremote said when it failed, as a BoardError; `key` if that is known already."""
        detail = "".join(said)[-2000:].strip()
        if not key:
            key = next((name for pattern, name in _WORDS if re.search(pattern, detail)), "mpremote_failed")
            if key in ("port_busy", "unplugged", "mpremote_failed") and not os.path.exists(self.port):
                key = "port_gone" if key == "port_busy" else "unplugged"
        last = detail.splitlines()[-1] if detail else ""
        return BoardError(key, detail, port=self.port, last=last, **values)


def _with_deadline(process: "subprocess.Popen[str]", silence_s: float) -> Iterator[str]:
    """Lines of the process; TimeoutError after `silence_s` without one."""
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        assert process.stdout is not None
        while line := process.stdout.readline(LINE_MAX):
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True, name="mpremote output").start()
    while True:
        try:
            line = lines.get(timeout=silence_s)
        except queue.Empty:
            raise TimeoutError from None
        if line is None:
            process.wait(silence_s)
            return
        yield line
