"""MCP2515 CAN controller by its registers, over SPI.

Source: Microchip MCP2515 data sheet DS20001801J: section 3 (transmission), 4 (reception), 5 (bit timing), 6
(errors), 7 (interrupts), 10 (modes), 11 (registers), 12 (SPI).

The bus belongs to whoever holds the model: `on_transmit(frame)` asks for the bus,
`end_transmission(outcome, now_us)` says how it went ("acknowledged", "unacknowledged", "lost", "error");
`receive(frame, bit_rate, now_us)` brings a frame whose end is now. A frame is (arbitration_id, is_extended,
is_remote, data). `on_int(level)` follows the INT pin, which is a level: low as long as an enabled flag is
set.
"""

from chips.errors import ChipError, UndefinedRegister
from chips.mcp2515_frames import frame_at, matches, put_frame
from chips.mcp2515_spi import CANINTF, RX0IF, RX1IF, RXB, TXB, TXREQ, Mcp2515Spi

_RXF = (0x00, 0x04, 0x08, 0x10, 0x14, 0x18)
_RXM = (0x20, 0x24)
_BFPCTRL, _TXRTSCTRL, _TEC, _REC = 0x0C, 0x0D, 0x1C, 0x1D
_CNF3, _CNF2, _CNF1, _CANINTE, _EFLG = 0x28, 0x29, 0x2A, 0x2B, 0x2D

NORMAL, SLEEP, LOOPBACK, LISTEN_ONLY, CONFIGURATION = 0, 1, 2, 3, 4
_MERRF, _WAKIF, _ERRIF = 0x80, 0x40, 0x20
_RX1OVR, _RX0OVR, _TXBO, _TXEP, _RXEP, _TXWAR, _RXWAR, _EWARN = 0x80, 0x40, 0x20, 0x10, 8, 4, 2, 1
_ABTF, _MLOA, _TXERR = 0x40, 0x20, 0x10
_ABAT, _OSM = 0x10, 0x08
_BUS_OFF_BITS = 128 * 11


