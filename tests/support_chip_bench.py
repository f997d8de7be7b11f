"""A bench on which a driver meets a chip model in one process, under either Python: virtual time, SPI, I2C,
pins.

Bus costs are round figures; nothing is concluded from them but that waiting is bounded.
"""

import asyncio

SPI_TRANSFER_US = 40
SPI_BYTE_US = 2
I2C_BYTE_US = 25


class Clock:
    """Virtual time. `chips` are told of it as it passes."""

    def __init__(self, start_us=1_000_000):
        self.now_us = start_us
        self.chips = []
        self.timers = []  # (instant, function), not sorted

    def sleep_us(self, us):
        """Let time pass; what is due in it happens at its instant."""
        until_us = self.now_us + us
        while True:
            due = None
            for timer in self.timers:
                if timer[0] <= until_us and (due is None or timer[0] < due[0]):
                    due = timer
            if due is None:
                break
            self.timers.remove(due)
            self.now_us = max(self.now_us, due[0])
            due[1]()
        self.now_us = max(self.now_us, until_us)
        for chip in self.chips:
            chip.advance(self.now_us)

    def sleep_ms(self, ms):
        """Let time pass."""
        self.sleep_us(1000 * ms)

    def call_at(self, at_us, function):
        """Have a function called when that instant comes."""
        self.timers.append((at_us, function))

    def ticks_ms(self):
        """Milliseconds, as a driver asks for them."""
        return self.now_us // 1000

    @staticmethod
    def ticks_diff(a, b):
        """Difference of two of them."""
        return a - b

    async def sleep_ms_async(self, ms):
        """Let time pass, and others run."""
        self.sleep_us(1000 * ms)
        await asyncio.sleep(0)


class SelectPin:
    """A chip select, high at rest."""

    def __init__(self, clock, chip):
        self._clock = clock
        self._chip = chip
        self._level = 1

    def value(self, level=None):
        """Drive or read."""
        if level is None:
            return self._level
        if level != self._level:
            self._level = level
            if level:
                self._chip.deselect(self._clock.now_us)
            else:
                self._chip.select(self._clock.now_us)
        return None


class Spi:
    """The bus of one chip."""

    def __init__(self, clock, chip):
        self._clock = clock
        self._chip = chip

    def write(self, out):
        """Send bytes, whatever comes back."""
        self._clock.sleep_us(SPI_TRANSFER_US + SPI_BYTE_US * len(out))
        return self._chip.exchange(bytes(out), self._clock.now_us)

    def write_readinto(self, out, into):
        """Exchange bytes."""
        into[:] = self.write(out)


class I2c:
    """The bus of one chip."""

    def __init__(self, clock, chip):
        self._clock = clock
        self._chip = chip

    def readfrom_mem(self, address, register, count):
        """Read registers."""
        self._address(address)
        self._clock.sleep_us(I2C_BYTE_US * (count + 3))
        self._chip.write(bytes((register,)), self._clock.now_us)
        return self._chip.read(count, self._clock.now_us)

    def writeto_mem(self, address, register, data):
        """Write registers."""
        self._address(address)
        self._clock.sleep_us(I2C_BYTE_US * (len(data) + 2))
        self._chip.write(bytes((register,)) + bytes(data), self._clock.now_us)

    def _address(self, address):
        if address != self._chip.address or self._chip.is_dead:
            raise OSError(19)


class Pin:
    """A pin that remembers its levels as (instant, level)."""

    def __init__(self, clock, level=0):
        self._clock = clock
        self.level = level
        self.history = []

    def value(self, level=None):
        """Drive or read."""
        if level is None:
            return self.level
        if level != self.level:
            self.level = level
            self.history.append((self._clock.now_us // 1000, level))
        return None


def run_all(names):
    """Call every function whose name begins with `test_`; returns how many. Runners end with it."""
    count = 0
    for name in sorted(names):
        if name.startswith("test_"):
            names[name]()
            count += 1
    return count


def raised(error, function, *arguments):
    """The instance of `error` that the call raises; fails if it raises none."""
    try:
        function(*arguments)
    except error as instance:
        return instance
    raise AssertionError("nothing was raised")
