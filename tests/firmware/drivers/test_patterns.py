"""Every refusal and every signal of the access table has its pattern of light and sound."""

import json
import re

import support_recordings
from box.access import table
from box.drivers.indicator import UNKNOWN, get_pattern, iterate_names

CODES = json.loads((support_recordings.REPOSITORY / "tests/vectors/codes.json").read_text())
PATTERNS = {name: get_pattern(name) for name in iterate_names()}


def test_every_refusal_code_has_a_pattern():
    assert set(CODES["refusal"]) <= set(PATTERNS)


def test_every_signal_of_the_access_table_has_a_pattern():
    signals = {row[-1].lstrip("!") for row in table.iterate()} - {"-", "?"}
    assert signals <= set(PATTERNS)


def test_every_pattern_that_the_firmware_plays_by_name_is_in_the_table():
    sources = (support_recordings.REPOSITORY / "firmware").rglob("*.py")
    played = {name for path in sources for name in re.findall(r'\bplay\("(\w+)"\)', path.read_text())}
    assert "unprovisioned" in played
    assert played <= set(PATTERNS)


def test_there_is_no_pattern_that_nothing_plays():
    sources = (support_recordings.REPOSITORY / "firmware").rglob("*.py")
    played = {name for path in sources for name in re.findall(r'\bplay\("(\w+)"\)', path.read_text())}
    signals = {row[-1].lstrip("!") for row in table.iterate()}
    verdicts = set(table.REFUSALS)  # the cloud's word on a badge may be any of them
    assert set(PATTERNS) - played - signals - verdicts == {UNKNOWN}


def test_no_two_patterns_differ_by_colour_alone():
    shown = [steps * rounds for _colour, rounds, steps in PATTERNS.values()]
    assert len(set(shown)) == len(shown)
