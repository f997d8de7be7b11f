"""From polls of the reader to taps:

a card held on is one tap, a card taken away for a second and held again is another (pure).
"""

from ..clock import ticks_diff
from ..config import CARD_ABSENT_MS

MAX_CARDS = 4
HELD_MS = 5_000  # a card held this long asks for what a tap does not


class Taps:
    """Remembers the cards in the field by their hashes; `see` is called after every poll."""

    def __init__(self):
        self._seen = {}  # badge -> [ticks first seen, ticks last seen, was told held]

    def see(self, badges, now_ms):
        """Note the `badges` of one poll; return `(newly held to the reader, held for HELD_MS by now)`.

        A missed poll is RF noise: a card is away only after `CARD_ABSENT_MS`.
        """
        for badge in list(self._seen):
            if badge not in badges and ticks_diff(now_ms, self._seen[badge][1]) >= CARD_ABSENT_MS:
                del self._seen[badge]
        new = []
        held = []
        for badge in badges:
            seen = self._seen.get(badge)
            if seen is None:
                if len(self._seen) < 2 * MAX_CARDS:
                    self._seen[badge] = [now_ms, now_ms, False]
                    new.append(badge)
                continue
            seen[1] = now_ms
            if not seen[2] and ticks_diff(now_ms, seen[0]) >= HELD_MS:
                seen[2] = True
                held.append(badge)
        return new, held
