"""The board of one box: chips wired to pins by pinout.csv, flash laid out by partitions.csv, and the car's
side of it.

Attributes of the car's side may be set at any time (from another thread under `sim.lock`): `kl15`,
`door_open`, `key_in_holder`, `battery_mv`, `accelerometer`, `gnss`, `reader`. What the box does is read
back from `relay`, `locked`, `light`, `buzzer_hz` and, as events, from `sim.on_event`.
"""

from __future__ import annotations

import csv
import itertools
import json
import mmap
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chips.errors import ChipError
from chips.iso14443_card import Card
from chips.nor_flash import SECTOR_SIZE, NorFlash
from chips.ws2812 import Ws2812

from glovebox_sim.board_can import CanSide
from glovebox_sim.board_parts import Accelerometer, ClockChip, Gnss, Reader, Relay
from glovebox_sim.board_pins import HARDWARE_DIRECTORY, PinError, Pins

if TYPE_CHECKING:
    from glovebox_sim.host_box import Box

__all__ = ("Board", "Card", "load_costs", "load_partitions")

FLASH_SIZE = 16 * 1024 * 1024
LIGHT_COUNT = 8
_SUBTYPES = {"ota": 0x00, "nvs": 0x02, "phy": 0x01, "fat": 0x81, "ota_0": 0x10, "ota_1": 0x11}
_COSTS_FILE = Path(__file__).with_name("board_costs.json")
_LOCK_PULSE_MIN_US = 40_000  # a central locking relay does not follow a shorter pulse
_BATTERY_DIVIDER = 11
_EVENT_PIN = 1
_SPI_BUS = 2
_channel_numbers = itertools.count(1)


def load_partitions() -> list[list[Any]]:
    """Rows as esp32.Partition.info() has them: type, subtype, offset, size, label."""
    rows: list[list[Any]] = []
    for line in csv.reader((HARDWARE_DIRECTORY / "partitions.csv").read_text(encoding="utf-8").splitlines()):
        fields = [field.strip() for field in line]
        if not fields or not fields[0] or fields[0].startswith("#"):
            continue
        label, kind, subtype, offset, size = fields[:5]
        number = _SUBTYPES[subtype] if subtype in _SUBTYPES else int(subtype, 0)
        rows.append([0 if kind == "app" else 1, number, int(offset, 0), int(size, 0), label])
    return rows


def load_costs() -> dict[str, int]:
    """Modelled times of the board, microseconds unless the name says otherwise."""
    costs: dict[str, Any] = json.loads(_COSTS_FILE.read_text(encoding="utf-8"))
    return {name: value for name, value in costs.items() if isinstance(value, int)}


