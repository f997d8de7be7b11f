"""LIS2DH12 accelerometer by its registers, over I2C, with its interrupt generator 1 on pin INT1.

Source: ST LIS2DH12 data sheet DocID025056 rev. 6: table 9 (modes and sensitivity), 6.1.1 (sub-address with
the auto increment in its highest bit), 8 (registers). `set_mg` is the world; samples are taken at the
output data rate. The high-pass filter is a first-order one with a cut-off of rate / 50 (data sheet AN5005,
table 8, HPCF 00).

Not modelled, and an error when switched on: FIFO, click, 6D, self-test, temperature, interrupt generator 2,
activity.
"""

from chips.errors import ChipError, UndefinedRegister

_WHO_AM_I, _CTRL0, _CTRL1, _CTRL2, _CTRL3, _CTRL4, _CTRL5, _CTRL6 = (
    0x0F,
    0x1E,
    0x20,
    0x21,
    0x22,
    0x23,
    0x24,
    0x25,
)
_REFERENCE, _STATUS, _OUT, _FIFO_CTRL = 0x26, 0x27, 0x28, 0x2E
_INT1_CFG, _INT1_SRC, _INT1_THS, _INT1_DURATION = 0x30, 0x31, 0x32, 0x33
_READ_ONLY = (0x07, 0x0C, 0x0D, 0x0F, 0x27, 0x28, 0x29, 0x2A, 0x2B, 0x2C, 0x2D, 0x2F, 0x31, 0x35, 0x39)
_RESET = {
    0x07: 0, 0x0C: 0, 0x0D: 0, 0x0F: 0x33, 0x1E: 0x10, 0x1F: 0, 0x20: 0x07, 0x21: 0,
    0x22: 0, 0x23: 0, 0x24: 0, 0x25: 0, 0x26: 0, 0x27: 0, 0x28: 0, 0x29: 0,
    0x2A: 0, 0x2B: 0, 0x2C: 0, 0x2D: 0, 0x2E: 0, 0x2F: 0x20, 0x30: 0, 0x31: 0,
    0x32: 0, 0x33: 0, 0x34: 0, 0x35: 0, 0x36: 0, 0x37: 0, 0x38: 0, 0x39: 0,
    0x3A: 0, 0x3B: 0, 0x3C: 0, 0x3D: 0, 0x3E: 0, 0x3F: 0,
}  # fmt: skip
# Bits of each writable register that this model knows (or that change nothing here).
_KNOWN = {
    0x1E: 0x90, 0x1F: 0x00, 0x20: 0xFF, 0x21: 0xF9, 0x22: 0x50, 0x23: 0xF8, 0x24: 0x88, 0x25: 0x02,
    0x26: 0xFF, 0x2E: 0x00, 0x30: 0xBF, 0x32: 0x7F, 0x33: 0x7F, 0x34: 0x00, 0x36: 0x7F, 0x37: 0x7F,
    0x38: 0x00, 0x3A: 0xFF, 0x3B: 0x7F, 0x3C: 0xFF, 0x3D: 0xFF, 0x3E: 0x00, 0x3F: 0xFF,
}  # fmt: skip
_RATES_HZ = (0, 1, 10, 25, 50, 100, 200, 400, 1620, 1344)
_MG_12_BIT = (1, 2, 4, 12)
_MG_THRESHOLD = (16, 32, 62, 186)
_SETTLE_SAMPLES = 120  # after so many equal samples the filter has nothing left to tell


