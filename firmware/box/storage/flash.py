"""A raw flash partition as sectors of 4 KB: read, program, erase, each checked.

Made on an `esp32.Partition` (or any block device of that shape): `readblocks(block, buffer, offset)`,
`writeblocks(block, data, offset)`, which with an offset programs without erasing (without one it would
erase first, so it is always given), `ioctl(4, 0)` number of blocks, `ioctl(5, 0)` their size, `ioctl(6,
block)` erase.

NOR flash: erasing sets all bits, programming only clears them. Everything here is programmed in whole units
of 16 bytes and a unit is programmed once (zeroing a header apart), because encrypted flash of the ESP32
asks for it.
"""

from micropython import const

SECTOR_SIZE = const(4096)
UNIT_SIZE = const(16)
_PIECE = const(64)
_COUNT = const(4)
_SIZE = const(5)
_ERASE = const(6)
_ERASED = b"\xff" * 64


class FlashError(OSError):
    """The flash does not hold what was programmed, or does not erase."""


def is_erased(data):
    """Tell whether all bytes of `data` (at most 64) are erased."""
    return data == _ERASED[: len(data)]


def mend_bit(data, is_whole):
    """Put right one bit that a worn cell has flipped; return whether that makes `data` whole.

    `is_whole()` looks at `data`, a bytearray, by its CRC: of one bit in 128 bytes it tells which it was.
    """
    for bit in range(8 * len(data)):
        data[bit >> 3] ^= 1 << (bit & 7)
        if is_whole():
            return True
        data[bit >> 3] ^= 1 << (bit & 7)
    return False


class Partition:
    """`sector_count` sectors. Device errors (OSError) pass through; FlashError for a failed check."""

    def __init__(self, device):
        if device.ioctl(_SIZE, 0) != SECTOR_SIZE:
            raise FlashError("sector size")
        self._device = device
        self.sector_count = device.ioctl(_COUNT, 0)

    def read(self, sector, offset, buffer):
        """Fill `buffer` from `offset` in the sector."""
        self._device.readblocks(sector, buffer, offset)

    def program(self, sector, offset, data):
        """Program `data` (whole units) and read it back; raises FlashError if it is not there."""
        self._device.writeblocks(sector, data, offset)
        piece = bytearray(_PIECE)
        view = memoryview(data)
        for at in range(0, len(data), _PIECE):
            part = view[at : at + _PIECE]
            have = memoryview(piece)[: len(part)]
            self._device.readblocks(sector, have, offset + at)
            if have != part:
                raise FlashError("program")

    def zero(self, sector, offset):
        """Clear one unit whatever it holds; not checked (encrypted flash does not read zeros back)."""
        self._device.writeblocks(sector, bytes(UNIT_SIZE), offset)

    def erase(self, sector):
        """Erase the sector: 45 ms typical, 400 ms worst; raises FlashError if a bit stays cleared."""
        self._device.ioctl(_ERASE, sector)
        piece = bytearray(_PIECE)
        for offset in range(0, SECTOR_SIZE, _PIECE):
            self._device.readblocks(sector, piece, offset)
            if piece != _ERASED:
                raise FlashError("erase")