class Board:
    """Everything on the circuit board but the microcontroller."""

    def __init__(self, box: Box, directory: Path, seed: int) -> None:
        self._box = box
        self._directory = directory
        self.costs = load_costs()
        self.partitions = load_partitions()
        self.flash_path = directory / "flash.bin"
        self._image = _open_image(self.flash_path)
        self.flash = NorFlash(self._image, seed)
        self.flash.on_operation = self._on_flash
        self._flash_busy_until_us = 0
        self._state_path = directory / "board.json"
        state = self._load_state()
        self.flash.wear = {int(sector): cycles for sector, cycles in state.get("wear", {}).items()}
        self.wake_pins: list[tuple[int, int]] = []
        self.pins = Pins(self._on_output, self._on_interrupt, self.check_wake_pins)
        self.relay = Relay(self, state.get("relay", "allow"))
        self.light_chip = Ws2812(LIGHT_COUNT)
        self.gnss = Gnss(self)
        self.reader = Reader(self)
        self.can = CanSide(self, f"glovebox-{next(_channel_numbers)}-{box.name}")
        self.can_channel = self.can.channel
        self.accelerometer = Accelerometer(self)
        self.clock_chip = ClockChip(self, state.get("clock"))
        self._spi_chips = {"reader_cs": self.reader.chip, "can_cs": self.can.chip}
        self._i2c_chips: dict[int, Any] = {
            chip.address: chip for chip in (self.accelerometer.chip, self.clock_chip.chip)
        }
        self.buzzer_hz = 0
        self.locked: bool | None = state.get("locked")
        self._kl15 = False
        self._door_open = False
        self._key_in_holder = True
        self._battery_mv = 12600
        self._pulse_since_us: dict[str, int] = {}
        self._is_spi_open = False
        self.kl15 = False
        self.door_open = False
        self.key_in_holder = True
        self.battery_mv = 12600
        self.relay.attach()
        self.can.chip.on_int(1)

    # -- car side -------------------------------------------------------------------------------------------
    @property
    def now_us(self) -> int:
        return self._box.sim.now_us

    @property
    def unix_s(self) -> float:
        return self._box.sim.now

    @property
    def lock(self) -> threading.RLock:
        return self._box.sim.lock

    @property
    def is_on(self) -> bool:
        return self._box.is_on

    def wake_uart(self) -> None:
        self._box.on_uart()

    @property
    def levels(self) -> int:
        return self.pins.levels

    @property
    def kl15(self) -> bool:
        return self._kl15

    @kl15.setter
    def kl15(self, is_on: bool) -> None:
        with self._box.sim.lock:
            self._kl15 = bool(is_on)
            self.pins.drive("kl15", int(self._kl15))

    @property
    def door_open(self) -> bool:
        return self._door_open

    @door_open.setter
    def door_open(self, is_open: bool) -> None:
        with self._box.sim.lock:
            self._door_open = bool(is_open)
            self.pins.drive("doors", 0 if self._door_open else None)

    @property
    def key_in_holder(self) -> bool:
        return self._key_in_holder

    @key_in_holder.setter
    def key_in_holder(self, is_in: bool) -> None:
        with self._box.sim.lock:
            self._key_in_holder = bool(is_in)
            self.pins.drive("key_holder", 0 if self._key_in_holder else None)

    @property
    def battery_mv(self) -> int:
        return self._battery_mv

    @battery_mv.setter
    def battery_mv(self, mv: int) -> None:
        with self._box.sim.lock:
            self._battery_mv = int(mv)
            self.relay.set_supply(self._battery_mv)
            self._box.on_supply(self._battery_mv)

    @property
    def light(self) -> list[tuple[int, int, int]]:
        """Red, green, blue of each of the eight pixels."""
        return list(self.light_chip.pixels)

    # -- power ----------------------------------------------------------------------------------------------
    def release_pins(self) -> None:
        """The microcontroller resets: pins float, pulls decide."""
        self.pins.float_all()
        self.wake_pins = []
        self._set_buzzer(0)

    def power_off(self) -> None:
        self.release_pins()
        if self.now_us < self._flash_busy_until_us:
            self.flash.tear_last()
        self.light_chip.power_off()
        self.gnss.power_off()
        self.reader.chip.power_off(self.now_us)
        self.can.power_off()
        self.accelerometer.power_off()
        self.clock_chip.chip.power_off(self.now_us)
        self.save()

    def power_on(self) -> None:
        self.reader.chip.power_on(self.now_us)
        self.can.power_on()
        self.accelerometer.power_on()
        self.clock_chip.chip.power_on(self.now_us)

    def save(self) -> None:
        """Keep what a real board keeps without supply; the flash image is a file already."""
        state = {
            "relay": self.relay.contact,
            "locked": self.locked,
            "clock": self.clock_chip.save(),
            "wear": {str(sector): cycles for sector, cycles in self.flash.wear.items()},
        }
        self._state_path.write_text(json.dumps(state), encoding="utf-8")

    def _load_state(self) -> dict[str, Any]:
        if not self._state_path.exists():
            return {}
        loaded: dict[str, Any] = json.loads(self._state_path.read_text(encoding="utf-8"))
        return loaded

    def close(self) -> None:
        self.save()
        self.can.close()
        self._image.close()

    # -- what the box does with its pins --------------------------------------------------------------------
    def emit(self, source: str, name: str, **data: Any) -> None:
        self._box.emit(source, name, data)

    def call_at(self, at_us: int, function: Any) -> None:
        self._box.sim.call_at_us(at_us, function)

    def set_pin_mode(self, gpio: int, mode: int, pull: int, output: int) -> None:
        self.pins.set_mode(gpio, mode, pull, output)

    def write_pin(self, gpio: int, level: int) -> None:
        self.pins.write(gpio, level)

    def set_pin_irq(self, gpio: int, trigger: int) -> None:
        self.pins.set_irq(gpio, trigger)

    def check_wake_pins(self) -> None:
        """End a sleep if one of its wake-up pins has its level."""
        if any(self.pins.by_gpio[gpio].level == level for gpio, level in self.wake_pins):
            self._box.on_wake_pin()

    def _on_interrupt(self, gpio: int) -> None:
        self._box.on_interrupt(_EVENT_PIN, gpio)

    def _on_output(self, signal: str, level: int) -> None:
        if signal in ("relay_allow", "relay_inhibit"):
            self.relay.drive(signal[6:], bool(level))
        elif signal in ("door_unlock", "door_lock"):
            self._on_lock_pulse(signal, level)
        elif signal in self._spi_chips:
            chip = self._spi_chips[signal]
            (chip.deselect if level else chip.select)(self.now_us)

    def _on_lock_pulse(self, signal: str, level: int) -> None:
        if level:
            self._pulse_since_us[signal] = self.now_us
            return
        length_us = self.now_us - self._pulse_since_us.pop(signal, self.now_us)
        if length_us >= _LOCK_PULSE_MIN_US:
            self.locked = signal == "door_lock"
            self.emit("door", "lock" if self.locked else "unlock", length_us=length_us)

    # -- SPI, I2C -------------------------------------------------------------------------------------------
    def open_spi(self, bus: int, baudrate: int, polarity: int, phase: int, pins: tuple[int, ...]) -> None:
        if bus != _SPI_BUS:
            raise PinError(f"SPI{bus} is not wired")
        self._check_pins("SPI", pins, ("spi_sck", "spi_mosi", "spi_miso"))
        if polarity or phase:
            raise ChipError("the reader and the CAN controller speak SPI mode 0")
        for signal, chip in self._spi_chips.items():
            if baudrate > chip.max_clock_hz:
                raise ChipError(f"{baudrate} Hz is too fast for the chip on {signal}")
        self._is_spi_open = True

    def transfer_spi(self, data: bytes) -> bytes:
        """Clock bytes through the chip whose select is low; nobody drives MISO otherwise."""
        if not self._is_spi_open:
            raise PinError("SPI is used before it is set up")
        selected = [chip for signal, chip in self._spi_chips.items() if not self.pins.level(signal)]
        if len(selected) > 1:
            raise ChipError("two chips on the SPI bus are selected at once")
        if not selected:
            return b"\xff" * len(data)
        result: bytes = selected[0].exchange(data, self.now_us)
        return result

    def _find_i2c(self, address: int, scl: int, sda: int) -> Any:
        self._check_pins("I2C", (scl, sda), ("i2c_scl", "i2c_sda"))
        chip = self._i2c_chips.get(address)
        return None if chip is None or chip.is_dead else chip

    def write_i2c(self, address: int, data: bytes, scl: int, sda: int, stop: bool) -> int | None:
        """How many bytes were acknowledged, None if nobody answers to the address."""
        chip = self._find_i2c(address, scl, sda)
        if chip is None:
            return None
        count: int = chip.write(data, self.now_us)
        self.accelerometer.schedule()
        return count

    def read_i2c(self, address: int, length: int, scl: int, sda: int) -> bytes | None:
        chip = self._find_i2c(address, scl, sda)
        if chip is None:
            return None
        data: bytes = chip.read(length, self.now_us)
        self.accelerometer.schedule()
        return data

    def _check_pins(self, bus: str, got: tuple[int, ...], signals: tuple[str, ...]) -> None:
        for gpio, signal in zip(got, signals, strict=True):
            if gpio not in (255, self.pins.by_signal[signal].gpio):
                raise PinError(f"{bus} is wired to GPIO{self.pins.by_signal[signal].gpio} as {signal}")

    # -- UART, analogue, light, sound -----------------------------------------------------------------------
    def open_uart(self, number: int, baudrate: int, tx: int, rx: int) -> None:
        if number != 2:
            raise PinError(f"UART{number} is not wired")
        self._check_pins("UART", (tx, rx), ("gnss_tx", "gnss_rx"))
        self.gnss.open(baudrate)

    def write_uart(self, number: int, data: bytes) -> None:
        self.emit("gnss", "written", data=data.hex())

    def take_uart_bytes(self) -> bytes:
        return self.gnss.take()

    def has_uart_bytes(self, is_watched: int) -> bool:
        return bool(is_watched) and self.gnss.is_ready()

    @property
    def sense_100uv(self) -> int:
        """The battery's divider in tenths of a millivolt, which go with each answer to the box."""
        return min(self._battery_mv * 10 // _BATTERY_DIVIDER, 0xFFFF)

    def set_pwm(self, gpio: int, frequency: int, duty: int) -> None:
        if gpio != self.pins.by_signal["buzzer"].gpio:
            raise PinError(f"no pulse width on GPIO{gpio}")
        self._set_buzzer(frequency if duty else 0)

    def _set_buzzer(self, hz: int) -> None:
        if hz != self.buzzer_hz:
            self.buzzer_hz = hz
            self.emit("buzzer", "tone", hz=hz)

    def send_bitstream(self, gpio: int, timing: tuple[int, ...], data: bytes) -> None:
        if gpio != self.pins.by_signal["light"].gpio:
            raise PinError(f"no pixels on GPIO{gpio}")
        before = self.light_chip.pixels[:]
        self.light_chip.receive(timing, data)
        if before != self.light_chip.pixels:
            self.emit("light", "frame", pixels=list(self.light_chip.pixels))

    # -- flash ----------------------------------------------------------------------------------------------
    def _on_flash(self, name: str, address: int, length: int) -> None:
        cost = "flash_erase_sector_us" if name == "erase" else "flash_program_page_us"
        self._flash_busy_until_us = self.now_us + self.costs[cost]
        self.emit("flash", name, address=address, length=length)


def _open_image(path: Path) -> mmap.mmap:
    """The flash image as memory; a new chip is all ones."""
    if not path.exists():
        with path.open("wb") as file:
            blank = b"\xff" * (SECTOR_SIZE * 256)
            for _ in range(FLASH_SIZE // len(blank)):
                file.write(blank)
    with path.open("r+b") as file:
        return mmap.mmap(file.fileno(), FLASH_SIZE)
