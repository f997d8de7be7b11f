"""Journeys of a car: what is so, second by second, what the box is shown of it, and when the relay was moved.

`Journey` knows the truth (engine, wheels, whether anything moves the car); the box knows its sensors. Each
inhibit pulse is held to the truth at that moment. A journey can be copied at any moment and lived on twice.
"""

from box.protocols import codes
from support_access import DRIVER, HOME, Box

TICK_MS = 500
PARKED, CRANK, DRIVE, LIGHT, STOPPED, FERRY, TOW, OFF = range(8)
# What is so: KL15, engine runs, km/h by its wheels, it is moved by something else, 12 V in mV
TRUTH = {
    PARKED: (False, False, 0, False, 12_600),
    OFF: (False, False, 0, False, 12_500),
    CRANK: (True, False, 0, False, 8_900),
    DRIVE: (True, True, 40, False, 14_200),
    LIGHT: (True, True, 0, False, 14_200),
    STOPPED: (True, False, 0, False, 12_300),  # the automatic stop at a traffic light: KL15 stays on
    FERRY: (False, False, 0, True, 12_500),
    TOW: (False, False, 0, True, 12_600),
}
TAP, OPEN_DOOR, SHUT_DOOR = "tap", "open door", "shut door"
# (seconds, what is so, what somebody does at the end of them)
JOURNEYS = {
    "drive": (
        (75, PARKED, TAP),
        (3, PARKED, OPEN_DOOR),
        (4, PARKED, SHUT_DOOR),
        (2, CRANK, None),
        (25, DRIVE, None),
        (75, LIGHT, None),
        (15, STOPPED, None),
        (10, DRIVE, TAP),
        (5, DRIVE, None),
        (3, OFF, OPEN_DOOR),
        (3, OFF, SHUT_DOOR),
        (4, OFF, TAP),
        (140, OFF, None),
    ),
    "ferry": (
        (75, PARKED, TAP),
        (5, DRIVE, None),
        (70, OFF, None),
        (60, FERRY, TAP),
        (20, FERRY, None),
        (30, OFF, None),
        (15, DRIVE, None),
        (8, OFF, TAP),
        (140, OFF, None),
    ),
    "tow": (
        (75, PARKED, None),
        (60, TOW, None),
        (90, PARKED, TAP),
        (20, PARKED, TAP),
        (60, TOW, None),
        (80, OFF, None),
    ),
    "stopover": (
        (75, PARKED, TAP),
        (20, DRIVE, "away"),
        (4, OFF, TAP),
        (90, OFF, TAP),
        (20, DRIVE, None),
        (90, OFF, None),
    ),
    # Standing still for long, then the ignition off and the badge at once.
    "hurry": ((75, PARKED, TAP), (10, DRIVE, None), (30, LIGHT, None), (2.5, OFF, TAP), (140, OFF, None)),
}
# What the box is not shown: the accelerometer is dead, no satellites, no bus, the KL15 wire broken.
BLINDNESS = (
    (),
    ("accelerometer",),
    ("satellites",),
    ("bus",),
    ("accelerometer", "bus"),
    ("satellites", "bus"),
)


