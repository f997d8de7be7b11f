"""Every situation the access table can tell apart, and the rules that no answer may break."""

import itertools

from box.access import rights, table
from box.access.machine import Facts, handle
from box.protocols import codes

ROWS = tuple(table.iterate())
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


def list_cells():
    """Return `(row, event, state)` for every row, event and state that some situation brings together."""
    found = set()
    for state, event in itertools.product(STATES, EVENTS):
        if event == "answer" and state != ASKING:
            continue
        for facts in every_situation(state, event, ROWS):
            decision = handle(event, facts)
            if decision:
                found.add((decision.row, event, table.LETTERS[state]))
    order = [row[0] for row in ROWS]
    return sorted(found, key=lambda cell: (order.index(cell[0]), cell[1], table.LETTERS.index(cell[2])))
