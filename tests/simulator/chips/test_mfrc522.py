"""The reader by its registers, driven here as the data sheet says, not by the firmware's driver."""

from __future__ import annotations

import pytest
from chips.errors import ChipError, UndefinedRegister
from chips.iso14443_card import Card, bits_of, bytes_of, crc_a
from chips.mfrc522 import Mfrc522
from hypothesis import given, settings
from hypothesis import strategies as st

COMMAND, COM_IRQ, DIV_IRQ, ERROR, STATUS2, FIFO, LEVEL, CONTROL, FRAMING, COLL = (
    1,
    4,
    5,
    6,
    8,
    9,
    10,
    12,
    13,
    14,
)
TX_CONTROL, TX_ASK, T_MODE, T_PRESCALER, RELOAD_H, RELOAD_L = 0x14, 0x15, 0x2A, 0x2B, 0x2C, 0x2D
TRANSCEIVE, CALC_CRC, SOFT_RESET = 12, 3, 15
RX, TIMER, TX = 0x20, 0x01, 0x40


class Bench:
    """A chip with the field on, and time that passes 10 us an access."""

    def __init__(self, chip: Mfrc522 | None = None) -> None:
        self.chip = chip or Mfrc522()
        self.now_us = 0
        self.chip.power_on(0)
        self.wait(2000)
        self.write(TX_ASK, 0x40)
        self.write(TX_CONTROL, 0x83)
        # TAuto, 25 us a tick, 40 ticks: a millisecond without an answer.
        for register, value in ((T_MODE, 0x80), (T_PRESCALER, 0xA9), (RELOAD_H, 0), (RELOAD_L, 40)):
            self.write(register, value)
        self.wait(6000)

    def wait(self, us: int) -> None:
        self.now_us += us

    def _transfer(self, data: bytes) -> bytes:
        self.wait(10)
        self.chip.select(self.now_us)
        result: bytes = self.chip.exchange(data, self.now_us)
        self.chip.deselect(self.now_us)
        return result

    def read(self, register: int) -> int:
        return self._transfer(bytes([0x80 | register << 1, 0]))[1]

    def write(self, register: int, *values: int) -> None:
        self._transfer(bytes([register << 1, *values]))

    def transceive(self, data: bytes, last_bits: int = 0, align: int = 0) -> bytes | None:
        """Send a frame; the answer's bytes, or None when the timer ran out first."""
        self.write(COMMAND, 0)
        self.write(COM_IRQ, 0x7F)
        self.write(LEVEL, 0x80)
        self.write(FIFO, *data)
        self.write(COMMAND, TRANSCEIVE)
        self.write(FRAMING, 0x80 | align << 4 | last_bits)
        for _ in range(1000):
            irq = self.read(COM_IRQ)
            if irq & RX:
                return bytes(self.read(FIFO) for _ in range(self.read(LEVEL)))
            if irq & TIMER:
                return None
        raise AssertionError("neither an answer nor the timer")

    def request(self, command: int = 0x26) -> bytes | None:
        return self.transceive(bytes([command]), last_bits=7)

    def select(self, level: int, part: bytes) -> bytes | None:
        frame = bytes([(0x93, 0x95, 0x97)[level], 0x70]) + part
        return self.transceive(frame + crc_a(frame).to_bytes(2, "little"))

    def halt(self) -> None:
        assert self.transceive(b"\x50\x00" + crc_a(b"\x50\x00").to_bytes(2, "little")) is None


def test_crc_a_of_the_standard_s_examples() -> None:
    # ISO/IEC 14443-3 annex B: 00 00 -> A0 1E, 12 34 -> 26 CF.
    assert crc_a(b"\0\0").to_bytes(2, "little") == b"\xa0\x1e"
    assert crc_a(b"\x12\x34").to_bytes(2, "little") == b"\x26\xcf"


def test_the_chip_calculates_the_same_crc() -> None:
    bench = Bench()
    bench.write(0x11, 0x3D)  # preset 6363
    bench.write(DIV_IRQ, 0x04)
    bench.write(LEVEL, 0x80)
    bench.write(FIFO, 0x12, 0x34)
    bench.write(COMMAND, CALC_CRC)
    bench.wait(10)
    assert bench.read(DIV_IRQ) & 0x04
    assert (bench.read(0x22), bench.read(0x21)) == (0x26, 0xCF)


@pytest.mark.parametrize("register", [0x00, 0x0F, 0x10, 0x1A, 0x1E, 0x20, 0x23, 0x25, 0x30, 0x3C, 0x3F])
def test_a_reserved_register_fails_the_run(register: int) -> None:
    bench = Bench()
    with pytest.raises(UndefinedRegister):
        bench.read(register)
    with pytest.raises(UndefinedRegister):
        bench.write(register, 0)