class Mcp2515(Mcp2515Spi):
    """The controller; see above for how the bus reaches it."""

    def __init__(self, crystal_hz=16000000):
        super().__init__()
        self.crystal_hz = crystal_hz
        self.on_transmit = None
        self.on_int = None
        self.received = 0
        self.overruns = 0
        self._int_level = 1
        self._reset(0)

    # -- power ----------------------------------------------------------------------------------------------
    def power_on(self, now_us):
        self._is_powered = True
        self._reset(now_us)

    def power_off(self, now_us):
        self._is_powered = False
        self._reset(now_us)

    def _reset(self, now_us):
        self._r = bytearray(128)
        self._mode = CONFIGURATION
        self._request = CONFIGURATION
        self._control = 0x87
        self._tec = 0
        self._rec = 0
        self._sending = None  # number of the transmit buffer on the bus
        self._bus_off_until_us = None
        self._update_int()

    # -- state that others may look at ----------------------------------------------------------------------
    @property
    def mode(self):
        return self._mode

    @property
    def tec(self):
        return self._tec

    @property
    def rec(self):
        return self._rec

    def bit_rate(self):
        """Bits a second by CNF1 to CNF3 and the crystal (5.1): one bit is 1 + PRSEG + PHSEG1 + PHSEG2
        quanta."""
        cnf1, cnf2, cnf3 = self._r[_CNF1], self._r[_CNF2], self._r[_CNF3]
        phase1 = ((cnf2 >> 3) & 7) + 1
        phase2 = (cnf3 & 7) + 1 if cnf2 & 0x80 else max(phase1, 2)
        quanta = 1 + (cnf2 & 7) + 1 + phase1 + phase2
        return self.crystal_hz // (2 * ((cnf1 & 0x3F) + 1)) // quanta

    def is_on_bus(self, bit_rate):
        """Does it take part in a bus of that rate: does it acknowledge what others send?"""
        return self._is_powered and self._mode == NORMAL and self._fits(bit_rate) and not self._is_bus_off()

    def _fits(self, bit_rate):
        return abs(self.bit_rate() - bit_rate) * 100 <= bit_rate  # resynchronisation bears about 1 %

    def _is_bus_off(self):
        return self._bus_off_until_us is not None

    # -- registers ------------------------------------------------------------------------------------------
    def _read(self, address):
        if address > 0x7F:
            raise UndefinedRegister("MCP2515: register 0x%02x" % address)
        low = address & 0x0F
        if low == 0x0E:
            return self._mode << 5 | self._interrupt_code() << 1
        if low == 0x0F:
            return self._control
        if address == _TEC:
            return min(self._tec, 255)
        if address == _REC:
            return min(self._rec, 255)
        is_filter = (low < 0x0C and address < 0x20) or 0x20 <= address < 0x28
        if is_filter and self._mode != CONFIGURATION:
            return 0  # 4.5: filters and masks read 0 outside the configuration mode
        return self._r[address]

    def _write(self, address, value, now_us):
        if address > 0x7F:
            raise UndefinedRegister("MCP2515: register 0x%02x" % address)
        low = address & 0x0F
        if low == 0x0E or address in (_TEC, _REC):
            return  # read-only
        if low == 0x0F:
            self._write_control(value, now_us)
            return
        is_set_up = (
            address < 0x0C or 0x10 <= address < 0x1C or 0x20 <= address < 0x2B or address == _TXRTSCTRL
        )
        if is_set_up:
            if self._mode == CONFIGURATION:
                self._r[address] = value
            return
        if address == CANINTF:
            self._r[address] = value
            if value & _WAKIF and self._mode == SLEEP:
                self._wake()
        elif address == _EFLG:
            self._r[address] = self._r[address] & 0x3F | self._r[address] & value & 0xC0
        elif address in TXB:
            self._write_transmit_control(TXB.index(address), value, now_us)
        elif address in RXB:
            writable = 0x64 if address == RXB[0] else 0x60
            if value & 0x60 in (0x20, 0x40):
                raise UndefinedRegister("MCP2515: RXM 01 and 10 are reserved")
            self._r[address] = self._r[address] & ~writable & 0xFF | value & writable
        elif 0x30 <= address < 0x60:
            if self._r[address & 0x70] & TXREQ:
                raise ChipError("MCP2515: a transmit buffer was changed while it waits for the bus")
            self._r[address] = value
        elif address in (_BFPCTRL, _CANINTE):
            self._r[address] = value
        # Receive buffers are read-only: a write does nothing.
        self._update_int()

    def _write_control(self, value, now_us):
        self._control = value
        request = value >> 5
        if request > CONFIGURATION:
            raise UndefinedRegister("MCP2515: mode %d is reserved" % request)
        self._request = request
        if value & _ABAT:
            for number in range(3):
                if self._r[TXB[number]] & TXREQ and self._sending != number:
                    self._r[TXB[number]] = self._r[TXB[number]] & ~TXREQ | _ABTF
        if self._sending is None:
            self._enter_mode()

    def _enter_mode(self):
        if self._request == self._mode:
            return
        self._mode = self._request
        if self._mode == CONFIGURATION:
            # 10.1: the error counters are reset on entering the configuration mode.
            self._tec = self._rec = 0
            self._bus_off_until_us = None
            self._update_errors()
        if self._mode == LISTEN_ONLY:
            self._tec = self._rec = 0  # 10.3: counters are reset and deactivated
            self._update_errors()
        self._start_next()

    def _wake(self):
        self._request = self._mode = LISTEN_ONLY  # 7.6: it wakes into listen-only
        self._control = self._control & 0x1F | LISTEN_ONLY << 5

    def _interrupt_code(self):
        pending = self._r[CANINTF] & self._r[_CANINTE]
        for code, mask in (
            (1, _ERRIF),
            (2, _WAKIF),
            (3, 0x04),
            (4, 0x08),
            (5, 0x10),
            (6, RX0IF),
            (7, RX1IF),
        ):
            if pending & mask:
                return code
        return 0

    def _update_int(self):
        level = 0 if self._r[CANINTF] & self._r[_CANINTE] else 1
        if level != self._int_level:
            self._int_level = level
            if self.on_int:
                self.on_int(level)

    # -- transmission ---------------------------------------------------------------------------------------
    def _write_transmit_control(self, number, value, now_us):
        address = TXB[number]
        old = self._r[address]
        self._r[address] = old & 0x70 | value & 0x0B
        if value & TXREQ and not old & TXREQ:
            self._request_to_send(number)
        elif old & TXREQ and not value & TXREQ and self._sending != number:
            self._r[address] |= _ABTF

    def _request_to_send(self, number):
        self._r[TXB[number]] = self._r[TXB[number]] & 0x03 | TXREQ  # 3.3: the flags of the last attempt go
        self._start_next()

    def _start_next(self):
        if self._sending is not None or self._mode not in (NORMAL, LOOPBACK) or self._is_bus_off():
            return
        best = None
        for number in range(3):
            control = self._r[TXB[number]]
            if control & TXREQ and (best is None or control & 3 >= self._r[TXB[best]] & 3):
                best = number
        if best is None:
            return
        frame = frame_at(self._r, TXB[best])
        self._sending = best
        if self._mode == LOOPBACK:
            self._accept(frame)
            self.end_transmission("acknowledged", 0)
        elif self.on_transmit:
            self.on_transmit(frame)

    def end_transmission(self, outcome, now_us):
        """How the frame on the bus ended; a failed one is sent again unless one-shot mode is on."""
        number = self._sending
        if number is None:
            return
        self._sending = None
        address = TXB[number]
        if outcome == "acknowledged":
            self._r[address] &= ~(TXREQ | _MLOA | _TXERR)
            self._r[CANINTF] |= 0x04 << number
            self._tec = max(0, self._tec - 1)
        else:
            if outcome == "lost":
                self._r[address] |= _MLOA
            else:
                self._r[address] |= _TXERR
                self._r[CANINTF] |= _MERRF
                # ISO 11898-1: an error-passive node does not count a missing acknowledgement.
                if outcome != "unacknowledged" or self._tec < 128:
                    self._tec += 8
            if self._control & _OSM:
                self._r[address] &= ~TXREQ
            if self._tec > 255:
                self._bus_off_until_us = now_us + _BUS_OFF_BITS * 1000000 // max(1, self.bit_rate())
        self._update_errors()
        self._enter_mode()
        self._start_next()
        self._update_int()

    # -- reception ------------------------------------------------------------------------------------------
    def receive(self, frame, bit_rate, now_us):
        """A frame has ended on the bus."""
        self.advance(now_us)
        if not self._is_powered or self.is_dead:
            return
        if self._mode == SLEEP:
            self._r[CANINTF] |= _WAKIF
            if self._r[_CANINTE] & _WAKIF:
                self._wake()
            self._update_int()
            return
        if self._mode not in (NORMAL, LISTEN_ONLY) or self._is_bus_off():
            return
        if not self._fits(bit_rate):
            self.receive_error(now_us)
            return
        self._rec = min(self._rec, 127)
        self._rec = max(0, self._rec - 1)
        self._update_errors()
        self._accept(frame)

    def receive_error(self, now_us):
        """Something on the bus that this node could not read."""
        if self._mode not in (NORMAL, LISTEN_ONLY):
            return
        self._r[CANINTF] |= _MERRF
        if self._mode == NORMAL:
            self._rec = min(self._rec + 1, 255)
        self._update_errors()
        self._update_int()

    def _accept(self, frame):
        self.received += 1
        first = self._hit(frame, 0)
        if first is not None:
            if not self._r[CANINTF] & RX0IF:
                self._store(frame, 0, first)
                return
            if self._r[RXB[0]] & 0x04:
                if not self._r[CANINTF] & RX1IF:
                    self._store(frame, 1, first)
                else:
                    self._overrun(_RX1OVR)
                return
        second = self._hit(frame, 1)
        if second is not None:
            if self._r[CANINTF] & RX1IF:
                self._overrun(_RX1OVR)
            else:
                self._store(frame, 1, second)
        elif first is not None:
            self._overrun(_RX0OVR)

    def _overrun(self, flag):
        self.overruns += 1
        self._r[_EFLG] |= flag
        self._r[CANINTF] |= _ERRIF
        self._update_int()

    def _store(self, frame, number, hit):
        r, base = self._r, RXB[number]
        put_frame(r, base, frame)
        remote = 0x08 if frame[2] else 0
        if number == 0:
            r[base] = r[base] & 0x64 | (r[base] & 0x04) >> 1 | hit | remote
        else:
            r[base] = r[base] & 0x60 | hit | remote
        r[CANINTF] |= RX1IF if number else RX0IF
        self._update_int()

    def _hit(self, frame, number):
        """The filter by which a buffer takes a frame, or None."""
        filters = (2, 3, 4, 5) if number else (0, 1)
        if self._r[RXB[number]] & 0x60 == 0x60:
            return filters[0]
        mask = _RXM[number]
        for index in filters:
            if matches(self._r, frame, _RXF[index], mask):
                return index
        return None

    # -- errors, time ---------------------------------------------------------------------------------------
    def _update_errors(self):
        flags = 0
        if self._is_bus_off():
            flags |= _TXBO
        if self._tec > 127:
            flags |= _TXEP
        if self._rec > 127:
            flags |= _RXEP
        if self._tec > 95:
            flags |= _TXWAR | _EWARN
        if self._rec > 95:
            flags |= _RXWAR | _EWARN
        old = self._r[_EFLG]
        new = old & 0xC0 | flags
        self._r[_EFLG] = new
        if new & ~old:
            self._r[CANINTF] |= _ERRIF
        self._update_int()

    def advance(self, now_us):
        if self._bus_off_until_us is not None and now_us >= self._bus_off_until_us:
            self._bus_off_until_us = None
            self._tec = self._rec = 0
            self._update_errors()
            self._start_next()
