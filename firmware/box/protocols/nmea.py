"""NMEA 0183 of a satellite receiver: bytes in, whole fixes out.

Pure: no clock, no I/O; runs under both Pythons. Nothing comes out of `Parser` but fixes.

* A sentence starts at the last `$` on its line and ends with `*` and two hexadecimal digits; sentences of a
receiver that mixes a binary protocol in, or that was interrupted in the middle of a sentence, are so found
again. One without a checksum is refused.
* A fix is atomic: its sentences carry one time of day. "No fix" is None, never 0,0.
"""

from collections import namedtuple

from micropython import const

from .nmea_sentence import (
    GGA,
    GLL,
    GNS,
    MAX_SENTENCE_BYTES,
    RMC,
    VTG,
    ZDA,
    NmeaError,
    Sentence,
    checksum,
    parse_sentence,
)

__all__ = (
    "GGA",
    "GLL",
    "GNS",
    "MAX_SENTENCE_BYTES",
    "RMC",
    "VTG",
    "ZDA",
    "Fix",
    "NmeaError",
    "Parser",
    "Sentence",
    "checksum",
    "parse_sentence",
)

# The GPS week number of ten bits comes round after 1,024 weeks: an old receiver then reports a date so many
# days too early.
ROLLOVER_DAYS = const(7168)
_POSITIONAL = const(0x0F)  # bits of RMC, GGA, GNS, GLL

Fix = namedtuple(
    "Fix",
    (
        "valid",
        "time_ms",
        "time_s",
        "lat_e7",
        "lon_e7",
        "speed_kmh",
        "course_deg",
        "hdop",
        "satellites",
        "rolled_over",
    ),
)
"""What the receiver said about one instant.

`valid`: all its sentences agree that there is a fix; else position, speed, course and `time_s` are None.
`time_ms`: time of day, UTC. `time_s`: seconds since 2000-01-01 UTC; None if no date came with it.
`rolled_over`: the date was earlier than possible and was moved by 1,024 weeks (or several times that): do not
set a clock by it alone.
"""


class Parser:
    """Collects a receiver's bytes into fixes.

    `not_before_s`: seconds since 2000 before which no date is believed (the day the firmware was built): see
    `Fix.rolled_over`.
    `accepted` and `rejected` count the sentences.

    When is an instant complete? As soon as RMC and one of GGA or GNS have come; for receivers with other
    sentences as soon as those of the instant before have come again; at the latest with the first sentence of
    the next instant, or at `pause`. VTG carries no time: it belongs to the instant whose sentences come
    before it, and after a pause to the instant that it opens; RMC's own speed goes first.
    """

    def __init__(self, not_before_s=0):
        self._not_before_days = not_before_s // 86400
        self._tail = b""
        self._parts = [None] * 6
        self._time_ms = None
        self._mask = 0
        self._usual_mask = 0
        self._is_emitted = False
        self._is_fresh = True
        self.accepted = 0
        self.rejected = 0

    def feed(self, data):
        """Take bytes as they came, cut anywhere. Returns the list of fixes they completed; never raises."""
        fixes = []
        lines = (self._tail + data).split(b"\n")
        tail = lines.pop()
        start = tail.rfind(b"$")
        # One byte too many is kept of what is too long, so that its end of line rejects it.
        self._tail = tail[start : start + MAX_SENTENCE_BYTES + 8] if start >= 0 else b""
        for line in lines:
            if b"$" in line:
                try:
                    sentence = parse_sentence(line)
                except NmeaError:
                    self.rejected += 1
                    continue
                self.accepted += 1
                if sentence is not None:
                    self._take(sentence, fixes)
        return fixes

    def pause(self):
        """The line has been silent:

        what came so far is one instant. Returns its fix, or None if it was already given or there is none.
        """
        fixes = []
        self._close(fixes)
        self._is_fresh = True
        return fixes[0] if fixes else None

    def _take(self, sentence, fixes):
        kind = sentence[0]
        parts = self._parts
        if kind == VTG:
            if (self._mask or self._is_fresh) and not self._is_emitted:
                parts[VTG] = sentence
                if self._mask:
                    self._mask |= 1 << VTG
        else:
            time_ms = sentence[1]
            # Without a time (no satellite seen yet) the same kind again means the next instant.
            if self._mask and (time_ms != self._time_ms or (time_ms is None and parts[kind] is not None)):
                self._close(fixes)
                parts = self._parts
            self._is_fresh = False
            self._time_ms = time_ms
            self._mask |= 1 << kind
            if not self._is_emitted:
                parts[kind] = sentence
        mask = self._mask
        if (
            not self._is_emitted
            and mask & _POSITIONAL
            and (
                (mask & 1 and mask & 6) or (self._usual_mask and mask & self._usual_mask == self._usual_mask)
            )
        ):
            self._is_emitted = True
            fixes.append(self._build())

    def _close(self, fixes):
        if self._mask:
            if not self._is_emitted and self._mask & _POSITIONAL:
                fixes.append(self._build())
            self._usual_mask = self._mask
        self._parts = [None] * 6
        self._mask = 0
        self._is_emitted = False

    def _build(self):
        rmc, gga, gns, gll, zda, vtg = self._parts
        quality = gga or gns
        position = rmc or quality or gll
        hdop = satellites = None
        if quality is not None:
            hdop = quality.hdop
            satellites = quality.satellites
        for part in (rmc, gga, gns, gll):
            if position is None or (part is not None and not part.valid):
                return Fix(False, self._time_ms, None, None, None, None, None, hdop, satellites, False)
        speed_kmh = course_deg = None
        if rmc is not None:
            speed_kmh = rmc.speed_kmh
            course_deg = rmc.course_deg
        if speed_kmh is None and vtg is not None:
            speed_kmh = vtg.speed_kmh
            course_deg = vtg.course_deg
        days = None
        if rmc is not None:
            days = rmc.days
        if days is None and zda is not None:
            days = zda.days
        time_s = None
        rolled_over = False
        if days is not None and self._time_ms is not None:
            if days < self._not_before_days:
                rolled_over = True
                behind = self._not_before_days - days
                days += (behind + ROLLOVER_DAYS - 1) // ROLLOVER_DAYS * ROLLOVER_DAYS
            time_s = days * 86400 + self._time_ms // 1000
        return Fix(
            True,
            self._time_ms,
            time_s,
            position.lat_e7,
            position.lon_e7,
            speed_kmh,
            course_deg,
            hdop,
            satellites,
            rolled_over,
        )
