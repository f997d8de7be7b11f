"""NOR flash: a program clears bits, an erase sets a sector, power may fail anywhere in between."""

from __future__ import annotations

import pytest
from chips.errors import ChipError, PowerCut
from chips.nor_flash import MODES, SECTOR_SIZE, NorFlash
from hypothesis import given
from hypothesis import strategies as st


def make(sectors: int = 4) -> NorFlash:
    return NorFlash(bytearray(b"\xff" * SECTOR_SIZE * sectors))


def test_a_program_only_clears_bits_and_counts_what_it_could_not_set() -> None:
    flash = make()
    flash.program(10, b"\xf0\x0f")
    flash.program(10, b"\x3c\xff")
    assert flash.read(10, 2) == b"\x30\x0f"
    assert flash.overprograms == 2


def test_an_erase_sets_its_sector_only_and_wears_it() -> None:
    flash = make()
    flash.program(SECTOR_SIZE - 1, b"\0")
    flash.program(SECTOR_SIZE, b"\0")
    flash.erase(SECTOR_SIZE)
    assert flash.read(SECTOR_SIZE - 1, 2) == b"\0\xff"
    assert flash.wear == {1: 1}
    assert flash.max_wear() == 1
    assert flash.max_wear(0, SECTOR_SIZE) == 0


@pytest.mark.parametrize("address", [1, 100])
def test_an_erase_begins_at_a_sector(address: int) -> None:
    with pytest.raises(ChipError):
        make().erase(address)


def test_a_program_does_not_cross_a_page() -> None:
    with pytest.raises(ChipError):
        make().program(250, bytes(10))


def test_nothing_reaches_beyond_the_chip() -> None:
    flash = make(1)
    with pytest.raises(ChipError):
        flash.read(SECTOR_SIZE - 1, 2)
    with pytest.raises(ChipError):
        flash.program(SECTOR_SIZE, b"\0")


@given(st.binary(min_size=1, max_size=256), st.sampled_from(MODES), st.integers(1, 1 << 30))
def test_a_cut_program_leaves_each_bit_old_or_new(data: bytes, mode: str, seed: int) -> None:
    flash = NorFlash(bytearray(b"\xff" * SECTOR_SIZE), seed)
    flash.cut_at(1, mode)
    with pytest.raises(PowerCut):
        flash.program(0, data)
    left = flash.read(0, len(data))
    assert all(new & ~old == 0 for old, new in zip(left, data, strict=True)), (
        "no bit is cleared that was not to be"
    )
    if mode == "dropped":
        assert left == b"\xff" * len(data)
    if mode == "unreported":
        assert left == data
    assert flash.read(len(data), 256) == b"\xff" * 256


@given(st.sampled_from(MODES), st.integers(1, 1 << 30))
def test_a_cut_erase_never_clears_a_bit(mode: str, seed: int) -> None:
    flash = NorFlash(bytearray(b"\x5a" * SECTOR_SIZE), seed)
    flash.cut_at(1, mode)
    with pytest.raises(PowerCut):
        flash.erase(0)
    assert all(byte & 0x5A == 0x5A for byte in flash.read(0, SECTOR_SIZE))
    if mode == "dropped":
        assert flash.read(0, SECTOR_SIZE) == b"\x5a" * SECTOR_SIZE


def test_the_cut_comes_at_the_n_th_operation_and_only_once() -> None:
    flash = make()
    flash.cut_at(3, "unreported")
    flash.program(0, b"\0")
    flash.erase(0)
    with pytest.raises(PowerCut):
        flash.program(0, b"\0")
    flash.program(1, b"\0")
