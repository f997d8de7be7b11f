"""The reservations kept in memory: which are known from when until when, and when they are read again."""

import pytest
from box.protocols import authorisation
from box.storage.window import Window

HOLDS = 64
FROM_S = 1000
DAY = 86_400


def reservation(number: int, start_s: int, end_s: int, kind: int = 1) -> bytes:
    return authorisation.pack((b"badge-no", number, start_s, end_s, kind, 0, 0))


def in_a_row(count: int, first: int = 1) -> list[bytes]:
    """One after the other, 100 s each, the first at FROM_S + 100."""
    return [
        reservation(number, FROM_S + number * 100, FROM_S + number * 100 + 100)
        for number in range(first, first + count)
    ]


def read(entries: list[bytes], from_s: int = FROM_S) -> Window:
    window = Window()
    for _ in window.read(from_s, entries):
        pass
    return window


def ids(window: Window, start_s: int, end_s: int) -> list[int] | None:
    found = window.get_between(start_s, end_s)
    return None if found is None else [entry[1] for entry in found]


def test_before_it_is_read_nothing_is_known_and_reading_is_due():
    assert Window().get_between(5, 6) is None
    assert Window().is_due(5)


@pytest.mark.parametrize(("span", "is_known"), [((999, 1001), False), ((1000, 1001), True)])
def test_it_knows_from_the_moment_it_was_read_for(span, is_known):
    assert (ids(read(in_a_row(3)), *span) is not None) == is_known


@pytest.mark.parametrize(
    ("count", "until_s"), [(HOLDS, 0xFFFFFFFF), (HOLDS + 1, FROM_S + 65 * 100), (1000, FROM_S + 65 * 100)]
)
def test_it_holds_64_and_of_more_it_knows_those_that_start_before_the_first_it_does_not_hold(count, until_s):
    for entries in (in_a_row(count), in_a_row(count)[::-1]):
        window = read(entries)
        assert ids(window, FROM_S, until_s) == list(range(1, HOLDS + 1))
        assert ids(window, FROM_S, until_s + 1) is None
        assert len(window._entries) == HOLDS * 24


def test_several_that_start_together_where_it_is_full_are_left_out_together():
    last = [reservation(100 + more, FROM_S + 6400, FROM_S + 6500) for more in range(3)]
    window = read(in_a_row(63) + last)
    assert ids(window, FROM_S, FROM_S + 6400) == list(range(1, 64))
    assert ids(window, FROM_S, FROM_S + 6401) is None


def test_what_has_ended_takes_no_room_and_what_is_no_reservation_neither():
    over = [reservation(200 + more, 5, FROM_S) for more in range(70)]
    others = [reservation(300 + more, FROM_S, FROM_S + 5, kind=2 + more % 2) for more in range(70)]
    assert ids(read(over + others + in_a_row(HOLDS)), FROM_S, 0xFFFFFFFF) == list(range(1, HOLDS + 1))


def test_a_reservation_with_many_badges_takes_the_room_of_one_and_overlap_is_half_open():
    window = read([reservation(7, 2000, 3000)] * 70 + [reservation(8, 3000, 3001)])
    spans = [(1999, 2000), (1999, 2001), (2999, 3000), (3000, 3001), (3001, 9999)]
    assert [ids(window, *span) for span in spans] == [[], [7], [7], [8], []]


@pytest.mark.parametrize(
    ("first_unheld_s", "now_s", "is_due"),
    [
        (None, FROM_S - 1, True),
        (None, FROM_S, False),
        (None, FROM_S + 400 * DAY, False),
        (DAY, FROM_S + 3599, False),
        (DAY, FROM_S + 3600, True),
        (DAY + 3600, FROM_S + 3600, False),
        (DAY + 3599, FROM_S + 3600, True),
        (3 * DAY, FROM_S + 2 * DAY, False),
        (3 * DAY, FROM_S + 2 * DAY + 1, True),
    ],
)
def test_it_is_read_again_where_time_fell_back_or_less_than_a_day_is_known_but_not_more_than_hourly(
    first_unheld_s, now_s, is_due
):
    entries = in_a_row(HOLDS)
    if first_unheld_s is not None:
        entries.append(reservation(999, FROM_S + first_unheld_s, FROM_S + first_unheld_s + 100))
    assert read(entries).is_due(now_s) is is_due


@pytest.mark.parametrize(("count", "pauses"), [(159, 0), (160, 1), (319, 1), (320, 2), (479, 2), (480, 3)])
def test_a_step_reads_160_entries(count, pauses):
    assert len(list(Window().read(FROM_S, in_a_row(count)))) == pauses
