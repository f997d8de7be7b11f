"""A serial port behind which a box answers as it would over USB, for plain, unmodified `mpremote`.

Two pseudo-terminals: the outer one is the "cable" a program opens (`/dev/pts/N`), the inner one is the
console of a MicroPython process. A supervisor thread between them does what on the board the ROM and the C
main loop do:

    Ctrl-C        becomes a KeyboardInterrupt in a running program, by the bridge to the chips and, if that
                  does not help, by SIGINT; a plain byte while the REPL reads (the Unix port dies of a
                  SIGINT that it does not catch)
    process ends  a soft reset: "MPY: soft reboot", a new process; in raw REPL only boot.py runs, then raw
                  REPL again
    SIGKILL       a hard reset (`machine.reset()`): boot.py, main.py, then the friendly REPL
    unplug()      the cable is pulled: the port vanishes under the program that has it open, the box runs on

Where it lies: there is no baud rate, so a copy takes no time; DTR and RTS do nothing, so a program that
resets a real ESP32 through them does not reset this one; what the box prints while nobody has the port open
is lost at once, as behind a USB bridge.
"""

import argparse
import contextlib
import os
import pty
import select
import signal
import subprocess
import termios
import threading
import time
import tty
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

READ_BYTES = 4096
TO_CLIENT_MAX_BYTES = (
    65_536  # a client that does not read loses the oldest beyond this, as a full USB buffer does
)
# raw paste waits for windows of 128 bytes; a paste without it is a file at most
TO_BOX_MAX_BYTES = 1_048_576
POLL_MS = 20  # how soon a newly opened port is noticed: a hung-up terminal cannot be waited for
START_TIMEOUT_S = 30.0  # a loaded machine; otherwise it takes half a second
STOP_TIMEOUT_S = 5.0
INTERRUPT_S = 0.3  # a program that has not taken its interrupt by then gets a signal

READY = b"\x1eglovebox: booting\x1e"  # the launcher's first words: from here on SIGINT is caught
BOOTED = b"\x1eglovebox: booted\x1e"  # boot.py (and main.py) are done, the REPL's banner follows
_MARK_START = b"\x1e"
_RAW_BANNER = b"raw REPL; CTRL-B to exit"
_FRIENDLY_BANNER = b'Type "help()" for more information.'
_PROMPT = b">>> "
_CTRL_A, _CTRL_C = b"\x01", b"\x03"
_SIGINT_BIT = 1 << (signal.SIGINT - 1)

T = TypeVar("T")


class Machine(Protocol):
    """What starts the MicroPython process of a box. The process prints READY and BOOTED (see above)."""

    boot_s: float
    """How long the box is deaf after a hard reset: the ROM and the boot loader run."""

    def spawn(self, console: int, *, raw_repl: bool, hard: bool) -> "subprocess.Popen[bytes]":
        """Start the process with `console` as its standard streams.

        `raw_repl`: run boot.py only; `hard`: from reset, else a soft reset.
        """
        ...

    def interrupt(self) -> None:
        """Ask the running program for a KeyboardInterrupt, at a point where it breaks nothing."""
        ...

    def power_cut(self) -> None:
        """Take the 12 V: the process ends by SIGKILL, the next `spawn` is a power-on."""
        ...

    def close(self) -> None:
        """Release what the processes needed."""
        ...


