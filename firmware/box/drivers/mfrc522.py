"""MFRC522 card reader on SPI: which ISO/IEC 14443 A cards are in the field.

The chip's own timer ends each wait for a card: a poll without a card is a dozen SPI transfers and some 7
ms, of which 5 ms are the guard time a card needs to wake. The field is on only while cards are being read.

It reads UIDs of 4, 7 and 10 bytes (cascade tag 0x88, BCC of each level, CRC_A by the chip's coprocessor)
and every card in the field by anticollision: it selects one, halts it, and asks for the others. It knows
nothing of keys or sectors. A UID can be copied in seconds and is never a secret.

Source: NXP MFRC522 data sheet rev. 3.9: 8.1.2 SPI, 8.5 timer, 9 registers, 10.3 commands; ISO/IEC 14443-3.
"""

import time

from micropython import const

# --- registers: data sheet section 9.2 ---
_COMMAND = const(0x01)  # r/w, dynamic: RcvOff 0x20, PowerDown 0x10, command 0x0F
_COM_IRQ = const(0x04)  # Set1 0x80 (w), Tx 0x40, Rx 0x20, Idle 0x10, HiAlert 8, LoAlert 4, Err 2, Timer 1
_DIV_IRQ = const(0x05)  # Set2 0x80 (w), MfinAct 0x10, CRC 0x04
_ERROR = const(0x06)  # r: Wr 0x80, Temp 0x40, BufferOvfl 0x10, Coll 8, CRC 4, Parity 2, Protocol 1
_FIFO_DATA = const(0x09)
_FIFO_LEVEL = const(0x0A)  # FlushBuffer 0x80 (w), level 0x7F (r)
_BIT_FRAMING = const(0x0D)  # StartSend 0x80 (w), RxAlign 0x70, TxLastBits 0x07
_COLL = const(0x0E)  # ValuesAfterColl 0x80 (r/w), CollPosNotValid 0x20 (r), CollPos 0x1F (r)
_MODE = const(0x11)
_TX_MODE = const(0x12)
_RX_MODE = const(0x13)
_TX_CONTROL = const(0x14)  # Tx2RFEn 0x02, Tx1RFEn 0x01
_TX_ASK = const(0x15)
_CRC_RESULT_H = const(0x21)
_CRC_RESULT_L = const(0x22)
_MOD_WIDTH = const(0x24)
_RF_CFG = const(0x26)
_T_MODE = const(0x2A)
_T_PRESCALER = const(0x2B)
_T_RELOAD_H = const(0x2C)
_T_RELOAD_L = const(0x2D)
_VERSION = const(0x37)

# --- commands: data sheet section 10.3 ---
_IDLE = const(0x00)
_CALC_CRC = const(0x03)
_TRANSCEIVE = const(0x0C)
_SOFT_RESET = const(0x0F)

_RX_IRQ = const(0x20)
_TIMER_IRQ = const(0x01)
_CRC_IRQ = const(0x04)
_POWER_DOWN = const(0x10)
_START_SEND = const(0x80)
_COLLISION = const(0x08)
_FATAL_ERRORS = const(0x13)  # buffer overflow, parity, protocol: the frame is rubbish
_FIELD_OFF = const(0x80)  # the reset value: both transmitter pins off
_FIELD_ON = const(0x83)

VERSIONS = {
    0x90: "MFRC522 0.0",
    0x91: "MFRC522 1.0",
    0x92: "MFRC522 2.0",
    0x88: "FM17522",
    0xB2: "FM17522 (B2)",
    0x12: "clone (12)",
}

# What the registers must hold: register, value, bits that can be read back. The timer counts in units of
# 2 * (169 + 1) - 1 = 339 carrier periods, 25 us; it starts by itself at the end of sending (TAuto) and
# stops at
# the fifth bit of an answer. 60 units are 1.5 ms: a card answers within 0.1 ms (FDT 1,236 carrier periods).
_SHADOW = (
    (_TX_MODE, 0x00, 0xF8),  # 106 kbit/s, CRC by hand: the anticollision frames have none
    (_RX_MODE, 0x00, 0xFC),
    (_MOD_WIDTH, 0x26, 0xFF),
    (_T_MODE, 0x80, 0xFF),
    (_T_PRESCALER, 0xA9, 0xFF),
    (_T_RELOAD_H, 0x00, 0xFF),
    (_T_RELOAD_L, 0x3C, 0xFF),
    (_TX_ASK, 0x40, 0x40),  # Force100ASK
    (_MODE, 0x3D, 0xAB),  # CRC preset 0x6363
    (_RF_CFG, 0x60, 0x70),  # receiver gain 43 dB: the antenna sits behind a windscreen
    (_COLL, 0x00, 0x80),  # bits after a collision read as zero
)

