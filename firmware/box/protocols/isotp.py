"""ISO-TP (ISO 15765-2) on classic CAN: messages of up to 4,095 bytes in frames of up to 8.

Pure: no clock, no bus. A `Receiver` and a `Sender` are *stepped*: they are given frames and the time, and
asked for the frame that is to be sent now. Times are ticks in milliseconds that may wrap: they are only
compared through the
`ticks_diff` given. What is wrong on the bus is reported to `on_error` as an instance of its own class below
and never raises: a damaged transfer delivers nothing.

    frame            byte 0      bytes 1 ..
    single           0000 llll   l bytes of data, 1 <= l <= 7
    first            0001 llll   llllllll, then the first 6 bytes of data; l >= 8
    consecutive      0010 nnnn   up to 7 bytes of data; n counts 1 .. 15, 0, 1 ...
    flow control     0011 ssss   block size, minimum separation time; s: 0 go on, 1 wait, 2 overflow

With extended addressing an address byte goes before all that, and each frame holds one byte of data less.

Source: ISO 15765-2, the frame types, N_Bs and N_Cr as vehicle diagnostics (ISO 15765-4) use them, and the
behaviour of the can-isotp package, against which the tests run both ends.
"""

from micropython import const

MAX_MESSAGE_BYTES = const(4095)  # 12 bits of length; the 32-bit escape is for CAN FD
MAX_TRANSFERS = const(8)  # 7E8..7EF: as many control units may answer one functional request
TIMEOUT_MS = const(1000)  # N_Bs and N_Cr
MAX_WAITS = const(10)  # N_WFTmax: a control unit that says "wait" for longer than 10 s will never go on

FUNCTIONAL_ID = const(0x7DF)
FUNCTIONAL_ID_EXTENDED = const(0x18DB33F1)

_SINGLE = const(0)
_FIRST = const(1)
_CONSECUTIVE = const(2)
_FLOW_CONTROL = const(3)

_GO_ON = const(0)
_OVERFLOW = const(2)


class IsoTpError(Exception):
    """Something on the bus did not follow ISO-TP. `arbitration_id` says where."""

    def __init__(self, arbitration_id):
        super().__init__(arbitration_id)
        self.arbitration_id = arbitration_id


class EmptyFrameError(IsoTpError):
    """A frame without bytes, or with more than 8."""


class UnknownFrameError(IsoTpError):
    """A frame type from 4 to 15. Reserved: ignored."""


class SingleFrameError(IsoTpError):
    """A single frame of length 0, above 7, or longer than its frame. Ignored."""


class FirstFrameError(IsoTpError):
    """A first frame whose message would fit in a single one, or that is shorter than 8 bytes. Ignored."""


class MessageTooLongError(IsoTpError):
    """A first frame that announces more than we take. Refused with "overflow"."""


class UnexpectedConsecutiveError(IsoTpError):
    """A consecutive frame that no first frame announced, or late after a time-out. Ignored."""


class WrongSequenceError(IsoTpError):
    """A consecutive frame was lost, doubled or overtaken. The transfer is dropped."""


class ShortConsecutiveError(IsoTpError):
    """A consecutive frame with fewer bytes than it owes. The transfer is dropped."""


class InterruptedBySingleError(IsoTpError):
    """A single frame in the middle of a transfer. The old one is dropped, the new one taken."""


class InterruptedByFirstError(IsoTpError):
    """A first frame in the middle of a transfer. The old one is dropped, the new one taken."""


class ConsecutiveTimeoutError(IsoTpError):
    """N_Cr: no consecutive frame within a second. The transfer is dropped."""


class TooManyTransfersError(IsoTpError):
    """More transfers at once than `MAX_TRANSFERS`. The new one is not begun."""


class UnexpectedFlowControlError(IsoTpError):
    """A flow control that nobody waits for. Ignored."""


class FlowControlError(IsoTpError):
    """A flow control shorter than 3 bytes, or with a reserved state (3 to 15). The sending is aborted."""


class FlowControlTimeoutError(IsoTpError):
    """N_Bs: no flow control within a second. The sending is aborted."""


class TooManyWaitsError(IsoTpError):
    """More than `MAX_WAITS` times "wait" in a row. The sending is aborted."""


class FlowOverflowError(IsoTpError):
    """The other side said "overflow". The sending is aborted."""


