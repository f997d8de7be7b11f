"""An authorisation as the box keeps it and the wire carries it: 24 bytes.

    0  8  badge             first 8 bytes of HMAC-SHA256(badge key, length of UID + UID)
    8  4  authorisation_id  u32
   12  4  starts_at         u32, seconds since 2000-01-01 UTC
   16  4  ends_at           u32, exclusive
   20  1  kind              1 reservation, 2 standing, 3 service
   21  1  flags
   22  2  place             where it must end; 0: any place of the settings

Sets are sorted by bytes 0..12, which are unique. Pure: bytes in, values out. Source: WIRE.md, Fields down.
"""

import struct

from micropython import const

ENTRY_SIZE = const(24)
KEY_SIZE = const(12)
BADGE_SIZE = const(8)

# Positions in the tuple that `unpack` returns.
BADGE = const(0)
AUTHORISATION_ID = const(1)
STARTS_AT = const(2)
ENDS_AT = const(3)
KIND = const(4)
FLAGS = const(5)
PLACE = const(6)

_LAYOUT = "<8sIIIBBH"


def unpack(data, offset=0):
    """Return `(badge, authorisation_id, starts_at, ends_at, kind, flags, place)` of the entry at `offset`."""
    return struct.unpack_from(_LAYOUT, data, offset)


def pack(entry):
    """Return the 24 bytes of such a tuple."""
    return struct.pack(_LAYOUT, *entry)


def hash_badge(badge_hmac, uid):
    """Return the 8 bytes by which the box knows a card; `badge_hmac` is the `Hmac` under the badge key."""
    return badge_hmac.digest(bytes((len(uid),)), uid)[:BADGE_SIZE]


def is_ascending(entries, previous=b""):
    """Tell whether the packed `entries` are strictly ascending by their keys, all above `previous`."""
    view = memoryview(entries)
    for offset in range(0, len(entries), ENTRY_SIZE):
        key = bytes(view[offset : offset + KEY_SIZE])
        if key <= previous:
            return False
        previous = key
    return True
