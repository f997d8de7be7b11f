"""Values about journals and faults."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Line:
    """One record of a journal, ready for `glovebox.words.say(language, line.sentence, **line.values)`."""

    at: int
    trust: int
    """Trust in the time: 0 none, 1 kept, 2 gnss, 3 cloud."""
    kind: str
    sentence: str
    values: dict[str, Any]
    ring: int
    sequence: int


@dataclass(frozen=True)
class Fault:
    """A fault of a box. `name` is the key of its sentences `fault.<name>` and `fault.<name>.todo`."""

    id: int
    vehicle_id: int
    registration: str
    code: int
    name: str
    detail: int
    set_at: int
    cleared_at: int | None
