"""Faults of boxes, one file each: its name is the fault's slug on the wire, in the journal and on the pages.

A file says when the box sets and clears the fault and whether its self-test looks for it (for developers),
and in both languages what it is and what to do (for managers and installers).
"""

import tomllib
from pathlib import Path
from typing import Any, Final


def _read(path: Path) -> tuple[str, str, str, str]:
    fault: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    return fault["en"]["is"], fault["fr"]["is"], fault["en"]["do"], fault["fr"]["do"]


FAULTS: Final[dict[str, tuple[str, str, str, str]]] = {
    path.stem: _read(path) for path in sorted(Path(__file__).parent.glob("*.toml"))
}
"""Slug -> (English, French, what to do in English, in French)."""
