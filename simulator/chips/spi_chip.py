"""What every SPI slave of the box does alike: nothing without chip select, silence without supply."""

from chips.errors import ChipError


class SpiChip:
    """A chip behind a chip select. It says `name` and gives `advance` and `_shift`."""

    name = ""

    def __init__(self):
        self.is_dead = False  # the supply's fault or a latch-up: MISO stays low
        self.transfers = 0
        self._is_powered = False
        self._is_selected = False

    def exchange(self, data, now_us):
        """Shift bytes through the chip while it is selected."""
        if not self._is_selected:
            raise ChipError(self.name + " clocked without chip select")
        self.transfers += 1
        result = bytearray(len(data))
        if self.is_dead or not self._is_powered:
            return bytes(result)
        self.advance(now_us)
        for i, byte in enumerate(data):
            result[i] = self._shift(byte, now_us)
        return bytes(result)

    def advance(self, now_us):
        """Let everything happen that the chip does by itself up to now."""
        raise NotImplementedError

    def _shift(self, byte, now_us):
        """Take the byte that comes in; the answer is what goes out during it."""
        raise NotImplementedError
