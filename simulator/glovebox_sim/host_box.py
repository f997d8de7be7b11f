"""One box of a simulation: its power, its resets, its process and its console log."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glovebox_sim.board import Board
from glovebox_sim.host import FOREVER_US, WAIT_UART, BoxHung, Host
from glovebox_sim.network import BoxNetwork
from glovebox_sim.network_in_process import InProcessNetwork, Server
from glovebox_sim.process import FIRMWARE_DIRECTORY, FirmwareProcess

if TYPE_CHECKING:
    from glovebox_sim.simulation import Simulation

POWER_ON_RESET, HARD_RESET, WATCHDOG_RESET, DEEP_SLEEP_RESET, SOFT_RESET = 1, 2, 3, 4, 5
_BROWN_OUT_MV = 5500  # below it the 5 V converter gives up
_BROWN_IN_MV = 6500
_SCRIPT_LIMIT_S = 300.0
_DRAIN_EACH_US = 20_000


class ScriptFailed(RuntimeError):
    """A script run on the box has raised; the message is its traceback."""


class Box:
    """Power, process and board of one box. `is_on` says whether it has its 12 V."""

    def __init__(
        self,
        sim: Simulation,
        name: str,
        directory: Path,
        *,
        cloud: tuple[str, int] | None,
        time_port: int | None,
        firmware: Path | None,
        heap_bytes: int | None,
        server: Server | None = None,
    ) -> None:
        self.sim = sim
        self.name = name
        self.directory = directory.resolve()
        self.firmware = (firmware or FIRMWARE_DIRECTORY).resolve()
        self.heap_bytes = heap_bytes
        self.log_path = self.directory / "console.log"
        self.console: list[str] = []  # the last lines
        self.is_on = False
        self.is_idle = False  # the program has ended: the board would sit at its REPL
        self.host: Host | None = None
        self.resets: list[int] = []  # causes
        self.crashes: list[str] = []  # tracebacks
        self.heap_allocated = 0
        self.heap_free = 0
        self.rtc_memory = b""
        self.rtc_offset_us = 0
        self.nvs: dict[str, dict[str, Any]] = {}
        self._process: FirmwareProcess | None = None
        self._generation = 0
        self._reset_cause = POWER_ON_RESET
        self._wake_reason = 0
        self._boot_us = 0
        self._watchdog_us: int | None = None
        self._watchdog_due_us = 0
        self._script: Path | None = None
        self._is_brown_out = False
        self._log_file = self.log_path.open("a", encoding="utf-8")
        self._counters = [0, 0]
        self._is_drain_due = False
        self.server = server
        self.network: BoxNetwork = (
            BoxNetwork(self, cloud, time_port)
            if server is None
            else InProcessNetwork(self, server, (443 if cloud is None else cloud[1], time_port or 80))
        )
        seed = int.from_bytes(hashlib.sha256(f"{sim.seed}/{name}".encode()).digest()[:4], "little")
        self.board = Board(self, self.directory, seed)
        self._nvs_path = self.directory / "nvs.json"
        if self._nvs_path.exists():
            self.nvs = json.loads(self._nvs_path.read_text(encoding="utf-8"))

    # -- power ----------------------------------------------------------------------------------------------
    def power_on(self) -> None:
        """12 V arrives: a power-on reset."""
        with self.sim.lock:
            if self.is_on:
                return
            self.is_on = True
            self._is_brown_out = False
            self.rtc_offset_us = -self.sim.now_us
            self.rtc_memory = b""
            self.board.power_on()
            self.emit("box", "power_on", {})
            self._schedule_start(POWER_ON_RESET, self.board.costs["boot_us"])

    def power_off(self) -> None:
        """12 V goes, at this very instant: what is volatile is lost."""
        with self.sim.lock:
            if not self.is_on:
                return
            self.is_on = False
            self.is_idle = False
            self.network.on_power_off()
            self._end_process()
            self.board.power_off()
            self._save_nvs()
            self.emit("box", "power_off", {})

    def reset(self, cause: int = HARD_RESET) -> None:
        """The reset line: chips keep their state, pins float, the firmware starts anew."""
        with self.sim.lock:
            if not self.is_on:
                return
            self.network.on_power_off()
            self._end_process()
            self.board.release_pins()
            self._schedule_start(cause, self.board.costs["boot_us"])

    def on_supply(self, mv: int) -> None:
        """The battery's voltage has changed: below the converter's limit the box browns out."""
        if self.is_on and mv < _BROWN_OUT_MV:
            self.power_off()
            self._is_brown_out = True
        elif self._is_brown_out and mv >= _BROWN_IN_MV:
            self.power_on()

    def close(self) -> None:
        self._end_process()
        self.network.close()
        self.board.close()
        self._save_nvs()
        self._log_file.close()

    def _save_nvs(self) -> None:
        self._nvs_path.write_text(json.dumps(self.nvs), encoding="utf-8")

    # -- the process ----------------------------------------------------------------------------------------
    def _schedule_start(self, cause: int, delay_us: int) -> None:
        self._generation += 1
        generation = self._generation
        self._reset_cause = cause
        self.sim.call_at_us(self.sim.now_us + delay_us, lambda: self._start(generation))

    def _start(self, generation: int) -> None:
        if generation != self._generation or not self.is_on or self.host is not None:
            return
        self.is_idle = False
        self.resets.append(self._reset_cause)
        self._boot_us = self.sim.now_us
        self._log(f"--- start, reset cause {self._reset_cause} ---")
        self.emit("box", "reset", {"cause": self._reset_cause})
        self._process = FirmwareProcess(
            firmware=self.firmware,
            log=self._log,
            run=self._script,
            heap_bytes=self.heap_bytes,
            cpus=self.sim.cpus,
        )
        self.host = Host(self, self._process.bridge, not_before_us=self._boot_us)
        self.host.receive_batch()

    def _end_process(self) -> None:
        self._generation += 1
        self._watchdog_us = None
        self._stop_process()

    def _stop_process(self) -> None:
        host, self.host = self.host, None
        process, self._process = self._process, None
        if host is not None:
            self._counters[0] += host.operations_done
            self._counters[1] += host.round_trips
            host.next_us = FOREVER_US
            host.is_running = False
        if process is not None:
            process.kill()

    def get_boot_configuration(self) -> dict[str, Any]:
        """What the hal needs to know at its start."""
        unique = hashlib.sha256(self.name.encode()).digest()[:3]
        return {
            "now_us": self.sim.now_us,
            "boot_us": self._boot_us,
            "virtual": not self.sim.real_time,
            "reset_cause": self._reset_cause,
            "wake_reason": self._wake_reason,
            "entropy": f"{self.sim.seed}/{self.name}/{len(self.resets)}/{self.sim.start_at}",
            "unique_id": (b"\x24\x6f\x28" + unique).hex(),
            "rtc_memory": self.rtc_memory.hex(),
            "rtc_offset_us": self.rtc_offset_us,
            "costs": self.board.costs,
            "partitions": self.board.partitions,
            "flash_path": str(self.board.flash_path),
            "is_in_process": self.server is not None,
            "certificate": () if self.server is None else self.server.certificate,
        }

    @property
    def pid(self) -> int | None:
        """Of the firmware's process while there is one."""
        return None if self._process is None else self._process.pid

    @property
    def operations(self) -> int:
        """Operations of the hal so far."""
        return self._counters[0] + (self.host.operations_done if self.host else 0)

    @property
    def round_trips(self) -> int:
        """Answers given to the hal so far."""
        return self._counters[1] + (self.host.round_trips if self.host else 0)

    # -- what the host reports ------------------------------------------------------------------------------
    def on_interrupt(self, code: int, argument: int) -> None:
        if self.host is not None:
            self.host.add_event(code, argument)

    def on_uart(self) -> None:
        if self.host is not None and self.host.wait_flags & WAIT_UART:
            self.host.wake()

    def on_power_cut(self, what: str) -> None:
        self.emit("flash", "power_cut", {"what": what})
        self.power_off()

    def on_reset(self, cause: int) -> None:
        self._drain_and_log(f"--- reset by the firmware, cause {cause} ---")
        self.reset(cause)

    def on_deep_sleep(self, until_us: int, pins: list[tuple[int, int]]) -> None:
        self.network.on_power_off()
        self._end_process()
        self.board.release_pins()
        self.board.wake_pins = pins
        self.emit("box", "deep_sleep", {"until_us": until_us})
        if until_us < FOREVER_US:
            delay_us = max(0, until_us - self.sim.now_us) + self.board.costs["deep_sleep_wake_us"]
            self._wake_reason = 4
            self._schedule_start(DEEP_SLEEP_RESET, delay_us)
        self.board.check_wake_pins()

    def on_wake_pin(self) -> None:
        """A pin that ends a deep or light sleep has its level."""
        self.board.wake_pins = []
        if self.host is None and self.is_on:
            self._wake_reason = 2
            self._schedule_start(DEEP_SLEEP_RESET, self.board.costs["deep_sleep_wake_us"])
        elif self.host is not None:
            self.host.wake()

    def on_crash(self, text: str) -> None:
        """main.py has ended by an exception: the board would sit at its REPL, with its pins as they are."""
        self.crashes.append(text)
        self._stop_process()
        self.is_idle = True
        self._log("--- the program has ended by an exception ---")
        self.emit("box", "crash", {"traceback": text})

    def on_finished(self) -> None:
        self._stop_process()
        self.is_idle = True
        self._log("--- the program has ended ---")
        self.emit("box", "finished", {})

    def on_process_gone(self) -> None:
        self.on_crash("the process has ended without a word; see the console log")

    def on_hang(self) -> None:
        """No operation for very long: the watchdog bites when its virtual time comes, or the run fails."""
        is_watched = self._watchdog_us is not None
        self._stop_process()
        self.is_idle = True
        self._log("--- the program computes without end ---")
        self.emit("box", "hang", {})
        if not is_watched:
            raise BoxHung(f"{self.name} computes without end; console: {self.log_path}")

    # -- watchdog -------------------------------------------------------------------------------------------
    def start_watchdog(self, timeout_us: int) -> None:
        is_new = self._watchdog_us is None
        self._watchdog_us = timeout_us
        self.feed_watchdog()
        if is_new:
            generation = self._generation
            self.sim.call_at_us(self._watchdog_due_us, lambda: self._check_watchdog(generation))

    def feed_watchdog(self) -> None:
        if self._watchdog_us is not None:
            self._watchdog_due_us = self.sim.now_us + self._watchdog_us

    def _check_watchdog(self, generation: int) -> None:
        if generation != self._generation or self._watchdog_us is None:
            return
        if self.sim.now_us < self._watchdog_due_us:
            self.sim.call_at_us(self._watchdog_due_us, lambda: self._check_watchdog(generation))
            return
        self._drain_and_log("--- watchdog ---")
        self.emit("box", "watchdog", {})
        self.reset(WATCHDOG_RESET)

    # -- console --------------------------------------------------------------------------------------------
    def emit(self, source: str, name: str, data: dict[str, Any]) -> None:
        if self.sim.on_event:
            self.sim.emit(self.name, source, name, data)

    def place(self, cpus: set[int]) -> None:
        """Let the process run on these cores."""
        if self._process is not None:
            self._process.place(cpus)

    def drain_output(self) -> None:
        if self._process is not None:
            self._process.drain_output()

    def drain_output_soon(self) -> None:
        """At most each 20 ms of simulation: a look costs a system call."""
        if not self._is_drain_due:
            self._is_drain_due = True
            self.sim.call_at_us(self.sim.now_us + _DRAIN_EACH_US, self._drain_now)

    def _drain_now(self) -> None:
        self._is_drain_due = False
        self.drain_output()

    def _drain_and_log(self, text: str) -> None:
        self.drain_output()
        self._log(text)

    def _log(self, text: str) -> None:
        line = f"{self.sim.now_us / 1_000_000:14.6f} {text}"
        self.console.append(line)
        del self.console[:-2000]
        self._log_file.write(line + "\n")
        self._log_file.flush()

    # -- scripts --------------------------------------------------------------------------------------------
    def run_script(self, source: str) -> str:
        """Run a script on the box after boot.py in place of main.py, as `mpremote run` does; its printed
        text.

        The box must have power; afterwards it starts its main program anew. Raises ScriptFailed.
        """
        if not self.is_on:
            raise ScriptFailed("the box has no power")
        path = self.directory / "script.py"
        path.write_text(source, encoding="utf-8")
        self._end_process()
        self.board.release_pins()
        first_line = len(self.console)
        crashes = len(self.crashes)
        self._script = path
        try:
            self.is_idle = False
            self._schedule_start(SOFT_RESET, 0)
            is_done = self.sim.run_until(lambda: self.is_idle or not self.is_on, _SCRIPT_LIMIT_S)
        finally:
            self._script = None
        lines = [line[15:] for line in self.console[first_line:]]
        was_on = self.is_on
        self.reset(HARD_RESET)
        if len(self.crashes) > crashes:
            raise ScriptFailed(self.crashes.pop())
        if not is_done or not was_on:
            raise ScriptFailed("the script did not come to its end:\n" + "\n".join(lines))
        return "\n".join(line for line in lines if not line.startswith("--- "))

    def provision(self, bundle: dict[str, Any]) -> str:
        """Hand a claim's bundle to the firmware's own provisioning, as the installer's tool does."""
        was_on = self.is_on
        if not was_on:
            self.power_on()
        text = self.run_script(
            "import json\nfrom box.link import provisioning\n"
            f"print(provisioning.provision(json.loads({json.dumps(json.dumps(bundle))})))\n"
        )
        if not was_on:
            self.power_off()
        return text
