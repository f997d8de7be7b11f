"""Every refusal and every signal of the access table has its pattern of light and sound."""

import json

import support_recordings
from box.access import table
from box.drivers.indicator import PATTERNS

CODES = json.loads((support_recordings.REPOSITORY / "tests/vectors/codes.json").read_text())


def test_every_refusal_code_has_a_pattern():
    assert set(CODES["refusal"]) <= set(PATTERNS)


def test_every_signal_of_the_access_table_has_a_pattern():
    signals = {row[-1].lstrip("!") for row in table.iterate()} - {"-", "?"}
    assert signals <= set(PATTERNS)
