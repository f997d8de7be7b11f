"""Pins of the box by pinout.csv: who drives which net, and what a net with no driver reads."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

HARDWARE_DIRECTORY = Path(__file__).resolve().parent.parent.parent / "hardware"
_MODE_IN, _MODE_OUT, _MODE_OPEN_DRAIN = 1, 3, 7
_IRQ_RISING, _IRQ_FALLING = 1, 2


class PinError(RuntimeError):
    """The firmware uses a pin in a way that the board's wiring does not allow."""


class Net:
    """One GPIO and what hangs on it."""

    def __init__(self, row: dict[str, str]) -> None:
        self.gpio = int(row["gpio"])
        self.signal = row["signal"]
        self.direction = row["direction"]
        self.pull = {"up": 1, "down": 0}.get(row["pull"])
        self.mode = 0
        self.mcu_pull = 0
        self.output = 0
        self.chip: int | None = None  # driven by a chip or a switch
        self.irq = 0
        self.level = 0
        self.has_level = False


class Pins:
    """All nets. `levels` has a bit for each GPIO; `on_output` is told each change of a net that the box
    drives."""

    def __init__(
        self,
        on_output: Callable[[str, int], None],
        on_interrupt: Callable[[int], None],
        on_input: Callable[[], None],
        table: Path = HARDWARE_DIRECTORY / "pinout.csv",
    ) -> None:
        self._on_output = on_output
        self._on_interrupt = on_interrupt
        self._on_input = on_input
        with table.open(newline="", encoding="utf-8") as file:
            nets = [Net(row) for row in csv.DictReader(file)]
        self.by_gpio = {net.gpio: net for net in nets}
        self.by_signal = {net.signal: net for net in nets}
        self.levels = 0
        for net in nets:
            self._update(net, is_quiet=True)

    def _resolve(self, net: Net) -> int:
        is_driven = net.mode == _MODE_OUT or (net.mode == _MODE_OPEN_DRAIN and net.output == 0)
        if is_driven:
            if net.direction == "in":
                raise PinError(f"GPIO{net.gpio} ({net.signal}) is an input of the board, but is driven")
            return net.output
        if net.chip is not None:
            return net.chip
        if net.pull is not None:
            return net.pull
        return (
            1 if net.mcu_pull == 2 else 0
        )  # a floating net reads anything: here 0, and no code may rely on it

    def _update(self, net: Net, *, is_quiet: bool = False) -> None:
        level = self._resolve(net)
        if net.has_level and level == net.level:
            return
        is_edge = net.has_level
        net.level = level
        net.has_level = True
        if level:
            self.levels |= 1 << net.gpio
        else:
            self.levels &= ~(1 << net.gpio)
        if is_quiet or not is_edge:
            return
        if net.direction == "out":
            self._on_output(net.signal, level)
        else:
            self._on_input()
        if net.irq & (_IRQ_RISING if level else _IRQ_FALLING):
            self._on_interrupt(net.gpio)

    def _net(self, gpio: int) -> Net:
        net = self.by_gpio.get(gpio)
        if net is None:
            raise PinError(f"GPIO{gpio} is not in pinout.csv")
        return net

    def set_mode(self, gpio: int, mode: int, pull: int, output: int) -> None:
        net = self._net(gpio)
        net.mode, net.mcu_pull, net.output = mode, pull, output
        self._update(net)

    def write(self, gpio: int, level: int) -> None:
        net = self._net(gpio)
        net.output = level
        if net.mode in (_MODE_OUT, _MODE_OPEN_DRAIN):
            self._update(net)

    def set_irq(self, gpio: int, trigger: int) -> None:
        self._net(gpio).irq = trigger

    def drive(self, signal: str, level: int | None) -> None:
        """A chip or a switch drives an input of the box, or lets go of it."""
        net = self.by_signal[signal]
        net.chip = level
        self._update(net)

    def level(self, signal: str) -> int:
        return self.by_signal[signal].level

    def float_all(self) -> None:
        """A reset: every pin is an input without pull and without interrupt."""
        for net in self.by_gpio.values():
            net.mode = net.mcu_pull = net.output = net.irq = 0
        for net in self.by_gpio.values():
            self._update(net)
