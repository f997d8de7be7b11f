"""The board file and the pin table are one."""

import csv
from pathlib import Path

from box import board

PINOUT = Path(__file__).parents[2] / "hardware" / "pinout.csv"
STRAPPING_OR_BOOT_TOGGLING = {0, 1, 2, 3, 5, 12, 14, 15}


def rows():
    with PINOUT.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_pins_of_the_board_file_are_those_of_the_pin_table():
    expected = {
        row["signal"]: (
            int(row["gpio"]),
            row["direction"],
            row["pull"],
            int(row["idle"]) if row["idle"] else None,
        )
        for row in rows()
    }
    assert expected == board.PINS


def test_no_pin_carries_two_signals():
    gpios = [pin[0] for pin in board.PINS.values()]
    assert len(set(gpios)) == len(gpios)


def test_relay_and_door_outputs_are_pulled_down_and_never_on_strapping_or_boot_toggling_pins():
    for signal in ("relay_allow", "relay_inhibit", "door_unlock", "door_lock"):
        gpio, direction, pull, idle = board.PINS[signal]
        assert gpio not in STRAPPING_OR_BOOT_TOGGLING
        assert (direction, pull, idle) == ("out", "down", 0)


def test_only_inputs_are_on_the_pins_that_cannot_drive():
    for signal, (gpio, direction, _, _) in board.PINS.items():
        assert gpio < 34 or direction == "in", signal
