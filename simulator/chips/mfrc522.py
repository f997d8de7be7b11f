"""MFRC522 contactless reader by its registers, over SPI, with the cards in its field.

Source: NXP MFRC522 data sheet rev. 3.9: 8.1.2 (SPI), 8.2 (receiver), 8.3 (FIFO), 8.4 (interrupts), 8.5
(timer), 9.3 (registers), 10.3 (commands). Frame delay and bit times: ISO/IEC 14443-3 clause 6.2.

```
SPI address byte   7: 1 read, 0 write   6..1: address   0: always 0
read               a read of n bytes sends n addresses and then anything: each byte returns what the one
before named write              all bytes after the address go to that same register
```

Modelled: 106 kbit/s type A, FIFO, Transmit, Receive, Transceive, CalcCRC, SoftReset, Idle, timer,
collisions, parity and CRC of answers, power-down, the field. Not modelled, and an error when touched: Mem,
MFAuthent, test registers.

`CollPos`: "bit position of the first detected collision in a received frame" (9.3.1.15): counted here from
the first bit that was received, so bits that RxAlign leaves free are not counted; `counts_align` is the
other reading.
"""

from chips.errors import UndefinedRegister
from chips.iso14443_card import bits_of, bytes_of, crc_a, merge_answers
from chips.mfrc522_timer import BY_COMMAND, Agenda, Timer
from chips.spi_chip import SpiChip

_COMMAND, _COM_IEN, _DIV_IEN, _COM_IRQ, _DIV_IRQ, _ERROR, _STATUS1, _STATUS2 = 1, 2, 3, 4, 5, 6, 7, 8
_FIFO_DATA, _FIFO_LEVEL, _WATER_LEVEL, _CONTROL, _BIT_FRAMING, _COLL = 9, 10, 11, 12, 13, 14
_MODE, _TX_MODE, _RX_MODE, _TX_CONTROL, _TX_ASK = 0x11, 0x12, 0x13, 0x14, 0x15
_DEMOD, _MF_RX, _CRC_RESULT_H, _CRC_RESULT_L = 0x19, 0x1D, 0x21, 0x22
_T_MODE, _T_PRESCALER, _T_RELOAD_H, _T_RELOAD_L, _T_COUNTER_H, _T_COUNTER_L = (
    0x2A,
    0x2B,
    0x2C,
    0x2D,
    0x2E,
    0x2F,
)
_VERSION = 0x37

# Reset values of table 9.2; only registers that the data sheet names are here, all others are reserved.
_RESET = {
    0x01: 0x20, 0x02: 0x80, 0x03: 0x00, 0x04: 0x14, 0x05: 0x00, 0x06: 0x00, 0x07: 0x21, 0x08: 0x00,
    0x09: 0x00, 0x0A: 0x00, 0x0B: 0x08, 0x0C: 0x10, 0x0D: 0x00, 0x0E: 0xA0, 0x11: 0x3F, 0x12: 0x00,
    0x13: 0x00, 0x14: 0x80, 0x15: 0x00, 0x16: 0x10, 0x17: 0x84, 0x18: 0x84, 0x19: 0x4D, 0x1C: 0x62,
    0x1D: 0x00, 0x1F: 0xEB, 0x21: 0xFF, 0x22: 0xFF, 0x24: 0x26, 0x26: 0x48, 0x27: 0x88, 0x28: 0x20,
    0x29: 0x20, 0x2A: 0x00, 0x2B: 0x00, 0x2C: 0x00, 0x2D: 0x00, 0x2E: 0x00, 0x2F: 0x00, 0x31: 0x00,
    0x32: 0x00, 0x33: 0x80, 0x34: 0x00, 0x35: 0x00, 0x36: 0x40, 0x37: 0x92, 0x38: 0x00, 0x39: 0x00,
    0x3A: 0x00, 0x3B: 0x00,
}  # fmt: skip
_READ_ONLY = (_ERROR, _STATUS1, _CRC_RESULT_H, _CRC_RESULT_L, _T_COUNTER_H, _T_COUNTER_L, _VERSION)
_FIRST_TEST = 0x31
_IDLE, _CALC_CRC, _TRANSMIT, _NO_CHANGE, _RECEIVE, _TRANSCEIVE, _SOFT_RESET = 0, 3, 4, 7, 8, 12, 15
_IRQ_TX, _IRQ_RX, _IRQ_IDLE, _IRQ_HIGH, _IRQ_LOW, _IRQ_ERROR, _IRQ_TIMER = 0x40, 0x20, 0x10, 8, 4, 2, 1
_DIV_CRC = 0x04
_E_WRITE, _E_OVERFLOW, _E_COLLISION, _E_CRC, _E_PARITY, _E_PROTOCOL = 0x80, 0x10, 8, 4, 2, 1
_FIFO_SIZE = 64
_START_US = 1100  # crystal start-up and 1,024 clocks (8.6): CommandReg shows PowerDown until then
_SOFT_RESET_US = 40  # 1,024 clocks
_FRAME_DELAY_US = 91  # 1,236 / 13.56 MHz after a last bit of 1, 1,172 (86 us) after a 0
_CARD_START_US = 5000  # ISO/IEC 14443-3, 5.1: a card answers at the latest 5 ms after the field is there
_MAX_CLOCK_HZ = 10000000
_CRC_NS_PER_BYTE = 600


