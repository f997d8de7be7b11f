"""A chain of WS2812B pixels. Source: Worldsemi WS2812B data sheet, "Data transfer time": T0H 0.4 us, T1H
0.8 us, T0L 0.85 us, T1L 0.45 us, each within 0.15 us; 24 bits a pixel, green first; bits beyond the chain
pass on."""

from chips.errors import ChipError

_TIMES_NS = (400, 850, 800, 450)  # high and low of a 0, high and low of a 1
_TOLERANCE_NS = 150


class Ws2812:
    def __init__(self, count):
        self.count = count
        self.pixels = [(0, 0, 0)] * count
        self.frames = 0

    def power_off(self):
        self.pixels = [(0, 0, 0)] * self.count

    def receive(self, timing_ns, data):
        """Take a stream of whole bytes; pixels that get none keep their colour."""
        for wanted, got in zip(_TIMES_NS, timing_ns):
            if abs(wanted - got) > _TOLERANCE_NS:
                raise ChipError("bit times outside the WS2812B's: %r" % (timing_ns,))
        for i in range(min(self.count, len(data) // 3)):
            green, red, blue = data[3 * i], data[3 * i + 1], data[3 * i + 2]
            self.pixels[i] = (red, green, blue)
        self.frames += 1