# --- ISO/IEC 14443-3 ---
_REQA = const(0x26)
_SELECT = (0x93, 0x95, 0x97)
_CASCADE_TAG = const(0x88)
_UID_INCOMPLETE = const(0x04)
_HALT = b"\x50\x00\x57\xcd"  # with its CRC_A
_GUARD_US = const(5100)  # a card in the field may need 5 ms before it hears the first command

_RESET_TRIES = const(50)  # of 1 ms: the crystal starts within a few
_WAIT_TRIES = const(24)  # of _WAIT_US: 6 ms, four times the chip's own timer: beyond, the chip is dead
_WAIT_US = const(250)
_CRC_TRIES = const(8)
_BITS_PER_LEVEL = const(32)
_MAX_FAILURES = const(3)  # per poll: a card taken away in the middle, or held too far off
MAX_CARDS = const(4)


class ReaderError(OSError):
    """The reader is missing, of an unknown kind, or does not do what it is told."""


class _CardLost(Exception):
    """The card answered no more, or wrongly: nothing of it is believed."""


def _merge(part, data, known):
    """Put an answer behind the `known` bits of a level; its first byte is aligned to them."""
    whole = known >> 3
    keep = (1 << (known & 7)) - 1
    for index, byte in enumerate(data[: len(part) - whole]):
        part[whole + index] = (part[whole + index] & keep) | (byte & ~keep & 0xFF)
        keep = 0


def _settle(part, bit):
    """Set this bit (from 0) and clear all behind it."""
    part[bit >> 3] = part[bit >> 3] & (1 << (bit & 7)) - 1 | 1 << (bit & 7)
    for index in range((bit >> 3) + 1, len(part)):
        part[index] = 0


