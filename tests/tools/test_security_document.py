"""SECURITY.md speaks of files that are there, and of each requirement of the standard it names once."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "SECURITY.md").read_text()
# OWASP ASVS 5.0.0, chapters 6, 7 and 8: section -> how many of its first requirements are of level 1 or 2.
LEVEL_2 = {
    "6.1": 3, "6.2": 11, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4,
    "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2, "7.6": 2,
    "8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1,
}  # fmt: skip


def test_every_file_that_is_named_is_there():
    named = re.findall(r"`((?:cloud|tests|firmware|hardware|simulator|tools)/[^`*]+)`", TEXT)
    assert len(named) > 20
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_requirement_of_levels_1_and_2_has_its_one_row():
    rows = re.findall(r"^\| ((?:\d\.\d\.\d+,? )+)", TEXT, re.MULTILINE)
    told = [number for row in rows for number in re.findall(r"\d\.\d\.\d+", row)]
    wanted = [f"{section}.{number}" for section, count in LEVEL_2.items() for number in range(1, count + 1)]
    assert sorted(told) == sorted(wanted)
