"""The register of faults: what is wrong now, journalled when it begins and when it ends.

A fault is a code of `box.protocols.codes` (`FAULT_...`). It is raised and cleared by whoever sees its cause;
this register makes one `fault_set` and one `fault_cleared` record of each stretch, however often the cause is
reported, and a cause that flickers is one fault (it ends after `FAULT_HOLD_MS` without it).
"""

from .clock import ticks_diff
from .config import FAULT_HOLD_MS
from .protocols.codes import RECORD_FAULT_CLEARED, RECORD_FAULT_SET


class Faults:
    """Set and clear faults; `write(kind, *values)` journals. Until `attach` gives a journal, changes wait (at
    most one per code).
    """

    def __init__(self, ticks_ms):
        self._ticks_ms = ticks_ms
        self._active = {}  # code -> detail
        self._clearing = {}  # code -> ticks since when its cause is gone
        self._unwritten = []
        self._write = None

    def attach(self, write):
        """Journal from now on, first what was raised before there was a journal."""
        self._write = write
        for code in self._unwritten:
            if code in self._active:
                self._journal_set(code)
        self._unwritten = []

    def set(self, code, detail=0):
        """Raise a fault; while it is raised, raising it again changes nothing."""
        self._clearing.pop(code, None)
        if code in self._active:
            return
        self._active[code] = detail & 0xFFFFFFFF
        if self._write is None:
            self._unwritten.append(code)
        else:
            self._journal_set(code)

    def clear(self, code, at_once=False):
        """Say that the cause is gone; the fault ends after it has stayed away, or now with `at_once`."""
        if code not in self._active:
            return
        if at_once:
            self._end(code)
        elif code not in self._clearing:
            self._clearing[code] = self._ticks_ms()

    def watch(self, code, present, detail=0):
        """Set or clear by a condition; None (unknown) leaves the fault as it is."""
        if present:
            self.set(code, detail)
        elif present is not None:
            self.clear(code)

    def step(self):
        """End the faults whose cause has stayed away; called by housekeeping."""
        now = self._ticks_ms()
        for code in list(self._clearing):
            if ticks_diff(now, self._clearing[code]) >= FAULT_HOLD_MS:
                self._end(code)

    def is_set(self, code):
        """Return whether the fault is raised."""
        return code in self._active

    def active(self):
        """Return the raised codes, ascending, one byte each: the wire's FAULTS."""
        return bytes(sorted(self._active))

    def _end(self, code):
        del self._active[code]
        self._clearing.pop(code, None)
        if code in self._unwritten:
            self._unwritten.remove(code)
        elif self._write is not None:
            self._write(RECORD_FAULT_CLEARED, code)

    def _journal_set(self, code):
        if self._write is not None:
            self._write(RECORD_FAULT_SET, code, self._active[code])