class Lis2dh12:
    address = 0x19

    def __init__(self):
        self.is_dead = False
        self.on_int1 = None
        self.samples = 0
        self._mg = (0, 0, 1000)
        self._is_powered = False
        self._int1_level = 0
        self._reset()

    # -- world ----------------------------------------------------------------------------------------------
    def power_on(self, now_us):
        self._is_powered = True
        self._reset()
        self._next_us = now_us

    def power_off(self, now_us):
        self._is_powered = False
        self._reset()

    def set_mg(self, x, y, z, now_us):
        self.advance(now_us)
        self._mg = (int(x), int(y), int(z))
        self._unsettled = _SETTLE_SAMPLES

    def _reset(self):
        self._r = dict(_RESET)
        self._pointer = 0
        self._next_us = 0
        self._unsettled = _SETTLE_SAMPLES
        self._filtered = [0.0, 0.0, 0.0]
        self._last = None
        self._over = 0
        self._set_int1(0)

    # -- I2C ------------------------------------------------------------------------------------------------
    def write(self, data, now_us):
        """Bytes after the address; the answer is how many were acknowledged."""
        self.advance(now_us)
        if data:
            self._pointer = data[0]
            for value in data[1:]:
                self._write(self._pointer & 0x7F, value, now_us)
                self._step()
        return len(data)

    def read(self, length, now_us):
        self.advance(now_us)
        result = bytearray(length)
        for i in range(length):
            result[i] = self._read(self._pointer & 0x7F, now_us)
            self._step()
        return bytes(result)

    def _step(self):
        if self._pointer & 0x80:
            self._pointer = 0x80 | (self._pointer + 1) & 0x7F

    def _read(self, register, now_us):
        if register not in _RESET:
            raise UndefinedRegister("LIS2DH12: read of reserved register 0x%02x" % register)
        value = self._r[register]
        if register == _INT1_SRC:
            if self._r[_CTRL5] & 0x08:
                self._r[_INT1_SRC] = 0  # latched: reading releases it
                self._update_int1()
        elif register == _REFERENCE:
            self._filtered = [0.0, 0.0, 0.0]  # normal mode: reading it resets the filter
        elif _OUT <= register <= _OUT + 5:
            if register & 1:
                self._r[_STATUS] &= ~(0x11 << ((register - _OUT) // 2))
                if not self._r[_STATUS] & 0x07:
                    self._r[_STATUS] &= ~0x88
        return value

    def _write(self, register, value, now_us):
        if register not in _RESET:
            raise UndefinedRegister("LIS2DH12: write to reserved register 0x%02x" % register)
        if register in _READ_ONLY:
            raise UndefinedRegister("LIS2DH12: register 0x%02x is read-only" % register)
        if register == _CTRL0 and value & 0x7F != 0x10:
            raise ChipError("LIS2DH12: bits 6..0 of CTRL_REG0 must stay 0010000")
        if value & ~_KNOWN[register] & 0xFF:
            raise UndefinedRegister(
                "LIS2DH12: value 0x%02x of register 0x%02x is not modelled" % (value, register)
            )
        if register == _CTRL5 and value & 0x80:
            value &= 0x7F  # BOOT clears itself
        self._r[register] = value
        if register in (_CTRL1, _CTRL4):
            if self._r[_CTRL1] & 0x08 and self._r[_CTRL4] & 0x08:
                raise ChipError("LIS2DH12: LPen and HR together are not allowed")
            if value >> 4 > 9 and register == _CTRL1:
                raise UndefinedRegister("LIS2DH12: data rate 0x%x" % (value >> 4))
        if register == _CTRL1:
            period_us = self._period_us()
            self._next_us = now_us + (period_us or 0)
        self._unsettled = _SETTLE_SAMPLES
        self._update_int1()

    # -- sampling -------------------------------------------------------------------------------------------
    def _period_us(self):
        rate_hz = _RATES_HZ[self._r[_CTRL1] >> 4]
        return 1000000 // rate_hz if rate_hz else 0

    def next_us(self):
        """The next sample that may move INT1, or None."""
        if not self._is_powered or not self._period_us() or not self._unsettled or not self._r[_CTRL3] & 0x50:
            return None
        return self._next_us

    def advance(self, now_us):
        period_us = self._period_us()
        if not self._is_powered or not period_us:
            return
        while self._next_us <= now_us:
            if not self._unsettled:
                # Nothing changes any more: only the last sample counts.
                self._next_us += (now_us - self._next_us) // period_us * period_us
            self._sample()
            self._next_us += period_us

    def _sample(self):
        self.samples += 1
        if self._unsettled:
            self._unsettled -= 1
        r = self._r
        low_power, high = r[_CTRL1] & 0x08, r[_CTRL4] & 0x08
        scale = (r[_CTRL4] >> 4) & 3
        shift = 4 if high else 8 if low_power else 6
        digit_mg = _MG_12_BIT[scale] << (shift - 4)
        full = 1 << (15 - shift)
        if self._last is None:
            self._last = self._mg
        out = []
        for axis in range(3):
            mg = self._mg[axis] if r[_CTRL1] & (1 << axis) else 0
            self._filtered[axis] = 0.88 * (self._filtered[axis] + mg - self._last[axis])
            shown = self._filtered[axis] if r[_CTRL2] & 0x08 else mg
            out.append(max(-full, min(full - 1, int(shown) // digit_mg)))
        self._last = tuple(self._mg[axis] if r[_CTRL1] & (1 << axis) else 0 for axis in range(3))
        for axis in range(3):
            word = (out[axis] << shift) & 0xFFFF
            first, second = (word >> 8, word & 0xFF) if r[_CTRL4] & 0x40 else (word & 0xFF, word >> 8)
            r[_OUT + 2 * axis] = first
            r[_OUT + 2 * axis + 1] = second
        r[_STATUS] |= (r[_STATUS] & 0x0F) << 4 | 0x0F
        self._judge(scale)
        self._update_int1()

    def _judge(self, scale):
        """Interrupt generator 1: levels over and under the threshold, or- or and-combined, for a duration."""
        r = self._r
        threshold_mg = r[_INT1_THS] * _MG_THRESHOLD[scale]
        source = 0
        for axis in range(3):
            mg = abs(self._filtered[axis]) if r[_CTRL2] & 0x01 else abs(self._last[axis])
            source |= (2 if mg > threshold_mg else 1) << (2 * axis)
        wanted = r[_INT1_CFG] & 0x3F
        hit = source & wanted
        is_true = hit == wanted if r[_INT1_CFG] & 0x80 else hit != 0
        self._over = self._over + 1 if wanted and is_true else 0
        if self._over > r[_INT1_DURATION]:
            r[_INT1_SRC] = 0x40 | hit
        elif not r[_CTRL5] & 0x08:
            r[_INT1_SRC] = hit & 0x3F

    def _update_int1(self):
        is_active = (self._r[_CTRL3] & 0x40 and self._r[_INT1_SRC] & 0x40) or (
            self._r[_CTRL3] & 0x10 and self._r[_STATUS] & 0x08
        )
        self._set_int1((1 if is_active else 0) ^ (1 if self._r[_CTRL6] & 0x02 else 0))

    def _set_int1(self, level):
        if level != self._int1_level:
            self._int1_level = level
            if self.on_int1:
                self.on_int1(level)
