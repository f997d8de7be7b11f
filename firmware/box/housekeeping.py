"""What is done once a second and in idle moments: battery, faults of storage and time, erasing ahead,
health records.
"""

import asyncio
import gc
import struct

from micropython import const

from .config import DOOR_OPEN_S, HEALTH_S, RING_FILLING
from .protocols.codes import (
    FAULT_AUTHORISATIONS_DAMAGED,
    FAULT_BATTERY_LOW,
    FAULT_CLOCK_UNKNOWN,
    FAULT_DOOR_LEFT_OPEN,
    FAULT_ENGINE_WARNING,
    FAULT_FLASH_DAMAGED,
    FAULT_RING_FILLING,
    FAULT_RING_FULL,
    RECORD_CODES,
    RECORD_COUNTERS,
    RECORD_HEALTH,
    STATE_PARKED,
    TRUST_NONE,
)

_PERIOD_MS = const(1_000)
_MAX_CHORES = const(16)  # a period, and this long between two, so that the reader looks for cards in time
_BREATH_MS = const(20)
_NO_ODOMETER = const(0xFFFFFFFF)
_NO_FUEL = const(255)
_MAX_CODES = const(16)
_PAIRS = const(7)  # of 5 bytes, in a payload of 36
_CLOCK_GRACE_S = const(120)  # a box that has just started may still hear the time


class Housekeeping:
    """`parts` are the access controller's; `is_busy()` says that a card or a transfer is
    being served; `list_counters()` gives `(code, value)`.

    `chores` are done in idle moments, with those of `parts`: each does one slow thing at most (an erase takes
    45 ms, at worst 400) and returns whether it did any.
    """

    def __init__(self, parts, power, battery, is_busy, list_counters, chores=()):
        self._parts = parts
        self._power = power
        self._battery = battery
        self._is_busy = is_busy
        self._list_counters = list_counters
        self._chores = tuple(chores) + (
            parts.journal.erase_ahead,
            parts.clock.save_bound,
            self._prepare_look_up,
            parts.authorisations.step,
        )
        self._open_since_s = None
        self._health_at_s = 0
        self._mil = None

    async def run(self, alive):
        """Keep house for ever."""
        while True:
            alive()
            self._watch()
            self._record_health()
            await self._tidy()
            await asyncio.sleep_ms(_PERIOD_MS)

    async def _tidy(self):
        """Do what is due ahead of need, one slow thing at a time, and none while a card is served."""
        for _ in range(_MAX_CHORES):
            if self._is_busy():
                return
            if not self._do_chore():
                gc.collect()
                return
            await asyncio.sleep_ms(_BREATH_MS)

    def _do_chore(self):
        for chore in self._chores:
            try:
                if chore():
                    return True
            except OSError:
                self._parts.faults.set(FAULT_FLASH_DAMAGED)
        return False

    def _prepare_look_up(self):
        now_s = self._parts.clock.now_s()
        return now_s is not None and self._parts.authorisations.prepare(now_s)

    def _watch(self):
        parts = self._parts
        faults, clock, journal = parts.faults, parts.clock, parts.journal
        self._power.update(self._battery.read_mv(), parts.evidence.kl15)
        faults.watch(FAULT_BATTERY_LOW, self._power.is_low, self._power.battery_mv)
        clock.keep_bound()
        if clock.trust != TRUST_NONE:
            faults.clear(FAULT_CLOCK_UNKNOWN, True)
        elif clock.uptime_s() >= _CLOCK_GRACE_S:
            faults.set(FAULT_CLOCK_UNKNOWN)
        used = journal.vital.used_fraction()
        faults.watch(FAULT_RING_FILLING, used >= RING_FILLING, int(used * 100))
        faults.watch(FAULT_RING_FULL, journal.vital_full, journal.vital.last_sequence)
        damaged = parts.authorisations.damaged and parts.authorisations.version == 0
        faults.watch(FAULT_AUTHORISATIONS_DAMAGED, bool(damaged))
        self._watch_doors(clock.uptime_s())
        self._watch_engine()
        faults.step()

    def _watch_doors(self, now_s):
        parts = self._parts
        if not parts.inputs.door_open or parts.session.state != STATE_PARKED:
            self._open_since_s = None
            parts.faults.clear(FAULT_DOOR_LEFT_OPEN, True)
        elif self._open_since_s is None:
            self._open_since_s = now_s
        elif now_s - self._open_since_s >= DOOR_OPEN_S:
            parts.faults.set(FAULT_DOOR_LEFT_OPEN)

    def _watch_engine(self):
        """The dashboard's warning lamp is a fault; a change of it is recorded with the codes behind it."""
        car = self._parts.car
        if car is None or car.mil is None:
            return
        codes = car.dtcs
        if car.mil and codes is None:
            return  # the codes are on their way
        self._parts.faults.watch(FAULT_ENGINE_WARNING, car.mil, len(codes or ()))
        if car.mil != self._mil:
            is_news = car.mil or self._mil  # that it is dark after a start is none
            self._mil = car.mil
            if not is_news:
                return
            codes = (codes or ())[:_MAX_CODES]
            tail = b"".join([struct.pack(">H", code) for code in codes])
            self._parts.writer.write(RECORD_CODES, int(car.mil), len(codes), tail=tail)

    def _record_health(self):
        now_s = self._parts.clock.uptime_s()
        if self._health_at_s and now_s - self._health_at_s < HEALTH_S:
            return
        self._health_at_s = now_s or 1
        car = self._parts.car
        fuel = None if car is None else car.fuel_percent
        odometer_hm = None if car is None else car.odometer_hm
        self._parts.writer.write(
            RECORD_HEALTH,
            self._power.battery_mv,
            _NO_FUEL if fuel is None else int(fuel + 0.5),
            0,
            _NO_ODOMETER if odometer_hm is None else odometer_hm,
            _count_free_heap(),
            now_s,
        )
        pairs = [struct.pack("<BI", counter, value) for counter, value in self._list_counters() if value]
        while pairs:
            self._parts.writer.write(RECORD_COUNTERS, tail=b"".join(pairs[:_PAIRS]))
            pairs = pairs[_PAIRS:]


def _count_free_heap():
    count = getattr(gc, "mem_free", None)  # CPython has none
    return count() if count else 0