@pytest.mark.parametrize("command", [1, 5, 9, 14])
def test_a_command_that_is_not_modelled_fails_the_run(command: int) -> None:
    with pytest.raises(UndefinedRegister):
        Bench().write(COMMAND, command)


def test_a_read_only_register_is_not_written() -> None:
    with pytest.raises(UndefinedRegister):
        Bench().write(0x37, 1)


def test_clocking_without_chip_select_fails_the_run() -> None:
    with pytest.raises(ChipError):
        Mfrc522().exchange(b"\0", 0)


def test_reset_values_are_the_data_sheet_s_and_a_soft_reset_brings_them_back() -> None:
    bench = Bench()
    bench.write(COMMAND, SOFT_RESET)
    assert bench.read(COMMAND) & 0x10, "it starts up"
    bench.wait(1000)
    assert [bench.read(r) for r in (COMMAND, COM_IRQ, 0x07, 0x11, 0x14, 0x37)] == [
        0x20,
        0x14,
        0x21,
        0x3F,
        0x80,
        0x92,
    ]
    assert not bench.chip.is_field_on


def test_a_burst_read_names_the_next_register_in_each_byte() -> None:
    bench = Bench()
    bench.write(FIFO, 1, 2, 3)
    assert bench._transfer(bytes([0x92, 0x92, 0x92, 0x00])) == b"\x00\x01\x02\x03"


def test_without_a_card_the_timer_ends_the_wait_in_a_millisecond() -> None:
    bench = Bench()
    began_us = bench.now_us
    assert bench.request() is None
    assert 1000 <= bench.now_us - began_us < 1400


def test_a_card_answers_once_the_field_has_been_there_for_five_milliseconds() -> None:
    bench = Bench()
    bench.chip.present(Card(b"\x01\x02\x03\x04"), bench.now_us)
    assert bench.request() is None
    bench.wait(5000)
    assert bench.request() == b"\x04\x00"


def test_no_card_answers_without_full_modulation() -> None:
    bench = Bench()
    bench.chip.present(Card(b"\x01\x02\x03\x04"), bench.now_us)
    bench.wait(6000)
    bench.write(TX_ASK, 0)
    assert bench.request() is None


def test_the_answer_stops_the_timer_and_says_how_many_bits_came_last() -> None:
    bench = Bench()
    bench.chip.present(Card(b"\x01\x02\x03\x04"), bench.now_us)
    bench.wait(6000)
    assert bench.request() == b"\x04\x00"
    bench.wait(5000)
    assert not bench.read(COM_IRQ) & TIMER
    assert bench.read(CONTROL) & 7 == 0


@pytest.mark.parametrize("length", [4, 7, 10])
def test_each_size_of_uid_is_selected_level_by_level_and_halted(length: int) -> None:
    card = Card(bytes(range(0x10, 0x10 + length)), sak=0x20)
    bench = Bench()
    bench.chip.present(card, bench.now_us)
    bench.wait(6000)
    assert bench.request() is not None
    levels = {4: 1, 7: 2, 10: 3}[length]
    for level in range(levels):
        part = bench.transceive(bytes([(0x93, 0x95, 0x97)[level], 0x20]))
        assert part is not None
        assert part[0] ^ part[1] ^ part[2] ^ part[3] ^ part[4] == 0
        assert (part[0] == 0x88) == (level < levels - 1)
        sak = bench.select(level, part)
        assert sak is not None
        assert crc_a(sak[:1]).to_bytes(2, "little") == sak[1:]
        assert sak[0] == (0x24 if level < levels - 1 else 0x20)
    bench.halt()
    assert bench.request(0x26) is None, "a halted card does not hear REQA"
    assert bench.request(0x52) is not None, "but WUPA"


def test_a_select_with_a_wrong_check_byte_or_crc_is_not_answered() -> None:
    bench = Bench()
    bench.chip.present(Card(b"\x01\x02\x03\x04"), bench.now_us)
    bench.wait(6000)
    bench.request()
    assert bench.select(0, b"\x01\x02\x03\x04\x05") is None
    assert bench.request() is not None
    assert bench.transceive(b"\x93\x70\x01\x02\x03\x04\x04\0\0") is None


