"""Instants: integer UTC seconds since 1970 in the cloud, uint32 seconds since 2000 on the wire and in a
box's flash.

The clock is always handed in, so that a simulation can drive the cloud; nothing here or in a service reads
the time.
"""

import time
from collections.abc import Callable
from typing import Final

Clock = Callable[[], float]
"""Returns seconds since 1970 in UTC; may be called from any thread."""

Entropy = Callable[[int], bytes]
"""Returns that many random bytes; may be called from any thread."""

EPOCH_2000_S: Final = 946_684_800
LAST_INSTANT: Final = EPOCH_2000_S + 0xFFFF_FFFF
"""The last second a box can be told, in 2136: no later one is taken from anybody."""
MINUTE_S: Final = 60
HOUR_S: Final = 3_600
DAY_S: Final = 86_400
WEEK_S: Final = 7 * DAY_S

system_clock: Clock = time.time


def to_device_s(at: int) -> int:
    """Seconds since 1970 -> seconds since 2000, held within uint32 (a box knows no time before 2000 or
    after 2136)."""
    return min(max(at - EPOCH_2000_S, 0), 0xFFFF_FFFF)


def from_device_s(device_s: int) -> int:
    """Seconds since 2000 -> seconds since 1970."""
    return device_s + EPOCH_2000_S
