"""The time of the box and how far it may be trusted.

Time is an input to every decision, so it comes with a trust level: ``NONE`` (nobody said), ``KEPT`` (the
clock chip has run since a trusted time), ``GNSS`` and ``CLOUD``. Instants are seconds since
2000-01-01T00:00:00Z (uint32, until 2136).

Beside its level a time is *vouched for* or not: whether it comes down from the cloud's word, which is signed,
or from satellites alone, whose signal anybody can forge. `RULES` says what each source may do to each clock;
the first matching row wins, and `firmware/TIME.md` shows all of it. What follows from them:

* Satellites trim a clock that is vouched for, by an hour in all, however often they speak; they cannot lead
  it away step by step, for they are measured against what the cloud's word has become by counting.
* What satellites alone said moves no bound, and in the chip it is marked as theirs: once the forger is gone,
  ten minutes of other satellites undo it, the cloud at once.
* The durable lower bound of the present keeps a box that lay a month without power from going back. Without
  the cloud it moves at most 24 h past what the cloud last said; only the cloud lowers it.
* `now_s` goes back only at the cloud's word, or when satellites correct what satellites said: a clock that is
  vouched for and trimmed back stands meanwhile.
"""

import struct

from micropython import const

try:
    from time import ticks_diff
except ImportError:  # CPython, in tests: its integers do not wrap
    from operator import sub as ticks_diff


NONE = const(0)
KEPT = const(1)
GNSS = const(2)
CLOUD = const(3)

# Who speaks.
BY_CLOUD = const(1)
BY_CHIP = const(2)  # when the box starts, the clock being unknown
BY_SATELLITES = const(4)

# What clock it is said to.
UNKNOWN = const(1)
UNVOUCHED = const(2)  # runs on what satellites said
VOUCHED = const(4)  # runs on what the cloud said
FRESH = const(8)  # ... less than a day ago, since this start

# What is said: a date, the first kind that fits.
IMPOSSIBLE = const(1)  # before this firmware was written, or past 32 bits
PAST = const(2)  # more than `DRIFT_MOST_S` before the bound
NEAR = const(4)  # at most `DRIFT_MOST_S` off the clock, what satellites trimmed not counted
LAGGING = const(8)  # before the bound
BEYOND = const(16)  # more than `REACH_S` past the bound
PLAUSIBLE = const(32)

# What comes of it.
REFUSE = const(0)
SET = const(1)  # time, bound and chip; trust `CLOUD`
KEEP = const(2)  # go on from the chip, standing at the bound until it is past; trust `KEPT`
AGREE = const(3)  # nothing to do
TRIM = const(4)  # the time; trust `GNSS`
BELIEVE = const(5)  # time and chip, marked as the satellites'; trust `GNSS`
DOUBT = const(6)  # refuse, and believe what goes on saying the same for `DOUBT_S`

_ALL = const(63)
RULES = (
    (_ALL, _ALL, IMPOSSIBLE, REFUSE),
    (BY_CLOUD, _ALL, _ALL, SET),
    (BY_CHIP, UNKNOWN, LAGGING | PLAUSIBLE, KEEP),
    (BY_SATELLITES, FRESH, NEAR, AGREE),
    (BY_SATELLITES, VOUCHED | UNVOUCHED, NEAR, TRIM),
    (BY_SATELLITES, UNKNOWN, PLAUSIBLE, BELIEVE),
    (BY_SATELLITES, UNVOUCHED, PLAUSIBLE, DOUBT),
)  # what no row names is refused

FIRST_S = const(789_004_800)  # 2025-01-01: this firmware is younger
LAST_S = 0xFFFFFFFF
DRIFT_MOST_S = const(3600)  # what a crystal that is off by 100 ppm gains in a year, 53 minutes
REACH_S = const(94_694_400)  # three years: how long a box may have lain without power
BOUND_LEAP_S = const(86_400)  # how far anyone but the cloud may move the bound past the cloud's last word
FRESH_S = const(86_400)  # as long as this after the cloud's word satellites have nothing to correct
DOUBT_S = const(600)  # a receiver that starts with a wrong date has righted itself long before
DOUBT_SLACK_S = const(5)  # what goes on saying the same runs as fast as our clock
SAVE_EVERY_S = const(3600)  # the bound is saved at most so often: 87,600 flash writes in ten years
_SAVE_LEAST_S = const(600)  # ... and at most so often where the cloud's own clocks disagree and lower it
_CHIP_OFF_S = const(2)  # the chip is written again when it is off by this much

