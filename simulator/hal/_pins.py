"""Pins, analogue inputs and pulse widths of `machine`."""

import struct

import _bridge
from micropython import const

_PIN_COUNT = const(40)
_INPUT_ONLY_FROM = const(34)
_FLASH_PINS = (6, 7, 8, 9, 10, 11)
_NO_PINS = (20, 24, 28, 29, 30, 31)
_SENSE_PIN = const(35)
_CHIP_SELECTS = (5, 15)  # their edges go with the transfer between them
_pins = {}


class Pin:
    """A GPIO of the ESP32. One object a number, as on the board; a reset leaves every pin floating."""

    IN = 1
    OUT = 3
    OPEN_DRAIN = 7
    PULL_UP = 2
    PULL_DOWN = 1
    IRQ_RISING = 1
    IRQ_FALLING = 2
    WAKE_LOW = 4
    WAKE_HIGH = 5
    DRIVE_0 = 0
    DRIVE_1 = 1
    DRIVE_2 = 2
    DRIVE_3 = 3

    def __new__(cls, id, *args, **kwargs):
        if isinstance(id, Pin):
            id = id.number
        if not isinstance(id, int) or not 0 <= id < _PIN_COUNT or id in _FLASH_PINS or id in _NO_PINS:
            raise ValueError("invalid pin")
        pin = _pins.get(id)
        if pin is None:
            pin = super().__new__(cls)
            pin.number = id
            pin._mode = None
            pin._output = 0
            pin._handler = None
            _pins[id] = pin
        return pin

    def __init__(self, id, mode=-1, pull=-1, *, value=None, drive=None, hold=None):
        self.init(mode, pull, value=value)

    def __repr__(self):
        return "Pin(%d)" % self.number

    def init(self, mode=-1, pull=-1, *, value=None, drive=None, hold=None):
        if mode == -1 and pull == -1 and value is None:
            return
        if mode in (self.OUT, self.OPEN_DRAIN) and self.number >= _INPUT_ONLY_FROM:
            raise ValueError("pin can only be input")
        if mode not in (-1, None):
            self._mode = mode
        if value is not None:
            self._output = 1 if value else 0
        pull_code = 0 if pull in (-1, None) else pull
        payload = bytes((self._mode or 0, pull_code, self._output))
        _bridge.post(_bridge.PIN_MODE, self.number, payload)

    def value(self, x=None):
        if x is None:
            _bridge.freshen()
            _bridge.advance(_bridge.costs["pin_us"])
            return (_bridge.levels >> self.number) & 1
        self._output = 1 if x else 0
        _bridge.post(_bridge.PIN_WRITE, self.number, b"\1" if x else b"\0")
        if self.number not in _CHIP_SELECTS:
            _bridge.flush()  # a program that hangs afterwards has still driven its pin
        _bridge.advance(_bridge.costs["pin_us"])

    def __call__(self, x=None):
        return self.value(x)

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    high = on
    low = off

    def toggle(self):
        self.value(1 - self._output)

    def irq(self, handler=None, trigger=IRQ_FALLING | IRQ_RISING, *, priority=1, wake=None, hard=False):
        self._handler = handler
        _bridge.handlers[(_bridge.EVENT_PIN, self.number)] = self._on_edge
        _bridge.post(_bridge.PIN_IRQ, self.number, bytes((trigger if handler else 0,)))
        return self

    def _on_edge(self, payload):
        if self._handler is not None:
            self._handler(self)


class Signal:
    """A pin whose sense may be inverted."""

    def __init__(self, pin, *args, invert=False, **kwargs):
        self._pin = pin if isinstance(pin, Pin) else Pin(pin, *args, **kwargs)
        self._invert = 1 if invert else 0

    def value(self, x=None):
        if x is None:
            return self._pin.value() ^ self._invert
        self._pin.value((1 if x else 0) ^ self._invert)

    __call__ = value

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)


class ADC:
    """The battery's divider on ADC1, 12 bits."""

    ATTN_0DB = 0
    ATTN_2_5DB = 1
    ATTN_6DB = 2
    ATTN_11DB = 3
    WIDTH_12BIT = 12
    _FULL_SCALE_UV = (950000, 1250000, 1750000, 2450000)

    def __init__(self, pin, *, atten=ATTN_0DB, sample_ns=None):
        self._pin = pin if isinstance(pin, Pin) else Pin(pin)
        if self._pin.number != _SENSE_PIN:
            raise ValueError("the board's only analogue input is GPIO%d" % _SENSE_PIN)
        self._attenuation = atten

    def init(self, *, atten=ATTN_0DB, sample_ns=None):
        self._attenuation = atten

    def atten(self, atten):
        self._attenuation = atten

    def width(self, bits):
        pass

    def read_uv(self):
        """Calibrated microvolts at the pin; saturates at the attenuation's full scale."""
        _bridge.freshen()
        _bridge.advance(_bridge.costs["adc_us"])
        return min(_bridge.sense * 100, self._FULL_SCALE_UV[self._attenuation])

    def read(self):
        return self.read_uv() * 4095 // self._FULL_SCALE_UV[self._attenuation]

    def read_u16(self):
        return self.read_uv() * 65535 // self._FULL_SCALE_UV[self._attenuation]


class PWM:
    """A pulse-width output."""

    def __init__(self, dest, freq=5000, duty=None, duty_u16=None, duty_ns=None, invert=0):
        self._pin = dest if isinstance(dest, Pin) else Pin(dest)
        self._freq = freq
        self._duty = 32768
        self.init(freq, duty, duty_u16, duty_ns)

    def init(self, freq=None, duty=None, duty_u16=None, duty_ns=None):
        if freq is not None:
            if not 1 <= freq <= 40000000:
                raise ValueError("frequency must be from 1Hz to 40MHz")
            self._freq = freq
        if duty is not None:
            self._duty = duty * 65535 // 1023
        if duty_u16 is not None:
            self._duty = duty_u16
        if duty_ns is not None:
            self._duty = duty_ns * self._freq * 65535 // 1000000000
        self._send(self._freq)

    def _send(self, freq):
        _bridge.post(_bridge.PWM, self._pin.number, struct.pack("<IH", freq, self._duty))
        _bridge.advance(_bridge.costs["pwm_us"])

    def freq(self, value=None):
        if value is None:
            return self._freq
        self.init(freq=value)

    def duty(self, value=None):
        if value is None:
            return self._duty * 1023 // 65535
        self.init(duty=value)

    def duty_u16(self, value=None):
        if value is None:
            return self._duty
        self.init(duty_u16=value)

    def duty_ns(self, value=None):
        if value is None:
            return self._duty * 1000000000 // (65535 * self._freq)
        self.init(duty_ns=value)

    def deinit(self):
        self._send(0)
