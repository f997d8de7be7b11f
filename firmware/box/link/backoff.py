"""How long to wait before the next try: doubling, with jitter, bounded."""

import os

from micropython import const

LEAST_MS = const(2_000)
MOST_MS = const(120_000)  # after an outage 10,000 boxes come back within two minutes, not in one second
REFUSED_LEAST_MS = const(60_000)
REFUSED_MOST_MS = const(3_600_000)  # a refused box never hammers


class Backoff:
    """Two ladders: failures of the network, and refusals by the cloud. `draw()` gives a random byte.

    `least_ms` and `refused_least_ms` are their lowest rungs. `is_refused`: the last wait is after a refusal.
    """

    def __init__(self, draw=None):
        self._draw = draw or (lambda: os.urandom(1)[0])
        self.least_ms = LEAST_MS
        self.refused_least_ms = REFUSED_LEAST_MS
        self.reset()

    def reset(self):
        """It has worked."""
        self.restart()
        self._next_refused_ms = self.refused_least_ms
        self.is_refused = False

    def restart(self):
        """The network is a new one: its failures are yet to come. Refusals stay where they are."""
        self._next_ms = self.least_ms

    def after_failure(self):
        """Return the ms to wait after a failure."""
        self.is_refused = False
        wait_ms = self._next_ms
        self._next_ms = min(wait_ms * 2, MOST_MS)
        return self._jitter(wait_ms)

    def after_refusal(self, least_ms=0):
        """Return the ms to wait after the cloud refused this box; at least what it asked for, within
        reason.
        """
        self.is_refused = True
        wait_ms = max(self._next_refused_ms, min(least_ms, REFUSED_MOST_MS))
        self._next_refused_ms = min(self._next_refused_ms * 2, REFUSED_MOST_MS)
        return wait_ms + self._jitter(wait_ms) // 4

    def _jitter(self, wait_ms):
        """Return between half and all of it."""
        return wait_ms // 2 + (wait_ms // 2) * self._draw() // 255
