"""The relay's coils: a pulse, and no current at any other time (S1)."""

import asyncio

import pytest
from box.drivers.relay import PULSE_MS, Relay
from box.protocols import codes


class Pin:
    """Notes what it is driven to; both coils share one list."""

    def __init__(self, name, driven, level=None):
        self.name, self.driven, self.level = name, driven, level

    def value(self, level=None):
        if level is not None:
            self.level = level
            self.driven.append((self.name, level))
        return self.level


class Board:
    def __init__(self, during=None):
        self.driven, self.slept = [], []
        self.pins = {name: Pin(name, self.driven) for name in ("allow", "inhibit", "contact")}
        self.during = during
        self.relay = Relay(*self.pins.values(), self._sleep_ms)
        self.at_start, self.driven[:] = list(self.driven), []

    async def _sleep_ms(self, ms):
        self.slept.append((ms, self.pins["allow"].level, self.pins["inhibit"].level))
        if self.during:
            await self.during()


def test_at_the_start_no_coil_draws_current():
    assert Board().at_start == [("allow", 0), ("inhibit", 0)]


@pytest.mark.parametrize("name", ["allow", "inhibit"])
def test_a_pulse_drives_its_own_coil_for_50_ms_and_then_none(name):
    board = Board()
    asyncio.run(getattr(board.relay, f"pulse_{name}")())
    assert board.slept == [(50, int(name == "allow"), int(name == "inhibit"))]
    assert PULSE_MS == 50
    assert board.driven == [(name, 1), ("allow", 0), ("inhibit", 0)]


def test_a_pulse_that_is_broken_off_leaves_no_current():
    async def fail():
        raise OSError

    board = Board(fail)
    with pytest.raises(OSError):
        asyncio.run(board.relay.pulse_allow())
    assert (board.pins["allow"].level, board.pins["inhibit"].level) == (0, 0)


def test_two_pulses_at_once_follow_each_other():
    async def both():
        await asyncio.gather(board.relay.pulse_allow(), board.relay.pulse_inhibit())

    board = Board(lambda: asyncio.sleep(0))
    asyncio.run(both())
    assert [(allow, inhibit) for _, allow, inhibit in board.slept] == [(1, 0), (0, 1)]


def test_the_contact_reads_one_for_allow():
    board = Board()
    answers = []
    for level in (1, 0):
        board.pins["contact"].level = level
        answers.append(board.relay.read_contact())
    assert answers == [codes.CONTACT_ALLOW, codes.CONTACT_INHIBIT]


def test_a_pulse_is_told_while_the_coil_carries_current_and_no_longer():
    told = []

    async def look():
        told.append(board.relay.is_pulsing)

    board = Board(look)
    assert board.relay.is_pulsing is False
    asyncio.run(board.relay.pulse_inhibit())
    assert told == [True]
    assert board.relay.is_pulsing is False
