"""The CAN controller by its instructions and registers."""

from __future__ import annotations

import pytest
from chips.errors import ChipError, UndefinedRegister
from chips.mcp2515 import CONFIGURATION, LISTEN_ONLY, LOOPBACK, NORMAL, SLEEP, Mcp2515

CANSTAT, CANCTRL, TEC, REC, CNF3, CANINTE, CANINTF, EFLG = 0x0E, 0x0F, 0x1C, 0x1D, 0x28, 0x2B, 0x2C, 0x2D
RATE = 500_000


class Bench:
    """A chip at 16 MHz set to 500 kbit/s; what it wants to send lies in `wanted`."""

    def __init__(self, mode: int = NORMAL) -> None:
        self.chip = Mcp2515(16_000_000)
        self.wanted: list[tuple[int, bool, bool, bytes]] = []
        self.chip.on_transmit = self.wanted.append
        self.level = 1
        self.chip.on_int = self._on_int
        self.chip.power_on(0)
        self.do(0x02, CNF3, 0x03, 0xAC, 0x00)
        self.do(0x02, 0x60, 0x64)  # any frame, roll over
        self.do(0x02, 0x70, 0x60)
        self.do(0x02, CANINTE, 0xA3)
        self.do(0x02, CANCTRL, mode << 5)

    def _on_int(self, level: int) -> None:
        self.level = level

    def do(self, *data: int) -> bytes:
        self.chip.select(0)
        result: bytes = self.chip.exchange(bytes(data), 0)
        self.chip.deselect(0)
        return result

    def read(self, address: int, count: int = 1) -> bytes:
        return self.do(0x03, address, *bytes(count))[2:]

    def receive(self, identifier: int = 0x123, data: bytes = b"\x01\x02", **more: bool) -> None:
        frame = (identifier, more.get("extended", False), more.get("remote", False), data)
        self.chip.receive(frame, RATE, 0)

    def send(self, buffer: int = 0, identifier: int = 0x7DF, data: bytes = b"\x02\x01\x0c") -> None:
        load = [identifier >> 3, (identifier & 7) << 5, 0, 0, len(data), *data]
        self.do(0x40 | buffer * 2, *load)
        self.do(0x80 | 1 << buffer)


def test_after_reset_it_is_in_configuration_mode() -> None:
    chip = Bench()
    chip.do(0xC0)
    assert chip.read(CANSTAT, 2) == b"\x80\x87"
    assert chip.chip.mode == CONFIGURATION


def test_an_unknown_instruction_or_register_fails_the_run() -> None:
    with pytest.raises(UndefinedRegister):
        Bench().do(0xFF)
    with pytest.raises(UndefinedRegister):
        Bench().read(0x80)
    with pytest.raises(UndefinedRegister):
        Bench().do(0x02, CANCTRL, 0xE0)


