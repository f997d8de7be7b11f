"""S8 by enumeration: every hand of cards, and every short life of a car; broken variants are caught."""

import inspect
import itertools
import types

import pytest
from box.access import controller, effects, hand, machine, rights, table
from box.protocols import codes
from support_access_life import STARTS, STEPS, find_violation

# --- hands of cards: kind -> (class, entry); two badges have the first reservation
RESERVATION = (b"", 17, 0, 0, 1, 0, 0)
KINDS = {
    "session": (rights.SESSION, None, 0),
    "same right": (rights.SESSION, RESERVATION, 0),
    "next": (rights.STARTED, (b"", 18, 0, 0, 1, 0, 0), 0),
    "service": (rights.SERVICE, (b"", 19, 0, 0, 3, 0, 0), 0),
    "too early": (rights.NOT, None, codes.REFUSAL_TOO_EARLY),
    "unknown": (rights.NOT, None, codes.REFUSAL_UNKNOWN_BADGE),
    "random": None,
}


def every_hand():
    """Yield `(new, field)` of up to three cards, at least one of them new."""
    for count in (1, 2, 3):
        for kinds in itertools.permutations(KINDS, count):
            field = [(kind, kind == "random") for kind in kinds]
            for news in itertools.product((True, False), repeat=count):
                if any(news):
                    yield [card for card, is_new in zip(field, news, strict=True) if is_new], field


def judge_hand(choose, new, field, only_unlocks):
    """Return what is wrong with the choice, or None."""
    badge, badge_class, _, refusal = choose(new, field, KINDS.get, only_unlocks)
    held = {kind: KINDS[kind] for kind, is_random in field if not is_random}
    valid = [kind for kind, found in held.items() if found[0] != rights.NOT]
    right_of = {"session": "mine", "same right": "mine", "next": "next", "service": "service"}
    held_rights = {right_of[kind] for kind in valid}
    new_kinds = [kind for kind, _ in new]
    mine_is_new = any(right_of.get(kind) == "mine" for kind in new_kinds)
    if badge is None:
        return "no answer" if not valid or any(kind in valid for kind in new_kinds) else None
    if badge not in new_kinds:
        return "an old card acts"
    if not valid:
        says_more = "too early" in new_kinds
        return "the better reason is not told" if says_more and refusal != codes.REFUSAL_TOO_EARLY else None
    if only_unlocks and mine_is_new:
        return None if badge_class == rights.SESSION else "the session's badge does not open"
    if len(held_rights) > 1:
        return None if badge_class == rights.SEVERAL else "one of two rights acts"
    return None if badge_class == KINDS[valid[0]][0] else "the only right does not act"


def find_wrong_hand(choose):
    for only_unlocks in (False, True):
        for new, field in every_hand():
            wrong = judge_hand(choose, new, field, only_unlocks)
            if wrong:
                return wrong, new, field
    return None


def vary(module, right, wrong):
    """Return the module with a piece of its source replaced."""
    source = inspect.getsource(module)
    assert source.count(right) == 1, right
    varied = types.ModuleType(module.__name__)
    varied.__package__ = module.__package__
    exec(compile(source.replace(right, wrong), module.__file__, "exec"), vars(varied))
    return varied


def test_every_hand_of_cards_gets_the_right_answer():
    assert find_wrong_hand(hand.choose) is None


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("return refused", "return None, rights.NOT, None, 0"),
        ("and is_new and only_unlocks", "and is_new and False"),
        ("and is_new and only_unlocks", "and only_unlocks"),
        ("if len(authorised) > 1:", "if len(authorised) > 2:"),
        ("return answer if is_new else", "return answer if True else"),
        ("and refused[3] in _NOBODY", ""),
        ("if card in new:", "if False:"),
        ("if other[0] == right:", "if False:"),
    ],
)
def test_a_wrong_choice_is_caught(right, wrong):
    assert find_wrong_hand(vary(hand, right, wrong).choose) is not None


# --- lives
def find_first(length, access_class=None, starts=STARTS):
    for start in starts:
        for steps in itertools.product(STEPS, repeat=length):
            broken = find_violation(start, steps, access_class)
            if broken:
                return start, steps, broken
    return None


@pytest.mark.parametrize("start", STARTS)
def test_nobody_is_left_without_an_answer_or_his_car_by_any_two_steps(start):
    assert find_first(2, starts=(start,)) is None


def is_caught(start, steps, access_class=None):
    """Return whether a life of the sweep breaks a promise."""
    assert start in STARTS
    assert len(steps) <= 2
    assert set(steps) <= set(STEPS)
    return find_violation(start, steps, access_class) is not None


@pytest.mark.parametrize(
    ("right", "wrong", "start", "steps"),
    [
        ("            and not session.garage  # who works on it has no badge\n", "", "garage", ("while",)),
        ('if "start_by_command" in decision.effects:', "if True:", "remote", ("while",)),
        ("            field = new\n", "            pass\n", "open", ("leave", "stranger")),
        ("self._badge_only_unlocks())", "False)", "stopover", ("wallet",)),
    ],
)
def test_a_broken_controller_is_caught(right, wrong, start, steps):
    assert not is_caught(start, steps)
    assert is_caught(start, steps, vary(controller, right, wrong).Access)


def test_a_bag_that_nobody_gets_is_caught(monkeypatch):
    monkeypatch.setattr(effects.Effects, "is_bag_time", lambda self, badge, ago_s: False)
    assert is_caught("ended", ("revoked",))


def broken_table(monkeypatch, name, column, old, new):
    lines = table.TABLE.split("\n")
    at = next(at for at, line in enumerate(lines) if line.split(" ")[0] == name)
    words = lines[at].split()
    assert old in words[column]
    words[column] = words[column].replace(old, new)
    lines[at] = " ".join(words)
    monkeypatch.setattr(table, "TABLE", "\n".join(lines))
    ticks = tuple((row[0], row[1], row[3]) for row in table.iterate("tick"))
    monkeypatch.setattr(machine, "_TICKS", ticks)


@pytest.mark.parametrize(
    ("name", "column", "old", "new", "start", "steps"),
    [
        ("resumes", 1, "S", "D", "stopover", ("moment",)),
        ("resumes", 5, "unlock,", "", "stopover", ("moment",)),
        ("taken_back", 5, "unlock,allow", "allow", "ending", ("moment",)),
        ("again_open", 6, "welcome", "-", "parked", ("driver", "driver")),
        ("again_stopover", 6, "stopover", "-", "stopover", ("reset", "driver")),
        ("left_on", 5, ",unlock", "", "open", ("lock", "ignition")),
        ("ignored", 6, "ignored", "-", "driving", ("next",)),
        ("lock_door", 1, "*", "D", "open", ("door", "lock")),
        ("stranger", 6, "?", "-", "open", ("stranger",)),
        ("reopened", 1, "O", "D", "open", ("lock",)),
    ],
)
def test_a_broken_table_is_caught(monkeypatch, name, column, old, new, start, steps):
    assert not is_caught(start, steps)
    broken_table(monkeypatch, name, column, old, new)
    assert is_caught(start, steps)