class MFRC522:
    """`spi` in mode 0 with at most 10 MHz; `cs` an output pin, low while selected.

    `unreadable` counts cards that began to answer and could not be read. `transfers` counts SPI transfers.
    """

    def __init__(self, spi, cs, sleep_us=None):
        self._spi = spi
        self._cs = cs
        self._sleep_us = sleep_us or getattr(time, "sleep_us", None) or (lambda us: time.sleep(us / 1e6))
        self._two = bytearray(2)
        self._is_field_on = False
        self.version = None
        self.unreadable = 0
        self.transfers = 0

    def probe(self):
        """Reset and configure the chip; return its version register. Raises ReaderError."""
        self._reset()
        version = self._read(_VERSION)
        if version not in VERSIONS:
            raise ReaderError("version %02X" % version)
        self.version = version
        for register, value, _ in _SHADOW:
            self._write(register, value)
        if not self.verify():
            raise ReaderError("configuration")
        return version

    def recover(self):
        """Begin anew after `verify` said False or a ReaderError. Raises ReaderError if it stays dead."""
        return self.probe()

    def verify(self):
        """Whether the chip still holds what was written to it: readers have been found reset or deaf after
        days.

        One SPI transfer. A chip that lost its supply, hangs or was torn off answers otherwise.
        """
        registers = [row[0] for row in _SHADOW]
        registers.append(_VERSION)
        registers.append(_TX_CONTROL)
        held = self._read_many(registers)
        for index, (_, value, mask) in enumerate(_SHADOW):
            if held[index] & mask != value & mask:
                return False
        field = _FIELD_ON if self._is_field_on else _FIELD_OFF
        return held[-2] == self.version and held[-1] & 0x03 == field & 0x03

    def start_field(self):
        """Switch the field on. Cards may be read 5.1 ms later; `read_cards` waits itself if this was not
        called.
        """
        self._write(_TX_CONTROL, _FIELD_ON)
        self._is_field_on = True

    def stop_field(self):
        """Switch the field off: cards forget that they were halted, and the box saves some 50 mA."""
        self._write(_TX_CONTROL, _FIELD_OFF)
        self._is_field_on = False

    def read_cards(self, limit=MAX_CARDS):
        """All cards in the field, at most `limit`, as a list of (uid, sak). Raises ReaderError.

        About 2 ms without a card and some 10 ms each card (UID of 4 bytes 7, of 10 bytes 15), plus the
        guard time if the field was not started ahead. `iterate_cards` does the same in portions.
        """
        return list(self.iterate_cards(limit))

    def iterate_cards(self, limit=MAX_CARDS):
        """Yield one (uid, sak) after the other, so that a caller can let others run in between.

        To be run to its end, which switches the field off. Raises ReaderError.
        """
        if not self._is_field_on:
            self.start_field()
            self._sleep_us(_GUARD_US)
        uids = []
        failures = 0
        try:
            may_be_ready = False
            while len(uids) < limit and failures < _MAX_FAILURES:
                if not self._request():
                    # A card that was left in the middle of a selection falls silent once before it answers
                    # again.
                    if not may_be_ready:
                        break
                    may_be_ready = False
                    continue
                try:
                    uid, sak = self._select()
                except _CardLost:
                    failures += 1
                    may_be_ready = True
                    continue
                self._transceive(_HALT)  # silence is consent
                may_be_ready = False
                if uid in uids:
                    break  # it does not obey the halt
                uids.append(uid)
                yield uid, sak
        finally:
            if failures:
                self.unreadable += 1
            self.stop_field()

    # --- ISO/IEC 14443-3 ---

    def _request(self):
        """REQA; whether anything answered, however garbled: two cards' answers lie one over the other."""
        data, error, _ = self._transceive(bytes((_REQA,)), 7)
        return data is not None and (len(data) > 0 or error != 0)

    def _select(self):
        """Bring one card from READY to ACTIVE; return (uid, sak). Raises _CardLost."""
        uid = b""
        for select in _SELECT:
            part = self._resolve(select)
            if part[0] ^ part[1] ^ part[2] ^ part[3] != part[4]:
                raise _CardLost("BCC")
            frame = bytes((select, 0x70)) + part
            data, error, _ = self._transceive(frame + self._compute_crc(frame))
            if data is None or error or len(data) != 3 or self._compute_crc(data[:1]) != data[1:]:
                raise _CardLost("SAK")
            sak = data[0]
            is_cascade = part[0] == _CASCADE_TAG and select != _SELECT[-1]
            if bool(sak & _UID_INCOMPLETE) != is_cascade:
                raise _CardLost("cascade")
            if not is_cascade:
                return uid + part[:4], sak
            uid += part[1:4]
        raise _CardLost("cascade")

    def _resolve(self, select):
        """The four bytes and the BCC of one cascade level of one card. Raises _CardLost.

        Where several cards differ the one with a 1 is taken. The first collision of a level is where the
        chip says; where CollPos counts from once the answer begins within a byte the data sheet leaves
        open: if nobody answers to what it would mean, the level goes on bit by bit.
        """
        part = bytearray(5)
        known = before = 0  # bits of `part` that are settled now, and were before the last collision
        is_trusted = True  # what CollPos would mean has held so far
        for _ in range(2 * _BITS_PER_LEVEL):
            whole, bits = known >> 3, known & 7
            frame = bytes((select, 0x20 + (whole << 4) + bits)) + bytes(part[: whole + (bits > 0)])
            data, error, position = self._transceive(frame, bits, bits)
            if data is None:
                if known == 0:
                    raise _CardLost("silent")
                last = known - 1
                if is_trusted and last > before:
                    is_trusted = False
                    known = before + 1
                    _settle(part, before)
                elif part[last >> 3] & 1 << (last & 7):
                    part[last >> 3] ^= 1 << (last & 7)  # then it is the card with a 0
                else:
                    raise _CardLost("silent")
            elif error & _COLLISION:
                before = known
                at = known  # the bit, from 0, in which they differ
                if is_trusted and position is not None:
                    at = (whole << 3) + position - 1
                    if not known <= at < _BITS_PER_LEVEL:
                        at = known
                _merge(part, data, known)
                _settle(part, at)
                known = at + 1
                if known == _BITS_PER_LEVEL:  # nothing left to ask for but the check byte
                    part[4] = part[0] ^ part[1] ^ part[2] ^ part[3]
                    return bytes(part)
            elif error or len(data) != 5 - whole:
                raise _CardLost("answer")
            else:
                _merge(part, data, known)
                return bytes(part)
        raise _CardLost("collision")

    # --- the chip ---

    def _transceive(self, frame, last_bits=0, align=0):
        """Send `frame` (only `last_bits` of its last byte, if not 0) and wait for an answer.

        Returns (answer, error bits, collision position from 1 or None); (None, 0, None) if nobody answered
        in time. Raises ReaderError if the chip does not even say that.
        """
        self._write(_COMMAND, _IDLE)
        self._write(_COM_IRQ, 0x7F)
        self._write(_FIFO_LEVEL, 0x80)
        self._write_fifo(frame)
        self._write(_COMMAND, _TRANSCEIVE)
        self._write(_BIT_FRAMING, _START_SEND | align << 4 | last_bits)
        # Sending takes 85 us a byte, the answer begins 90 us later; then the chip says so or its timer runs
        # out.
        self._sleep_us(300 + 85 * len(frame))
        for _ in range(_WAIT_TRIES):
            irq = self._read(_COM_IRQ)
            if irq & (_RX_IRQ | _TIMER_IRQ):
                break
            self._sleep_us(_WAIT_US)
        else:
            raise ReaderError("no interrupt")
        if not irq & _RX_IRQ:
            return None, 0, None
        error, level, collision = self._read_many((_ERROR, _FIFO_LEVEL, _COLL))
        data = self._read_fifo(min(level & 0x7F, 64))
        position = None
        if error & _COLLISION and not collision & 0x20:
            position = collision & 0x1F or 32
        return data, error & (_FATAL_ERRORS | _COLLISION), position

    def _compute_crc(self, data):
        """CRC_A of `data`, low byte first, by the chip's coprocessor. Raises ReaderError."""
        self._write(_COMMAND, _IDLE)
        self._write(_DIV_IRQ, _CRC_IRQ)
        self._write(_FIFO_LEVEL, 0x80)
        self._write_fifo(data)
        self._write(_COMMAND, _CALC_CRC)
        for _ in range(_CRC_TRIES):
            if self._read(_DIV_IRQ) & _CRC_IRQ:
                break
            self._sleep_us(50)
        else:
            raise ReaderError("CRC coprocessor")
        return self._read_many((_CRC_RESULT_L, _CRC_RESULT_H))

    def _reset(self):
        self._is_field_on = False
        self._write(_COMMAND, _SOFT_RESET)
        for _ in range(_RESET_TRIES):
            self._sleep_us(1000)
            if not self._read(_COMMAND) & _POWER_DOWN:
                return
        raise ReaderError("reset")

    def _write(self, register, value):
        self._two[0] = register << 1
        self._two[1] = value
        self._send(self._two)

    def _read(self, register):
        self._two[0] = 0x80 | register << 1
        self._two[1] = 0
        self._transfer(self._two)
        return self._two[1]

    def _read_many(self, registers):
        """Several registers in one transfer: each address answers while the next is sent (8.1.2.1)."""
        buffer = bytearray(len(registers) + 1)
        for index, register in enumerate(registers):
            buffer[index] = 0x80 | register << 1
        self._transfer(buffer)
        return bytes(buffer[1:])

    def _read_fifo(self, count):
        return self._read_many((_FIFO_DATA,) * count) if count else b""

    def _write_fifo(self, data):
        self._send(bytes((_FIFO_DATA << 1,)) + data)

    def _send(self, buffer):
        self.transfers += 1
        self._cs.value(0)
        try:
            self._spi.write(buffer)
        finally:
            self._cs.value(1)

    def _transfer(self, buffer):
        self.transfers += 1
        self._cs.value(0)
        try:
            self._spi.write_readinto(buffer, buffer)
        finally:
            self._cs.value(1)
