"""`neopixel` as it is frozen into the ESP32 port."""

from machine import bitstream


class NeoPixel:
    """WS2812 pixels on one pin: green, red, blue (and white) a pixel on the wire."""

    ORDER = (1, 0, 2, 3)
    _TIMING_800_KHZ = (400, 850, 800, 450)
    _TIMING_400_KHZ = (800, 1700, 1600, 900)

    def __init__(self, pin, n, bpp=3, timing=1):
        self.pin = pin
        self.n = n
        self.bpp = bpp
        self.buf = bytearray(n * bpp)
        self.pin.init(pin.OUT)
        if isinstance(timing, int):
            timing = self._TIMING_800_KHZ if timing else self._TIMING_400_KHZ
        self.timing = timing

    def __len__(self):
        return self.n

    def __setitem__(self, index, colour):
        offset = index * self.bpp
        for channel in range(self.bpp):
            self.buf[offset + self.ORDER[channel]] = colour[channel]

    def __getitem__(self, index):
        offset = index * self.bpp
        return tuple(self.buf[offset + self.ORDER[channel]] for channel in range(self.bpp))

    def fill(self, colour):
        for index in range(self.n):
            self[index] = colour

    def write(self):
        bitstream(self.pin, 0, self.timing, self.buf)
