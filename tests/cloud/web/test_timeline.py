"""The day's grid: columns on every kind of day, and rows that are always full."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from glovebox.errors import Invalid
from glovebox.web.console_queries import Promise
from glovebox.web.timeline import COLUMNS, hour_labels, lay_out, make_day, make_week
from glovebox.web.times import midnight, read_wish, to_instant, usual_wish, wish_of
from hypothesis import given
from hypothesis import strategies as st

PARIS = ZoneInfo("Europe/Paris")
TUESDAY = date(2026, 3, 10)
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)


def promise(starts_at: int, ends_at: int) -> Promise:
    return Promise(1, 1, "AB", "S", 1, "O", 1, "N", starts_at, ends_at, "confirmed", False)


@pytest.mark.parametrize(("day", "hours"), [(TUESDAY, 24), (SPRING, 23), (AUTUMN, 25)])
def test_a_day_has_its_columns_whatever_the_clocks_do(day, hours):
    columns = make_day(day, PARIS)
    assert len(columns.edges) == COLUMNS + 1
    assert columns.ends_at - columns.starts_at == hours * 3600
    assert all(early < late for early, late in zip(columns.edges, columns.edges[1:], strict=False))
    nine = to_instant(day, "09:00", PARIS)
    assert columns.edges.index(nine) == 4 + 3 * 4


def test_the_header_covers_the_columns():
    assert sum(span for _text, span in hour_labels()) == COLUMNS


@pytest.mark.parametrize("day", [TUESDAY, SPRING, AUTUMN])
@given(data=st.data())
def test_a_row_is_always_full_and_shows_its_promises_in_order(day, data):
    columns = make_day(day, PARIS)
    edges = st.integers(columns.starts_at - 40_000, columns.ends_at + 40_000)
    points = sorted(data.draw(st.lists(edges, max_size=24, unique=True)))
    promises = [promise(start, end) for start, end in zip(points[::2], points[1::2], strict=False)]
    cells = lay_out(columns, promises)
    assert sum(cell.span for cell in cells) == COLUMNS
    assert all(cell.span > 0 for cell in cells)
    shown = [cell.promise for cell in cells if cell.promise]
    assert shown == [one for one in promises if one in shown]
    assert len(shown) == len({id(one) for one in shown})


def test_a_promise_of_a_few_minutes_and_its_neighbour_both_get_a_column():
    columns = make_day(TUESDAY, PARIS)
    ten = to_instant(TUESDAY, "10:00", PARIS)
    cells = lay_out(columns, [promise(ten, ten + 120), promise(ten + 120, ten + 3600)])
    assert [cell.span for cell in cells if cell.promise] == [1, 3]


def test_what_lasts_from_yesterday_to_tomorrow_fills_the_row():
    columns = make_day(TUESDAY, PARIS)
    cells = lay_out(columns, [promise(columns.starts_at - 1, columns.ends_at + 1)])
    assert [(cell.span, cell.promise is not None) for cell in cells] == [(COLUMNS, True)]


def test_a_gap_tells_when_the_car_is_free():
    columns = make_day(TUESDAY, PARIS)
    ten = to_instant(TUESDAY, "10:00", PARIS)
    before, _taken, after = lay_out(columns, [promise(ten, ten + 3600)])
    assert (before.starts_at, before.ends_at) == (columns.starts_at, ten)
    assert (after.starts_at, after.ends_at) == (ten + 3600, columns.ends_at)


def test_now_lies_where_it_is_and_on_no_other_day():
    columns = make_day(TUESDAY, PARIS)
    assert columns.position(to_instant(TUESDAY, "06:00", PARIS)) == 4
    assert columns.position(to_instant(TUESDAY, "06:07", PARIS)) == pytest.approx(4 + 7 / 15)
    assert columns.position(columns.ends_at) is None
    assert columns.position(columns.starts_at - 1) is None


@pytest.mark.parametrize(
    ("day", "clock"), [(SPRING, "02:30"), (TUESDAY, "25:00"), (TUESDAY, ""), (TUESDAY, "ten")]
)
def test_a_time_that_does_not_exist_is_refused(day, clock):
    with pytest.raises(Invalid):
        to_instant(day, clock, PARIS)


def test_an_hour_that_comes_twice_is_the_first():
    assert to_instant(AUTUMN, "02:30", PARIS) == midnight(AUTUMN, PARIS) + 9000


@given(st.integers(1_700_000_000, 2_200_000_000))
def test_a_forms_fields_say_the_interval_they_were_made_from(start):
    start -= start % 60
    wish = wish_of(start, start + 7200, PARIS)
    if wish.interval(PARIS) != (start, start + 7200):  # the second of two equal hours reads as the first
        assert midnight(wish.day, PARIS) + 86_400 != midnight(
            date.fromordinal(wish.day.toordinal() + 1), PARIS
        )


def test_the_usual_wish_begins_with_the_next_quarter_of_an_hour():
    wish = usual_wish(to_instant(TUESDAY, "09:40", PARIS), PARIS)
    assert (wish.start, wish.end, wish.day) == ("09:45", "11:45", TUESDAY)


@pytest.mark.parametrize(
    "typed",
    [{"day": "rubbish"}, {"day": "2026-13-01"}, {"day": "1999-01-01"}, {"day": "9999-12-31"}],
)
def test_a_day_that_is_none_is_refused(typed):
    with pytest.raises(Invalid):
        read_wish(typed, to_instant(TUESDAY, "09:40", PARIS), PARIS)


@pytest.mark.parametrize(
    ("first", "hours"), [(date(2026, 3, 9), 168), (date(2026, 3, 23), 167), (date(2026, 10, 19), 169)]
)
def test_a_week_has_a_column_every_two_hours_of_the_local_clock_whatever_the_clocks_do(first, hours):
    week = make_week(first, PARIS)
    assert week.columns == 7 * 12
    assert week.ends_at - week.starts_at == hours * 3600
    for number in range(7):
        day = date.fromordinal(first.toordinal() + number)
        for hour in (0, 4, 8, 22):
            at = to_instant(day, f"{hour:02}:00", PARIS)
            assert week.edges[number * 12 + hour // 2] == at


@given(st.data())
def test_a_week_row_is_full_too(data):
    week = make_week(date(2026, 3, 23), PARIS)
    edges = st.integers(week.starts_at - 40_000, week.ends_at + 40_000)
    points = sorted(data.draw(st.lists(edges, max_size=40, unique=True)))
    promises = [promise(start, end) for start, end in zip(points[::2], points[1::2], strict=False)]
    assert sum(cell.span for cell in lay_out(week, promises)) == week.columns
