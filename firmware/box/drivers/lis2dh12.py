"""LIS2DH12 accelerometer on I2C: acceleration in mg, and an interrupt pin that a knock pulls.

10 samples a second, +-2 g, high resolution (1 mg a step). INT1 goes high when the high-passed acceleration
of any axis passes `MOTION_MG`, and stays until `read_motion`.

Source: ST LIS2DH12 data sheet, sections 7 and 8 (registers), table 4 (sensitivity).
"""

import time

from micropython import const

_WHO_AM_I = const(0x0F)  # r: 0x33
_CTRL_REG1 = const(0x20)  # ODR 0xF0, LPen 0x08, Zen Yen Xen 0x07
_REFERENCE = const(0x26)  # reading it takes the present acceleration as the filter's zero
_STATUS_REG = const(0x27)  # r: ZYXDA 0x08
_INT1_CFG = const(0x30)
_INT1_SRC = const(0x31)  # r: IA 0x40; reading it releases the latch
_INT1_THS = const(0x32)  # steps of 16 mg at +-2 g
_INT1_DURATION = const(0x33)
_INCREMENT = const(0x80)  # in the register address: the address counts up

_ID = const(0x33)
MOTION_MG = const(96)
# A sample is 100 ms old at most. One this old means that the chip stopped, and a stopped chip looks like a
# car that
# stands still: it must become an error instead.
STALE_MS = const(500)

_SETTINGS = (
    # CTRL_REG1..6: 10 Hz, all axes; high-pass filter on INT1's path; IA1 on INT1; block update and high
    # resolution;
    # INT1 latched; INT1 active high
    (_CTRL_REG1, b"\x27\x01\x40\x88\x08\x00"),
    (_INT1_CFG, b"\x2a"),  # OR of the three high events
    (_INT1_THS, bytes((MOTION_MG // 16,))),
    (_INT1_DURATION, b"\x00"),
)


class AccelerometerError(OSError):
    """The accelerometer is missing, or does not measure."""


class LIS2DH12:
    """`i2c` with readfrom_mem and writeto_mem; `ticks_ms` and `ticks_diff` as in `time`."""

    def __init__(self, i2c, address=0x19, ticks_ms=None, ticks_diff=None):
        self._i2c = i2c
        self._address = address
        self._ticks_ms = ticks_ms or time.ticks_ms
        self._ticks_diff = ticks_diff or time.ticks_diff
        self._last_mg = None
        self._last_at_ms = 0

    def probe(self):
        """Raises AccelerometerError unless the chip is there."""
        if self._read(_WHO_AM_I, 1)[0] != _ID:
            raise AccelerometerError("identity")

    def configure(self):
        """Write the settings and read them back. Raises AccelerometerError."""
        self.probe()
        for register, values in _SETTINGS:
            self._write(register, values)
        if not self.verify():
            raise AccelerometerError("configuration")
        self._read(_REFERENCE, 1)
        self._read(_INT1_SRC, 1)
        self._last_mg = None
        self._last_at_ms = self._ticks_ms()

    def verify(self):
        """Whether the chip still holds its settings."""
        for register, values in _SETTINGS:
            if self._read(register, len(values)) != values:
                return False
        return True

    def read_mg(self):
        """The newest acceleration as (x, y, z) in mg. Raises AccelerometerError if none came for
        `STALE_MS`.
        """
        now_ms = self._ticks_ms()
        data = self._read(_STATUS_REG, 7)
        if data[0] & 0x08:
            self._last_mg = (_to_mg(data, 1), _to_mg(data, 3), _to_mg(data, 5))
            self._last_at_ms = now_ms
        elif self._last_mg is None or self._ticks_diff(now_ms, self._last_at_ms) > STALE_MS:
            raise AccelerometerError("no sample")
        return self._last_mg

    def read_motion(self):
        """Whether INT1 was pulled since the last call; lets it go. Raises AccelerometerError."""
        return bool(self._read(_INT1_SRC, 1)[0] & 0x40)

    def _read(self, register, count):
        try:
            return self._i2c.readfrom_mem(self._address, register | (_INCREMENT if count > 1 else 0), count)
        except OSError:
            raise AccelerometerError("bus")

    def _write(self, register, values):
        try:
            self._i2c.writeto_mem(self._address, register | (_INCREMENT if len(values) > 1 else 0), values)
        except OSError:
            raise AccelerometerError("bus")


def _to_mg(data, at):
    """Twelve bits, left in sixteen, two's complement, 1 mg each."""
    raw = data[at] | data[at + 1] << 8
    if raw & 0x8000:
        raw -= 0x10000
    return raw >> 4
