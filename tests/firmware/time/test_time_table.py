"""The clock's table: code, document and what is seen are one; and what each level of trust permits."""

import pytest
from box import clock as clocks
from support_time_document import CASES, KINDS, PATH, ROOT, make, walk_permits, walk_rules

# What can never be: an unknown clock is near no date, and a running one is not before its bound by much.
NOT_REACHED = {
    (clocks.BY_CLOUD, clocks.UNKNOWN, clocks.NEAR),
    (clocks.BY_CLOUD, clocks.FRESH, clocks.LAGGING),
    (clocks.BY_SATELLITES, clocks.UNKNOWN, clocks.NEAR),
    (clocks.BY_SATELLITES, clocks.FRESH, clocks.LAGGING),
    (clocks.BY_CHIP, clocks.UNKNOWN, clocks.NEAR),
    *((clocks.BY_CHIP, kind, date) for kind in list(KINDS)[1:] for date in (1, 2, 4, 8, 16, 32)),
}


def list_wrong_cells():
    return [
        (source, kind, date, effects)
        for source, kind, date, effects in walk_rules()
        if effects != (set() if (source, kind, date) in NOT_REACHED else {clocks.judge(source, kind, date)})
    ]


def test_every_source_date_and_clock_does_what_the_table_says():
    assert list_wrong_cells() == []


def test_the_document_is_the_tables():
    assert PATH.read_text(encoding="utf-8") == make(), "run tests/write_time_document.py"


@pytest.mark.parametrize("row", range(len(clocks.RULES)))
def test_a_row_that_is_another_shows(monkeypatch, row):
    written = PATH.read_text(encoding="utf-8")
    sources, kinds, dates, effect = clocks.RULES[row]
    other = clocks.SET if effect != clocks.SET else clocks.REFUSE
    changed = (*clocks.RULES[:row], (sources, kinds, dates, other), *clocks.RULES[row + 1 :])
    monkeypatch.setattr(clocks, "RULES", changed)
    try:
        is_seen = bool(list_wrong_cells()) or make() != written
    except AssertionError:  # the clock cannot even be led to the cells
        is_seen = True
    assert is_seen


def test_without_the_time_only_an_open_session_and_service_go_on():
    refused = {words for words, answers in walk_permits() if answers[0] == "clock unknown"}
    assert refused == {
        "The badge of a reservation that has started",
        "The badge of a standing right",
        "The badge of the next reservation, which has started",
        "A command of the cloud",
    }


def test_every_case_is_shown_where_the_document_says():
    places = [ROOT / "tests" / "firmware" / folder for folder in ("", "time", "on_device")]
    for _, _, name in CASES:
        assert any((place / name).is_file() for place in places), name
