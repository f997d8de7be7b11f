"""The receiver's serial line and the pixels."""

from __future__ import annotations

import pytest
from chips.errors import ChipError
from chips.gnss_uart import GnssUart
from chips.ws2812 import Ws2812


def test_bytes_arrive_one_after_the_other_at_9600_baud() -> None:
    line = GnssUart()
    line.feed(b"abcdef", 1000)
    assert line.take(1000 + 1041) == b"a"
    assert line.take(1000 + 3 * 1042) == b"bc"
    assert line.take(10_000_000) == b"def"


def test_what_is_fed_while_the_line_is_busy_follows() -> None:
    line = GnssUart()
    line.feed(b"ab", 0)
    line.feed(b"cd", 0)
    assert line.take(2 * 1042) == b"ab"
    assert line.take(4 * 1042) == b"cd"


def test_the_driver_is_told_when_its_fifo_is_full_or_the_line_is_still() -> None:
    line = GnssUart()
    assert line.ready_us() is None
    line.feed(bytes(300), 0)
    full_us = line.ready_us()
    assert full_us == 120 * 10_000_000 // 9600
    line.take(full_us)
    line.take(240 * 10_000_000 // 9600)
    still_us = line.ready_us()
    assert still_us is not None
    assert 0 < still_us - 300 * 10_000_000 // 9600 < 5000


def test_a_wrong_baud_rate_reads_garbage() -> None:
    line = GnssUart()
    line.host_baudrate = 115200
    line.feed(b"$GP", 0)
    assert line.take(100_000) != b"$GP"


def test_pixels_come_green_first_and_keep_what_they_are_not_sent() -> None:
    chain = Ws2812(3)
    chain.receive((400, 850, 800, 450), bytes([1, 2, 3, 4, 5, 6]))
    assert chain.pixels == [(2, 1, 3), (5, 4, 6), (0, 0, 0)]
    chain.receive((400, 850, 800, 450), bytes(3))
    assert chain.pixels[:2] == [(0, 0, 0), (5, 4, 6)]


def test_bit_times_of_another_chip_fail_the_run() -> None:
    with pytest.raises(ChipError):
        Ws2812(1).receive((800, 1700, 1600, 900), bytes(3))
