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

ROWS = tuple(table.iterate())
CODES = json.loads((Path(__file__).parents[2] / "vectors" / "codes.json").read_text())
STATES = range(6)
PARKED, ASKING, OPEN, DRIVING, STOPOVER, ENDING = STATES
EVENTS = ["badge", "answer", "tick", "held", *table.COMMANDS[1:]]


def list_guards(state, event, rows):
    """Return the guards that rows for this state and event look at."""
    letter = table.LETTERS[state]
    names = set()
    for _, states, events, guards, *_ in rows:
        if (states == "*" or letter in states) and event in events:
            names |= {guard.lstrip("!") for guard in guards}
    return sorted(names)


def every_situation(state, event, rows):
    """Yield facts for all that the rows can see; badge classes and ignitions exclude each other."""
    badge_words = {"several", "session_badge", "service", "started", "valid", "may_start"}
    ignition_words = {"ignition_on", "ignition_off", "ignition_off_minute", "ignition_off_long"}
    names = list_guards(state, event, rows)
    free = [name for name in names if name not in badge_words | ignition_words]
    for always in (
        "door_open",
        "garage",
        "standing",
    ):  # looked at by the rules below, whatever the rows look at
        if always not in free:
            free.append(always)
    badges = range(6) if event in ("badge", "answer", "held") else [rights.NOT]
    ignitions = [(True, 0), (None, 0), (False, 0), (False, 60_000), (False, 120_000)]
    if not ignition_words & set(names):
        ignitions = [(False, 120_000)]
    for badge_class, (kl15, off_ms) in itertools.product(badges, ignitions):
        for values in itertools.product((False, True), repeat=len(free)):
            facts = Facts()
            facts.state = state
            facts.badge_class = badge_class
            facts.refusal = codes.REFUSAL_TOO_EARLY
            facts.kl15, facts.kl15_off_ms = kl15, off_ms
            facts.derive()
            for name, value in zip(free, values, strict=True):
                setattr(facts, name, value)
            yield facts


def check(event, facts, decision):
    """Return which rule the decision breaks, or None."""
    state, badge_class = facts.state, facts.badge_class
    effects = decision.effects if decision else ()
    after = decision.state if decision else state
    ends = [effect for effect in effects if effect.startswith("end_")]
    starts = [effect for effect in effects if effect.startswith("start")]
    inhibits = [effect for effect in effects if effect.startswith("inhibit")]
    if inhibits and (state == DRIVING or after in (OPEN, DRIVING)):
        return "S1: inhibit in a session that drives or may drive"
    if state == DRIVING and (ends or after not in (DRIVING, OPEN)):
        return "S1: driving ends in nothing but open"
    allowed = {"record_ignored"}
    if facts.standing:
        allowed = {"record_refused", "unlock"} if badge_class == rights.SESSION else {"record_refused"}
    if state == DRIVING and event == "badge" and not set(effects) <= allowed:
        return "a badge while driving does something"
    if after == DRIVING and state in (PARKED, ASKING):
        return "parked becomes driving without a session"
    if "lock" in effects and event != "badge" and facts.door_open:
        return "S8: locked with a door open by itself or from afar"
    if (
        event == "badge"
        and badge_class == rights.SESSION
        and facts.settled
        and (state in (STOPOVER, ENDING) or (state == OPEN and facts.locked))
        and ("unlock" not in effects or "allow" not in effects or after != OPEN)
    ):
        return "S8: the session's badge does not unlock"
    if event == "badge" and badge_class == rights.SERVICE and state in (OPEN, STOPOVER) and ends:
        return "a service badge ends a driver's session"
    if (
        badge_class == rights.SERVICE
        and event == "badge"
        and state in (PARKED, OPEN)
        and "unlock" not in effects
    ):
        return "a service badge does not unlock"
    if starts and event in ("badge", "answer"):
        if badge_class not in (rights.VALID, rights.STARTED, rights.SERVICE):
            return "a session starts without a right"
        if badge_class != rights.SERVICE and facts.journal_full:
            return "a session starts on a full journal"
        if state in (OPEN, STOPOVER) and (
            badge_class != rights.STARTED or facts.door_open or facts.key_missing
        ):
            return "a takeover without its guards"
        if state in (OPEN, STOPOVER) and not facts.ignition_off_long:
            return "a takeover with the ignition just off"
    if starts and state not in (PARKED, ASKING) and not ends:
        return "a session starts over another"
    if (after in (OPEN, DRIVING, STOPOVER, ENDING)) != (
        (state in (OPEN, DRIVING, STOPOVER, ENDING) and not ends) or bool(starts)
    ):
        return "state and session disagree"
    if (
        decision
        and decision.refusal
        and any(e in effects for e in ("allow", "inhibit", "lock", *starts, *ends))
    ):
        return "a refusal does something"
    if event == "badge" and decision is None:
        return "a badge without an answer"
    if event == "badge" and decision.signal == "-":
        return "a badge without light and sound"
    if event in table.COMMANDS and decision is None:
        return "a command without an answer"
    if event == "track" and not decision.refusal:
        return "tracking is pretended"
    return None


def find_violation(rows):
    """Return the first situation in which a table breaks a rule, or None."""
    for state, event in itertools.product(STATES, EVENTS):
        if event == "answer" and state != ASKING:
            continue  # answers to a question that is not asked any more are dropped before
        for facts in every_situation(state, event, ROWS):
            broken = check(event, facts, handle(event, facts, rows))
            if broken:
                return state, event, broken
    return None


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
    reached = set()
    for state, event in itertools.product(STATES, EVENTS):
        for facts in every_situation(state, event, ROWS):
            decision = handle(event, facts)
            if decision:
                reached.add(decision.row)
    assert reached == {row[0] for row in ROWS}


def test_the_docstring_names_every_row_once_and_no_other():
    text = table.__doc__.split("a test holds this list to the rows:")[1]
    named = [name for line in text.splitlines() for name in re.split(r"\s{2,}", line.strip())[-1].split()]
    assert sorted(named) == sorted(row[0] for row in ROWS)


def test_letters_refusals_and_commands_stand_at_their_codes():
    assert {name: table.LETTERS.index(name[0].upper()) for name in CODES["state"]} == CODES["state"]
    assert {name: code for code, name in enumerate(table.REFUSALS) if name} == CODES["refusal"]
    assert {name: code for code, name in enumerate(table.COMMANDS) if name} == CODES["command"]


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
    (OPEN, rights.SESSION, {"place": ELSEWHERE, "session_kind": 3}, "ends", ENDING),
    (OPEN, rights.SESSION, {"settled": False}, "again_open", OPEN),
    (STOPOVER, rights.SESSION, {"settled": False}, "again_stopover", STOPOVER),
    (ENDING, rights.SESSION, {}, "taken_back", OPEN),
    (ENDING, rights.SESSION, {"settled": False}, "again_ending", ENDING),
    (ENDING, rights.VALID, {}, "follows", OPEN),
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
