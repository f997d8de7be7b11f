"""The journal: records of every kind into the ring they belong to, stamped with the time."""

from micropython import const

from ..protocols import codes, records
from .ring import RingFull

# A session that has begun still writes about a dozen records, and a service visit a few: with less room
# than this
# in `vital` no new session begins, so that those under way are told to their end.
_VITAL_RESERVE = const(63)


class Journal:
    """`vital` and `telemetry` are open Rings; `clock.stamp()` gives `(at_s, trust)`.

    `boot` is the boot count; the app sets it before the first record. `on_write()` is called after each
    record (the link wakes by it). `unrecorded` counts records for which there was no room at all.
    """

    def __init__(self, vital, telemetry, clock, boot=0):
        self.vital = vital
        self.telemetry = telemetry
        self.boot = boot
        self.on_write = lambda: None
        self.unrecorded = 0
        self._clock = clock

    def write(self, kind, payload):
        """Write a record, durable on return; return its sequence in its ring, or 0 if `vital` is full to
        the brim.

        Whoever gets 0 goes on: a full journal strands nobody. Raises FlashError (OSError) from dead flash and
        RecordError for a kind or payload that cannot be.
        """
        at_s, trust = self._clock.stamp()
        ring = self.vital if records.ring_of(kind) == codes.RING_VITAL else self.telemetry
        try:
            sequence = ring.append(kind, payload, at_s, trust, self.boot)
        except RingFull:
            self.unrecorded += 1
            return 0
        self.on_write()
        return sequence

    @property
    def vital_full(self):
        """No new session but service may begin: what room there is belongs to those under way."""
        return self.vital.count_free() < _VITAL_RESERVE

    def erase_ahead(self):
        """Erase at most one sector ahead of need; for idle moments. Return whether one was."""
        return self.vital.erase_ahead() or self.telemetry.erase_ahead()