_FORMAT = "<II"  # bound_s, cloud_s


def judge(source, clock, date):
    """Return what `RULES` say of a date of this kind, said by this source to this kind of clock."""
    for sources, clocks, dates, effect in RULES:
        if source & sources and clock & clocks and date & dates:
            return effect
    return REFUSE


class Clock:
    """Keeps the present; durable through `load` and `save`, through power loss by the clock chip.

    `ticks_ms` is the monotonic counter; `chip` has `read()`, which gives `(time_s, is_vouched)` or None, and
    `write(time_s, is_vouched)`; `load()` gives the bytes last saved or None; `save(bytes)` makes
    them durable, and is called by `save_bound` alone. `on_chip_error()` is called when the chip does not
    answer.
    """

    def __init__(self, ticks_ms, chip, load, save, on_chip_error):
        self._ticks_ms = ticks_ms
        self._chip = chip
        self._save = save
        self._on_chip_error = on_chip_error
        self._uptime_s = 0
        self._uptime_ms = 0
        self._uptime_ticks = ticks_ms()
        self._set(0, NONE, False)
        self.bound_s = FIRST_S
        self.refused = 0  # times that were not believed
        self.cloud_s = 0  # when the cloud last spoke, 0 never
        self._saved_s = 0
        self._saved_at_s = None  # uptime
        self._must_save = False
        stored = load()
        self._is_bound = stored is not None and len(stored) == struct.calcsize(_FORMAT)
        if self._is_bound:
            self._saved_s, self.cloud_s = struct.unpack(_FORMAT, stored)
            self.bound_s = max(self._saved_s, FIRST_S)
        self._start_from_chip()

    # --- who speaks
    # -------------------------------------------------------------------------------------------------------

    def _start_from_chip(self):
        said = self._call_chip(None)
        if said is None:
            return
        chip_s, is_vouched = said
        if judge(BY_CHIP, self.get_kind(), self.classify(chip_s)) == KEEP:
            self._set(chip_s, KEPT, is_vouched)
            self._latest_s = max(chip_s, self.bound_s)  # stands there until the chip has caught up
        else:
            self.refused += 1

    def set_from_cloud(self, now_s):
        """Believe the cloud, whose word is signed; return whether it was: also backwards, also the bound."""
        if judge(BY_CLOUD, self.get_kind(), self.classify(now_s)) != SET:
            self.refused += 1
            return False
        self._set(now_s, CLOUD, True)
        if now_s < self._saved_s:
            self._must_save = True
        self.cloud_s = now_s
        self.bound_s = now_s
        self._is_bound = True
        self._write_chip(now_s)
        return True

    def set_from_gnss(self, time_s):
        """Take the time of a valid fix; return whether it was believed."""
        effect = judge(BY_SATELLITES, self.get_kind(), self.classify(time_s))
        if effect == DOUBT and self._is_doubt_over(time_s):
            effect = BELIEVE
        if effect in (REFUSE, DOUBT):
            self.refused += 1
            return False
        self._doubt = None
        if effect == BELIEVE:
            self._set(time_s, GNSS, False)
            self._write_chip(time_s)
        elif effect == TRIM:
            self._trim(time_s)
        return True

    def _is_doubt_over(self, time_s):
        """Tell whether satellites have said the same against satellites for long enough."""
        uptime_s = self.uptime_s()
        if self._doubt is not None:
            first_s, began_s = self._doubt
            if abs(time_s - first_s - (uptime_s - began_s)) <= DOUBT_SLACK_S:
                return uptime_s - began_s >= DOUBT_S
        self._doubt = (time_s, uptime_s)
        return False

    def _trim(self, time_s):
        off_s = time_s - self._read_s()
        self.trust = GNSS
        if abs(off_s) >= _CHIP_OFF_S:
            self._base_s += off_s
            if self.is_vouched:
                self._trimmed_s += off_s  # the chip keeps the cloud's word
            else:
                self._latest_s = time_s
                self._write_chip(time_s)

    # --- kinds
    # -------------------------------------------------------------------------------------------------------

    def get_kind(self):
        """Return what kind of clock this is now, for `RULES`."""
        if self.trust == NONE:
            return UNKNOWN
        if not self.is_vouched:
            return UNVOUCHED
        if self.trust == CLOUD and self._read_s() - self.cloud_s < FRESH_S:
            return FRESH
        return VOUCHED

    def classify(self, time_s):
        """Return what kind of date this is now, for `RULES`."""
        if not FIRST_S <= time_s <= LAST_S:
            return IMPOSSIBLE
        if time_s < self.bound_s - DRIFT_MOST_S:
            return PAST
        # an unknown clock counts from 2000: no date is near it
        if abs(time_s - (self._read_s() - self._trimmed_s)) <= DRIFT_MOST_S:
            return NEAR
        if time_s < self.bound_s:
            return LAGGING
        if self._is_bound and time_s > self.bound_s + REACH_S:
            return BEYOND
        return PLAUSIBLE

    # --- the counter
    # -------------------------------------------------------------------------------------------------------

    def _set(self, now_s, trust, is_vouched):
        self._base_s = now_s - self.uptime_s()
        self._latest_s = now_s  # the latest that `now_s` has said
        self._trimmed_s = 0  # what satellites have added to the cloud's word
        self._doubt = None  # (time_s, uptime_s) when other satellites began to contradict
        self.trust = trust
        self.is_vouched = is_vouched

    def uptime_ms(self):
        """Return the milliseconds since this object was made; it does not wrap."""
        return self.uptime_s() * 1000 + self._uptime_ms

    def uptime_s(self):
        """Return the whole seconds since this object was made; to be called more often than the ticks wrap (6
        days).
        """
        now = self._ticks_ms()
        self._uptime_ms += ticks_diff(now, self._uptime_ticks)
        self._uptime_ticks = now
        self._uptime_s += self._uptime_ms // 1000
        self._uptime_ms %= 1000
        return self._uptime_s

    def now_s(self):
        """Return the present in seconds since 2000, or None with trust `NONE`."""
        if self.trust == NONE:
            return None
        self._latest_s = max(self._latest_s, self._read_s())
        return self._latest_s

    def _read_s(self):
        return self._base_s + self.uptime_s()

    def stamp(self):
        """Return `(at_s, trust)` for a record: `at_s` is 0 with trust `NONE`."""
        return (self.now_s() or 0), self.trust

    # --- what outlives a reset
    # -------------------------------------------------------------------------------------------------------

    def keep_bound(self):
        """Move the lower bound after the present, within what its trust allows."""
        if not self.is_vouched:
            return
        now_s = self._read_s()
        if self.trust != CLOUD:
            now_s = min(now_s, self.cloud_s + BOUND_LEAP_S)
        self.bound_s = max(self.bound_s, now_s)

    def save_bound(self):
        """Make the bound durable if that is due; return whether it was. For idle moments: it erases flash."""
        if not self._is_bound or not (self._must_save or self.bound_s - self._saved_s >= SAVE_EVERY_S):
            return False
        uptime_s = self.uptime_s()
        if self._saved_at_s is not None and uptime_s - self._saved_at_s < _SAVE_LEAST_S:
            return False
        self._save(struct.pack(_FORMAT, self.bound_s, self.cloud_s))
        self._saved_s = self.bound_s
        self._saved_at_s = uptime_s
        self._must_save = False
        return True

    def _call_chip(self, write_s):
        try:
            if write_s is None:
                return self._chip.read()
            self._chip.write(write_s, self.is_vouched)
        except OSError:
            self._on_chip_error()
        except ValueError:  # it ends in 2099: what it still holds lies before the bound
            pass
        return None

    def _write_chip(self, now_s):
        said = self._call_chip(None)
        if said is None or said[1] != self.is_vouched or abs(said[0] - now_s) >= _CHIP_OFF_S:
            self._call_chip(now_s)