def get_st_min_us(code):
    """Minimum separation time in microseconds:

    00..7F ms, F1..F9 100 to 900 us, every reserved code 127 ms.
    """
    if code <= 0x7F:
        return code * 1000
    if 0xF1 <= code <= 0xF9:
        return (code - 0xF0) * 100
    return 127000


def get_physical_id(arbitration_id, extended=False, pairs=None):
    """The id of the one control unit that answered under `arbitration_id`, where its flow control goes.

    7E8..7EF -> 7E0..7E7; 18DAF1xx -> 18DAxxF1 (29 bits); else as `pairs` (answer id -> request id) says; else
    None: then nothing may be sent. Never a functional id, also if `pairs` said so.
    """
    physical = None
    if extended:
        if arbitration_id & 0x1FFFFF00 == 0x18DAF100:
            physical = 0x18DA00F1 | (arbitration_id & 0xFF) << 8
    elif 0x7E8 <= arbitration_id <= 0x7EF:
        physical = arbitration_id - 8
    if physical is None and pairs:
        physical = pairs.get(arbitration_id)
    if physical in (FUNCTIONAL_ID, FUNCTIONAL_ID_EXTENDED):
        return None
    return physical


def subtract(a, b):
    """Difference of two times that do not wrap."""
    return a - b


class _Transfer:
    """One message on its way in."""

    def __init__(self, total_bytes, extended, now_ms):
        self.buffer = bytearray(total_bytes)
        self.filled = 0
        self.sequence = 1
        self.in_block = 0
        self.extended = extended
        self.at_ms = now_ms


