"""A latching relay with two coils and a feedback contact, as a 12 V bistable power relay behaves.

Source: the common figures of two-coil latching power relays of this class (Omron G5RL-K, Panasonic DW): set
and reset pulse at least 30 ms, must-set voltage 75 % of 12 V (9 V), operate time about 10 ms, bounce some
milliseconds, no current needed to stay. The position outlives every loss of supply.

`drive` and `set_supply` take the coil's level and the supply; `advance` lets time pass. `on_contact(level)`
is told each edge of the feedback contact, bounce included: 1 reads allow, 0 reads inhibit.
"""

from chips.errors import ChipError

ALLOW = "allow"
INHIBIT = "inhibit"
MIN_PULSE_US = 30000
MIN_SUPPLY_MV = 9000
MAX_PULSE_US = 1000000  # the coils are rated for pulses: longer burns them, so it fails the run
_BOUNCE_US = (0, 400, 700, 1300, 1500)  # edges of the feedback contact after the armature has moved


class LatchingRelay:
    def __init__(self, position=ALLOW):
        self.position = position
        self.is_stuck = False  # the armature no longer moves
        self.is_wire_broken = False  # the feedback line is open: its pull-up reads allow
        self.moves = 0
        self.short_pulses = 0
        self.weak_pulses = 0
        self.coil_on_us = 0
        self.on_contact = None
        self._supply_mv = 12600
        self._driven = None
        self._since_us = 0
        self._has_moved = False
        self._was_weak = False
        self._edges = []  # (instant, level) still to come

    def contact_level(self):
        """The steady level of the feedback line."""
        return 1 if self.is_wire_broken or self.position == ALLOW else 0

    def drive(self, coil, is_on, now_us):
        """A coil driver switches. Both coils at once is an error of the firmware."""
        self.advance(now_us)
        if is_on:
            if self._driven is not None and self._driven != coil:
                raise ChipError("both coils of the relay are driven")
            if self._driven is None:
                self._driven = coil
                self._since_us = now_us
                self._has_moved = False
                self._was_weak = self._supply_mv < MIN_SUPPLY_MV
        elif self._driven == coil:
            length_us = now_us - self._since_us
            self.coil_on_us += length_us
            if length_us < MIN_PULSE_US:
                self.short_pulses += 1
            if self._was_weak:
                self.weak_pulses += 1
            self._driven = None

    def set_supply(self, mv, now_us):
        self.advance(now_us)
        self._supply_mv = mv
        if mv < MIN_SUPPLY_MV:
            self._was_weak = True

    def next_us(self):
        """The next instant at which something happens by itself, or None."""
        if self._edges:
            return self._edges[0][0]
        if self._driven is not None:
            return self._since_us + (MAX_PULSE_US if self._has_moved else MIN_PULSE_US)
        return None

    def advance(self, now_us):
        if self._driven is not None:
            if not self._has_moved and now_us >= self._since_us + MIN_PULSE_US:
                self._has_moved = True
                if not self._was_weak:
                    self._move(self._driven, self._since_us + MIN_PULSE_US)
            if now_us >= self._since_us + MAX_PULSE_US:
                raise ChipError("a relay coil has been on for a second")
        while self._edges and self._edges[0][0] <= now_us:
            _, level = self._edges.pop(0)
            if self.on_contact and not self.is_wire_broken:
                self.on_contact(level)

    def shock(self, position, now_us):
        """A blow throws the armature over."""
        self.advance(now_us)
        self._move(position, now_us)
        self.advance(now_us)

    def _move(self, position, at_us):
        if self.is_stuck or position == self.position:
            return
        self.position = position
        self.moves += 1
        level = 1 if position == ALLOW else 0
        self._edges = []
        for i, delay_us in enumerate(_BOUNCE_US):
            self._edges.append((at_us + delay_us, level if i % 2 == 0 else 1 - level))
