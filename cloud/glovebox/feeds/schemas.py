"""Values about calendar feeds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Feed:
    """A feed just made: its address is told this once, for only a hash of it is kept."""

    url: str
    made_at: int
