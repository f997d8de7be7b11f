"""The table of states: by exhaustion over all a row can ask; the same sweep must catch broken tables."""

import itertools
import json
import re
from pathlib import Path

import pytest
from box.access import rights, table
from box.access.machine import Facts, choose_target, handle
from box.access.places import ELSEWHERE, UNKNOWN
from box.protocols import codes
from support_access_sweep import (
    ASKING,
    DRIVING,
    ENDING,
    EVENTS,
    OPEN,
    PARKED,
    ROWS,
    STOPOVER,
    find_violation,
    list_cells,
)

CODES = json.loads((Path(__file__).parents[2] / "vectors" / "codes.json").read_text())


def test_no_situation_breaks_a_rule():
    assert find_violation(ROWS) is None


def without_guard(name, guard):
    return tuple(
        (row[0], row[1], row[2], tuple(g for g in row[3] if g != guard), *row[4:]) if row[0] == name else row
        for row in ROWS
    )


def without_row(name):
    return tuple(row for row in ROWS if row[0] != name)


def with_effects(name, *effects):
    return tuple((*row[:5], effects, row[6]) if row[0] == name else row for row in ROWS)


BROKEN = {
    "a takeover with a door open": without_row("over_door"),
    "a takeover with the ignition just off": without_row("over_ignition"),
    "a takeover without the key": without_row("over_key"),
    "a remote lock with a door open": without_row("lock_door"),
    "a remote end with a door open": without_row("end_door"),
    "a relock with a door open": without_guard("relock", "!door_open"),
    "no taking back": without_row("taken_back"),
    "no resuming": without_row("resumes"),
    "no way in after a remote lock": without_row("reopened"),
    "a start on a full journal": without_row("full"),
    "any badge starts": without_guard("starts", "valid"),
    "a badge acts while driving": without_row("ignored"),
    "a remote end while driving": without_row("end_driving"),
    "service ends a session": with_effects("service", "end_badge", "unlock", "allow"),
    "an inhibit in an open car": with_effects("starts", "start", "unlock", "inhibit"),
    "a silent refusal": without_row("refused"),
    "a takeover that does not end the session before": with_effects("over", "start", "unlock", "allow"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_the_sweep_catches(name):
    assert find_violation(BROKEN[name]) is not None


def test_every_row_can_be_reached():
    assert {row for row, _, _ in list_cells()} == {row[0] for row in ROWS}


def test_the_docstring_names_every_row_once_and_no_other():
    text = table.__doc__.split("a test holds this list to the rows:")[1]
    named = [name for line in text.splitlines() for name in re.split(r"\s{2,}", line.strip())[-1].split()]
    assert sorted(named) == sorted(row[0] for row in ROWS)


def test_no_events_name_lies_within_another_for_rows_name_theirs_in_one_text():
    assert not [(name, other) for name in EVENTS for other in EVENTS if name != other and name in other]
    for event in EVENTS:
        rows = list(table.iterate(event))
        assert rows == [row for row in ROWS if event in row[2].split(",")]


def test_letters_refusals_and_commands_stand_at_their_codes():
    assert {name: table.LETTERS.index(name[0].upper()) for name in CODES["state"]} == CODES["state"]
    assert {name: code for code, name in enumerate(table.REFUSALS) if name} == CODES["refusal"]
    assert {name: code for code, name in enumerate(table.COMMANDS) if name} == CODES["command"]


def test_of_what_nothing_is_known_all_is_off_absent_and_settled():
    facts = Facts()
    assert {name: value for name, value in vars(facts).items() if value} == {
        "contact": codes.CONTACT_ALLOW,
        "settled": True,
    }
    fresh = dict(vars(facts))
    for name in fresh:
        setattr(facts, name, "known")
    facts.clear()
    assert vars(facts) == fresh
    assert facts.state == PARKED
    assert {guard.lstrip("!") for row in ROWS for guard in row[3]} <= set(vars(facts.derive()))


def badge(state, badge_class, **values):
    """Return the row that answers a badge."""
    facts = Facts()
    facts.state = state
    facts.badge_class = badge_class
    for name, value in values.items():
        assert hasattr(facts, name)
        setattr(facts, name, value)
    return handle("badge", facts.derive())


# The rules in words, each with the rows' answer: (state, class, facts) -> (row, next state)
EXPECTED = [
    (DRIVING, rights.SESSION, {}, "ignored", DRIVING),
    (DRIVING, rights.SESSION, {"standing": True}, "left_on", DRIVING),
    (DRIVING, rights.STARTED, {"standing": True}, "left_on_other", DRIVING),
    (ASKING, rights.NOT, {"bag": True}, "bag", PARKED),
    (PARKED, rights.SERVICE, {"journal_full": True}, "service_starts", OPEN),
    (OPEN, rights.SERVICE, {}, "service", OPEN),
    (STOPOVER, rights.SERVICE, {}, "service", STOPOVER),
    (STOPOVER, rights.SERVICE, {"service_here": True}, "service_leaves", STOPOVER),
    (PARKED, rights.STARTED, {}, "starts", OPEN),
    (PARKED, rights.VALID, {"battery_low": True}, "starts_low", OPEN),
    (PARKED, rights.VALID, {"journal_full": True}, "full", PARKED),
    (PARKED, rights.NOT, {"link_may_answer": True, "refusal": 2}, "asks", ASKING),
    (PARKED, rights.NOT, {"refusal": 2}, "refused", PARKED),
    (PARKED, rights.NOT, {"link_may_answer": True, "refusal": 14}, "refused", PARKED),
    (PARKED, rights.NOT, {"bag": True}, "bag", PARKED),
    (PARKED, rights.STARTED, {"bag": True}, "bag", PARKED),
    (PARKED, rights.STARTED, {"bag": True, "bag_opened": True}, "starts", OPEN),
    (ASKING, rights.VALID, {}, "starts", OPEN),
    (OPEN, rights.SESSION, {"door_open": True}, "door_open", OPEN),
    (OPEN, rights.SESSION, {"key_missing": True}, "key_missing", OPEN),
    (OPEN, rights.SESSION, {"key_missing": True, "insisted": True}, "ends", ENDING),
    (OPEN, rights.SESSION, {"place": 3}, "ends", ENDING),
    (OPEN, rights.SESSION, {"place": UNKNOWN}, "ends", ENDING),
    (OPEN, rights.SESSION, {"place": ELSEWHERE}, "stops_over", STOPOVER),
    (OPEN, rights.SESSION, {"place": 3, "allowed_place": 4}, "stops_over", STOPOVER),
    (OPEN, rights.SESSION, {"place": 3, "allowed_place": 3}, "ends", ENDING),
    (OPEN, rights.SESSION, {"place": UNKNOWN, "allowed_place": 3}, "ends", ENDING),
    (OPEN, rights.SESSION, {"place": ELSEWHERE, "session_kind": 3}, "ends", ENDING),
    (OPEN, rights.SESSION, {"settled": False}, "again_open", OPEN),
    (STOPOVER, rights.SESSION, {"settled": False}, "again_stopover", STOPOVER),
    (ENDING, rights.SESSION, {}, "taken_back", OPEN),
    (ENDING, rights.SESSION, {"settled": False}, "again_ending", ENDING),
    (ENDING, rights.VALID, {}, "follows", OPEN),
    (ENDING, rights.SERVICE, {}, "follows", OPEN),
    (STOPOVER, rights.SESSION, {}, "resumes", OPEN),
    (STOPOVER, rights.STARTED, {"kl15": False, "kl15_off_ms": 120_000}, "over", OPEN),
    (OPEN, rights.STARTED, {"kl15": False, "kl15_off_ms": 119_999}, "over_ignition", OPEN),
    (OPEN, rights.STARTED, {"door_open": True}, "over_door", OPEN),
    (OPEN, rights.VALID, {}, "held", OPEN),
    (OPEN, rights.NOT, {"refusal": 1}, "stranger", OPEN),
    (OPEN, rights.SEVERAL, {}, "several", OPEN),
]


@pytest.mark.parametrize(("state", "badge_class", "values", "row", "after"), EXPECTED)
def test_a_badge_gets_the_answer_of_the_design(state, badge_class, values, row, after):
    decision = badge(state, badge_class, **values)
    assert (decision.row, decision.state) == (row, after)


@pytest.mark.parametrize("refusal", range(1, len(table.REFUSALS)))
def test_a_badge_that_is_refused_is_told_the_reason_that_was_found(refusal):
    decision = badge(PARKED, rights.NOT, refusal=refusal)
    assert (decision.signal, decision.refusal) == (table.REFUSALS[refusal], refusal)
    assert badge(PARKED, rights.STARTED).refusal == 0


def derive(**values):
    facts = Facts()
    for name, value in values.items():
        assert hasattr(facts, name)
        setattr(facts, name, value)
    return facts.derive()


@pytest.mark.parametrize(
    ("word", "limit_ms"),
    [("ignition_off_minute", 60_000), ("ignition_off_long", 120_000), ("stopped", 2_000)],
)
@pytest.mark.parametrize("kl15", [None, False, True])
def test_a_time_off_counts_to_the_millisecond_and_only_while_the_ignition_is_known_to_be_off(
    word, limit_ms, kl15
):
    for off_ms in (limit_ms - 1, limit_ms, limit_ms + 1):
        assert getattr(derive(kl15=kl15, kl15_off_ms=off_ms), word) is (kl15 is False and off_ms >= limit_ms)


@pytest.mark.parametrize("motion", [codes.MOTION_UNKNOWN, codes.MOTION_STILL, codes.MOTION_MOVING])
@pytest.mark.parametrize("carried", [False, True])
def test_still_is_a_proof_of_standstill_of_a_car_that_is_not_carried(motion, carried):
    assert derive(motion=motion, carried=carried).still is (motion == codes.MOTION_STILL and not carried)


def tick(state, **values):
    facts = Facts()
    facts.state = state
    for name, value in values.items():
        assert hasattr(facts, name)
        setattr(facts, name, value)
    decision = handle("tick", facts.derive())
    return decision.row if decision else None


def test_driving_is_a_session_with_ignition_wheels_or_engine():
    for state, row in ((OPEN, "drives"), (STOPOVER, "drives_on"), (ENDING, "driven_off")):
        assert tick(state, kl15=True) == row
        assert tick(state, kl15=False, is_running=True) == row
        assert tick(state, kl15=False) is None
        assert tick(state, kl15=None) is None


def test_an_inhibited_car_is_not_driven_off_by_its_ignition_alone():
    for state in (STOPOVER, ENDING):
        assert tick(state, kl15=True, contact=codes.CONTACT_INHIBIT) is None
        assert tick(state, kl15=True, contact=codes.CONTACT_INHIBIT, is_running=True) is not None


def test_a_drive_ends_with_the_ignition_off_for_two_seconds_and_nothing_turning():
    assert tick(DRIVING, kl15=None) is None
    assert tick(DRIVING, kl15=True) is None
    assert tick(DRIVING, kl15=False, kl15_off_ms=1999) is None
    assert tick(DRIVING, kl15=False, kl15_off_ms=2000, is_running=True) is None
    assert tick(DRIVING, kl15=False, kl15_off_ms=2000) == "stops"


def test_a_car_is_ended_as_forgotten_only_shut_off_and_at_a_known_allowed_place():
    right = {"past_end": True, "kl15": False, "kl15_off_ms": 0, "place": 3}
    assert tick(OPEN, **right) == "forgotten"
    for wrong in (
        {"past_end": False},
        {"kl15": None},
        {"place": UNKNOWN},
        {"place": ELSEWHERE},
        {"door_open": True},
    ):
        assert tick(OPEN, **{**right, **wrong}) is None
    assert tick(OPEN, **right, allowed_place=4) is None


def test_motion_or_ignition_without_a_session_alarms_once_and_is_never_driving():
    assert tick(PARKED, kl15=True) == "alarm_ignition"
    assert tick(PARKED, kl15=False, moved=True) == "alarm_motion"
    assert tick(PARKED, kl15=True, alarmed=True) is None
    assert tick(PARKED, kl15=True, garage=True) is None


def test_the_relays_target_follows_the_state():
    for garage, service in itertools.product((False, True), repeat=2):
        for state in (OPEN, DRIVING):
            assert choose_target(state, garage, service)[0] == codes.CONTACT_ALLOW
        assert choose_target(ENDING, garage, service)[0] == codes.CONTACT_INHIBIT
        assert choose_target(STOPOVER, garage, service)[0] == (
            codes.CONTACT_ALLOW if service else codes.CONTACT_INHIBIT
        )
        for state in (PARKED, ASKING):
            assert choose_target(state, garage, service)[0] == (
                codes.CONTACT_ALLOW if garage else codes.CONTACT_INHIBIT
            )