class VirtualBoard:
    """A box behind a pseudo-terminal; all its state belongs to the supervisor's thread.

    `port` is the path to give to mpremote, None while unplugged. `resets` counts soft and hard ones.
    """

    def __init__(self, machine: Machine) -> None:
        self.port: str | None = None
        self.resets = 0
        self._machine = machine
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._orders: list[Callable[[], None]] = []
        self._wake_read, self._wake_write = os.pipe()
        self._listeners: list[Callable[[bytes], None]] = []
        self._outer: int | None = None
        self._console: _Console | None = None
        self._to_client = bytearray()
        self._starts_at = 0.0
        self._started = threading.Event()
        self._is_hard = True
        self._is_raw = False

    def start(self) -> str:
        """Plug the cable in and power the box on; returns the port's path once boot.py begins.

        Raises TimeoutError.
        """
        port = self.plug()
        self._thread = threading.Thread(target=self._run, name="virtual board", daemon=True)
        self._thread.start()
        if not self._started.wait(START_TIMEOUT_S):
            self.stop()
            raise TimeoutError("the box does not start")
        return port

    def stop(self) -> None:
        """Power off and take the port away."""
        if self._thread:
            self._stopping = True
            os.write(self._wake_write, b"!")
            self._thread.join(STOP_TIMEOUT_S)
            self._thread = None
        self.unplug()
        if self._console:
            self._console.end()
        self._machine.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def __enter__(self) -> "VirtualBoard":
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def plug(self) -> str:
        """Put the cable in; the path may be another than before, as with USB."""
        return self._order(self._plug)

    def unplug(self) -> None:
        """Pull the cable: whoever has the port open gets an input/output error. The box runs on."""
        self._order(self._unplug)

    def power_cycle(self) -> None:
        """Take the box's 12 V away and give it back; the cable stays."""
        self._order(self._machine.power_cut)

    def listen(self, callback: Callable[[bytes], None]) -> None:
        """Call `callback`, in the supervisor's thread, with all the box prints, cable or no cable."""
        self._listeners.append(callback)

    def _order(self, action: Callable[[], T]) -> T:
        """Have the supervisor's thread do `action`; returns what it returned."""
        if self._thread is None:
            return action()
        done = threading.Event()
        result: list[T] = []

        def carry_out() -> None:
            result.append(action())
            done.set()

        self._orders.append(carry_out)
        os.write(self._wake_write, b"!")
        if not done.wait(STOP_TIMEOUT_S):
            raise TimeoutError("the virtual board's thread does not answer")
        return result[0]

    # --- below: the supervisor's thread only ---

    def _plug(self) -> str:
        if self._outer is None:
            master, slave = pty.openpty()
            tty.setraw(slave)  # no echo in the moment before the client sets its own mode
            self.port = os.ttyname(slave)
            os.close(slave)
            os.set_blocking(master, False)
            self._outer = master
        assert self.port is not None
        return self.port

    def _unplug(self) -> None:
        if self._outer is not None:
            os.close(self._outer)
        self._outer, self.port = None, None
        self._to_client.clear()

    def _run(self) -> None:
        while not self._stopping:
            self._wait()
            while self._orders:
                self._orders.pop(0)()
            self._from_client()
            if self._console:
                self._console.feed()
                self._print(self._console.take_output())
                if self._console.is_ready:
                    self._started.set()
                if self._console.ended:
                    self._end_life(self._console)
            elif time.monotonic() >= self._starts_at:
                self._console = _Console(self._machine, raw_repl=self._is_raw, hard=self._is_hard)
            self._to_cable()

    def _wait(self) -> None:
        poll = select.poll()
        poll.register(self._wake_read, select.POLLIN)
        if self._console:
            poll.register(self._console.fd, select.POLLIN)
        if self._has_client():
            assert self._outer is not None
            poll.register(self._outer, select.POLLIN | (select.POLLOUT if self._to_client else 0))
        for fd, _ in poll.poll(POLL_MS):
            if fd == self._wake_read:
                os.read(self._wake_read, READ_BYTES)

    def _has_client(self) -> bool:
        """A terminal whose other side nobody has open is hung up."""
        if self._outer is None:
            return False
        poll = select.poll()
        poll.register(self._outer, 0)
        return not poll.poll(0)

    def _from_client(self) -> None:
        if self._outer is None:
            return
        try:
            typed = os.read(self._outer, READ_BYTES)
            if self._console:  # else the box boots: what is typed meanwhile is lost
                self._console.type(typed)
        except BlockingIOError:
            pass
        except OSError:  # nobody has the port open: what was printed for the last one is gone
            self._to_client.clear()

    def _to_cable(self) -> None:
        del self._to_client[:-TO_CLIENT_MAX_BYTES]
        if self._to_client and self._has_client():
            assert self._outer is not None
            with contextlib.suppress(OSError):  # full, or the client just left
                del self._to_client[: os.write(self._outer, self._to_client)]

    def _print(self, data: bytes) -> None:
        if data:
            self._to_client += data
            for callback in self._listeners:
                callback(data)

    def _end_life(self, console: "_Console") -> None:
        """The process has ended: a soft reset follows at once, a hard one when the boot loader is
        through.
        """
        self._is_hard = console.end() == -signal.SIGKILL
        self._is_raw = console.is_raw and not self._is_hard
        self._console = None
        self._starts_at = time.monotonic() + (self._machine.boot_s if self._is_hard else 0)
        self.resets += 1
        self._print(b"\r\nglovebox virtual board: reset\r\n" if self._is_hard else b"MPY: soft reboot\r\n")


