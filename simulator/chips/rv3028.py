"""RV-3028-C7 real-time clock by its registers, over I2C.

Source: Micro Crystal RV-3028-C7 application manual rev. 1.3: 3.2 (register overview), 3.4 (clock), 3.6
(configuration: status, control 1 and 2), 3.14 (UNIX time), 3.15 and 4.6 (EEPROM, automatic refresh), 4.4
(power-on reset), 4.5 (backup switchover).

What tends to be overlooked and is modelled: the backup switchover is off as delivered (BSM 00), so a clock
without supply forgets; the RAM mirror of the configuration is refreshed from EEPROM at each midnight unless
EERD is set; PORF tells that the time is not to be trusted. Alarm, timer, time stamps and CLKOUT only keep
what is written.

Time: `now_us` of the simulation; the crystal runs `drift_ppm` fast.
"""

from chips.errors import ChipError, UndefinedRegister

_SECONDS, _YEAR, _STATUS, _CONTROL1, _CONTROL2 = 0x00, 0x06, 0x0E, 0x0F, 0x10
_UNIX, _EE_ADDRESS, _EE_DATA, _EE_COMMAND, _ID = 0x1B, 0x25, 0x26, 0x27, 0x28
_MIRROR, _BACKUP, _LAST = 0x30, 0x37, 0x37
_PORF, _BSF, _EE_BUSY = 0x01, 0x20, 0x80
_EERD = 0x08
_DEFAULT_EEPROM = (0x00, 0x00, 0x00, 0x00, 0x00, 0xC0, 0x00, 0x10)  # 30h..37h as delivered: FEDE set, BSM 00
_EE_TIMES_US = {0x11: 63000, 0x12: 3500, 0x21: 16000, 0x22: 1400}
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_MAX_CALENDAR_S = 36525 * 86400  # 2000 to 2099


def _bcd(value):
    return value // 10 << 4 | value % 10


def _days_of(year, month):
    """Days of a month; `year` counts from 2000, and every fourth year to 2099 is a leap year."""
    return 29 if month == 2 and year % 4 == 0 else _DAYS[month - 1]


def fields_of(seconds):
    """(year since 2000, month, day, hour, minute, second) of seconds since 2000-01-01."""
    days, rest = divmod(seconds % _MAX_CALENDAR_S, 86400)
    year = days // 1461 * 4
    days %= 1461
    while days >= (366 if year % 4 == 0 else 365):
        days -= 366 if year % 4 == 0 else 365
        year += 1
    month = 1
    while days >= _days_of(year, month):
        days -= _days_of(year, month)
        month += 1
    return year, month, days + 1, rest // 3600, rest // 60 % 60, rest % 60


def seconds_of(year, month, day, hour, minute, second):
    days = year * 365 + (year + 3) // 4 + day - 1
    for earlier in range(1, month):
        days += _days_of(year, earlier)
    return days * 86400 + hour * 3600 + minute * 60 + second


