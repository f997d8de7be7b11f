"""The next reservations, read from ten thousand entries once and kept in memory until they are past."""

from micropython import const

from ..protocols import codes
from ..protocols.authorisation import AUTHORISATION_ID, ENDS_AT, ENTRY_SIZE, STARTS_AT, pack, unpack

_SIZE = const(64)  # a car has about 26 a month
_KIND_OFFSET = const(20)
_FOREVER = const(0xFFFFFFFF)
_AHEAD_S = const(86_400)  # known so far ahead, if they are no more than the window holds
_READ_EVERY_S = const(3_600)  # else read again no more often than this
_PIECE = const(160)  # entries read in one step: some 10 ms of byte code


class Window:
    """One entry of each of the next reservations, by their start; empty until read."""

    def __init__(self):
        self._from_s = _FOREVER  # knows every reservation that ends after this, and starts before `_until_s`

    def get_between(self, start_s, end_s):
        """Return one entry of each reservation that overlaps `[start_s, end_s)`, or None if unknown."""
        if start_s < self._from_s or end_s > self._until_s:
            return None
        found = []
        for at in range(0, len(self._entries), ENTRY_SIZE):
            entry = unpack(self._entries, at)
            if entry[STARTS_AT] < end_s and entry[ENDS_AT] > start_s:
                found.append(entry)
        return found

    def is_due(self, now_s):
        """Return whether to read again, so that whoever asks soon need not wait for it."""
        if now_s < self._from_s:
            return True
        return self._until_s - now_s < _AHEAD_S and now_s - self._from_s >= _READ_EVERY_S

    def read(self, from_s, entries):
        """Take what ends after `from_s` from `entries` (packed, any order); a generator, to its end."""
        window = {}
        until_s = _FOREVER
        left = _PIECE
        for data in entries:
            left -= 1
            if not left:
                left = _PIECE
                yield
            if data[_KIND_OFFSET] != codes.AUTHORISATION_KIND_RESERVATION:
                continue
            entry = unpack(data)
            if entry[ENDS_AT] <= from_s or entry[STARTS_AT] >= until_s:
                continue
            window[entry[AUTHORISATION_ID]] = entry
            if len(window) > _SIZE:
                until_s = max(window.values(), key=by_start)[STARTS_AT]
                window = {i: e for i, e in window.items() if e[STARTS_AT] < until_s}
        # packed: as tuples they would take four times the memory
        self._entries = b"".join([pack(entry) for entry in sorted(window.values(), key=by_start)])
        self._from_s, self._until_s = from_s, until_s


def by_start(entry):
    """Return what reservations are sorted by."""
    return entry[STARTS_AT]