class _Console:
    """One life of the MicroPython process and the inner terminal, from start to its end."""

    def __init__(self, machine: Machine, *, raw_repl: bool, hard: bool) -> None:
        self._machine = machine
        self.fd, slave = pty.openpty()
        tty.setraw(slave)
        _mark(slave)
        os.set_blocking(self.fd, False)
        self._process = machine.spawn(slave, raw_repl=raw_repl, hard=hard)
        os.close(slave)
        self.ended = False
        self.is_raw = raw_repl
        self.is_ready = False  # the launcher runs
        self._booted = False  # the REPL is reached
        self._banner_to_hide = raw_repl
        self._interrupted_at: float | None = None  # a Ctrl-C has been asked for and not yet obeyed
        self._input = bytearray()
        self._held = bytearray()  # output that may be part of a mark
        self._recent = b""  # the last of the output, for a banner that arrives in pieces

    def type(self, data: bytes) -> None:
        """Take what the client typed."""
        self._input += data
        del self._input[TO_BOX_MAX_BYTES:]

    def feed(self) -> None:
        """Give the process what was typed, a Ctrl-C as an interrupt if a program runs that takes one.

        Nothing else goes on while an interrupt is under way: the REPL throws away what came before its
        prompt.
        """
        if not self.is_ready or self._process.poll() is not None:
            return
        at = self._input.find(_CTRL_C)
        is_running = _catches_interrupt(self._process.pid)
        if at >= 0 and is_running:
            now = time.monotonic()
            if self._interrupted_at is None:
                self._interrupted_at = now
                self._machine.interrupt()
            elif now - self._interrupted_at > INTERRUPT_S:  # it computes without a look at the bridge
                self._interrupted_at = now
                os.kill(self._process.pid, signal.SIGINT)
            return
        if self._interrupted_at is not None:
            self._interrupted_at = None
            del self._input[at : at + 1]
        if not is_running and _is_marked(self.fd):
            return  # on its way from the program to the prompt, which throws away what comes before it
        if self._booted and not self._banner_to_hide and self._input:
            end = self._input.find(_CTRL_C)
            if end <= 0:  # a Ctrl-C at the front goes to the prompt, or to a program that reads it as a byte
                end = 1 if end == 0 else len(self._input)
            with contextlib.suppress(OSError):
                del self._input[: os.write(self.fd, self._input[:end])]

    def take_output(self) -> bytes:
        """What the box printed since, without the launcher's marks; sets `ended` when the process is
        gone.
        """
        try:
            data = os.read(self.fd, READ_BYTES)
            self.ended = not data
        except BlockingIOError:
            data = b""
            self.ended = self._process.poll() is not None
        except OSError:  # the process has closed its side
            data, self.ended = b"", True
        self._held += data
        shown = self._strip_marks()
        if self._booted and self._banner_to_hide:
            shown = self._hide_banner(shown)
        if shown:
            self._recent = (self._recent + shown)[-1024:]
            raw, friendly = self._recent.rfind(_RAW_BANNER), self._recent.rfind(_FRIENDLY_BANNER)
            if raw != friendly:
                self.is_raw = raw > friendly
        return shown

    def _strip_marks(self) -> bytes:
        shown = b""
        for mark in (READY, BOOTED):
            before, found, after = bytes(self._held).partition(mark)
            if found:
                shown += before
                self._held = bytearray(after)
                self.is_ready, self._booted = True, self._booted or mark == BOOTED
        if self._booted and self._banner_to_hide:
            return shown
        end = len(self._held)
        start = self._held.rfind(_MARK_START)
        if not self._booted and not self.ended and start >= 0 and end - start < len(READY):
            end = start
        shown += bytes(self._held[:end])
        del self._held[:end]
        return shown

    def _hide_banner(self, shown: bytes) -> bytes:
        """A soft reset in raw REPL goes back to raw REPL without showing the friendly one in between."""
        _, found, after = bytes(self._held).partition(_PROMPT)
        if found:
            self._held = bytearray(after)
            self._banner_to_hide = False
            os.write(self.fd, _CTRL_A)
        return shown

    def end(self) -> int:
        """Make sure the process has ended; returns its exit code, negative for a signal."""
        try:
            code = self._process.wait(0.5 if self.ended else 0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait(STOP_TIMEOUT_S)
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
        return code


def _mark(terminal: int) -> None:
    """Set a harmless flag that the prompt's own terminal mode does not have."""
    mode = termios.tcgetattr(terminal)
    mode[3] |= termios.ECHOK
    termios.tcsetattr(terminal, termios.TCSANOW, mode)


def _is_marked(terminal: int) -> bool:
    return bool(termios.tcgetattr(terminal)[3] & termios.ECHOK)


def _catches_interrupt(pid: int) -> bool:
    """Whether the process has a handler for SIGINT just now: the Unix port has one only while code runs."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("SigCgt:"):
                return bool(int(line.split()[1], 16) & _SIGINT_BIT)
    return False


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m glovebox_sim.virtual_board DIRECTORY`: run a board until Ctrl-C, print its port."""
    from glovebox_sim.virtual_board_box import SimulatedMachine

    parser = argparse.ArgumentParser(prog="virtual_board", description="A box for mpremote, without a box.")
    parser.add_argument("directory", type=Path, help="where its flash and chips are kept")
    options = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    machine = SimulatedMachine(options.directory)
    machine.put_on_a_desk()
    with contextlib.suppress(KeyboardInterrupt), VirtualBoard(machine) as board:
        print(board.port, flush=True)
        signal.pause()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
