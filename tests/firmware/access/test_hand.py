"""Which card of a hand is answered: exactly one right may be held to the box."""

import pytest
from box.access import rights
from box.access.hand import choose
from box.protocols import codes


def entry(number):
    return (b"", number, 0, 0, codes.AUTHORISATION_KIND_RESERVATION, 0, 0)


CARDS = {
    "driver": (rights.SESSION, None, 0),
    "second": (rights.SESSION, entry(1), 0),  # another badge of the session's right
    "other": (rights.STARTED, entry(1), 0),
    "others": (rights.STARTED, entry(1), 0),  # a second badge of the other's right
    "fitter": (rights.SERVICE, entry(2), 0),
    "stranger": (rights.NOT, None, codes.REFUSAL_UNKNOWN_BADGE),
    "late": (rights.NOT, entry(3), codes.REFUSAL_TOO_LATE),
    "early": (rights.NOT, entry(4), codes.REFUSAL_TOO_EARLY),
    "phone": None,
}
ALL_ANSWERED = (None, rights.NOT, None, 0)


def hold(new, lying="", only_unlocks=False):
    new = [(name, name == "phone") for name in new.split()]
    field = new + [(name, name == "phone") for name in lying.split()]
    return choose(new, field, CARDS.__getitem__, only_unlocks)


@pytest.mark.parametrize("name", [name for name in CARDS if name != "phone"])
def test_a_card_alone_is_answered_by_what_it_may(name):
    assert hold(name) == (name, *CARDS[name])


def test_a_number_made_up_by_a_phone_is_refused_as_such():
    assert hold("phone") == ("phone", rights.NOT, None, codes.REFUSAL_RANDOM_UID)


@pytest.mark.parametrize(
    ("new", "answered"),
    [
        ("stranger driver", "driver"),
        ("phone stranger fitter late", "fitter"),
        ("driver second", "second"),  # two badges of one right are one
        ("other others", "others"),
        ("stranger late", "late"),  # the reason that says more
        ("phone late", "late"),
        ("late stranger", "late"),
        ("late early", "late"),
        ("early late", "early"),
        ("phone stranger", "stranger"),
    ],
)
def test_of_several_cards_with_one_right_the_right_is_answered_and_else_the_reason_that_says_most(
    new, answered
):
    assert hold(new) == (answered, *CARDS[answered])


@pytest.mark.parametrize(
    ("new", "lying", "answered"),
    [
        ("stranger", "driver", None),  # the driver's was answered before
        ("late", "stranger", "late"),
        ("stranger", "late", "stranger"),  # only a new card is refused
        ("driver", "stranger", "driver"),
        ("second", "driver", "second"),
        ("", "driver second", None),
    ],
)
def test_a_card_that_lies_there_is_not_answered_again(new, lying, answered):
    assert hold(new, lying) == ((answered, *CARDS[answered]) if answered else ALL_ANSWERED)


def test_without_a_new_card_that_says_anything_nothing_is_answered():
    assert hold("", "stranger") == (None, rights.NOT, None, codes.REFUSAL_UNKNOWN_BADGE)


@pytest.mark.parametrize(
    ("new", "lying", "first"),
    [
        ("driver other", "", "driver"),
        ("other fitter", "", "other"),
        ("other", "driver", "other"),
        ("stranger", "driver other", "stranger"),
    ],
)
def test_two_rights_at_once_are_several_whichever_came_first(new, lying, first):
    assert hold(new, lying) == (first, rights.SEVERAL, None, 0)


@pytest.mark.parametrize(
    ("new", "lying", "opens"),
    [
        ("driver other", "", True),
        ("other driver", "", True),
        ("driver", "other", True),
        ("other", "driver", False),
        ("other fitter", "", False),
    ],
)
def test_where_it_can_only_open_the_sessions_badge_opens_beside_any_other(new, lying, opens):
    answer = ("driver", *CARDS["driver"]) if opens else (new.split()[0], rights.SEVERAL, None, 0)
    assert hold(new, lying, only_unlocks=True) == answer
