"""The box's tasks: each a loop that reads its hardware, tells `access` what it saw and shows proof of life.

None of them decides anything. A chip that does not answer is a fault, looked for again with patience; the
box goes on without it.
"""

import asyncio

from micropython import const

from .access.taps import MAX_CARDS, Taps
from .clock import ticks_diff
from .config import (
    CAN_SILENT_S,
    GNSS_SILENT_S,
    KNOCK_MS,
    READER_DOZE_POLL_MS,
    READER_POLL_MS,
)
from .power import SHED, SILENT
from .protocols.codes import (
    FAULT_ACCELEROMETER_MISSING,
    FAULT_CAN_MISSING,
    FAULT_CAN_SILENT,
    FAULT_GNSS_SILENT,
    FAULT_READER_STUCK,
)

_VERIFY_MS = const(1_000)
_AGAIN_MS = const(5_000)  # a missing chip is looked for this often
_FIELD_MS = const(6)  # ISO/IEC 14443-3: a card may take 5 ms in the field before it answers
_SERVED_MS = const(2_000)  # a card taken away is often held again
_LEFT_MS = const(10_000)  # a card that has been there this long was left there: nobody waits
_TICK_MS = const(100)
_FAILURES = const(5)  # in a row: it has just begun to measure, or one transfer was disturbed
_BUS_MS = const(10)  # the chip filters and has two buffers, and units leave 10 ms between frames
_BUS_IDLE_MS = const(100)
_GNSS_MS = const(200)
_HDOP_MAX = const(8)  # a fix spread wider than this is no proof of anything
_RANDOM_UID = const(0x08)  # ISO/IEC 14443-3: a 4-byte UID that begins so is drawn anew each time


class ReaderTask:
    """Polls the card reader. `hash_badge(uid)` gives the 8 bytes the box knows a card by."""

    def __init__(self, reader, hash_badge, access, faults, power, evidence, ticks_ms):
        self._reader = reader
        self._hash_badge = hash_badge
        self._access = access
        self._faults = faults
        self._power = power
        self._evidence = evidence
        self._ticks_ms = ticks_ms
        self._taps = Taps()
        self._hashed = {}  # uid -> badge of the cards in the field
        self._is_ready = False
        self._checked_ms = ticks_ms()
        self._seen_ms = None
        self._new_ms = None  # until a card has been left at the reader
        self._is_tapping = False

    def is_serving(self):
        """Return whether a card is or was just in the field: nothing slow may begin now."""
        if self._is_tapping:
            return True
        if self._seen_ms is not None and ticks_diff(self._ticks_ms(), self._seen_ms) >= _SERVED_MS:
            self._seen_ms = None  # for good: days later the ticks have wrapped
        return self._seen_ms is not None

    async def run(self, alive):
        """Poll for ever."""
        while True:
            alive()
            began_ms = self._ticks_ms()
            period_ms = READER_POLL_MS if self._power.step < SHED else READER_DOZE_POLL_MS
            if self._power.step >= SILENT and self._evidence.sign_age_ms > KNOCK_MS:
                await asyncio.sleep_ms(READER_DOZE_POLL_MS)
                continue
            try:
                if not self._is_ready:
                    self._reader.recover()
                    self._is_ready = True
                await self._poll()
                if ticks_diff(self._ticks_ms(), self._checked_ms) >= _VERIFY_MS:
                    self._verify()
            except OSError:
                self._is_ready = False
                self._faults.set(FAULT_READER_STUCK)
                period_ms = READER_DOZE_POLL_MS
            spent_ms = ticks_diff(self._ticks_ms(), began_ms)
            await asyncio.sleep_ms(max(period_ms - spent_ms, 1))

    def _verify(self):
        self._checked_ms = self._ticks_ms()
        if self._reader.verify():
            self._faults.clear(FAULT_READER_STUCK)
        else:
            self._faults.set(FAULT_READER_STUCK)
            self._reader.recover()

    async def _poll(self):
        self._reader.start_field()
        await asyncio.sleep_ms(_FIELD_MS)
        cards = self._reader.read_cards(MAX_CARDS)
        now_ms = self._ticks_ms()
        field = []
        hashed = {}
        for uid, _ in cards:
            badge = self._hashed.get(uid) or self._hash_badge(uid)
            hashed[uid] = badge
            field.append((badge, len(uid) == 4 and uid[0] == _RANDOM_UID))
        self._hashed = hashed
        new, held = self._taps.see([badge for badge, _ in field], now_ms)
        if new:
            self._new_ms = now_ms
        if field and self._new_ms is not None:
            if ticks_diff(now_ms, self._new_ms) < _LEFT_MS:
                self._seen_ms = now_ms
            else:
                self._new_ms = None
        self._is_tapping = bool(new or held)
        try:
            if new:
                await self._access.tap([card for card in field if card[0] in new], field)
            for badge in held:
                await self._access.hold(badge)
        finally:
            self._is_tapping = False