class Rv3028:
    address = 0x52

    def __init__(self, drift_ppm=0, backup_s=None):
        """`backup_s`: how long the backup capacitor lasts, None for ever."""
        self.drift_ppm = drift_ppm
        self.backup_s = backup_s
        self.is_dead = False
        self._is_powered = False
        self._off_us = None
        self._eeprom = bytearray(0x2B) + bytearray(5) + bytearray(_DEFAULT_EEPROM)
        self._pointer = 0
        self._busy_until_us = 0
        self._ee_first = False
        self._power_on_reset(0)

    # -- power ----------------------------------------------------------------------------------------------
    def _power_on_reset(self, now_us):
        self._r = bytearray(_LAST + 1)
        self._r[_ID] = 0x33
        self._r[_STATUS] = _PORF
        self._r[_MIRROR:] = self._eeprom[_MIRROR:]
        self._calendar_s = 0  # at _base_us
        self._weekday = 0
        self._unix_s = 0
        self._base_us = now_us

    def power_on(self, now_us):
        self._is_powered = True
        if self._off_us is None:
            self._power_on_reset(now_us)
            return
        off_s = (now_us - self._off_us) // 1000000
        is_kept = self._r[_BACKUP] & 0x0C in (0x04, 0x0C) and (
            self.backup_s is None or off_s <= self.backup_s
        )
        if not is_kept:
            self._power_on_reset(now_us)
        else:
            self._catch_up(now_us)
            self._r[_STATUS] |= _BSF
        self._off_us = None

    def power_off(self, now_us):
        self._catch_up(now_us)
        self._is_powered = False
        self._off_us = now_us

    def save(self, now_us):
        """What the chip would still know after a pause, as plain values."""
        self._catch_up(now_us)
        return [list(self._r), self._calendar_s, self._unix_s, self._weekday, list(self._eeprom)]

    def restore(self, saved, elapsed_s, now_us):
        """The chip as it was saved, `elapsed_s` ago, and without its main supply since."""
        registers, self._calendar_s, self._unix_s, self._weekday, eeprom = saved
        self._r = bytearray(registers)
        self._eeprom = bytearray(eeprom)
        self._base_us = now_us
        self._is_powered = False
        self._off_us = now_us - elapsed_s * 1000000
        self._base_us = self._off_us

    # -- time -----------------------------------------------------------------------------------------------
    def _elapsed_s(self, now_us):
        us = now_us - self._base_us
        return (us + us * self.drift_ppm // 1000000) // 1000000

    def _catch_up(self, now_us):
        """Move the counters on to now, whole seconds only."""
        elapsed_s = self._elapsed_s(now_us)
        if elapsed_s <= 0:
            return
        midnights = (self._calendar_s + elapsed_s) // 86400 - self._calendar_s // 86400
        self._calendar_s = (self._calendar_s + elapsed_s) % _MAX_CALENDAR_S
        self._unix_s = (self._unix_s + elapsed_s) & 0xFFFFFFFF
        self._weekday = (self._weekday + midnights) % 7
        # The instant at which the second counter last moved, by the chip's own crystal.
        self._base_us += elapsed_s * 1000000 * 1000000 // (1000000 + self.drift_ppm)
        if midnights and not self._r[_CONTROL1] & _EERD:
            self._r[_MIRROR:] = self._eeprom[_MIRROR:]

    def _show_time(self):
        year, month, day, hour, minute, second = fields_of(self._calendar_s)
        values = (second, minute, hour, self._weekday, day, month, year)
        for i, value in enumerate(values):
            self._r[_SECONDS + i] = _bcd(value)
        for i in range(4):
            self._r[_UNIX + i] = (self._unix_s >> (8 * i)) & 0xFF

    # -- I2C ------------------------------------------------------------------------------------------------
    def write(self, data, now_us):
        self._start(now_us)
        if not data:
            return 0
        self._pointer = data[0]
        is_time = is_unix = False
        for value in data[1:]:
            self._check(self._pointer)
            self._write(self._pointer, value, now_us)
            is_time = is_time or self._pointer <= _YEAR
            is_unix = is_unix or _UNIX <= self._pointer < _UNIX + 4
            self._pointer += 1
        if is_time:
            self._take_time(now_us)
        if is_unix:
            self._unix_s = 0
            for i in range(4):
                self._unix_s |= self._r[_UNIX + i] << (8 * i)
        return len(data)

    def read(self, length, now_us):
        self._start(now_us)
        result = bytearray(length)
        for i in range(length):
            self._check(self._pointer)
            result[i] = self._r[self._pointer]
            self._pointer += 1
        return bytes(result)

    def _start(self, now_us):
        self._catch_up(now_us)
        self._show_time()
        if now_us >= self._busy_until_us:
            self._r[_STATUS] &= ~_EE_BUSY

    def _check(self, register):
        if register > _LAST or _ID < register < _MIRROR:
            raise UndefinedRegister("RV-3028: register 0x%02x" % register)

    def _write(self, register, value, now_us):
        if register == _CONTROL2 and value & 0x02:
            raise UndefinedRegister("RV-3028: the 12-hour mode is not modelled")
        if register == _ID:
            raise UndefinedRegister("RV-3028: the ID register is read-only")
        if register == _EE_COMMAND:
            self._ee_command(value, now_us)
            return
        if register == _STATUS:
            # Flags can only be cleared.
            self._r[register] = self._r[register] & (value | _EE_BUSY)
            return
        if register == _BACKUP and not value & 0x10:
            raise ChipError("RV-3028: FEDE of register 37h must stay 1")
        self._r[register] = value
        if register == _CONTROL2 and value & 0x01:
            self._r[register] = value & ~0x01
            self._base_us = now_us  # RESET restarts the prescaler
        if register == _SECONDS:
            self._base_us = now_us

    def _take_time(self, now_us):
        values = []
        for i in range(7):
            byte = self._r[_SECONDS + i]
            if byte & 0x0F > 9 or byte >> 4 > 9:
                raise ChipError("RV-3028: not BCD: 0x%02x in register %d" % (byte, i))
            values.append((byte >> 4) * 10 + (byte & 0x0F))
        second, minute, hour, weekday, day, month, year = values
        is_possible = second < 60 and minute < 60 and hour < 24 and weekday < 7 and 1 <= month <= 12
        if not is_possible or not 1 <= day <= _days_of(year, month):
            raise ChipError("RV-3028: no such time: %r" % (values,))
        self._calendar_s = seconds_of(year, month, day, hour, minute, second)
        self._weekday = weekday

    def _ee_command(self, command, now_us):
        if self._r[_STATUS] & _EE_BUSY:
            raise ChipError("RV-3028: an EEPROM command while EEbusy")
        self._r[_EE_COMMAND] = command
        if command == 0:
            self._ee_first = True
            return
        if command not in _EE_TIMES_US or not self._ee_first:
            raise UndefinedRegister("RV-3028: EEPROM command 0x%02x (00h comes first)" % command)
        if not self._r[_CONTROL1] & _EERD:
            raise ChipError("RV-3028: set EERD before an EEPROM command")
        self._ee_first = False
        address = self._r[_EE_ADDRESS]
        if command == 0x11:
            self._eeprom[_MIRROR:] = self._r[_MIRROR:]
        elif command == 0x12:
            self._r[_MIRROR:] = self._eeprom[_MIRROR:]
        elif address > _LAST or 0x2B <= address < _MIRROR:
            raise UndefinedRegister("RV-3028: EEPROM address 0x%02x" % address)
        elif command == 0x21:
            self._eeprom[address] = self._r[_EE_DATA]
        else:
            self._r[_EE_DATA] = self._eeprom[address]
        self._r[_STATUS] |= _EE_BUSY
        self._busy_until_us = now_us + _EE_TIMES_US[command]
