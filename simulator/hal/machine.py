"""`machine` of the ESP32 port on the simulator's chips."""

import struct

import _bridge
from _buses import I2C, SPI, UART, SoftI2C, SoftSPI
from _pins import ADC, PWM, Pin, Signal
from micropython import const

__all__ = ("ADC", "I2C", "PWM", "RTC", "SPI", "UART", "WDT", "Pin", "Signal", "SoftI2C", "SoftSPI", "Timer")

PWRON_RESET = const(1)
HARD_RESET = const(2)
WDT_RESET = const(3)
DEEPSLEEP_RESET = const(4)
SOFT_RESET = const(5)
PIN_WAKE = const(1)
EXT0_WAKE = const(2)
EXT1_WAKE = const(3)
TIMER_WAKE = const(4)
_RTC_MEMORY_SIZE = const(2048)
_SLEEP_LIGHT = const(0)
_SLEEP_DEEP = const(1)


def reset():
    _bridge.stop(_bridge.RESET, HARD_RESET)


def soft_reset():
    raise SystemExit


def reset_cause():
    return _bridge.config["reset_cause"]


def wake_reason():
    return _bridge.config["wake_reason"]


def unique_id():
    return bytes.fromhex(_bridge.config["unique_id"])


def freq(hz=None):
    return 240000000


def idle():
    _bridge.advance(1000)


def _pack_sleep(time_ms):
    pins = _bridge.config.get("wake_pins", [])
    data = struct.pack("<QB", _bridge.now_us() + time_ms * 1000 if time_ms else _bridge.FOREVER_US, len(pins))
    for number, level in pins:
        data += bytes((number, level))
    return data


def deepsleep(time_ms=0):
    """Never returns: the box starts anew when the time is over or a wake-up pin has its level."""
    _bridge.stop(_bridge.SLEEP, _SLEEP_DEEP, _pack_sleep(time_ms))


def lightsleep(time_ms=0):
    _bridge.call(_bridge.SLEEP, _SLEEP_LIGHT, _pack_sleep(time_ms))


sleep = lightsleep


def disable_irq():
    return 0


def enable_irq(state=0):
    pass


def bitstream(pin, encoding, timing, buf):
    if encoding != 0:
        raise ValueError("encoding")
    _bridge.post(_bridge.BITSTREAM, pin.number, struct.pack("<4H", *timing) + bytes(buf))
    bit_ns = (timing[0] + timing[1] + timing[2] + timing[3]) // 2
    _bridge.advance(len(buf) * 8 * bit_ns // 1000)


def time_pulse_us(pin, pulse_level, timeout_us=1000000):
    until_us = _bridge.now_us() + timeout_us
    while pin.value() != pulse_level:
        if _bridge.now_us() > until_us:
            return -2
    start_us = _bridge.now_us()
    while pin.value() == pulse_level:
        if _bridge.now_us() > until_us:
            return -1
    return _bridge.now_us() - start_us


class WDT:
    """The task watchdog. Once started it cannot be stopped; in virtual time it bites in virtual time."""

    def __init__(self, id=0, timeout=5000):
        if id != 0:
            raise ValueError("WDT(%d) doesn't exist" % id)
        if timeout <= 0:
            raise ValueError("WDT timeout too short")
        _bridge.call(_bridge.WDT_START, 0, struct.pack("<I", timeout))

    def feed(self):
        _bridge.post(_bridge.WDT_FEED)


class RTC:
    """The internal clock, which loses its time with the supply, and the 2 KB that survive all but that."""

    def __init__(self, id=0):
        pass

    def init(self, fields):
        self.datetime(fields)

    def datetime(self, fields=None):
        import time

        if fields is None:
            year, month, day, hour, minute, second, weekday, _ = time.gmtime()
            return (year, month, day, weekday, hour, minute, second, time.time_ns() % 1000000000 // 1000)
        year, month, day, _, hour, minute, second, microsecond = fields
        target_us = time.mktime((year, month, day, hour, minute, second, 0, 0)) * 1000000 + microsecond
        _bridge.config["rtc_offset_us"] = target_us - _bridge.now_us()
        _bridge.post(_bridge.RTC_SET, 0, struct.pack("<q", _bridge.config["rtc_offset_us"]))

    def memory(self, data=None):
        if data is None:
            return bytes.fromhex(_bridge.config["rtc_memory"])
        data = bytes(data)
        if len(data) > _RTC_MEMORY_SIZE:
            raise ValueError("buffer too long")
        _bridge.config["rtc_memory"] = data.hex()
        _bridge.post(_bridge.RTC_MEMORY, 0, data)


class Timer:
    """Not modelled: the firmware's time is asyncio's. Using one is an error rather than a silence."""

    ONE_SHOT = 0
    PERIODIC = 1

    def __init__(self, id=-1, **kwargs):
        raise NotImplementedError("machine.Timer is not modelled")
