"""Every short history of the clock, and broken clocks that the sweep catches."""

import pytest
from box import clock as clocks
from box.clock import Clock
from support_clock_sweep import BEGINNINGS, EVENTS, WrongClockError, sweep


def test_after_every_two_events_the_clock_has_done_nothing_it_must_not():
    assert sweep(2) == len(BEGINNINGS) * len(EVENTS) ** 2


@pytest.mark.sweep
def test_after_every_three_events_the_clock_has_done_nothing_it_must_not():
    assert sweep(3) == len(BEGINNINGS) * len(EVENTS) ** 3


class LedAway(Clock):
    """Satellites are measured against what they made of the clock."""

    def _trim(self, time_s):
        super()._trim(time_s)
        self._trimmed_s = 0


class ChipVouchesForAll(Clock):
    """What satellites said is written as if the cloud had said it."""

    def _write_chip(self, now_s):
        was_vouched, self.is_vouched = self.is_vouched, True
        super()._write_chip(now_s)
        self.is_vouched = was_vouched


class ChipTrimmed(Clock):
    """The chip follows the satellites: each reset allows them another hour."""

    def _trim(self, time_s):
        super()._trim(time_s)
        self._write_chip(time_s)


class BoundFollowsSatellites(Clock):
    """The bound follows whatever time there is."""

    def keep_bound(self):
        if self.trust != clocks.NONE:
            self.bound_s = max(self.bound_s, self.now_s())


class BoundWithoutCap(Clock):
    """Without the cloud the bound follows the chip for as long as one likes."""

    def keep_bound(self):
        if self.is_vouched:
            self.bound_s = max(self.bound_s, self._read_s())


class Reachless(Clock):
    """Any date ahead will do: a week number that rolled over the other way."""

    def classify(self, time_s):
        kind = super().classify(time_s)
        return clocks.PLAUSIBLE if kind == clocks.BEYOND else kind


class Credulous(Clock):
    """Whoever speaks last is right."""

    def _is_doubt_over(self, time_s):
        return True


class Stubborn(Clock):
    """Whoever spoke first is right for ever."""

    def _is_doubt_over(self, time_s):
        return False


class Fickle(Clock):
    """The cloud's fresh word is trimmed too."""

    def get_kind(self):
        kind = super().get_kind()
        return clocks.VOUCHED if kind == clocks.FRESH else kind


class Backwards(Clock):
    """A trim backwards shows at once."""

    def now_s(self):
        return None if self.trust == clocks.NONE else self._read_s()


class ChipBelieved(Clock):
    """The chip is believed whatever it says."""

    def classify(self, time_s):
        kind = super().classify(time_s)
        return clocks.PLAUSIBLE if self.trust == clocks.NONE and kind == clocks.PAST else kind

    def _start_from_chip(self):
        super()._start_from_chip()
        self._latest_s = self._base_s


class StartsAtBound(Clock):
    """A chip that lags is set on to the bound: an hour more for the satellites."""

    def _start_from_chip(self):
        super()._start_from_chip()
        if self.trust == clocks.KEPT:
            self._base_s = self._latest_s


class MarkUnread(Clock):
    """Whatever the chip holds is taken for the cloud's."""

    def _start_from_chip(self):
        super()._start_from_chip()
        self.is_vouched = self.trust == clocks.KEPT


class BoundNeverLowered(Clock):
    """The cloud's correction leaves the bound."""

    def set_from_cloud(self, now_s):
        bound_s = self.bound_s
        done = super().set_from_cloud(now_s)
        self.bound_s = max(bound_s, now_s)
        return done


class BoundNotLoaded(Clock):
    """A box that has just started takes the present from satellites that say long ago."""

    def classify(self, time_s):
        bound_s, self.bound_s = self.bound_s, clocks.FIRST_S
        try:
            return super().classify(time_s)
        finally:
            self.bound_s = bound_s


BROKEN = (
    LedAway,
    ChipVouchesForAll,
    ChipTrimmed,
    BoundFollowsSatellites,
    BoundWithoutCap,
    Reachless,
    Credulous,
    Stubborn,
    Fickle,
    Backwards,
    ChipBelieved,
    StartsAtBound,
    MarkUnread,
    BoundNeverLowered,
    BoundNotLoaded,
)


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__)
def test_a_broken_clock_is_caught(broken):
    with pytest.raises(WrongClockError):
        sweep(2, broken)
