"""Every cell of the access table, come to on the controller: what it shows, moves and journals."""

import re
from pathlib import Path

import pytest
from box.access import effects, table
from box.protocols import codes
from support_access_cases import CASES
from support_access_cells import Way
from support_access_document import GUARDS, KINDS, PATH, list_signals, make, read_lines, walk
from support_access_sweep import ROWS, list_cells

CELLS = list_cells()
# What an effect journals; those that are not named here journal nothing.
WRITES = {
    "allow": "relay",
    "inhibit": "relay",
    "inhibit_by_command": "relay",
    "start": "session_start",
    "start_by_command": "session_start",
    "record_ignored": "badge_ignored",
    "record_refused": "refused",
    "record_taken_back": "end_taken_back",
    "alarm_ignition": "alarm",
    "alarm_motion": "alarm",
    "carried_on": "mode",
    "carried_off": "mode",
    "garage_on": "mode",
    "garage_off": "mode",
}


def promised_records(row, event):
    """Return the names of the records that the row's effects stand for, in order."""
    names = []
    for effect in row[5]:
        if effect.startswith("end_"):
            names.append("session_end")
        elif effect in WRITES:
            names.append(WRITES[effect])
        elif effect.startswith("record_"):
            names.append(effect[len("record_") :])
    names.sort(key=lambda name: name == "relay")  # records first, then what moves
    return [*names, "command"] if event in table.COMMANDS else names


def find_difference(cell):
    """Return how what happened differs from what the row says, or None."""
    row = next(row for row in ROWS if row[0] == cell.row)
    if cell.after != (cell.state if row[4] == "=" else row[4]):
        return "the state"
    if [KINDS[kind] for kind, _ in cell.records] != promised_records(row, cell.event):
        return "the journal"
    if [move for move in cell.moves if move in ("unlock", "lock")] != [
        effect for effect in row[5] if effect in ("unlock", "lock")
    ]:
        return "the doors"
    if row[6] == "-":
        return "light and sound" if cell.told else None
    told = table.REFUSALS[cell.refusal] if row[6] == "?" else row[6].lstrip("!")
    if cell.told != [told] or bool(cell.refusal) != (row[6][0] in "!?"):
        return "light and sound"
    if cell.event in ("badge", "answer", "held") and not cell.told:
        return "no answer"
    return None


@pytest.mark.parametrize("cell", CELLS, ids="-".join)
def test_a_cell_does_what_its_row_says(cell):
    come_to = Way(*cell).go()
    assert come_to is not None, "the way leads elsewhere"
    assert find_difference(come_to) is None


@pytest.mark.parametrize(
    ("method", "cell"),
    [
        ("record_refused", ("over_key", "badge", "O")),
        ("record_ending", ("ends", "badge", "O")),
        ("alarm_motion", ("alarm_motion", "tick", "P")),
    ],
)
def test_an_effect_that_journals_nothing_is_seen(monkeypatch, method, cell):
    monkeypatch.setitem(effects._METHODS, method, lambda effects, decision, cause: None)
    assert find_difference(Way(*cell).go()) == "the journal"


@pytest.mark.parametrize("pulse", ["unlock", "lock"])
def test_a_pulse_that_is_left_out_is_seen(pulse):
    way = Way("starts" if pulse == "unlock" else "ends", "badge", "P" if pulse == "unlock" else "O")

    async def idle():
        pass

    setattr(way.box.parts.doors, pulse, idle)
    assert find_difference(way.go()) == "the doors"


def test_an_answer_that_is_not_played_is_seen():
    way = Way("several", "badge", "O")
    way.box.access.effects._play = lambda signal: None
    assert find_difference(way.go()) == "light and sound"


@pytest.fixture(scope="module")
def walked():
    return walk()


def test_the_document_is_what_the_cells_show(walked):
    assert PATH.read_text(encoding="utf-8") == make(walked), "run python tests/write_access_document.py"


def test_the_console_says_every_record_of_every_cell_in_both_languages(walked):
    for cell in walked:
        english, french = (read_lines(cell.records, language) for language in ("en", "fr"))
        assert len(english) == len(french) == len(cell.records)
        for said, dit in zip(english, french, strict=True):
            assert said != dit
            assert not re.search(r"\?|\bline\.|\bword\.|@|\{", said + dit), (cell.row, said, dit)


def test_what_a_badge_is_told_is_a_refusal_in_the_journal_and_in_the_console(walked):
    refused = [cell for cell in walked if cell.event in ("badge", "answer") and cell.refusal]
    assert refused
    for cell in refused:
        kind, payload = cell.records[0]
        assert (kind, payload[8]) == (codes.RECORD_REFUSED, cell.refusal)


def test_every_guard_is_explained():
    assert set(GUARDS) == {guard.lstrip("!") for row in ROWS for guard in row[3]}


def test_signals_differ_by_light_alone_and_an_answer_that_opens_differs_by_sound_alone():
    signals = list_signals()
    assert len({light for _, _, light, _, _ in signals}) == len(signals)
    opens = [sound for name, _, _, sound, _ in signals if name not in table.REFUSALS]
    assert len(set(opens)) == len(opens)
    refusals = [sound for name, _, _, sound, _ in signals if name in table.REFUSALS]
    assert all(sound.startswith("440 _ 440 _") for sound in refusals)
    assert not any(sound.startswith("440 _ 440") for sound in opens)


def test_every_case_of_real_life_names_rows_that_exist_and_a_scenario_that_runs():
    names = {row[0] for row in ROWS}
    folder = Path(__file__).parent
    source = "".join(path.read_text(encoding="utf-8") for path in folder.glob("test_real_life*.py"))
    for case, _, rows, scenario in CASES:
        assert set(rows.split()) <= names, case
        assert f"def {scenario}(" in source, case
