"""The SPI instructions of the MCP2515 (Microchip data sheet DS20001801J, section 12): bytes in, registers
touched.
"""

from chips.errors import UndefinedRegister
from chips.mcp2515_frames import buffer_start
from chips.spi_chip import SpiChip

CANINTF = 0x2C
TXB = (0x30, 0x40, 0x50)
RXB = (0x60, 0x70)
RX1IF, RX0IF, TXREQ = 0x02, 0x01, 0x08
_BIT_MODIFIABLE = (0x0C, 0x0D, 0x0F, 0x28, 0x29, 0x2A, 0x2B, 0x2C, 0x2D, 0x30, 0x40, 0x50, 0x60, 0x70)
_READ, _WRITE, _RESET, _RTS, _READ_STATUS, _RX_STATUS, _BIT_MODIFY = 0x03, 0x02, 0xC0, 0x80, 0xA0, 0xB0, 0x05


class Mcp2515Spi(SpiChip):
    """Decodes instructions; the controller behind them gives `_read`, `_write`, `_reset`, `_update_int` and
    `_request_to_send`, and its registers `_r`.
    """

    name = "MCP2515"
    max_clock_hz = 10000000

    def __init__(self):
        super().__init__()
        self._input = bytearray()

    def select(self, now_us):
        self._is_selected = True
        self._input = bytearray()

    def deselect(self, now_us):
        """The end of an instruction: a read of a receive buffer gives the buffer free now (12.4)."""
        if self._is_selected and self._is_powered and not self.is_dead and self._input:
            command = self._input[0]
            if command & 0xF9 == 0x90 and len(self._input) > 1:
                self._r[CANINTF] &= ~(RX1IF if command & 4 else RX0IF)
                self._update_int()
            if command & 0xF8 == _RTS:
                for number in range(3):
                    if command & (1 << number):
                        self._request_to_send(number)
        self._is_selected = False

    def _shift(self, byte, now_us):
        taken = self._input
        taken.append(byte)
        command, count = taken[0], len(taken)
        if command == _RESET:
            if count == 1:
                self._reset(now_us)
            return 0
        if command == _READ:
            return (
                self._read((taken[1] + count - 3) & 0x7F if taken[1] < 128 else taken[1]) if count > 2 else 0
            )
        if command == _WRITE:
            if count > 2:
                self._write((taken[1] + count - 3) & 0x7F if taken[1] < 128 else taken[1], taken[-1], now_us)
            return 0
        if command & 0xF9 == 0x90:
            return (
                self._read(buffer_start(RXB[(command >> 2) & 1], command & 2) + count - 2) if count > 1 else 0
            )
        if command & 0xF8 == 0x40:
            if command & 7 > 5:
                raise UndefinedRegister("MCP2515: LOAD TX BUFFER 0x%02x" % command)
            if count > 1:
                start = TXB[(command & 7) >> 1] + (6 if command & 1 else 1)
                self._write(start + count - 2, taken[-1], now_us)
            return 0
        if command & 0xF8 == _RTS:
            return 0
        if command == _READ_STATUS:
            return self._read_status() if count > 1 else 0
        if command == _RX_STATUS:
            return self._rx_status() if count > 1 else 0
        if command == _BIT_MODIFY:
            if count == 4:
                address, mask, value = taken[1], taken[2], taken[3]
                if address not in _BIT_MODIFIABLE and address & 0x0F != 0x0F:
                    mask = 0xFF  # 12.10: a register that is not bit-modifiable takes the whole byte
                old = self._read(address)
                self._write(address, old & ~mask & 0xFF | value & mask, now_us)
            return 0
        raise UndefinedRegister("MCP2515: instruction 0x%02x" % command)

    def _read_status(self):
        flags = self._r[CANINTF]
        status = flags & 3
        for number in range(3):
            status |= 0x04 << (2 * number) if self._r[TXB[number]] & TXREQ else 0
            status |= 0x08 << (2 * number) if flags & (0x04 << number) else 0
        return status

    def _rx_status(self):
        flags = self._r[CANINTF] & 3
        if not flags:
            return 0
        base = RXB[0] if flags & 1 else RXB[1]
        extended = self._r[base + 2] & 0x08
        remote = self._r[base + 5] & 0x40 if extended else self._r[base + 2] & 0x10
        hit = self._r[base] & (0x01 if flags & 1 else 0x07)
        if not flags & 1 and hit < 2:
            hit += 6
        return flags << 6 | (0x10 if extended else 0) | (0x08 if remote else 0) | hit