def run(coroutine):
    """Run what waits for nobody, without a loop."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits")


class Journey(Box):
    """A car on a journey; its 12 V, time and hooks are methods, so that a copy has its own."""

    def __init__(self, name, blind=()):
        self.script = JOURNEYS[name]
        self.blind = blind
        self.at = 0  # ticks since the beginning
        self.so = PARKED
        self.moved_at = self.off_since = self.tapped_at = None
        self.seen = 0
        self.trail = []  # (tick, event) of relay and doors
        super().__init__()
        self._bind()
        self.promise()

    def _bind(self):
        interlock, access = self.parts.interlock, self.access
        interlock._read_battery_mv = access._hooks.battery_mv = access.effects._battery_mv = self._read_mv
        self.parts.clock._ticks_ms = self.parts.faults._ticks_ms = self._get_ticks
        access._hooks.play = access.effects._play = self._play
        access._hooks.is_battery_low = access._hooks.link_may_answer = access._hooks.refresh = self._no

    def _read_mv(self):
        return self.battery_mv

    def _get_ticks(self):
        return self.ticks

    def _play(self, signal):
        self.events.append(("signal", signal))

    def _no(self):
        return False

    # --- living

    def plan(self):
        """`(what is so, deed)` of each tick."""
        for seconds, so, deed in self.script:
            ticks = int(seconds * 1000) // TICK_MS
            for number in range(ticks):
                yield so, deed if number == ticks - 1 else None

    def live(self, so, deed, looks=True):
        """One tick; a box whose task rests does not look."""
        self.at += 1
        self.so = so
        kl15, engine, speed_kmh, is_carried, self.battery_mv = TRUTH[so]
        self.ticks += TICK_MS
        if engine or speed_kmh or is_carried:
            self.moved_at = self.at if speed_kmh or is_carried else self.moved_at
        self.off_since = None if kl15 else (self.at if self.off_since is None else self.off_since)
        if looks:
            self._look(kl15, engine, speed_kmh, is_carried)
            run(self.access.tick(TICK_MS))
        if deed == TAP:
            self.tapped_at = self.at
            run(self.access.tap([(DRIVER, False)], [(DRIVER, False)]))
        elif deed in (OPEN_DOOR, SHUT_DOOR):
            self.inputs.door_open = deed == OPEN_DOOR
        elif deed == "away":
            self.at_home = False
        self.judge()

    def _look(self, kl15, engine, speed_kmh, is_carried):
        evidence, whereabouts = self.parts.evidence, self.parts.whereabouts
        evidence.advance(TICK_MS)
        evidence.note_ignition(kl15)
        if "accelerometer" not in self.blind:
            shakes = speed_kmh or is_carried or engine
            evidence.note_accelerometer(200 * (self.at % 2) if shakes and self.so != LIGHT else 0, 0, 1000)
        if "satellites" not in self.blind and self.at % 2 == 0:
            evidence.note_fix(20 if is_carried else speed_kmh)
            whereabouts.note_fix(HOME[1] + (0 if self.at_home else 500_000), HOME[2])
        if "bus" not in self.blind and kl15:
            evidence.note_speed(speed_kmh)
            evidence.note_rpm(800 if engine else 0)

    def judge(self):
        """Hold what the relay did in this tick to the truth; keep it."""
        for kind, what in self.events[self.seen :]:
            if kind in ("relay", "doors"):
                self.trail.append((self.at, kind, what))
            if (kind, what) == ("relay", "inhibit"):
                self._judge_inhibit()
        self.seen = len(self.events)

    def _judge_inhibit(self):
        where = self.at * TICK_MS, self.so, self.blind
        kl15, engine, speed_kmh, is_carried, battery_mv = TRUTH[self.so]
        assert not any((kl15, engine, speed_kmh, is_carried)), where
        assert battery_mv >= 9_000, where
        # The tick before may be what the box has last seen.
        assert self.moved_at is None or (self.at - self.moved_at + 1) * TICK_MS >= 10_000, where
        off_ms = (self.at - self.off_since + 1) * TICK_MS
        is_badge = self.tapped_at is not None and (self.at - self.tapped_at) * TICK_MS <= 60_000
        assert off_ms >= (3_000 if is_badge else 60_000), where

    def command(self, kind, argument=0, command_id=1, expires_s=60):
        """The cloud commands; return `(result, reason)`."""
        now_s = self.parts.clock.now_s()
        answer = run(self.access.command(command_id, kind, now_s + expires_s, 1, argument))
        self.judge()
        return answer


COMMANDS = (
    (codes.COMMAND_OPEN_FOR, 17),
    (codes.COMMAND_OPEN_FOR, 99),
    (codes.COMMAND_LOCK, 0),
    (codes.COMMAND_END_SESSION, 0),
    (codes.COMMAND_FLASH_LIGHTS, 0),
    (codes.COMMAND_SELF_TEST, 0),
    (codes.COMMAND_REFRESH, 0),
    (codes.COMMAND_GARAGE, 2),
    (codes.COMMAND_GARAGE, 0),
    (codes.COMMAND_TRACK, 0),
    (77, 0),
)
