"""pinout.csv binds firmware, simulator and safety."""

import csv
import re
from pathlib import Path

from glovebox_sim.board_pins import Pins

HARDWARE = Path(__file__).parents[2] / "hardware"
STRAPPING_OR_TOGGLING = {0, 1, 2, 3, 5, 12, 14, 15}
TAKEN = {1, 3} | set(range(6, 12)) | {16, 17}  # console, flash, PSRAM of a WROVER module
NOT_ON_THE_CHIP = {20, 24, 28, 29, 30, 31, 37, 38}
MOVES_SOMETHING = ("relay_allow", "relay_inhibit", "door_unlock", "door_lock")


def rows():
    with (HARDWARE / "pinout.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_firmwares_board_file_has_the_same_signals_and_pins():
    from box import board

    assert {row["signal"]: int(row["gpio"]) for row in rows()} == {s: p[0] for s, p in board.PINS.items()}


def test_the_simulators_board_has_the_same_signals_pulls_and_pins():
    pins = Pins(on_output=lambda *_: None, on_interrupt=lambda _: None, on_input=lambda: None)
    for row in rows():
        net = pins.by_signal[row["signal"]]
        assert net.gpio == int(row["gpio"])
        assert net.direction == row["direction"]
        assert net.pull == {"up": 1, "down": 0}.get(row["pull"])
    assert len(pins.by_gpio) == len(rows())


def test_each_gpio_and_each_signal_stands_once_and_is_free_on_a_wrover():
    gpios = [int(row["gpio"]) for row in rows()]
    assert len(set(gpios)) == len(gpios)
    assert len({row["signal"] for row in rows()}) == len(gpios)
    assert not set(gpios) & (TAKEN | NOT_ON_THE_CHIP)
    assert max(gpios) <= 39


def test_what_moves_the_car_is_on_no_strapping_or_boot_toggling_pin_and_pulled_down():
    by_signal = {row["signal"]: row for row in rows()}
    for signal in MOVES_SOMETHING:
        row = by_signal[signal]
        assert int(row["gpio"]) not in STRAPPING_OR_TOGGLING
        assert (row["direction"], row["pull"], row["idle"]) == ("out", "down", "0")


def test_with_every_pin_floating_at_reset_nothing_is_driven():
    driven = []
    pins = Pins(
        on_output=lambda signal, level: driven.append((signal, level)),
        on_interrupt=lambda _: None,
        on_input=lambda: None,
    )
    for signal in MOVES_SOMETHING:
        gpio = pins.by_signal[signal].gpio
        pins.set_mode(gpio, 3, 0, 1)
        assert pins.level(signal) == 1
    driven.clear()
    pins.float_all()
    assert {signal: pins.level(signal) for signal in MOVES_SOMETHING} == dict.fromkeys(MOVES_SOMETHING, 0)
    assert all(level == 0 for signal, level in driven if signal in MOVES_SOMETHING)


def test_outputs_are_on_pins_that_can_drive():
    assert all(int(row["gpio"]) < 34 for row in rows() if row["direction"] in ("out", "inout"))


def test_a_pin_that_would_choose_another_flash_voltage_or_hinder_the_boot_idles_at_the_level_it_needs():
    idle = {int(row["gpio"]): row["idle"] for row in rows()}
    assert idle.get(12, "0") == "0"
    assert idle.get(0, "1") == "1"
    assert idle.get(2, "0") == "0"


def test_the_pins_that_wake_the_box_are_in_the_rtc_domain():
    rtc_domain = {0, 2, 4, 12, 13, 14, 15, 25, 26, 27, 32, 33, 34, 35, 36, 37, 38, 39}
    by_signal = {row["signal"]: int(row["gpio"]) for row in rows()}
    for signal in ("accelerometer_int", "kl15", "doors"):
        assert by_signal[signal] in rtc_domain
    assert 32 <= by_signal["battery_sense"] <= 39  # ADC1


def divider(signal):
    """Upper and lower resistor, kilo-ohms, as the table has them."""
    why = next(row["why_this_pin"] for row in rows() if row["signal"] == signal)
    found = re.search(r"(\d+)k/(\d+)k", why)
    return int(found[1]), int(found[2])


def test_the_ignition_reads_as_on_at_any_voltage_at_which_an_engine_cranks():
    upper, lower = divider("kl15")
    high_v = 0.75 * 3.3  # VIH of an ESP32's input
    assert 5.0 * lower / (upper + lower) > high_v


def test_the_battery_is_divided_as_the_firmware_multiplies_and_stays_within_the_converters_range():
    from box import board

    upper, lower = divider("battery_sense")
    assert (upper + lower) / lower == board.BATTERY_DIVIDER
    assert 16.0 / board.BATTERY_DIVIDER < 2.45  # the linear range of ADC1 at 11 dB
