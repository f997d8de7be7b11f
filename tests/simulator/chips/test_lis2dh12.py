"""The accelerometer by its registers."""

from __future__ import annotations

import pytest
from chips.errors import ChipError, UndefinedRegister
from chips.lis2dh12 import Lis2dh12

CTRL1, CTRL2, CTRL3, CTRL4, CTRL5, STATUS, OUT = 0x20, 0x21, 0x22, 0x23, 0x24, 0x27, 0x28
INT1_CFG, INT1_SRC, INT1_THS, INT1_DURATION = 0x30, 0x31, 0x32, 0x33


def make(**registers: int) -> Lis2dh12:
    chip = Lis2dh12()
    chip.power_on(0)
    for name, value in registers.items():
        chip.write(bytes([globals()[name], value]), 0)
    return chip


def read(chip: Lis2dh12, register: int, count: int = 1, now_us: int = 0) -> bytes:
    chip.write(bytes([register | (0x80 if count > 1 else 0)]), now_us)
    data: bytes = chip.read(count, now_us)
    return data


def axes(chip: Lis2dh12, now_us: int) -> list[int]:
    data = read(chip, OUT, 6, now_us)
    return [int.from_bytes(data[i : i + 2], "little", signed=True) for i in (0, 2, 4)]


def test_it_says_who_it_is() -> None:
    assert read(make(), 0x0F) == b"\x33"


@pytest.mark.parametrize("register", [0x00, 0x08, 0x0E, 0x10, 0x1D, 0x40])
def test_a_reserved_register_fails_the_run(register: int) -> None:
    with pytest.raises(UndefinedRegister):
        read(make(), register)
    with pytest.raises(UndefinedRegister):
        make().write(bytes([register, 0]), 0)


def test_what_is_not_modelled_or_not_allowed_fails_the_run() -> None:
    with pytest.raises(UndefinedRegister):
        make().write(bytes([0x2E, 0x40]), 0)  # FIFO
    with pytest.raises(ChipError):
        make().write(bytes([0x1E, 0x00]), 0)
    with pytest.raises(ChipError):
        make(CTRL1=0x2F, CTRL4=0x08)  # low power and high resolution


@pytest.mark.parametrize(
    ("control4", "shift", "mg_a_digit"),
    [(0x08, 4, 1), (0x00, 6, 4), (0x18, 4, 2), (0x28, 4, 4), (0x38, 4, 12)],
)
def test_scale_and_resolution_set_the_digit(control4: int, shift: int, mg_a_digit: int) -> None:
    chip = make(CTRL1=0x27, CTRL4=control4 | 0x80)
    chip.set_mg(480, -960, 1200, 0)
    assert axes(chip, 200_000) == [mg // mg_a_digit << shift for mg in (480, -960, 1200)]


def test_the_scale_saturates() -> None:
    chip = make(CTRL1=0x27, CTRL4=0x88)
    chip.set_mg(5000, -5000, 0, 0)
    assert axes(chip, 200_000)[:2] == [2047 << 4, -2048 << 4]


def test_samples_come_at_the_data_rate_and_reading_them_clears_the_status() -> None:
    chip = make(CTRL1=0x27, CTRL4=0x88)
    assert read(chip, STATUS, now_us=50_000) == b"\0"
    assert read(chip, STATUS, now_us=101_000)[0] & 0x0F == 0x0F
    axes(chip, 102_000)
    assert read(chip, STATUS, now_us=103_000)[0] & 0x0F == 0
    assert read(chip, STATUS, now_us=450_000)[0] & 0xFF == 0xFF, "samples were lost"


def test_power_down_samples_nothing() -> None:
    chip = make(CTRL1=0x07)
    chip.advance(10_000_000)
    assert chip.samples == 0


def test_motion_above_the_threshold_raises_int1_and_reading_the_source_releases_it() -> None:
    levels: list[int] = []
    chip = make(CTRL1=0x27, CTRL2=0x01, CTRL3=0x40, CTRL4=0x88, CTRL5=0x08, INT1_THS=5, INT1_CFG=0x2A)
    chip.on_int1 = levels.append
    chip.advance(5_000_000)
    assert levels == [], "gravity alone is filtered away"
    chip.set_mg(200, 0, 1000, 5_000_000)
    chip.advance(5_200_000)
    assert levels == [1]
    chip.set_mg(0, 0, 1000, 5_250_000)
    chip.advance(20_000_000)
    assert levels == [1], "latched"
    assert read(chip, INT1_SRC, now_us=20_000_000)[0] & 0x40
    assert levels == [1, 0]


def test_a_duration_asks_for_several_samples_in_a_row() -> None:
    levels: list[int] = []
    chip = make(CTRL1=0x27, CTRL3=0x40, CTRL4=0x88, INT1_THS=31, INT1_CFG=0x02, INT1_DURATION=3)
    chip.on_int1 = levels.append
    chip.set_mg(900, 0, 0, 0)
    chip.advance(310_000)
    assert levels == []
    chip.advance(510_000)
    assert levels == [1]


def test_the_next_sample_is_only_announced_while_it_may_tell_something() -> None:
    chip = make(CTRL1=0x27, CTRL3=0x40, CTRL4=0x88, INT1_THS=5, INT1_CFG=0x2A)
    assert chip.next_us() == 100_000
    chip.advance(60_000_000)
    assert chip.next_us() is None
    chip.set_mg(0, 0, 990, 60_000_000)
    assert chip.next_us() is not None
