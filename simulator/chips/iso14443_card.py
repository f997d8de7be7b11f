"""Contactless cards as ISO/IEC 14443-3 type A has them at 106 kbit/s, up to the selected state.

A card hears a frame as a list of bits (data bits in the order of transmission, parity left out) and answers
with such a list or None. States: off (no field), idle, ready, active, halt, and the starred ones after a
wake-up from halt. What comes after the selection (RATS, authentication) is not modelled: an unknown frame
sends the card back to idle or halt, as clause 6.3 says of errors.

Several cards answer at the same instant; `merge_answers` puts their bits over each other as Manchester code
does.
"""

_REQA = 0x26
_WUPA = 0x52
_HLTA = 0x50
_SELECT = (0x93, 0x95, 0x97)
_CASCADE_TAG = 0x88
_CASCADE_BIT = 0x04

OFF = "off"
IDLE = "idle"
READY = "ready"
ACTIVE = "active"
HALT = "halt"


def crc_a(data, crc=0x6363):
    """CRC_A of ISO/IEC 14443-3 annex B: polynomial x^16 + x^12 + x^5 + 1, bits reflected, start 6363."""
    for byte in data:
        mixed = byte ^ crc & 0xFF
        mixed ^= (mixed << 4) & 0xFF
        crc = (crc >> 8) ^ (mixed << 8) ^ (mixed << 3) ^ (mixed >> 4)
    return crc


def bits_of(data):
    """Bits of bytes in the order of transmission: the lowest first."""
    bits = []
    for byte in data:
        for i in range(8):
            bits.append((byte >> i) & 1)
    return bits


def bytes_of(bits):
    """Bytes of bits; an incomplete last byte has its bits at the low end."""
    data = bytearray((len(bits) + 7) // 8)
    for i, bit in enumerate(bits):
        if bit:
            data[i // 8] |= 1 << (i % 8)
    return bytes(data)


class Card:
    """A badge. `uid` of 4, 7 or 10 bytes; `atqa` two bytes as sent; `sak` without its cascade bit."""

    def __init__(self, uid, atqa=None, sak=0x08):
        uid = bytes(uid)
        if len(uid) not in (4, 7, 10):
            raise ValueError("a UID has 4, 7 or 10 bytes")
        if atqa is None:
            # Coding of the UID size in bits 7 and 8 of ATQA, and one anticollision bit.
            atqa = bytes((0x04 | (((len(uid) - 4) // 3) << 6), 0x00))
        self.uid = uid
        self.atqa = bytes(atqa)
        self.sak = sak & ~_CASCADE_BIT
        self.state = OFF
        self._is_starred = False
        self._level = 0
        self._powered_us = None

    def set_field(self, is_on, now_us):
        """The field comes or goes; without it a card forgets everything."""
        if not is_on:
            self.state = OFF
            self._powered_us = None
            self._is_starred = False
        elif self._powered_us is None:
            self._powered_us = now_us
            self.state = IDLE

    def powered_us(self):
        """Since when the card has its field, or None."""
        return self._powered_us

    def level_bytes(self, level):
        """The five bytes of one cascade level: four of UID or cascade tag, and BCC."""
        last = (len(self.uid) - 4) // 3
        if level < last:
            part = bytes((_CASCADE_TAG,)) + self.uid[3 * level : 3 * level + 3]
        else:
            part = self.uid[3 * level : 3 * level + 4]
        return part + bytes((part[0] ^ part[1] ^ part[2] ^ part[3],))

    def hear(self, bits):
        """Answer to one frame, as bits, or None. The frame is whole and without parity error."""
        if self.state == OFF:
            return None
        if len(bits) == 7:
            return self._hear_short(bytes_of(bits)[0])
        data = bytes_of(bits)
        if self.state == READY and data[0] in _SELECT and len(bits) >= 16:
            return self._hear_select(bits, data)
        if self.state == ACTIVE and data[0] == _HLTA and len(data) == 4 and self._has_crc(data):
            if data[1] == 0:
                self.state = HALT
                self._is_starred = True
                return None
        self._fall_back()
        return None

    def _fall_back(self):
        if self.state in (READY, ACTIVE):
            self.state = HALT if self._is_starred else IDLE

    def _has_crc(self, data):
        crc = crc_a(data[:-2])
        return data[-2] == crc & 0xFF and data[-1] == crc >> 8

    def _hear_short(self, command):
        if command == _WUPA or (command == _REQA and self.state == IDLE):
            if self.state in (IDLE, HALT):
                self._is_starred = self.state == HALT
                self.state = READY
                self._level = 0
                return bits_of(self.atqa)
        self._fall_back()
        return None

    def _hear_select(self, bits, data):
        if data[0] != _SELECT[self._level]:
            self._fall_back()
            return None
        own = self.level_bytes(self._level)
        if data[1] == 0x70:
            if len(data) != 9 or not self._has_crc(data):
                self._fall_back()
                return None
            if data[2:7] != own:
                self._fall_back()
                return None
            return self._answer_select()
        # NVB: whole bytes (with SEL and NVB themselves) in the high nibble, further bits in the low one.
        known = (data[1] >> 4) * 8 + (data[1] & 0x0F) - 16
        if (data[1] & 0x0F) > 7 or known < 0 or known > 31 or len(bits) != 16 + known:
            self._fall_back()
            return None
        own_bits = bits_of(own)
        if bits[16:] != own_bits[:known]:
            # Clause 6.4.3: a card whose bits differ keeps silent; it stays ready for the next loop.
            return None
        return own_bits[known:]

    def _answer_select(self):
        last = (len(self.uid) - 4) // 3
        if self._level < last:
            sak = self.sak | _CASCADE_BIT
            self._level += 1
        else:
            sak = self.sak
            self.state = ACTIVE
        crc = crc_a(bytes((sak,)))
        return bits_of(bytes((sak, crc & 0xFF, crc >> 8)))


def merge_answers(answers):
    """Lay answers over each other: (bits, index of the first collision or None)."""
    length = 0
    for answer in answers:
        length = max(length, len(answer))
    bits = []
    collision = None
    for i in range(length):
        seen = None
        for answer in answers:
            if i >= len(answer):
                continue
            if seen is None:
                seen = answer[i]
            elif seen != answer[i]:
                seen = 1  # both halves of the bit are modulated
                if collision is None:
                    collision = i
        bits.append(seen or 0)
    return bits, collision
