"""No step of a session holds the box up for more than 20 ms, but for those the table names."""

import re

import pytest
from support_steps import EXCUSED, LIMIT_MS, PAGE, Step, find_longest_ms, list_causes, name_cause, play

pytestmark = pytest.mark.story


def test_no_step_is_longer_than_20_ms_but_those_the_table_names(tmp_path):
    steps = play(tmp_path)
    assert {step.task for step in steps} >= {"reader", "car", "housekeeping", "link"}
    long = [step for step in steps if step.cause is None and step.spent_us > LIMIT_MS * 1000]
    assert long == []
    assert find_longest_ms(steps) > 1
    assert list_causes(steps) == set(EXCUSED), "the table names what does not happen"


def test_the_table_of_the_page_is_that_of_the_test():
    rows = dict(re.findall(r"^\| (\w+) \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    rows.pop("what")
    assert rows == EXCUSED


def test_a_step_that_only_takes_long_is_excused_by_nothing():
    assert name_cause("reader", 30_000, []) is None
    assert name_cause("link", 30_000, [("program", 0x512000)]) is None
    assert name_cause("housekeeping", 48_000, [("erase", 0x512000)]) == "erase"
    assert find_longest_ms([Step("reader", 0, 30_000, None), Step("link", 0, 90_000, "radio")]) == 30
