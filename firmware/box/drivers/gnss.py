"""Satellite receiver on a serial port: drains it and hands out whole fixes."""

import time

from micropython import const

from ..protocols.nmea import Parser

_CHUNK_BYTES = const(256)
_CHUNKS_PER_POLL = const(8)  # 2 KB: a poll is bounded also when the port delivers nonsense for ever
# A receiver sends once a second, as fast as the line goes: a gap this long ends what belongs to one instant.
_PAUSE_MS = const(150)


class Gnss:
    """`uart.read(n)` gives what has come, at most n bytes, or None; it never blocks.

    `not_before_s`: see `nmea.Parser`. `accepted`, `rejected`: sentences. `received_at_ms`: ticks of the
    last accepted sentence, None before the first.
    """

    def __init__(self, uart, not_before_s=0, ticks_ms=None, ticks_diff=None):
        self._uart = uart
        self._parser = Parser(not_before_s)
        self._ticks_ms = ticks_ms or time.ticks_ms
        self._ticks_diff = ticks_diff or time.ticks_diff
        self._last_byte_at_ms = None
        self.received_at_ms = None

    @property
    def accepted(self):
        """Sentences that were whole and right."""
        return self._parser.accepted

    @property
    def rejected(self):
        """Sentences that were damaged."""
        return self._parser.rejected

    def poll(self):
        """Read what has come. Returns the newest fix that it completed, or None. Call it at least each 500
        ms.
        """
        fix = None
        now_ms = self._ticks_ms()
        accepted = self._parser.accepted
        for _ in range(_CHUNKS_PER_POLL):
            data = self._uart.read(_CHUNK_BYTES)
            if not data:
                break
            self._last_byte_at_ms = now_ms
            fixes = self._parser.feed(data)
            if fixes:
                fix = fixes[-1]
        if self._parser.accepted != accepted:
            self.received_at_ms = now_ms
        if self._last_byte_at_ms is not None and self._ticks_diff(now_ms, self._last_byte_at_ms) >= _PAUSE_MS:
            self._last_byte_at_ms = None
            fix = self._parser.pause() or fix
        return fix
