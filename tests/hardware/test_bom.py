"""bom.csv: real numbers, dated prices, and a box under 100 EUR with its bypass plug."""

import csv
import datetime
from pathlib import Path

HARDWARE = Path(__file__).parents[2] / "hardware"


def rows():
    with (HARDWARE / "bom.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_box_costs_less_than_a_hundred_euros_with_its_bypass_plug():
    assert sum(float(row["quantity"]) * float(row["unit_price_eur"]) for row in rows()) < 100
    assert any(row["group"] == "bypass" and "plug" in row["function"] for row in rows())


def test_every_part_has_a_maker_a_number_a_quantity_and_a_dated_price():
    for row in rows():
        assert row["manufacturer"]
        assert row["part_number"]
        assert float(row["quantity"]) > 0
        assert float(row["unit_price_eur"]) > 0
        datetime.date.fromisoformat(row["price_date"] + "-01")


def test_a_line_without_a_part_number_says_that_it_is_an_estimate():
    for row in rows():
        assert row["part_number"] != "none" or "estimate" in row["note"]


def test_every_chip_the_pin_table_names_is_in_the_list():
    parts = " ".join(row["part_number"] + " " + row["function"] for row in rows())
    for chip in ("MCP2515", "WS2812", "LIS2DH12", "RV-3028", "MFRC522", "u-blox", "ESP32"):
        assert chip in parts or any(chip in row["manufacturer"] for row in rows())


def test_there_are_contacts_for_every_pole_of_the_loom():
    quantity = {row["part_number"]: float(row["quantity"]) for row in rows() if row["group"] == "box"}
    assert quantity["43030-0007"] == 24 * quantity["43025-2400"]


def test_the_relay_operates_at_the_least_voltage_at_which_the_firmware_pulses_it():
    from box import config

    operate_fraction = 0.70  # of 12 V, for the bistable versions of this relay family
    assert 12_000 * operate_fraction <= config.PULSE_MIN_MV
