"""The box behind a virtual board: the simulator's own board and chips, with a console instead of a log.

Real time. What a reset is, is decided by the supervisor of `virtual_board.py`, as the ROM does on the
board: this box only ends the process and remembers the cause. The watchdog, once started, outlives a soft
reset, as on an ESP32: an installer's tool that stops the firmware and then copies for long is cut by it.
"""

from __future__ import annotations

import subprocess
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from glovebox_sim.gnss_world import Receiver
from glovebox_sim.host import Host
from glovebox_sim.host_box import HARD_RESET, POWER_ON_RESET, SOFT_RESET, Box
from glovebox_sim.network import AccessPoint
from glovebox_sim.process import ProcessError, bridge_listener, find_micropython
from glovebox_sim.route import Place
from glovebox_sim.simulation import Simulation

DESK_WIFI = "Garage"

if TYPE_CHECKING:
    from glovebox_sim.process import FirmwareProcess

LAUNCHER = Path(__file__).with_name("virtual_board_launch.py")
START_TIMEOUT_S = 20.0
EVENT_CONSOLE = 9


class ConsoleProcess:
    """A MicroPython process on a terminal, with its bridge; the same face to the box as
    `FirmwareProcess`.
    """

    def __init__(self, console: int, *, raw_repl: bool) -> None:
        with (
            tempfile.TemporaryDirectory(prefix="gbx-") as rom,  # no firmware but what an installer copies
            bridge_listener(Path(rom)) as (listener, environment),
        ):
            self.popen = subprocess.Popen(
                [*find_micropython(), "-i", str(LAUNCHER)],
                stdin=console,
                stdout=console,
                stderr=console,
                env={**environment, "GLOVEBOX_CONSOLE": "raw" if raw_repl else "full"},
                start_new_session=True,
            )
            listener.settimeout(START_TIMEOUT_S)
            try:
                self.bridge, _ = listener.accept()
            except TimeoutError:
                self.kill()
                raise ProcessError("the box's process did not reach the bridge") from None

    @property
    def pid(self) -> int:
        return self.popen.pid

    def drain_output(self) -> None:
        """The console is the supervisor's to read."""

    def kill(self) -> None:
        """SIGKILL; the supervisor waits for the end and then starts anew."""
        if self.popen.poll() is None:
            self.popen.kill()
        if hasattr(self, "bridge"):
            self.bridge.close()


class ConsoleBox(Box):
    """A box whose process the virtual board's supervisor starts. Its end is a reset, never an idle box."""

    next_cause = POWER_ON_RESET

    def start_console(self, console: int, *, raw_repl: bool, hard: bool) -> ConsoleProcess:
        """Start the process for the reset that has just happened."""
        with self.sim.lock:
            self._stop_process()
            cause = self.next_cause if hard else SOFT_RESET
            self.next_cause = HARD_RESET
            if hard:
                self._end_process()
                self.network.on_power_off()
                self._reset_pins(cause)
            self._reset_cause = cause
            self._boot_us = self.sim.now_us
            self.resets.append(cause)
        process = ConsoleProcess(console, raw_repl=raw_repl)
        with self.sim.lock:
            self._process = _as_firmware_process(process)
            self.host = Host(self, process.bridge, not_before_us=self._boot_us)
        self.sim.notify()
        return process

    def _reset_pins(self, cause: int) -> None:
        if cause == POWER_ON_RESET:
            if self.is_on:
                self.board.power_off()
            self.is_on = True
            self.rtc_offset_us = -self.sim.now_us
            self.rtc_memory = b""
            self.board.power_on()
        else:
            self.board.release_pins()

    def reset(self, cause: int = HARD_RESET) -> None:
        """The reset line, the watchdog or machine.reset(): the process dies, the supervisor does the
        rest.
        """
        self.next_cause = cause
        self._stop_process()

    def power_off(self) -> None:
        """The supervisor owns the supply: a loss of 12 V is a reset from power-on."""
        self.reset(POWER_ON_RESET)

    def on_process_gone(self) -> None:
        """The REPL has ended (Ctrl-D, SystemExit): a soft reset, which the supervisor makes."""
        self.host = None

    def send_interrupt(self) -> None:
        """Ctrl-C for the program that runs, over the bridge."""
        with self.sim.lock:
            if self.host is not None:
                self.host.add_event(EVENT_CONSOLE, 0, self.sim.now_us.to_bytes(8, "little"))


def _as_firmware_process(process: ConsoleProcess) -> FirmwareProcess:
    return process  # type: ignore[return-value]


class SimulatedMachine:
    """`Machine` of the virtual board: a simulation in real time with one box, in a thread of its own."""

    def __init__(self, directory: Path, name: str = "virtual") -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.sim = Simulation(real_time=True)
        self.box = ConsoleBox(
            self.sim, name, directory, cloud=None, time_port=None, firmware=None, heap_bytes=None
        )
        self.sim.boxes.append(self.box)
        self.boot_s = self.box.board.costs["boot_us"] / 1_000_000
        self._thread = threading.Thread(
            target=self.sim.run_forever, name="virtual board's chips", daemon=True
        )
        self._thread.start()

    def put_on_a_desk(self) -> None:
        """Give it what an installer's desk has: one Wi-Fi network, `Garage`, which takes any password, and a
        satellite receiver that prints but has no sky."""
        receiver = Receiver()
        receiver.sky_open = False

        def print_second() -> None:
            receiver.set_power(self.box.is_on, self.sim.now)
            self.box.board.gnss.feed(receiver.second(self.sim.now, Place(0.0, 0.0, 0.0), 0.0))

        with self.sim.lock:
            self.box.network.access_points = [AccessPoint(DESK_WIFI, bytes(6))]
            self.sim.every(1.0, print_second)

    def spawn(self, console: int, *, raw_repl: bool, hard: bool) -> subprocess.Popen[bytes]:
        """Start the process; see `Machine`."""
        return self.box.start_console(console, raw_repl=raw_repl, hard=hard).popen

    def interrupt(self) -> None:
        """See `Machine`."""
        self.box.send_interrupt()

    def power_cut(self) -> None:
        """See `Machine`."""
        with self.sim.lock:
            self.box.power_off()

    def close(self) -> None:
        """End the simulation's thread and keep the box's state in its directory."""
        self.sim.stop()
        self._thread.join(START_TIMEOUT_S)
        self.sim.close()