class Receiver:
    """Puts messages together again, of up to `MAX_TRANSFERS` control units at once, never mixing them.

    `get_flow_control_id(arbitration_id, extended)` tells where the flow control for a sender goes, or None:
    then it is listened to without a word. `block_size` and `st_min` (as coded on the bus) are what we ask of
    the sender.
    `address`: with extended addressing the address byte that frames to us begin with, and `target_address`
    the one that our flow control begins with (by default the same).
    """

    def __init__(
        self,
        on_error=None,
        get_flow_control_id=get_physical_id,
        block_size=0,
        st_min=0,
        address=None,
        target_address=None,
        max_bytes=MAX_MESSAGE_BYTES,
        pad=0,
        ticks_diff=subtract,
    ):
        self._on_error = on_error
        self._get_flow_control_id = get_flow_control_id
        self._block_size = block_size
        self._st_min = st_min
        self._address = address
        self._target_address = address if target_address is None else target_address
        self._max_bytes = max_bytes
        self._pad = pad
        self._ticks_diff = ticks_diff
        self._transfers = {}
        self._outgoing = []

    @property
    def is_busy(self):
        """A message is on its way in."""
        return bool(self._transfers)

    @property
    def senders(self):
        """Ids from which a message is on its way in."""
        return list(self._transfers)

    def is_receiving(self, arbitration_id):
        """A message from this sender is on its way in."""
        return arbitration_id in self._transfers

    def abort(self):
        """Forget every message on its way in, and every flow control not yet sent."""
        self._transfers.clear()
        self._outgoing.clear()

    def next_frame(self):
        """The flow control to send now as (arbitration_id, data, extended), or None."""
        return self._outgoing.pop(0) if self._outgoing else None

    def step(self, now_ms):
        """Drop what has been silent for too long (N_Cr)."""
        for arbitration_id in list(self._transfers):
            self._expire(arbitration_id, now_ms)

    def on_frame(self, arbitration_id, data, now_ms, extended=False):
        """Take one CAN frame. Returns the message it completes as bytes, or None."""
        if self._address is not None:
            if not data or data[0] != self._address:
                return None  # to somebody else
            data = data[1:]
        if not data or len(data) > 8:
            return self._fail(EmptyFrameError, arbitration_id)
        self._expire(arbitration_id, now_ms)
        kind = data[0] >> 4
        if kind == _CONSECUTIVE:
            return self._on_consecutive(arbitration_id, data, now_ms)
        if kind == _SINGLE:
            return self._on_single(arbitration_id, data)
        if kind == _FIRST:
            return self._on_first(arbitration_id, data, now_ms, extended)
        if kind != _FLOW_CONTROL:  # which is the Sender's
            self._fail(UnknownFrameError, arbitration_id)
        return None

    def _on_single(self, arbitration_id, data):
        length = data[0] & 0x0F
        if not 1 <= length < len(data):  # so at most 7, or 6 with an address
            return self._fail(SingleFrameError, arbitration_id)
        if self._transfers.pop(arbitration_id, None) is not None:
            self._fail(InterruptedBySingleError, arbitration_id)
        return bytes(data[1 : 1 + length])

    def _on_first(self, arbitration_id, data, now_ms, extended):
        whole_frame = 8 if self._address is None else 7
        if len(data) < whole_frame:
            return self._fail(FirstFrameError, arbitration_id)
        length = (data[0] & 0x0F) << 8 | data[1]
        if 0 < length < whole_frame:
            return self._fail(FirstFrameError, arbitration_id)
        if self._transfers.pop(arbitration_id, None) is not None:
            self._fail(InterruptedByFirstError, arbitration_id)
        if length == 0 or length > self._max_bytes:  # 0: the escape to 32 bits of length
            self._send_flow_control(arbitration_id, extended, _OVERFLOW)
            return self._fail(MessageTooLongError, arbitration_id)
        if len(self._transfers) >= MAX_TRANSFERS:
            return self._fail(TooManyTransfersError, arbitration_id)
        transfer = _Transfer(length, extended, now_ms)
        transfer.filled = whole_frame - 2
        transfer.buffer[: whole_frame - 2] = data[2:whole_frame]
        self._transfers[arbitration_id] = transfer
        self._send_flow_control(arbitration_id, extended, _GO_ON)
        return None

    def _on_consecutive(self, arbitration_id, data, now_ms):
        transfer = self._transfers.get(arbitration_id)
        if transfer is None:
            return self._fail(UnexpectedConsecutiveError, arbitration_id)
        if data[0] & 0x0F != transfer.sequence:
            del self._transfers[arbitration_id]
            return self._fail(WrongSequenceError, arbitration_id)
        filled = transfer.filled
        owed = min(len(transfer.buffer) - filled, 7 if self._address is None else 6)
        if len(data) - 1 < owed:
            del self._transfers[arbitration_id]
            return self._fail(ShortConsecutiveError, arbitration_id)
        transfer.buffer[filled : filled + owed] = data[1 : 1 + owed]
        transfer.filled = filled + owed
        if transfer.filled == len(transfer.buffer):
            del self._transfers[arbitration_id]
            return bytes(transfer.buffer)
        transfer.sequence = (transfer.sequence + 1) & 0x0F
        transfer.at_ms = now_ms
        transfer.in_block += 1
        if transfer.in_block == self._block_size:
            transfer.in_block = 0
            self._send_flow_control(arbitration_id, transfer.extended, _GO_ON)
        return None

    def _send_flow_control(self, arbitration_id, extended, state):
        target = self._get_flow_control_id(arbitration_id, extended)
        if target is None:
            return
        data = bytes((0x30 | state, self._block_size, self._st_min))
        # One per transfer can be waiting; a caller that never fetches them must not fill the heap.
        if len(self._outgoing) < MAX_TRANSFERS:
            self._outgoing.append((target, finish_frame(data, self._target_address, self._pad), extended))

    def _expire(self, arbitration_id, now_ms):
        transfer = self._transfers.get(arbitration_id)
        if transfer is not None and self._ticks_diff(now_ms, transfer.at_ms) > TIMEOUT_MS:
            del self._transfers[arbitration_id]
            self._fail(ConsecutiveTimeoutError, arbitration_id)

    def _fail(self, error, arbitration_id):
        if self._on_error is not None:
            self._on_error(error(arbitration_id))


def finish_frame(data, address, pad):
    """Address byte in front, padding behind (None: no padding)."""
    if address is not None:
        data = bytes((address,)) + data
    if pad is not None:
        data = data + bytes((pad,)) * (8 - len(data))
    return data


def build_single_frame(data, address=None, pad=0):
    """The one frame of a short message:

    at most 7 bytes, 6 with an address. Raises ValueError if it is longer.
    """
    if not 1 <= len(data) <= (7 if address is None else 6):
        raise ValueError("not a single frame")
    return finish_frame(bytes((len(data),)) + data, address, pad)
