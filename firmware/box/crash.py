"""What went wrong before a reset, and how often in a row: kept where it outlives a reset but no power loss.

The memory of the chip's own clock may hold garbage, so it is sealed by a CRC. The first failure since the
last that was journalled is kept, for the ones behind it mostly follow from it; the others are counted.

    0  3 magic
    3  1 count   early failures in a row: safe mode
    4  1 phase   of this start
    5  1 cause   CRASH_CAUSE_..., 0 none
    6  1 times   failures since the last that was journalled
    7 34 text    an error's name and place, or the task that hung; never a value
   41  4 CRC-32 of all before
"""

import io
import sys
from binascii import crc32

import machine
from micropython import const

from .protocols.codes import CRASH_CAUSE_ERROR, CRASH_CAUSE_STOOD_STILL, CRASH_CAUSE_TASK_HUNG

_SAFE_AFTER = const(3)
_MAGIC = b"GBY"
_SIZE = const(45)
_SEALED = const(41)
_TEXT_AT = const(7)
_TEXT_SIZE = const(34)
_STEADY = const(0)
_STARTING = const(1)
_FAILED = const(2)


class Crashes:
    """The failures of this box; `memory` has `memory()` and `memory(data)` like `machine.RTC`."""

    def __init__(self, memory=None):
        self._rtc = memory or machine.RTC()
        data = bytearray(self._rtc.memory())
        if len(data) != _SIZE or data[:3] != _MAGIC or data[_SEALED:] != self._compute_seal(data):
            data = bytearray(_SIZE)
            data[:3] = _MAGIC
        self._data = data

    @property
    def count(self):
        """How often in a row the program has failed early."""
        return self._data[3]

    @staticmethod
    def _compute_seal(data):
        return crc32(memoryview(data)[:_SEALED]).to_bytes(4, "little")

    def _write(self):
        self._data[_SEALED:] = self._compute_seal(self._data)
        self._rtc.memory(self._data)

    def begin(self, is_watchdog, is_excused):
        """Note a start; return whether safe mode is due.

        The start before has failed if the watchdog bit before it was forgiven, or it said so itself; an
        installer's resets are no failures. `is_excused`: nothing can be told from this one.
        """
        data = self._data
        has_failed = data[4] == _FAILED or (data[4] == _STARTING and is_watchdog)
        if has_failed and not is_excused:
            data[3] = min(data[3] + 1, 255)
        data[4] = _STARTING
        if data[5] == CRASH_CAUSE_TASK_HUNG and not is_watchdog:
            data[5:_SEALED] = bytes(_SEALED - 5)  # it came back to life
        elif is_watchdog and not data[5]:
            self._keep(CRASH_CAUSE_STOOD_STILL, b"")
        self._write()
        return data[3] >= _SAFE_AFTER

    def _keep(self, cause, text):
        data = self._data
        data[6] = min(data[6] + 1, 255)
        if data[5] in (0, CRASH_CAUSE_TASK_HUNG):
            data[5] = cause
            data[_TEXT_AT:_SEALED] = bytes(_TEXT_SIZE)
            text = text[:_TEXT_SIZE]
            data[_TEXT_AT : _TEXT_AT + len(text)] = text

    def note_error(self, error):
        """The program ends by an error."""
        self._data[4] = _FAILED
        try:
            text = describe(error)
        except MemoryError:
            text = b"MemoryError"
        self._keep(CRASH_CAUSE_ERROR, text)
        self._write()

    def note_hung(self, name):
        """A task shows no life; it is told if the watchdog bites, and forgotten if it comes back (None)."""
        if name is not None and not self._data[5]:
            self._keep(CRASH_CAUSE_TASK_HUNG, name.encode())
        elif name is None and self._data[5] == CRASH_CAUSE_TASK_HUNG:
            self._data[5:_SEALED] = bytes(_SEALED - 5)
        else:
            return
        self._write()

    def get(self):
        """Return `(cause, times, text)` of what is to be journalled, or None."""
        data = self._data
        if not data[5]:
            return None
        return data[5], data[6], bytes(data[_TEXT_AT:_SEALED]).rstrip(b"\0")

    def forget(self):
        """It is journalled."""
        self._data[5:_SEALED] = bytes(_SEALED - 5)
        self._write()

    def forgive(self):
        """The program has run long enough for every task to have shown that it lives."""
        self._data[3] = 0
        self._data[4] = _STEADY
        self._write()


def describe(error):
    """Return an error's class and where it was raised, as bytes: `ValueError effects.py:143`."""
    name = type(error).__name__
    write = getattr(sys, "print_exception", None)
    if write is None:  # CPython
        return name.encode()
    text = io.StringIO()
    write(error, text)
    place = ""
    for line in text.getvalue().split("\n"):  # pyright: ignore[reportAttributeAccessIssue]
        if line.startswith("  File "):
            parts = line.split('"')
            place = " %s:%s" % (parts[1].split("/")[-1], parts[2].split(" ")[2].rstrip(","))
    return (name + place).encode()
