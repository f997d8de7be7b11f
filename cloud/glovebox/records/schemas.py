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