def _air_us(bits):
    """Time on air of a frame: start, data, a parity bit each whole byte, end; 128 / 13.56 MHz a bit."""
    return (bits + bits // 8 + 2) * 9440 // 1000


class Mfrc522(SpiChip):
    name = "MFRC522"
    max_clock_hz = _MAX_CLOCK_HZ

    def __init__(self, version=0x92, counts_align=False):
        super().__init__()
        self.version = version
        self.counts_align = counts_align
        self.cards = []
        self.frames_sent = 0
        self.on_field = None  # function(is_on)
        self._ready_us = 0
        self._address = None
        self._is_read = False
        self._reset_state()

    # -- power and world ------------------------------------------------------------------------------------
    def power_on(self, now_us):
        self._is_powered = True
        self._reset(now_us, _START_US)

    def power_off(self, now_us):
        self._is_powered = False
        self._reset_state()
        for card in self.cards:
            card.set_field(False, now_us)

    def present(self, card, now_us):
        """A card comes into the field."""
        self.advance(now_us)
        if card not in self.cards:
            self.cards.append(card)
            if self._is_field_on:
                card.set_field(True, now_us)

    def remove(self, card, now_us):
        self.advance(now_us)
        if card in self.cards:
            self.cards.remove(card)
            card.set_field(False, now_us)

    def upset(self, register, value, now_us=0):
        """A disturbance changes a register behind the firmware's back (readers die silently in the field)."""
        self.advance(now_us)
        self._registers[register] = value
        self._update_field(now_us)

    # -- SPI ------------------------------------------------------------------------------------------------
    def select(self, now_us):
        self._is_selected = True
        self._address = None

    def deselect(self, now_us):
        self._is_selected = False
        self._address = None

    def _shift(self, byte, now_us):
        if self._address is None:
            if byte & 1:
                raise UndefinedRegister("MFRC522: bit 0 of the address byte is always 0, got 0x%02x" % byte)
            self._is_read = byte & 0x80 != 0
            self._address = (byte >> 1) & 0x3F
        elif self._is_read:
            answer = self._read(self._address, now_us)
            self._address = (byte >> 1) & 0x3F
            return answer
        else:
            self._write(self._address, byte, now_us)
        return 0

    # -- registers ------------------------------------------------------------------------------------------
    def _read(self, address, now_us):
        if address not in _RESET:
            raise UndefinedRegister("MFRC522: read of reserved register 0x%02x" % address)
        if address == _FIFO_DATA:
            return self._pop_fifo()
        if address == _FIFO_LEVEL:
            return len(self._fifo)
        if address == _STATUS1:
            return self._status1()
        if address == _VERSION:
            return self.version
        if address == _COMMAND:
            return self._registers[_COMMAND] & 0x3F | (0x10 if now_us < self._ready_us else 0)
        if address in (_T_COUNTER_H, _T_COUNTER_L):
            count = self._timer.count(now_us)
            return count >> 8 if address == _T_COUNTER_H else count & 0xFF
        return self._registers[address]

    def _write(self, address, value, now_us):
        if address not in _RESET:
            raise UndefinedRegister("MFRC522: write to reserved register 0x%02x" % address)
        if address >= _FIRST_TEST and address != _VERSION:
            raise UndefinedRegister("MFRC522: test register 0x%02x is not modelled" % address)
        if address in _READ_ONLY:
            raise UndefinedRegister("MFRC522: register 0x%02x is read-only" % address)
        if now_us < self._ready_us:
            return  # no clock yet: the write is lost
        registers = self._registers
        if address == _COMMAND:
            self._start_command(value, now_us)
        elif address in (_COM_IRQ, _DIV_IRQ):
            mask = value & 0x7F
            registers[address] = registers[address] | mask if value & 0x80 else registers[address] & ~mask
        elif address == _FIFO_DATA:
            self._push_fifo(value)
        elif address == _FIFO_LEVEL:
            if value & 0x80:
                self._fifo = bytearray()
                registers[_ERROR] &= ~_E_OVERFLOW
                self._update_alerts()
        elif address == _CONTROL:
            if value & 0x80:
                self._timer.stop(now_us)
            if value & 0x40:
                self._start_timer(now_us)
        elif address == _BIT_FRAMING:
            registers[address] = value & 0x7F
            if value & 0x80 and self._command == _TRANSCEIVE:
                self._send(now_us)
        elif address == _COLL:
            registers[address] = registers[address] & 0x7F | value & 0x80
        elif address == _STATUS2:
            registers[address] = registers[address] & 0x07 | value & 0xC8
        elif address == _RX_MODE and value & 0x74:
            raise UndefinedRegister("MFRC522: RxMultiple and other bit rates are not modelled")
        else:
            registers[address] = value
            if address == _TX_CONTROL:
                self._update_field(now_us)

    def _status1(self):
        registers = self._registers
        level = len(self._fifo)
        water = registers[_WATER_LEVEL] & 0x3F
        status = 0x20 if self._is_crc_ready else 0
        status |= 0x02 if _FIFO_SIZE - level <= water else 0
        status |= 0x01 if level <= water else 0
        status |= 0x08 if self._timer.is_running else 0
        if (
            registers[_COM_IRQ] & registers[_COM_IEN] & 0x7F
            or registers[_DIV_IRQ] & registers[_DIV_IEN] & 0x14
        ):
            status |= 0x10
        return status

    def _update_alerts(self):
        level = len(self._fifo)
        water = self._registers[_WATER_LEVEL] & 0x3F
        if _FIFO_SIZE - level <= water:
            self._registers[_COM_IRQ] |= _IRQ_HIGH
        if level <= water:
            self._registers[_COM_IRQ] |= _IRQ_LOW

    def _push_fifo(self, value):
        if self._is_on_air:
            self._registers[_ERROR] |= _E_WRITE
        if len(self._fifo) >= _FIFO_SIZE:
            self._registers[_ERROR] |= _E_OVERFLOW
            return
        self._fifo.append(value)
        self._update_alerts()

    def _pop_fifo(self):
        if not self._fifo:
            return 0
        value = self._fifo[0]
        self._fifo = self._fifo[1:]
        self._update_alerts()
        return value

    # -- reset, commands ------------------------------------------------------------------------------------
    def _reset_state(self):
        self._registers = dict(_RESET)
        self._fifo = bytearray()
        self._agenda = Agenda()
        self._timer = Timer(self._agenda, self._on_timer)
        self._command = _IDLE
        self._is_on_air = False
        self._is_crc_ready = True
        self._is_field_on = False
        self._field_off_us = None

    def _reset(self, now_us, delay_us):
        was_on = self._is_field_on
        self._reset_state()
        self._ready_us = now_us + delay_us
        if was_on:
            self._switch_field(False, now_us)

    def _start_command(self, value, now_us):
        command = value & 0x0F
        self._registers[_COMMAND] = value & 0x3F
        if command == _NO_CHANGE:
            return
        if command == _SOFT_RESET:
            self._reset(now_us, _SOFT_RESET_US)
            return
        if command not in (_IDLE, _CALC_CRC, _TRANSMIT, _RECEIVE, _TRANSCEIVE):
            raise UndefinedRegister("MFRC522: command 0x%x is reserved or not modelled" % command)
        self._agenda.drop(BY_COMMAND)
        self._is_on_air = False
        self._command = command
        if command != _IDLE:
            self._registers[_ERROR] &= _E_OVERFLOW  # 9.3.1.7: a new command clears all error flags
        if command == _CALC_CRC:
            self._is_crc_ready = False
            at_us = now_us + 1 + len(self._fifo) * _CRC_NS_PER_BYTE // 1000
            self._agenda.add(at_us, self._finish_crc)
        elif command == _TRANSMIT:
            self._send(now_us)

    def _finish_crc(self, at_us):
        preset = (0x0000, 0x6363, 0xA671, 0xFFFF)[self._registers[_MODE] & 3]
        crc = crc_a(bytes(self._fifo), preset)
        self._fifo = bytearray()
        self._registers[_CRC_RESULT_H] = crc >> 8
        self._registers[_CRC_RESULT_L] = crc & 0xFF
        self._registers[_DIV_IRQ] |= _DIV_CRC
        self._is_crc_ready = True
        self._update_alerts()

    # -- transmission and reception -------------------------------------------------------------------------
    def _send(self, now_us):
        registers = self._registers
        data = bytes(self._fifo)
        self._fifo = bytearray()
        if registers[_TX_MODE] & 0x80:
            crc = crc_a(data)
            data += bytes((crc & 0xFF, crc >> 8))
        last = registers[_BIT_FRAMING] & 7
        bits = bits_of(data)
        if last and data:
            bits = bits[: len(bits) - 8 + last]
        self._is_on_air = True
        self.frames_sent += 1
        self._update_alerts()
        self._agenda.add(now_us + _air_us(len(bits)), lambda at_us: self._finish_send(bits, at_us))

    def _finish_send(self, bits, at_us):
        registers = self._registers
        registers[_COM_IRQ] |= _IRQ_TX
        if registers[_T_MODE] & 0x80:
            self._start_timer(at_us)
        if self._command == _TRANSMIT:
            self._is_on_air = False
            self._command = _IDLE
            registers[_COMMAND] &= 0x30
            registers[_COM_IRQ] |= _IRQ_IDLE
            self._let_cards_hear(bits, at_us)
            return
        answers = self._let_cards_hear(bits, at_us)
        # The receiver starts: flags of the last frame go (9.3.1.7, 9.3.1.15).
        registers[_ERROR] &= ~(_E_COLLISION | _E_CRC | _E_PARITY | _E_PROTOCOL)
        registers[_COLL] = registers[_COLL] & 0x80 | 0x20
        if answers and not registers[_COMMAND] & 0x20:
            merged, collision = merge_answers(answers)
            start_us = at_us + _FRAME_DELAY_US
            self._agenda.add(start_us + _air_us(4), self._on_first_bits)
            self._agenda.add(
                start_us + _air_us(len(merged)), lambda end_us: self._finish_receive(merged, collision)
            )

    def _let_cards_hear(self, bits, at_us):
        registers = self._registers
        is_understood = (
            self._is_field_on
            and registers[_TX_ASK] & 0x40  # type A needs 100 % modulation
            and not registers[_TX_MODE] & 0x7F
            and bits
        )
        if not is_understood:
            return []
        answers = []
        for card in self.cards:
            since_us = card.powered_us()
            if since_us is None or at_us - since_us < _CARD_START_US:
                continue
            answer = card.hear(bits)
            if answer:
                answers.append(answer)
        return answers

    def _on_first_bits(self, at_us):
        if self._registers[_T_MODE] & 0x80:
            self._timer.stop(at_us)  # TAuto: the timer ends with the first bits received

    def _finish_receive(self, bits, collision):
        registers = self._registers
        align = (registers[_BIT_FRAMING] >> 4) & 7
        errors = 0
        if collision is not None:
            errors |= _E_COLLISION
            position = collision + 1 + (align if self.counts_align else 0)
            if position <= 32:
                registers[_COLL] = registers[_COLL] & 0x80 | position & 0x1F
            if not registers[_COLL] & 0x80:
                bits = bits[: collision + 1] + [0] * (len(bits) - collision - 1)
        data = bytes_of([0] * align + bits)
        if registers[_RX_MODE] & 0x80:
            if len(bits) % 8 or len(data) < 3 or crc_a(data[:-2]) != data[-2] | data[-1] << 8:
                errors |= _E_CRC
            data = data[:-2]
        for byte in data:
            if len(self._fifo) >= _FIFO_SIZE:
                errors |= _E_OVERFLOW
                break
            self._fifo.append(byte)
        registers[_CONTROL] = registers[_CONTROL] & 0xF8 | (align + len(bits)) % 8
        registers[_COM_IRQ] |= _IRQ_RX
        self._is_on_air = False
        if errors:
            registers[_ERROR] |= errors
            registers[_COM_IRQ] |= _IRQ_ERROR
        self._update_alerts()

    # -- field ----------------------------------------------------------------------------------------------
    def _update_field(self, now_us):
        is_on = self._registers[_TX_CONTROL] & 3 != 0
        if is_on != self._is_field_on:
            self._switch_field(is_on, now_us)

    def _switch_field(self, is_on, now_us):
        self._is_field_on = is_on
        for card in self.cards:
            card.set_field(is_on, now_us)
        if self.on_field:
            self.on_field(is_on)

    @property
    def is_field_on(self):
        return self._is_field_on

    # -- timer (8.5), time -----------------------------------------------------------------------------------
    def _start_timer(self, now_us):
        registers = self._registers
        reload = registers[_T_RELOAD_H] << 8 | registers[_T_RELOAD_L]
        prescaler = (registers[_T_MODE] & 0x0F) << 8 | registers[_T_PRESCALER]
        clocks = 2 * prescaler + (2 if registers[_DEMOD] & 0x10 else 1)
        self._timer.start(now_us, reload, clocks * 100000 // 1356)

    def _on_timer(self, at_us):
        self._registers[_COM_IRQ] |= _IRQ_TIMER
        if self._registers[_T_MODE] & 0x10:
            self._start_timer(at_us)  # TAutoRestart

    def advance(self, now_us):
        """Let everything happen that the chip does by itself up to now."""
        self._agenda.run(now_us)
