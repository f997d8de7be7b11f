"""One authorisation as the cloud keeps it, and the numbers of its kinds."""

from typing import Final, NamedTuple

from glovebox.clock import DAY_S

RESERVATION: Final = 1
STANDING: Final = 2
SERVICE: Final = 3
RIGHT_BIT: Final = 0x8000_0000
"""Set in the number of a right, not in that of a reservation."""
TOMBSTONE_S: Final = 30 * DAY_S
"""A removal is kept so long past the end of what it removes, for boxes that stay away."""


class Row(NamedTuple):
    """Times in seconds since 1970."""

    badge_id: int
    authorisation_id: int
    starts_at: int
    ends_at: int
    kind: int
    flags: int = 0
    place: int = 0
