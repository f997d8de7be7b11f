"""RV-3028 real-time clock on I2C: seconds since 2000-01-01 UTC, kept by a backup cell.

Beside the time stands a mark in the chip's RAM: whose time it is. It is taken away before the clock is set
and put back after, so that a time whose setting was cut off is none.

Source: Micro Crystal RV-3028-C7 application manual: 3.4 clock registers, 3.7 status, 3.12 EEPROM, 4.2
backup switch, register overview (user RAM).
"""

import time

from micropython import const

_SECONDS = const(0x00)  # BCD: seconds, minutes, hours, weekday, date, month, year
_STATUS = const(0x0E)  # EEbusy 0x80, PORF 0x01: the supply was gone, the time is worthless
_CONTROL_1 = const(0x0F)  # EERD 0x08: no refresh from the EEPROM
_MARK = const(0x1F)  # user RAM 1: kept with the time, 0 after a power-on reset
_EE_COMMAND = const(0x27)  # 0x00, then 0x11: store the settings in the EEPROM
_BACKUP = const(0x37)  # mirror of the EEPROM: BSM 0x0C

_PORF = const(0x01)
_EE_BUSY = const(0x80)
_EERD = const(0x08)
_LEVEL_SWITCHING = const(0x0C)  # the backup takes over below 2 V; as delivered it never does
_VOUCHED = const(0xA5)
_UNVOUCHED = const(0x5A)  # all bits away from the other, and from what RAM comes up with
_BUSY_TRIES = const(40)  # of 5 ms: storing takes some 60 ms

_DAYS_IN_MONTH = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DAYS_TO_2100 = const(36525)


class ClockChipError(OSError):
    """The clock chip does not answer."""


class RV3028:
    """`i2c` with readfrom_mem and writeto_mem."""

    def __init__(self, i2c, address=0x52, sleep_ms=None):
        self._i2c = i2c
        self._address = address
        self._sleep_ms = sleep_ms or getattr(time, "sleep_ms", None) or (lambda ms: time.sleep(ms / 1000))

    def read(self):
        """Return `(time_s, is_vouched)`, in seconds since 2000; None if the supply was gone since it was set,
        if setting it was cut off, or if the registers hold no date.

        Raises ClockChipError.
        """
        if self._read(_STATUS, 1)[0] & _PORF:
            return None
        mark = self._read(_MARK, 1)[0]
        if mark not in (_VOUCHED, _UNVOUCHED):
            return None
        time_s = decode_s(self._read(_SECONDS, 7))
        return None if time_s is None else (time_s, mark == _VOUCHED)

    def read_s(self):
        """Return the seconds since 2000 of `read`, whoever set them. Raises ClockChipError."""
        said = self.read()
        return said[0] if said else None

    def write(self, time_s, is_vouched):
        """Set the clock and say whose time it is: `is_vouched` comes down from the cloud's word.

        Raises ClockChipError, ValueError outside 2000 to 2099.
        """
        data = encode_s(time_s)
        self._write(_MARK, b"\x00")
        self._write(_SECONDS, data)
        # Flags are cleared by writing 0, left by writing 1.
        self._write(_STATUS, bytes((0xFF & ~_PORF,)))
        self._write(_MARK, bytes((_VOUCHED if is_vouched else _UNVOUCHED,)))

    def ensure_backup(self):
        """Let the backup cell take over when the supply goes; stored once in the chip's EEPROM, then only
        checked.

        Returns whether it had to be stored. Blocks for some 100 ms if so. Raises ClockChipError.
        """
        backup = self._read(_BACKUP, 1)[0]
        if backup & _LEVEL_SWITCHING == _LEVEL_SWITCHING:
            return False
        control = self._read(_CONTROL_1, 1)[0]
        self._write(_CONTROL_1, bytes((control | _EERD,)))
        try:
            self._wait_idle()
            self._write(_BACKUP, bytes((backup | _LEVEL_SWITCHING,)))
            self._write(_EE_COMMAND, b"\x00")
            self._write(_EE_COMMAND, b"\x11")
            self._wait_idle()
        finally:
            self._write(_CONTROL_1, bytes((control & ~_EERD & 0xFF,)))
        return True

    def _wait_idle(self):
        for _ in range(_BUSY_TRIES):
            if not self._read(_STATUS, 1)[0] & _EE_BUSY:
                return
            self._sleep_ms(5)
        raise ClockChipError("EEPROM")

    def _read(self, register, count):
        try:
            return self._i2c.readfrom_mem(self._address, register, count)
        except OSError:
            raise ClockChipError("bus")

    def _write(self, register, values):
        try:
            self._i2c.writeto_mem(self._address, register, values)
        except OSError:
            raise ClockChipError("bus")


def decode_s(data):
    """Seconds since 2000 of the seven clock registers, or None if they hold no date and time."""
    second = _from_bcd(data[0] & 0x7F)
    minute = _from_bcd(data[1] & 0x7F)
    hour = _from_bcd(data[2] & 0x3F)
    day = _from_bcd(data[4] & 0x3F)
    month = _from_bcd(data[5] & 0x1F)
    year = _from_bcd(data[6])
    if second > 59 or minute > 59 or hour > 23 or not 1 <= month <= 12 or year > 99:
        return None
    if not 1 <= day <= _month_days(year, month):
        return None
    days = year * 365 + (year + 3) // 4 + day - 1
    for before in range(1, month):
        days += _month_days(year, before)
    return days * 86400 + hour * 3600 + minute * 60 + second


def encode_s(time_s):
    """The seven clock registers of a time. Raises ValueError outside 2000 to 2099."""
    days = time_s // 86400
    if not 0 <= days < _DAYS_TO_2100:
        raise ValueError("time")
    rest_s = time_s % 86400
    weekday = (days + 6) % 7  # 2000-01-01 was a Saturday; 0 is Sunday
    year = days * 4 // 1461
    days -= year * 365 + (year + 3) // 4
    month = 1
    while days >= _month_days(year, month):
        days -= _month_days(year, month)
        month += 1
    fields = (rest_s % 60, rest_s // 60 % 60, rest_s // 3600, weekday, days + 1, month, year)
    return bytes([field // 10 << 4 | field % 10 for field in fields])


def _month_days(year, month):
    return 29 if month == 2 and year % 4 == 0 else _DAYS_IN_MONTH[month - 1]


def _from_bcd(byte):
    """Two decimal digits; 255, which is out of every range, if they are none."""
    if byte & 0x0F > 9 or byte >> 4 > 9:
        return 255
    return (byte >> 4) * 10 + (byte & 0x0F)
