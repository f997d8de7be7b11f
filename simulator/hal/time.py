"""`time` as on the ESP32: epoch 2000, ticks that wrap at 2^30, and a clock that the simulator grants."""

import _bridge
from micropython import const

_HALF = const(1 << 29)
_MASK = const((1 << 30) - 1)
_TICKS_COST_US = const(2)  # so that a loop that only looks at the clock comes to an end in virtual time
_DAYS_BEFORE_MONTH = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)


def ticks_us():
    _bridge.advance(_TICKS_COST_US)
    return (_bridge.now_us() - _bridge.config["boot_us"]) & _MASK


def ticks_ms():
    _bridge.advance(_TICKS_COST_US)
    return ((_bridge.now_us() - _bridge.config["boot_us"]) // 1000) & _MASK


def ticks_cpu():
    return ticks_us()


def ticks_add(ticks, delta):
    return (ticks + delta) & _MASK


def ticks_diff(end, start):
    return ((end - start + _HALF) & _MASK) - _HALF


def sleep_us(us):
    if us <= 0:
        return
    until_us = _bridge.now_us() + int(us)
    if us < 1000:
        _bridge.advance(int(us))
        if _bridge.is_virtual:
            return
    while _bridge.now_us() < until_us:
        _bridge.wait(until_us)


def sleep_ms(ms):
    sleep_us(ms * 1000)


def sleep(seconds):
    sleep_us(int(seconds * 1000000))


def time_ns():
    return _bridge.config["rtc_offset_us"] * 1000 + _bridge.now_us() * 1000


def time():
    return (_bridge.config["rtc_offset_us"] + _bridge.now_us()) // 1000000


def _is_leap(year):
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _days_to_year(year):
    """Days from 2000-01-01 to the first day of the year."""
    before = year - 1
    return (
        (year - 2000) * 365
        + (before // 4 - 1999 // 4)
        - (before // 100 - 1999 // 100)
        + before // 400
        - 1999 // 400
    )


def _yearday(year, month, day):
    return _DAYS_BEFORE_MONTH[month - 1] + day + (1 if month > 2 and _is_leap(year) else 0)


def mktime(fields):
    year, month, day, hour, minute, second = fields[:6]
    year += (month - 1) // 12
    month = (month - 1) % 12 + 1
    days = _days_to_year(year) + _yearday(year, month, day) - 1
    return days * 86400 + hour * 3600 + minute * 60 + second


def gmtime(seconds=None):
    if seconds is None:
        seconds = time()
    days, rest = divmod(int(seconds), 86400)
    year = 2000 + days // 366
    while _days_to_year(year + 1) <= days:
        year += 1
    day_of_year = days - _days_to_year(year) + 1
    month = 12
    while _yearday(year, month, 1) > day_of_year:
        month -= 1
    day = day_of_year - _yearday(year, month, 1) + 1
    return (year, month, day, rest // 3600, rest // 60 % 60, rest % 60, (days + 5) % 7, day_of_year)


localtime = gmtime
