"""A latching interlock relay: two coils, one feedback contact, as a 12 V bistable power relay behaves.

Source: the common figures of two-coil latching power relays of this class (Omron G5RL-K, Panasonic DW): set
and reset pulse at least 30 ms, must-set voltage 75 % of 12 V (9 V), operate time about 10 ms, bounce some
milliseconds, no current needed to stay. The position outlives every loss of supply.

`drive` and `set_supply` take the coil's level and the supply; `advance` lets time pass. `on_contact(level)`
is told each edge of the feedback line, bounce included: 1 reads allow, 0 reads inhibit.

What breaks: the armature sticks (`is_stuck`); the feedback line is open or shorted to ground; the feedback
contact was wired the wrong way round (`is_reversed`), or is worn and chatters (`set_chatter`). A pulse cut
short may or may not have thrown the armature: `throw_us` is where this very relay lets go.
"""

from chips.errors import ChipError

ALLOW = "allow"
INHIBIT = "inhibit"
MIN_PULSE_US = 30000
OPERATE_US = 10000  # no relay of the class lets go sooner
MIN_SUPPLY_MV = 9000
MAX_PULSE_US = 1000000  # the coils are rated for pulses: longer burns them, so it fails the run
_BOUNCE_US = (0, 400, 700, 1300, 1500)  # edges of the feedback contact after the armature has moved
_CHATTER_US = (7000, 23000, 2000, 61000, 11000, 140000, 5000, 37000)  # open and closed in turn, over and over


class LatchingRelay:
    def __init__(self, position=ALLOW):
        self.position = position
        self.throw_us = MIN_PULSE_US  # OPERATE_US to MIN_PULSE_US
        self.is_stuck = False  # the armature no longer moves
        self.is_wire_broken = False  # the feedback line is open: its pull-up reads allow
        self.is_wire_shorted = False  # the feedback line lies on ground: it reads inhibit
        self.is_reversed = False  # the feedback contact is the other one of the pair
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
        self._edges = []  # (instant, level of the contact) still to come
        self._chatter_at_us = None
        self._chatter_step = 0
        self._is_lifted = False  # the worn contact is open at this moment

    def contact_level(self):
        """The level of the feedback line, bounce apart."""
        return self._line(1 if self.position == ALLOW else 0)

    def _line(self, level):
        if self.is_wire_broken:
            return 1
        if self.is_wire_shorted:
            return 0
        return level ^ int(self.is_reversed) ^ int(self._is_lifted)

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

    def set_chatter(self, is_worn, now_us):
        """The feedback contact opens and closes by itself from now on, or has been mended."""
        self.advance(now_us)
        self._chatter_at_us = now_us + _CHATTER_US[0] if is_worn else None
        self._chatter_step = 0
        self._is_lifted = False
        self._tell(self.contact_level())

    def next_us(self):
        """The next instant at which something happens by itself, or None."""
        due = [] if self._chatter_at_us is None else [self._chatter_at_us]
        if self._edges:
            due.append(self._edges[0][0])
        if self._driven is not None:
            due.append(self._since_us + (MAX_PULSE_US if self._has_moved else self.throw_us))
        return min(due) if due else None

    def advance(self, now_us):
        if self._driven is not None:
            if not self._has_moved and now_us >= self._since_us + self.throw_us:
                self._has_moved = True
                if not self._was_weak:
                    self._move(self._driven, self._since_us + self.throw_us)
            if now_us >= self._since_us + MAX_PULSE_US:
                raise ChipError("a relay coil has been on for a second")
        while self._edges and self._edges[0][0] <= now_us:
            _, level = self._edges.pop(0)
            self._tell(self._line(level))
        while self._chatter_at_us is not None and self._chatter_at_us <= now_us:
            self._is_lifted = not self._is_lifted
            self._chatter_step = (self._chatter_step + 1) % len(_CHATTER_US)
            self._chatter_at_us += _CHATTER_US[self._chatter_step]
            self._tell(self.contact_level())

    def shock(self, position, now_us):
        """A blow throws the armature over."""
        self.advance(now_us)
        self._move(position, now_us)
        self.advance(now_us)

    def _tell(self, level):
        if self.on_contact:
            self.on_contact(level)

    def _move(self, position, at_us):
        if self.is_stuck or position == self.position:
            return
        self.position = position
        self.moves += 1
        level = 1 if position == ALLOW else 0
        self._edges = []
        for i, delay_us in enumerate(_BOUNCE_US):
            self._edges.append((at_us + delay_us, level if i % 2 == 0 else 1 - level))
