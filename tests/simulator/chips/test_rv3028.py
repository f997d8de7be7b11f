"""The clock chip by its registers."""

from __future__ import annotations

import datetime

import pytest
from chips.errors import ChipError, UndefinedRegister
from chips.rv3028 import Rv3028, fields_of, seconds_of
from hypothesis import given
from hypothesis import strategies as st

S = 1_000_000
STATUS, CONTROL1, CONTROL2, UNIX, EE_COMMAND, BACKUP = 0x0E, 0x0F, 0x10, 0x1B, 0x27, 0x37


def make() -> Rv3028:
    chip = Rv3028()
    chip.power_on(0)
    return chip


def write(chip: Rv3028, now_us: int, register: int, *values: int) -> None:
    chip.write(bytes([register, *values]), now_us)


def read(chip: Rv3028, now_us: int, register: int, count: int = 1) -> bytes:
    chip.write(bytes([register]), now_us)
    data: bytes = chip.read(count, now_us)
    return data


def set_noon(chip: Rv3028, now_us: int = 0) -> None:
    write(chip, now_us, 0, 0x00, 0x00, 0x12, 0x03, 0x28, 0x02, 0x28)  # 2028-02-28 12:00:00
    write(chip, now_us, STATUS, 0)


@given(st.integers(0, 36525 * 86400 - 1))
def test_the_calendar_is_the_gregorian_one_until_2099(seconds: int) -> None:
    fields = fields_of(seconds)
    assert seconds_of(*fields) == seconds
    when = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(seconds=seconds)
    assert fields == (when.year - 2000, when.month, when.day, when.hour, when.minute, when.second)


def test_a_new_clock_says_that_its_time_is_not_to_be_trusted() -> None:
    chip = make()
    assert read(chip, 0, STATUS) == b"\x01"
    set_noon(chip)
    assert read(chip, 0, STATUS) == b"\x00"


def test_time_goes_on_in_bcd_over_a_leap_day() -> None:
    chip = make()
    set_noon(chip)
    assert read(chip, 12 * 3600 * S - 1, 0, 7) == b"\x59\x59\x23\x03\x28\x02\x28"
    assert read(chip, 12 * 3600 * S, 0, 7) == b"\x00\x00\x00\x04\x29\x02\x28"
    assert read(chip, 36 * 3600 * S, 0, 7)[4:] == b"\x01\x03\x28"


def test_the_unix_counter_counts_beside_the_calendar() -> None:
    chip = make()
    write(chip, 0, UNIX, 0xFE, 0xFF, 0xFF, 0x00)
    assert read(chip, 3 * S, UNIX, 4) == b"\x01\x00\x00\x01"


def test_a_crystal_that_drifts_shows_after_a_day() -> None:
    chip = Rv3028(drift_ppm=100)
    chip.power_on(0)
    set_noon(chip)
    write(chip, 0, CONTROL1, 0x08)
    assert read(chip, 86400 * S, 0, 3) == b"\x08\x00\x12"


def test_without_the_switchover_a_power_cut_loses_the_time() -> None:
    chip = make()
    set_noon(chip)
    chip.power_off(10 * S)
    chip.power_on(20 * S)
    assert read(chip, 20 * S, STATUS)[0] & 1


def test_with_the_switchover_it_runs_on_and_says_that_it_switched() -> None:
    chip = make()
    set_noon(chip)
    write(chip, 0, BACKUP, 0x1C)
    chip.power_off(10 * S)
    chip.power_on(3600 * S)
    assert read(chip, 3600 * S, STATUS) == b"\x20"
    assert read(chip, 3600 * S, 0, 3) == b"\x00\x00\x13"


def test_an_empty_capacitor_loses_the_time() -> None:
    chip = make()
    chip.backup_s = 60
    set_noon(chip)
    write(chip, 0, BACKUP, 0x1C)
    chip.power_off(10 * S)
    chip.power_on(100 * S)
    assert read(chip, 100 * S, STATUS)[0] & 1


def test_the_switchover_is_forgotten_at_midnight_unless_it_is_in_eeprom_or_refresh_is_off() -> None:
    midnight = 13 * 3600 * S
    chip = make()
    set_noon(chip)
    write(chip, 0, BACKUP, 0x1C)
    assert read(chip, midnight, BACKUP) == b"\x10"
    chip = make()
    set_noon(chip)
    write(chip, 0, CONTROL1, 0x08)
    write(chip, 0, BACKUP, 0x1C)
    assert read(chip, midnight, BACKUP) == b"\x1c"
    write(chip, midnight, EE_COMMAND, 0)
    write(chip, midnight, EE_COMMAND, 0x11)
    assert read(chip, midnight, STATUS)[0] & 0x80
    assert not read(chip, midnight + 70_000, STATUS)[0] & 0x80
    write(chip, midnight + 70_000, CONTROL1, 0)
    assert read(chip, 3 * midnight, BACKUP) == b"\x1c"


def test_an_eeprom_command_needs_its_preparation() -> None:
    chip = make()
    with pytest.raises(UndefinedRegister):
        write(chip, 0, EE_COMMAND, 0x11)
    write(chip, 0, EE_COMMAND, 0)
    with pytest.raises(ChipError):
        write(chip, 0, EE_COMMAND, 0x11)  # EERD is not set


def test_what_is_no_time_or_no_register_fails_the_run() -> None:
    chip = make()
    with pytest.raises(ChipError):
        write(chip, 0, 0, 0x5A)
    with pytest.raises(ChipError):
        write(chip, 0, 4, 0x31, 0x02)
    for register in (0x29, 0x2F, 0x38):
        with pytest.raises(UndefinedRegister):
            read(chip, 0, register)
    with pytest.raises(UndefinedRegister):
        write(chip, 0, CONTROL2, 0x02)


def test_a_saved_clock_runs_on_through_a_pause_of_the_simulation() -> None:
    chip = make()
    set_noon(chip)
    write(chip, 0, BACKUP, 0x1C)
    chip.power_off(5 * S)
    saved = chip.save(5 * S)
    other = Rv3028()
    other.restore(saved, 55, 0)
    other.power_on(0)
    assert read(other, 0, 0, 3) == b"\x00\x01\x12"
