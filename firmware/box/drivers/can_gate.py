"""The one place through which the box speaks on the car's bus (S5).

    state        to                  when
    LISTENING    LISTENING           ignition off, or a broken frame: the count begins anew
    LISTENING    POLLING             ignition on and CLEAN_FRAMES frames without an error at this bit rate
    LISTENING    BARRED              a tester that is not ours was heard
    POLLING      LISTENING           ignition off
    POLLING      BARRED              a tester that is not ours was heard; transmit error counter above MAX_TEC
    BARRED       LISTENING           ignition off

Only in POLLING may anything be sent, in one-shot mode; in every other state the controller is in
listen-only mode and does not even acknowledge. And only this may be sent:

* a request whose (arbitration id, service, PID) is allowed: the id is functional, or the physical one of a
unit that
  has answered us; service and PID stand in `ALLOWED`;
* a flow control to the physical id of a unit that began a long answer to our own request.
"""

from micropython import const

from ..protocols.isotp import FUNCTIONAL_ID, FUNCTIONAL_ID_EXTENDED, get_physical_id
from .mcp2515 import FLAG_EXT_ID, FLAG_RTR, LISTEN_ONLY, ONE_SHOT, CanError

LISTENING = const(0)
POLLING = const(1)
BARRED = const(2)

CLEAN_FRAMES = const(50)
MAX_TEC = const(96)  # the controller's own "error warning" limit: beyond it we disturb rather than ask
MAX_UNITS = const(8)
# With the ignition on a car's bus is never silent for so long; broken frames only: it is another bit rate.
_WRONG_RATE_MS = const(1500)
_BIT_RATES = (500_000, 250_000)

# Diagnostic frames alone, requests of a foreign tester among them: 7D0..7EF; 18DAxxxx and 18DBxxxx.
_STANDARD_FILTER = (0x7E0, 0x7D0, 0x7F0)
_EXTENDED_FILTER = (0x18DA0000, 0x1FFE0000)

# Service and PID; None where the service has no PID.
ALLOWED = (
    (0x01, 0x00),
    (0x01, 0x20),
    (0x01, 0x40),
    (0x01, 0x60),
    (0x01, 0x80),
    (0x01, 0xA0),
    (0x01, 0x01),
    (0x01, 0x0C),
    (0x01, 0x0D),
    (0x01, 0x2F),
    (0x01, 0x31),
    (0x01, 0x5B),
    (0x01, 0x5E),
    (0x01, 0xA6),
    (0x03, None),
    (0x09, 0x02),
)


def is_request_id(arbitration_id, extended):
    """An id under which testers speak. We never hear our own frames, so one of these on the bus is
    another's.
    """
    if extended:
        return arbitration_id == FUNCTIONAL_ID_EXTENDED or arbitration_id & 0x1FFF00FF == 0x18DA00F1
    return arbitration_id == FUNCTIONAL_ID or 0x7E0 <= arbitration_id <= 0x7E7


