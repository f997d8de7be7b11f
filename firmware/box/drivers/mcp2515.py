"""MCP2515 CAN controller on SPI, in the shape of `machine.CAN`.

* INT is a level: low as long as any enabled flag is set. `recv` looks at it and never waits for an edge.
* READ RX BUFFER clears the buffer's flag itself; nothing here clears it again, which would lose the next
frame.
* EFLG's overflow bits stay until cleared by hand: both are, and counted.
* Sending is for `NORMAL` and `ONE_SHOT`; in `LISTEN_ONLY` the chip does not even acknowledge.

Source: Microchip MCP2515 data sheet DS20001801: 3.7 one-shot, 4 reception, 5 bit timing, 6.6 error counters,
7 interrupts, 10 modes, 11 registers, 12 SPI.
"""

import time

from micropython import const

# --- SPI instructions: section 12 ---
_RESET = const(0xC0)
_READ = const(0x03)
_WRITE = const(0x02)
# only on registers that allow it, among them CANCTRL, CANINTE, CANINTF, EFLG, TXBnCTRL
_BIT_MODIFY = const(0x05)
_READ_RX = (0x90, 0x94)  # from SIDH of buffer 0, 1
_LOAD_TX0 = const(0x40)
_SEND_TX0 = const(0x81)

# --- registers: section 11 ---
_RXF0 = const(0x00)  # four bytes each; RXF0..2 from 0x00, RXF3..5 from 0x10, RXM0..1 from 0x20
_RXF3 = const(0x10)
_RXM0 = const(0x20)
_CANSTAT = const(0x0E)  # r: OPMOD 0xE0
_CANCTRL = const(0x0F)  # REQOP 0xE0, ABAT 0x10, OSM 0x08, CLKEN 0x04, CLKPRE 0x03
_TEC = const(0x1C)  # r: TEC, REC
_CNF3 = const(0x28)  # CNF3, CNF2, CNF1
_CANINTE = const(0x2B)
_CANINTF = const(0x2C)  # MERR 0x80, WAK 0x40, ERR 0x20, TX2..0 0x1C, RX1 0x02, RX0 0x01; then EFLG
_EFLG = const(0x2D)  # RX1OVR 0x80, RX0OVR 0x40, TXBO 0x20, TXEP 0x10, RXEP 8, TXWAR 4, RXWAR 2, EWARN 1
_TXB0CTRL = const(0x30)  # ABTF 0x40, MLOA 0x20, TXERR 0x10, TXREQ 0x08
_RXB0CTRL = const(0x60)  # RXM 0x60 (11: any), BUKT 0x04
_RXB1CTRL = const(0x70)

_INTERRUPTS = const(0xA3)  # MERR, ERR, RX1, RX0
_NOT_RX = const(0xFC)
_OVERFLOWS = const(0xC0)
_MODE_BITS = const(0xE8)  # REQOP and OSM
_CONFIGURATION = const(0x80)
_TX_REQUESTED = const(0x08)
_TX_FAILED = const(0x70)  # ABTF, MLOA, TXERR
_EXTENDED = const(0x08)  # in SIDL

NORMAL = const(0x00)
ONE_SHOT = const(0x08)
LISTEN_ONLY = const(0x60)

FLAG_RTR = const(0x01)
FLAG_EXT_ID = const(0x02)

# State as `machine.CAN` has it
STOPPED = const(0)
ERROR_ACTIVE = const(1)
ERROR_WARNING = const(2)
ERROR_PASSIVE = const(3)
BUS_OFF = const(4)

# Bits of eight or sixteen time quanta, sampled at 75 %: CNF3, CNF2, CNF1 for 500 kbit/s. CNF1 counts the
# prescaler from 0, so half the bit rate is one more, a quarter three more.
_TIMING = {8_000_000: (0x01, 0x91, 0x00), 16_000_000: (0x03, 0xAC, 0x00)}
_PRESCALER = {500_000: 0, 250_000: 1, 125_000: 3}

_MODE_TRIES = const(20)  # of 1 ms: a change waits for the bus to be idle, at most one frame
# Looks at the flags in one go: as long as the bus outruns us, the rest of the box must live too.
_MAX_DRAIN = const(8)
# Calls of `recv` that believe an idle INT: a broken wire must not make the bus silent.
_MAX_QUIET = const(50)
_QUEUE = const(16)


class CanError(OSError):
    """The controller is missing, does not do what it is told, or may not send now."""


