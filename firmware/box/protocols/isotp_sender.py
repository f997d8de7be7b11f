"""The sending half of ISO-TP: one message at a time, as the other side's flow control allows. See `isotp`.

The box itself asks in single frames; this half is here so that the stack is whole and can be held to its
peers.
"""

from micropython import const

from .isotp import (
    MAX_MESSAGE_BYTES,
    MAX_WAITS,
    TIMEOUT_MS,
    FlowControlError,
    FlowControlTimeoutError,
    FlowOverflowError,
    TooManyWaitsError,
    UnexpectedFlowControlError,
    build_single_frame,
    finish_frame,
    get_st_min_us,
    subtract,
)

_FLOW_CONTROL = const(3)
_WAIT = const(1)
_OVERFLOW = const(2)

# States of a Sender
IDLE = const(0)
_WAITING = const(1)
_SENDING = const(2)


class Sender:
    """Cuts one message at a time into frames to `arbitration_id`, as the other side's flow control allows.

    `send`, then `next_frame` at each step and `on_frame` for what the other side answers, until `is_idle`;
    `error` is then None or the instance that ended it.
    """

    def __init__(
        self, arbitration_id, on_error=None, address=None, pad=0, max_waits=MAX_WAITS, ticks_diff=subtract
    ):
        self._arbitration_id = arbitration_id
        self._on_error = on_error
        self._address = address
        self._pad = pad
        self._max_waits = max_waits
        self._ticks_diff = ticks_diff
        self._state = IDLE
        self._data = b""
        self._at = 0
        self._sequence = 0
        self._left_in_block = 0
        self._gap_ms = 0
        self._is_due = False  # the separation time holds between consecutive frames, not after a flow control
        self._waits = 0
        self._since_ms = 0
        self.error = None

    @property
    def is_idle(self):
        """Nothing is being sent."""
        return self._state == IDLE

    def send(self, data):
        """Begin. Raises ValueError if a message is still on its way, or this one is empty or too long."""
        if self._state != IDLE:
            raise ValueError("busy")
        if not 1 <= len(data) <= MAX_MESSAGE_BYTES:
            raise ValueError("message length")
        self._data = data
        self._at = 0
        self._sequence = 0
        self._left_in_block = 0
        self._gap_ms = 0
        self._waits = 0
        self.error = None
        self._state = _SENDING

    def next_frame(self, now_ms):
        """The bytes of the frame to send now, or None.

        It counts as sent: call it only if the bus takes it.
        """
        if self._state == _WAITING:
            if self._ticks_diff(now_ms, self._since_ms) > TIMEOUT_MS:
                self._abort(FlowControlTimeoutError)
            return None
        if self._state == IDLE:
            return None
        room = 7 if self._address is None else 6
        if self._at == 0:
            if len(self._data) <= room:
                self._state = IDLE
                return build_single_frame(self._data, self._address, self._pad)
            head = bytes((0x10 | len(self._data) >> 8, len(self._data) & 0xFF))
            self._at = room - 1
            self._sequence = 1
            self._state = _WAITING
            self._since_ms = now_ms
            return finish_frame(head + self._data[: self._at], self._address, self._pad)
        if self._gap_ms and not self._is_due and self._ticks_diff(now_ms, self._since_ms) < self._gap_ms:
            return None
        piece = self._data[self._at : self._at + room]
        frame = finish_frame(bytes((0x20 | self._sequence,)) + piece, self._address, self._pad)
        self._sequence = (self._sequence + 1) & 0x0F
        self._at += len(piece)
        self._since_ms = now_ms
        self._is_due = False
        if self._at >= len(self._data):
            self._state = IDLE
        elif self._left_in_block:
            self._left_in_block -= 1
            if self._left_in_block == 0:
                self._state = _WAITING
        return frame

    def on_frame(self, data, now_ms):
        """Take a frame from the other side; all but flow control is left to the Receiver."""
        if self._address is not None:
            data = data[1:]
        if not data or data[0] >> 4 != _FLOW_CONTROL:
            return
        if self._state != _WAITING:
            if self._on_error is not None:
                self._on_error(UnexpectedFlowControlError(self._arbitration_id))
            return
        state = data[0] & 0x0F
        if len(data) < 3 or state > _OVERFLOW:
            self._abort(FlowControlError)
        elif state == _OVERFLOW:
            self._abort(FlowOverflowError)
        elif state == _WAIT:
            self._waits += 1
            self._since_ms = now_ms
            if self._waits > self._max_waits:
                self._abort(TooManyWaitsError)
        else:
            self._waits = 0
            self._left_in_block = data[1]
            gap_us = get_st_min_us(data[2])
            # A tick of a millisecond may have just begun: one more keeps the gap at least as long as asked.
            self._gap_ms = (gap_us + 999) // 1000 + 1 if gap_us else 0
            self._is_due = True
            self._state = _SENDING

    def _abort(self, error):
        self._state = IDLE
        self.error = error(self._arbitration_id)
        if self._on_error is not None:
            self._on_error(self.error)