def test_two_cards_collide_at_the_bit_in_which_they_differ() -> None:
    bench = Bench()
    bench.write(COLL, 0x00)  # clear what comes after a collision
    for uid in (b"\x01\x02\x03\x04", b"\x01\x02\x13\x04"):
        bench.chip.present(Card(uid), bench.now_us)
    bench.wait(6000)
    assert bench.request() == b"\x04\x00"
    answer = bench.transceive(b"\x93\x20")
    assert answer is not None
    assert bench.read(ERROR) & 0x08
    assert bench.read(COLL) == 21  # the 21st bit: bit 4 of the third byte
    assert answer[:2] == b"\x01\x02"
    assert answer[2] & 0x0F == 0x03
    assert answer[3:] == b"\0\0"
    # Twenty known bits and a one: the answer begins with bit 5 of the third byte.
    rest = bench.transceive(b"\x93\x45\x01\x02\x13", last_bits=5, align=5)
    assert rest is not None
    assert not bench.read(ERROR) & 0x08
    assert bytes([rest[0] & 0xE0 | 0x13, *rest[1:]]) == b"\x13\x04\x14"


def test_collisions_at_the_32nd_bit_read_zero() -> None:
    bench = Bench()
    for uid in (b"\x01\x02\x03\x04", b"\x01\x02\x03\x84"):
        bench.chip.present(Card(uid), bench.now_us)
    bench.wait(6000)
    bench.request()
    bench.transceive(b"\x93\x20")
    assert bench.read(COLL) & 0x3F == 0


def test_different_answers_to_the_request_collide_too() -> None:
    bench = Bench()
    for uid in (b"\x01\x02\x03\x04", bytes(range(7))):
        bench.chip.present(Card(uid), bench.now_us)
    bench.wait(6000)
    bench.request()
    assert bench.read(ERROR) & 0x08


def test_the_fifo_holds_64_bytes_and_says_when_it_overflows() -> None:
    bench = Bench()
    bench.write(LEVEL, 0x80)
    bench.write(FIFO, *range(65))
    assert bench.read(LEVEL) == 64
    assert bench.read(ERROR) & 0x10
    bench.write(LEVEL, 0x80)
    assert bench.read(LEVEL) == 0
    assert not bench.read(ERROR) & 0x10


def test_a_card_that_leaves_the_field_forgets_that_it_was_halted() -> None:
    card = Card(b"\x01\x02\x03\x04")
    bench = Bench()
    bench.chip.present(card, bench.now_us)
    bench.wait(6000)
    bench.request()
    part = bench.transceive(b"\x93\x20")
    assert part is not None
    bench.select(0, part)
    bench.halt()
    bench.write(TX_CONTROL, 0x80)
    bench.write(TX_CONTROL, 0x83)
    bench.wait(6000)
    assert bench.request() is not None


def test_an_upset_switches_the_field_off_behind_the_firmware_s_back() -> None:
    bench = Bench()
    bench.chip.present(Card(b"\x01\x02\x03\x04"), bench.now_us)
    bench.wait(6000)
    bench.chip.upset(TX_CONTROL, 0x80, bench.now_us)
    assert bench.request() is None
    assert bench.read(TX_CONTROL) == 0x80


def test_a_dead_chip_reads_zero() -> None:
    bench = Bench()
    bench.chip.is_dead = True
    assert bench.read(0x37) == 0


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from([4, 7, 10]).flatmap(lambda n: st.binary(min_size=n, max_size=n)),
        min_size=1,
        max_size=4,
    ),
    st.booleans(),
)
def test_any_set_of_cards_can_be_told_apart_bit_by_bit(uids: list[bytes], counts_align: bool) -> None:
    """The reader's side of ISO/IEC 14443-3 6.4.3 on the model: whoever it finds is one of the cards."""
    bench = Bench(Mfrc522(counts_align=counts_align))
    for uid in uids:
        bench.chip.present(Card(uid), bench.now_us)
    bench.wait(6000)
    found = set()
    while bench.request() is not None:
        uid, level = b"", 0
        while True:
            known: list[int] = []
            while True:
                whole, rest = divmod(len(known), 8)
                frame = bytes([(0x93, 0x95, 0x97)[level], (whole + 2) << 4 | rest]) + bytes_of(known)
                answer = bench.transceive(frame, last_bits=rest, align=rest)
                assert answer is not None
                bits = known + bits_of(answer)[rest:]
                if not bench.read(ERROR) & 0x08:
                    break
                position = bench.read(COLL)
                assert not position & 0x20
                position = (position & 0x1F or 32) + len(known) - (rest if counts_align else 0)
                known = [*bits[: position - 1], 1]
            part = bytes_of(bits)
            sak = bench.select(level, part)
            assert sak is not None
            uid += part[1:4] if sak[0] & 4 else part[:4]
            level += 1
            if not sak[0] & 4:
                break
        assert uid not in found
        found.add(uid)
        bench.halt()
    # Equal UIDs, or one that begins like a cascade tag, cannot be told apart; all others are found.
    if len(set(uids)) == len(uids) and all(uid[0] != 0x88 for uid in uids):
        assert found == set(uids)