@pytest.mark.parametrize(
    ("crystal_hz", "cnf", "rate"),
    [
        (8_000_000, (0x01, 0x91, 0x00), 500_000),
        (16_000_000, (0x03, 0xAC, 0x00), 500_000),
        (16_000_000, (0x03, 0xAC, 0x01), 250_000),
        (16_000_000, (0x00, 0x2C, 0x00), 16_000_000 // 2 // 18),  # BTLMODE 0: PHSEG2 is as long as PHSEG1
    ],
)
def test_the_bit_rate_follows_the_three_registers(
    crystal_hz: int, cnf: tuple[int, int, int], rate: int
) -> None:
    chip = Mcp2515(crystal_hz)
    chip.power_on(0)
    chip.select(0)
    chip.exchange(bytes([0x02, CNF3, *cnf]), 0)
    chip.deselect(0)
    assert chip.bit_rate() == rate


def test_bit_timing_and_filters_change_only_in_configuration_mode() -> None:
    bench = Bench()
    bench.do(0x02, CNF3, 0x07)
    bench.do(0x02, 0x20, 0xFF)
    assert bench.read(CNF3) == b"\x03"
    assert bench.read(0x20) == b"\x00"
    bench.do(0x02, CANCTRL, CONFIGURATION << 5)
    assert bench.read(0x20) == b"\x00"


def test_a_received_frame_pulls_int_low_until_its_buffer_has_been_read() -> None:
    bench = Bench()
    bench.receive(0x456, b"\x0a\x0b\x0c")
    assert bench.level == 0
    assert bench.do(0xB0, 0)[1] == 0x40
    assert bench.do(0x90, *bytes(13))[1:9] == b"\x8a\xc0\x00\x00\x03\x0a\x0b\x0c"
    assert bench.level == 1, "reading the buffer clears its flag"
    assert bench.read(CANINTF) == b"\0"


def test_extended_and_remote_frames_keep_their_bits() -> None:
    bench = Bench()
    bench.receive(0x18DAF110, b"\x01", extended=True)
    assert bench.read(0x61, 5) == bytes([0xC6, 0xC8 | 0x02, 0xF1, 0x10, 0x01])
    bench.do(0x90, 0)
    bench.receive(0x100, b"", remote=True)
    assert bench.read(0x61, 5) == bytes([0x20, 0x10, 0, 0, 0])
    assert bench.do(0xB0, 0)[1] & 0x18 == 0x08


def test_the_third_frame_overruns_and_the_flag_stays_until_it_is_cleared_by_hand() -> None:
    bench = Bench()
    for number in range(3):
        bench.receive(0x100 + number)
    assert bench.read(EFLG) == b"\x80"
    assert bench.chip.overruns == 1
    bench.do(0x92, *bytes(8))
    bench.do(0x96, *bytes(8))
    assert bench.read(EFLG) == b"\x80"
    bench.do(0x05, EFLG, 0x80, 0)
    bench.do(0x05, CANINTF, 0x20, 0)
    assert bench.read(EFLG) == b"\0"
    assert bench.level == 1


def test_without_roll_over_the_first_buffer_overruns_alone() -> None:
    bench = Bench()
    bench.do(0x02, CANCTRL, CONFIGURATION << 5)
    bench.do(0x02, 0x20, 0xFF, 0xE0, 0, 0)
    bench.do(0x02, 0x24, 0xFF, 0xE0, 0, 0)
    bench.do(0x02, 0x00, 0x100 >> 3, 0)
    bench.do(0x02, 0x04, 0x100 >> 3, 0)
    bench.do(0x02, 0x60, 0x00)
    bench.do(0x02, 0x70, 0x00)
    bench.do(0x02, CANCTRL, NORMAL << 5)
    bench.receive(0x100)
    bench.receive(0x100)
    assert bench.read(EFLG) == b"\x40"


def test_filters_and_masks_let_through_what_they_name() -> None:
    bench = Bench()
    bench.do(0x02, CANCTRL, CONFIGURATION << 5)
    bench.do(0x02, 0x60, 0x00)
    bench.do(0x02, 0x70, 0x00)
    for mask in (0x20, 0x24):
        bench.do(0x02, mask, 0xFF, 0x00, 0, 0)  # 7E8 to 7EF
    for at in (0x00, 0x04, 0x08, 0x10, 0x14, 0x18):
        bench.do(0x02, at, 0x7E8 >> 3, 0, 0, 0)
    bench.do(0x02, CANCTRL, NORMAL << 5)
    for identifier in (0x100, 0x7E7, 0x7F0):
        bench.receive(identifier)
    bench.receive(0x7E8 << 18, extended=True)
    assert bench.read(CANINTF) == b"\0"
    bench.receive(0x7EC)
    assert bench.read(CANINTF) == b"\x01"


def test_a_frame_is_sent_and_acknowledged() -> None:
    bench = Bench()
    bench.send()
    assert bench.wanted == [(0x7DF, False, False, b"\x02\x01\x0c")]
    assert bench.read(0x30)[0] & 0x08
    bench.chip.end_transmission("acknowledged", 0)
    assert not bench.read(0x30)[0] & 0x08
    assert bench.read(CANINTF)[0] & 0x04


def test_an_unanswered_frame_is_sent_again_for_ever_unless_one_shot() -> None:
    bench = Bench()
    bench.send()
    for _ in range(3):
        bench.chip.end_transmission("unacknowledged", 0)
    assert len(bench.wanted) == 4
    assert bench.read(TEC) == b"\x18"
    bench = Bench()
    bench.do(0x05, CANCTRL, 0x08, 0x08)
    bench.send()
    bench.chip.end_transmission("unacknowledged", 0)
    assert len(bench.wanted) == 1
    assert bench.read(0x30)[0] & 0x18 == 0x10
    assert bench.read(CANINTF)[0] & 0x80


def test_missing_acknowledgements_end_at_error_passive_and_errors_at_bus_off() -> None:
    bench = Bench()
    bench.send()
    for _ in range(40):
        bench.chip.end_transmission("unacknowledged", 0)
    assert bench.chip.tec == 128
    assert bench.read(EFLG)[0] == 0x15
    for _ in range(16):
        bench.chip.end_transmission("error", 0)
    assert bench.read(EFLG)[0] & 0x20
    assert not bench.chip.is_on_bus(RATE)
    bench.chip.advance(1_000_000)
    assert bench.read(EFLG) == b"\0"


def test_priority_and_then_the_higher_number_decides_who_goes_first() -> None:
    bench = Bench()
    bench.send(0, 0x100)
    bench.send(1, 0x101)
    bench.send(2, 0x102)
    bench.chip.end_transmission("acknowledged", 0)
    bench.chip.end_transmission("acknowledged", 0)
    assert [frame[0] for frame in bench.wanted] == [0x100, 0x102, 0x101]


def test_listen_only_sends_nothing_and_acknowledges_nothing_but_hears() -> None:
    bench = Bench(LISTEN_ONLY)
    bench.send()
    assert bench.wanted == []
    assert not bench.chip.is_on_bus(RATE)
    bench.receive()
    assert bench.read(CANINTF) == b"\x01"


def test_a_wrong_bit_rate_hears_only_errors() -> None:
    bench = Bench()
    bench.chip.receive((0x100, False, False, b""), 250_000, 0)
    assert bench.read(CANINTF) == b"\x80"
    assert bench.read(REC) == b"\x01"
    assert not bench.chip.is_on_bus(250_000)


def test_loopback_hears_itself() -> None:
    bench = Bench(LOOPBACK)
    bench.send()
    assert bench.wanted == []
    assert bench.read(CANINTF)[0] & 0x05 == 0x05


def test_sleep_ends_with_traffic_in_listen_only() -> None:
    bench = Bench(SLEEP)
    bench.do(0x02, CANINTE, 0x40)
    bench.receive()
    assert bench.read(CANINTF) == b"\x40"
    assert bench.chip.mode == LISTEN_ONLY


def test_a_waiting_transmit_buffer_must_not_be_changed() -> None:
    bench = Bench()
    bench.send()
    with pytest.raises(ChipError):
        bench.do(0x02, 0x36, 1)


def test_bit_modify_of_a_register_that_cannot_takes_the_whole_byte() -> None:
    bench = Bench()
    bench.do(0x02, 0x36, 0xF0)
    bench.do(0x05, 0x36, 0x0F, 0x05)
    assert bench.read(0x36) == b"\x05"