class CanGate:
    """`can` in the shape of `drivers.mcp2515.MCP2515`. Everything that leaves goes through `send`."""

    def __init__(self, can, ticks_ms, ticks_diff):
        self._can = can
        self._ticks_ms = ticks_ms
        self._ticks_diff = ticks_diff
        self._kl15_on = False
        self._has_sent = False
        self._errors_seen = 0
        self._overruns_seen = 0
        self._rate = 0
        self._listening_since_ms = ticks_ms()
        self.state = LISTENING
        self.clean_frames = 0
        self.units = []  # arbitration ids under which units answered our functional requests
        self.awaited = []  # units with an open first frame that answers our own request
        self.last_frame_at_ms = None
        self.overruns = 0  # of diagnostic frames; those lost while only listening do not matter
        self.refused = 0  # frames that were to be sent and must not
        self.barred_by = None  # "tester" or "errors"

    def update(self, kl15_on):
        """Look at ignition, errors and counters; change the state as the table says. Raises CanError."""
        now_ms = self._ticks_ms()
        if kl15_on != self._kl15_on:
            self._kl15_on = kl15_on
            self._listen()
        if not kl15_on:
            return
        if self.state == LISTENING:
            self._look_at_errors(now_ms)
            if self.clean_frames >= CLEAN_FRAMES:
                self._can.set_filters(_STANDARD_FILTER, _EXTENDED_FILTER)
                self._can.mode(ONE_SHOT)
                self._overruns_seen = self._can.overruns
                self.state = POLLING
        elif self.state == POLLING:
            if self._can.mode() != ONE_SHOT:  # somebody had to reset the chip
                self._listen()
                return
            if self._has_sent:
                self._has_sent = False
                if self._can.read_error_counters()[0] > MAX_TEC:
                    self._bar("errors")
            self.overruns += self._can.overruns - self._overruns_seen
            self._overruns_seen = self._can.overruns

    def receive(self):
        """The next frame for us as (id, data, is_extended), or None. Raises CanError."""
        frame = self._can.recv()
        if frame is None:
            return None
        arbitration_id, data, flags = frame
        extended = bool(flags & FLAG_EXT_ID)
        self.last_frame_at_ms = self._ticks_ms()
        if self.state == LISTENING:
            self.clean_frames += 1
        if self.state != BARRED and is_request_id(arbitration_id, extended):
            self._bar("tester")
        return None if flags & FLAG_RTR else (arbitration_id, data, extended)

    def note_unit(self, arbitration_id):
        """A unit answered a functional request: it may now be asked by itself."""
        if arbitration_id not in self.units and len(self.units) < MAX_UNITS:
            self.units.append(arbitration_id)

    def may_send(self, arbitration_id, data, extended):
        """Whether this very frame may leave now."""
        if self.state != POLLING or not self._kl15_on or len(data) != 8:
            return False
        if data[0] == 0x30:
            if any(data[3:]):
                return False
            return self._is_physical(arbitration_id, extended, self.awaited)
        if arbitration_id not in (FUNCTIONAL_ID, FUNCTIONAL_ID_EXTENDED):
            if not self._is_physical(arbitration_id, extended, self.units):
                return False
        if extended != (arbitration_id > 0x7FF):
            return False
        if data[0] == 1:
            asked, rest = (data[1], None), data[2:]
        elif data[0] == 2:
            asked, rest = (data[1], data[2]), data[3:]
        else:
            return False
        return asked in ALLOWED and not any(rest)

    @staticmethod
    def _is_physical(arbitration_id, extended, units):
        for unit in units:
            if get_physical_id(unit, extended) == arbitration_id:
                return True
        return False

    def send(self, arbitration_id, data, extended):
        """Send a frame if it may be sent; returns whether it was handed to the controller."""
        if not self.may_send(arbitration_id, data, extended):
            self.refused += 1
            return False
        try:
            self._can.send(arbitration_id, data, extended)
        except CanError:
            return False  # the frame before still waits for the bus
        self._has_sent = True
        return True

    def recover(self):
        """Bring a chip back that lost its settings; listen as after a change of the ignition. Raises
        CanError.
        """
        self._can.probe()
        self._listen()

    def verify(self):
        """See `MCP2515.verify`."""
        return self._can.verify()

    def read_sent(self):
        """See `MCP2515.read_sent`."""
        return self._can.read_sent()

    def abort(self):
        """Take back a frame that waits for the bus."""
        self._can.abort()

    def _look_at_errors(self, now_ms):
        errors = self._can.message_errors
        if errors != self._errors_seen:
            self._errors_seen = errors
            if self.clean_frames == 0 and (
                self._ticks_diff(now_ms, self._listening_since_ms) > _WRONG_RATE_MS
            ):
                self._rate = (self._rate + 1) % len(_BIT_RATES)
                self._can.set_bitrate(_BIT_RATES[self._rate])
                self._listening_since_ms = now_ms
            self.clean_frames = 0

    def _listen(self):
        self._can.mode(LISTEN_ONLY)
        if self.state != LISTENING or self._kl15_on:
            self._can.set_filters()
        self.state = LISTENING
        self.clean_frames = 0
        self.awaited = []
        self.units = []
        self.barred_by = None
        self._errors_seen = self._can.message_errors
        self._listening_since_ms = self._ticks_ms()

    def _bar(self, why):
        self._can.abort()
        self._can.mode(LISTEN_ONLY)
        self.state = BARRED
        self.awaited = []
        self.barred_by = why
