"""Values about blocks."""

from dataclasses import dataclass
from typing import Final, Literal

BlockKind = Literal["workshop", "damage"]
KINDS: Final = ("workshop", "damage")


@dataclass(frozen=True)
class Block:
    """A car that cannot be had in the half-open [starts_at, ends_at); `ends_at` None: nobody knows until
    when. `reason` is for those who manage the car."""

    id: int
    vehicle_id: int
    kind: str
    starts_at: int
    ends_at: int | None
    reason: str
    created_at: int