class MCP2515:
    """`spi` in mode 0 with at most 10 MHz; `cs` low while selected; `int_pin` reads 0 while something is
    pending.

    `overruns`: frames lost because both buffers were full. `message_errors`: times the chip saw a broken
    frame.
    """

    def __init__(self, spi, cs, int_pin=None, crystal_hz=16_000_000, bitrate=500_000, sleep_ms=None):
        self._spi = spi
        self._cs = cs
        self._int_pin = int_pin
        self._sleep_ms = sleep_ms or getattr(time, "sleep_ms", None) or (lambda ms: time.sleep(ms / 1000))
        cnf3, cnf2, cnf1 = _TIMING[crystal_hz]
        self._timing = bytes((cnf3, cnf2, cnf1 | _PRESCALER[bitrate]))
        self._queue = []
        self._quiet = 0
        self._mode = None
        self._flags = bytearray(4)
        self._frame = bytearray(14)
        self.overruns = 0
        self.message_errors = 0

    def probe(self):
        """Reset, configure for any frame, and listen. Raises CanError."""
        self._send(bytes((_RESET,)))
        self._sleep_ms(1)  # the oscillator starts anew: 128 periods
        self._mode = None
        self._queue.clear()
        # After a reset the chip is in configuration mode with the clock output on.
        if self._read(_CANSTAT, 2) != b"\x80\x87":
            raise CanError("no answer")
        self._write(_CNF3, self._timing)
        self._write(_RXB0CTRL, b"\x64")
        self._write(_RXB1CTRL, b"\x60")
        self._write(_CANINTE, bytes((_INTERRUPTS,)))
        if self._read(_CNF3, 3) != self._timing or self._read(_CANINTE, 1)[0] != _INTERRUPTS:
            raise CanError("configuration")
        self.mode(LISTEN_ONLY)

    def verify(self):
        """Whether the chip still holds its settings: after a dip of its supply it does not."""
        held = self._read(_CNF3, 4)
        mode = self._read(_CANCTRL, 1)[0] & _MODE_BITS
        return held == self._timing + bytes((_INTERRUPTS,)) and mode == self._mode

    def mode(self, mode=None):
        """Set `LISTEN_ONLY`, `NORMAL` or `ONE_SHOT`; without an argument tell it. Raises CanError."""
        if mode is not None and mode != self._mode:
            self._request(mode)
            self._mode = mode
        return self._mode

    def set_bitrate(self, bitrate):
        """500,000, 250,000 or 125,000 bit/s. Raises CanError."""
        before = self._mode
        self._request(_CONFIGURATION)
        self._timing = self._timing[:2] + bytes((_PRESCALER[bitrate],))
        self._write(_CNF3, self._timing)
        if before is not None:
            self._request(before)

    def set_filters(self, standard=None, extended=None):
        """Receive only what fits: `standard` and `extended` are (id, mask) each; both None receives any
        frame.

        Buffer 0 takes `standard` and overflows into buffer 1, which takes `extended`. What is in the
        buffers is lost. Raises CanError.
        """
        before = self._mode
        self._request(_CONFIGURATION)
        if standard is None and extended is None:
            self._write(_RXB0CTRL, b"\x64")
            self._write(_RXB1CTRL, b"\x60")
        else:
            # An id that nobody sends stands in for a filter that is not wanted.
            low_id, other_id, low_mask = standard or (0x7FF, 0x7FF, 0x7FF)
            high_id, high_mask = extended or (0x1FFFFFFF, 0x1FFFFFFF)
            low = _pack_id(low_id, False) + _pack_id(other_id, False)
            high = _pack_id(high_id, True)
            self._write(_RXM0, _pack_id(low_mask, False) + _pack_mask(high_mask))
            self._write(_RXF0, low + high)
            self._write(_RXF3, high + high + high)
            self._write(_RXB0CTRL, b"\x04")
            self._write(_RXB1CTRL, b"\x00")
        # Nothing comes in in this mode: what was held, and what was lost before, belongs to the filters of
        # before.
        self._write(_CANINTF, b"\x00\x00")
        self._queue.clear()
        if before is not None:
            self._request(before)

    def recv(self):
        """The next frame as (id, data, flags), or None. `flags`: `FLAG_EXT_ID`, `FLAG_RTR`."""
        if not self._queue:
            self._quiet += 1
            if self._int_pin is None or not self._int_pin.value() or self._quiet > _MAX_QUIET:
                self._quiet = 0
                self._drain()
        return self._queue.pop(0) if self._queue else None

    def send(self, arbitration_id, data, extended=False):
        """Hand one frame to the chip. Raises CanError if it may not send, or the frame before is still
        waiting.
        """
        if self._mode not in (NORMAL, ONE_SHOT):
            raise CanError("listening only")
        if len(data) > 8:
            raise CanError("frame too long")
        if self._read(_TXB0CTRL, 1)[0] & _TX_REQUESTED:
            raise CanError("still sending")
        head = _pack_id(arbitration_id, extended)
        self._send(bytes((_LOAD_TX0,)) + head + bytes((len(data),)) + data)
        self._send(bytes((_SEND_TX0,)))

    def read_sent(self):
        """Whether the frame handed over last has left: True, None if it still waits, False if it was lost.

        In one-shot mode a frame that loses arbitration or meets an error is lost at once.
        """
        control = self._read(_TXB0CTRL, 1)[0]
        if control & _TX_REQUESTED:
            return None
        return not control & _TX_FAILED

    def abort(self):
        """Take back a frame that has not left yet."""
        self._send(bytes((_BIT_MODIFY, _TXB0CTRL, _TX_REQUESTED, 0)))

    def read_error_counters(self):
        """(transmit, receive) error counters of the chip."""
        held = self._read(_TEC, 2)
        return held[0], held[1]

    def state(self):
        """`STOPPED`, `ERROR_ACTIVE`, `ERROR_WARNING`, `ERROR_PASSIVE` or `BUS_OFF`."""
        if self._mode is None:
            return STOPPED
        error_flags = self._read(_EFLG, 1)[0]
        if error_flags & 0x20:
            return BUS_OFF
        if error_flags & 0x18:
            return ERROR_PASSIVE
        return ERROR_WARNING if error_flags & 0x07 else ERROR_ACTIVE

    def _drain(self):
        """Fetch what the buffers hold. Both are emptied in the order of one look at the flags: 0 is the
        older one.
        """
        flags = self._flags
        for _ in range(_MAX_DRAIN):
            flags[0] = _READ
            flags[1] = _CANINTF
            self._transfer(flags)
            pending, error_flags = flags[2], flags[3]
            if pending & _NOT_RX or error_flags & _OVERFLOWS:
                self._on_errors(pending, error_flags)
            if not pending & 0x03:
                break
            for buffer in (0, 1):
                if pending & 1 << buffer:
                    self._fetch(buffer)

    def _on_errors(self, pending, error_flags):
        if pending & 0x80:
            self.message_errors += 1
        if error_flags & _OVERFLOWS:
            self.overruns += (error_flags >> 7) + (error_flags >> 6 & 1)
            self._send(bytes((_BIT_MODIFY, _EFLG, _OVERFLOWS, 0)))
        # Never the receive flags: their buffers clear them when they are read.
        self._send(bytes((_BIT_MODIFY, _CANINTF, pending & _NOT_RX | 0x20, 0)))

    def _fetch(self, buffer):
        frame = self._frame
        frame[0] = _READ_RX[buffer]
        self._transfer(frame)
        if len(self._queue) >= _QUEUE:
            self.overruns += 1
            return
        arbitration_id = frame[1] << 3 | frame[2] >> 5
        flags = 0
        if frame[2] & _EXTENDED:
            arbitration_id = arbitration_id << 18 | (frame[2] & 0x03) << 16 | frame[3] << 8 | frame[4]
            flags = FLAG_EXT_ID
            if frame[5] & 0x40:
                flags |= FLAG_RTR
        elif frame[2] & 0x10:
            flags = FLAG_RTR
        length = min(frame[5] & 0x0F, 8)
        data = b"" if flags & FLAG_RTR else bytes(frame[6 : 6 + length])
        self._queue.append((arbitration_id, data, flags))

    def _request(self, mode):
        self._send(bytes((_BIT_MODIFY, _CANCTRL, _MODE_BITS, mode)))
        for _ in range(_MODE_TRIES):
            if self._read(_CANSTAT, 1)[0] & 0xE0 == mode & 0xE0:
                return
            self._sleep_ms(1)
        raise CanError("mode")

    def _read(self, register, count):
        buffer = bytearray(2 + count)
        buffer[0] = _READ
        buffer[1] = register
        self._transfer(buffer)
        return bytes(buffer[2:])

    def _write(self, register, values):
        self._send(bytes((_WRITE, register)) + values)

    def _send(self, buffer):
        self._cs.value(0)
        try:
            self._spi.write(buffer)
        finally:
            self._cs.value(1)

    def _transfer(self, buffer):
        self._cs.value(0)
        try:
            self._spi.write_readinto(buffer, buffer)
        finally:
            self._cs.value(1)


def _pack_id(arbitration_id, extended):
    """SIDH, SIDL, EID8, EID0."""
    if not extended:
        return bytes((arbitration_id >> 3, (arbitration_id & 0x07) << 5, 0, 0))
    packed = bytearray(_pack_mask(arbitration_id))
    packed[1] |= _EXTENDED
    return bytes(packed)


def _pack_mask(mask):
    """The same for a mask of 29 bits, which has no flag."""
    high = mask >> 18
    return bytes((high >> 3, (high & 0x07) << 5 | mask >> 16 & 0x03, mask >> 8 & 0xFF, mask & 0xFF))