class CarTask:
    """Every 100 ms: inputs, accelerometer, then the access machine."""

    def __init__(self, inputs, accelerometer, evidence, access, faults, ticks_ms):
        self._inputs = inputs
        self._accelerometer = accelerometer
        self._evidence = evidence
        self._access = access
        self._faults = faults
        self._ticks_ms = ticks_ms
        self._failures = _FAILURES  # so that it is configured first
        self._tried_ms = ticks_ms() - _AGAIN_MS

    async def run(self, alive):
        """Tick for ever."""
        last_ms = self._ticks_ms()
        while True:
            alive()
            now_ms = self._ticks_ms()
            dt_ms = max(ticks_diff(now_ms, last_ms), 0)
            last_ms = now_ms
            self._inputs.update(now_ms)
            self._evidence.advance(dt_ms)
            if self._inputs.kl15_on is not None:
                self._evidence.note_ignition(self._inputs.kl15_on)
            self._read_accelerometer(now_ms)
            await self._access.tick(dt_ms)
            await asyncio.sleep_ms(max(_TICK_MS - ticks_diff(self._ticks_ms(), now_ms), 1))

    def _read_accelerometer(self, now_ms):
        try:
            if self._failures >= _FAILURES:
                if ticks_diff(now_ms, self._tried_ms) < _AGAIN_MS:
                    return
                self._tried_ms = now_ms
                self._accelerometer.configure()
                self._failures = 0
                return
            self._evidence.note_accelerometer(*self._accelerometer.read_mg())
            self._failures = 0
            self._faults.clear(FAULT_ACCELEROMETER_MISSING)
        except OSError:
            self._failures += 1
            if self._failures >= _FAILURES:
                self._tried_ms = now_ms
                self._faults.set(FAULT_ACCELEROMETER_MISSING)


class GnssTask:
    """Fixes into evidence, whereabouts, clock and trip. No position is kept but the last one, in memory."""

    def __init__(self, gnss, evidence, whereabouts, clock, session, faults, ticks_ms):
        self._gnss = gnss
        self._evidence = evidence
        self._whereabouts = whereabouts
        self._clock = clock
        self._session = session
        self._faults = faults
        self._ticks_ms = ticks_ms

    async def run(self, alive):
        """Listen for ever."""
        heard_s = self._clock.uptime_s()
        accepted = self._gnss.accepted
        while True:
            alive()
            fix = self._gnss.poll()
            if fix is not None and fix.valid:
                self._take(fix)
            if self._gnss.accepted != accepted:
                accepted = self._gnss.accepted
                heard_s = self._clock.uptime_s()
                self._faults.clear(FAULT_GNSS_SILENT)
            elif self._clock.uptime_s() - heard_s >= GNSS_SILENT_S:
                self._faults.set(FAULT_GNSS_SILENT)
            await asyncio.sleep_ms(_GNSS_MS)

    def _take(self, fix):
        if fix.hdop is not None and fix.hdop > _HDOP_MAX:
            return
        if fix.time_s is not None and not fix.rolled_over:
            self._clock.set_from_gnss(fix.time_s)
        if fix.lat_e7 is None or fix.lon_e7 is None:
            return
        self._evidence.note_fix(fix.speed_kmh)
        self._whereabouts.note_fix(fix.lat_e7, fix.lon_e7)
        if fix.speed_kmh is not None and self._session.is_running:
            self._session.trip.note_gnss_speed(fix.speed_kmh, self._ticks_ms())


class BusTask:
    """The car's bus: polls it while the ignition is on and hands on what it says."""

    def __init__(self, car, evidence, whereabouts, session, faults, clock):
        self._car = car
        self._evidence = evidence
        self._whereabouts = whereabouts
        self._session = session
        self._faults = faults
        self._clock = clock
        self._speed_at_ms = self._rpm_at_ms = self._odometer_hm = None
        self._quiet_since_s = None
        self._frame_at_ms = None

    async def run(self, alive):
        """Look for the controller, then listen; a controller that is gone is looked for again."""
        while True:
            alive()
            try:
                self._car.recover()
                self._faults.clear(FAULT_CAN_MISSING)
                while True:
                    alive()
                    kl15_on = bool(self._evidence.kl15)
                    self._car.step(kl15_on)
                    self._take()
                    self._watch(kl15_on)
                    rest_ms = max(self._car.get_rest_ms(), _BUS_MS) if kl15_on else _BUS_IDLE_MS
                    await asyncio.sleep_ms(rest_ms)
            except OSError:
                self._faults.set(FAULT_CAN_MISSING)
            await asyncio.sleep_ms(_AGAIN_MS)

    def _take(self):
        car, trip = self._car, self._session.trip
        if car.speed_at_ms is not None and car.speed_at_ms != self._speed_at_ms:
            self._speed_at_ms = car.speed_at_ms
            self._evidence.note_speed(car.speed_kmh)
            self._whereabouts.note_travel(trip.note_speed(car.speed_kmh, car.speed_at_ms))
        if car.rpm_at_ms is not None and car.rpm_at_ms != self._rpm_at_ms:
            self._rpm_at_ms = car.rpm_at_ms
            self._evidence.note_rpm(car.rpm)
        if not self._session.is_running:
            return
        if car.odometer_hm is not None and car.odometer_hm != self._odometer_hm:
            self._odometer_hm = car.odometer_hm
            trip.note_odometer(car.odometer_hm)
        if car.fuel_ml_burnt is not None:
            trip.note_burnt(car.fuel_ml_burnt)
        if car.fuel_percent is not None:
            trip.note_fuel_level(car.fuel_percent)

    def _watch(self, kl15_on):
        """Half a minute of silence with the ignition on is a fault: a wire, or another bit rate."""
        now_s = self._clock.uptime_s()
        if self._car.last_frame_at_ms != self._frame_at_ms:
            self._frame_at_ms = self._car.last_frame_at_ms
            self._quiet_since_s = now_s
            self._faults.clear(FAULT_CAN_SILENT)
        elif not kl15_on or self._quiet_since_s is None:
            self._quiet_since_s = now_s
        elif now_s - self._quiet_since_s >= CAN_SILENT_S:
            self._faults.set(FAULT_CAN_SILENT)
