"""The latching relay: what moves it, what does not, and what its contact says meanwhile."""

from __future__ import annotations

import pytest
from chips.errors import ChipError
from chips.latching_relay import ALLOW, INHIBIT, MIN_PULSE_US, OPERATE_US, LatchingRelay


def pulse(relay: LatchingRelay, coil: str, length_us: int, start_us: int = 0) -> None:
    relay.drive(coil, True, start_us)
    relay.drive(coil, False, start_us + length_us)
    relay.advance(start_us + length_us + 10_000)


def test_a_pulse_long_enough_moves_it_and_it_stays_without_current() -> None:
    relay = LatchingRelay()
    pulse(relay, INHIBIT, 50_000)
    assert relay.position == INHIBIT
    relay.set_supply(0, 100_000)
    assert relay.position == INHIBIT
    assert relay.moves == 1


def test_a_short_pulse_and_a_weak_supply_do_not_move_it_and_are_counted() -> None:
    relay = LatchingRelay()
    pulse(relay, INHIBIT, MIN_PULSE_US - 1)
    relay.set_supply(8_900, 100_000)
    pulse(relay, INHIBIT, 50_000, 200_000)
    assert relay.position == ALLOW
    assert (relay.short_pulses, relay.weak_pulses) == (1, 1)


def test_a_dip_of_the_supply_within_the_pulse_spoils_it() -> None:
    relay = LatchingRelay()
    relay.drive(INHIBIT, True, 0)
    relay.set_supply(8_000, 10_000)
    relay.set_supply(12_000, 11_000)
    relay.drive(INHIBIT, False, 50_000)
    assert relay.position == ALLOW


def test_both_coils_at_once_fail_the_run() -> None:
    relay = LatchingRelay()
    relay.drive(INHIBIT, True, 0)
    with pytest.raises(ChipError):
        relay.drive(ALLOW, True, 10)


def test_a_coil_left_on_fails_the_run() -> None:
    relay = LatchingRelay()
    relay.drive(INHIBIT, True, 0)
    with pytest.raises(ChipError):
        relay.advance(2_000_000)


def test_the_contact_bounces_and_then_tells_the_position() -> None:
    relay = LatchingRelay()
    levels: list[int] = []
    relay.on_contact = levels.append
    pulse(relay, INHIBIT, 50_000)
    assert levels == [0, 1, 0, 1, 0]
    assert relay.contact_level() == 0


def test_a_shock_moves_it_unless_it_is_stuck() -> None:
    relay = LatchingRelay()
    relay.shock(INHIBIT, 0)
    assert relay.position == INHIBIT
    relay.is_stuck = True
    pulse(relay, ALLOW, 50_000, 10_000)
    assert relay.position == INHIBIT


def test_a_broken_wire_reads_allow() -> None:
    relay = LatchingRelay(INHIBIT)
    relay.is_wire_broken = True
    assert relay.contact_level() == 1


def test_where_a_cut_pulse_leaves_the_armature_is_this_very_relays_own() -> None:
    for throw_us in (OPERATE_US, 20_000, MIN_PULSE_US):
        for length_us in (throw_us - 1, throw_us):
            relay = LatchingRelay()
            relay.throw_us = throw_us
            pulse(relay, INHIBIT, length_us)
            assert (relay.position == INHIBIT) == (length_us >= throw_us)


def test_a_feedback_line_can_lie_in_each_direction() -> None:
    for position, level in ((ALLOW, 1), (INHIBIT, 0)):
        relay = LatchingRelay(position)
        relay.is_reversed = True
        assert relay.contact_level() == 1 - level
        relay.is_wire_shorted = True
        assert relay.contact_level() == 0
        relay.is_wire_broken = True
        assert relay.contact_level() == 1


def test_a_worn_contact_opens_and_closes_by_itself_until_it_is_mended() -> None:
    relay = LatchingRelay()
    levels: list[int] = []
    relay.on_contact = levels.append
    relay.set_chatter(True, 0)
    relay.advance(500_000)
    assert len(levels) > 10
    assert set(levels[1:]) == {0, 1}
    relay.set_chatter(False, 500_000)
    assert levels[-1] == 1
    assert relay.next_us() is None
    assert relay.moves == 0
