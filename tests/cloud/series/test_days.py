"""Which days a rule means, and the instants on each: both changes of the clock, a leap day, another zone,
over midnight, holidays."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from glovebox.errors import Invalid
from glovebox.policies.opening import Calendar
from glovebox.series.days import OCCURRENCES, check_rule, instants, list_days
from glovebox.series.schemas import Rule
from hypothesis import given
from hypothesis import strategies as st

PARIS = Calendar(1, "Mairie", ZoneInfo("Europe/Paris"), holidays="FR")
TUESDAY, THURSDAY, SUNDAY = 1, 3, 6


def rule(first, last, *weekdays, starts=8 * 60, ends=12 * 60, **more):
    return Rule(frozenset(weekdays), date(*first), date(*last), starts, ends, **more)


def days(wanted, calendar=PARIS):
    return [day.isoformat() for day in list_days(wanted, calendar)[0]]


def local(day, starts, ends, calendar=PARIS):
    found = instants(date(*day), starts, ends, calendar)
    return [datetime.fromtimestamp(at, UTC).astimezone(calendar.zone).strftime("%d %H:%M") for at in found]


def test_each_tuesday_and_thursday_until_a_day_that_is_included():
    wanted = rule((2026, 3, 11), (2026, 3, 24), TUESDAY, THURSDAY)
    assert days(wanted) == ["2026-03-12", "2026-03-17", "2026-03-19", "2026-03-24"]


def test_public_holidays_and_days_left_out_are_not_among_them():
    wanted = rule((2026, 5, 7), (2026, 5, 28), THURSDAY, but=frozenset({date(2026, 5, 21)}))
    assert days(wanted) == ["2026-05-07", "2026-05-28"]
    assert list_days(wanted, PARIS)[1] == [date(2026, 5, 14)], "Ascension Day"
    assert days(rule((2026, 5, 7), (2026, 5, 28), THURSDAY, skips_holidays=False))[1] == "2026-05-14"


def test_every_second_week_counts_from_the_week_of_the_first_day():
    wanted = rule((2026, 3, 12), (2026, 4, 2), TUESDAY, THURSDAY, every_weeks=2)
    assert days(wanted) == ["2026-03-12", "2026-03-24", "2026-03-26"]


def test_a_leap_day_is_a_day_like_any_other():
    assert days(rule((2028, 2, 22), (2028, 3, 7), TUESDAY)) == ["2028-02-22", "2028-02-29", "2028-03-07"]


def test_local_time_is_kept_over_both_changes_of_the_clock():
    for first in ((2026, 3, 26), (2026, 10, 22)):
        wanted = rule(first, (date(*first) + timedelta(days=7)).timetuple()[:3], THURSDAY)
        found = [instants(day, 8 * 60, 12 * 60, PARIS) for day in list_days(wanted, PARIS)[0]]
        assert [end - start for start, end in found] == [4 * 3600, 4 * 3600]
        assert {abs(found[1][0] - found[0][0] - 7 * 86_400)} == {3600}
        assert [datetime.fromtimestamp(start, PARIS.zone).hour for start, _ in found] == [8, 8]


def test_an_hour_that_spring_leaves_out_moves_forward_and_one_that_comes_twice_is_its_first():
    assert local((2026, 3, 29), 150, 300) == ["29 03:30", "29 05:00"]
    assert local((2026, 10, 25), 150, 300) == ["25 02:30", "25 05:00"]
    start, end = instants(date(2026, 10, 25), 150, 300, PARIS)
    assert end - start == 3.5 * 3600, "the first half past two"
    with pytest.raises(Invalid, match="series_hour_missing"):
        instants(date(2026, 3, 29), 150, 180, PARIS)


def test_over_midnight_it_ends_on_the_next_day():
    assert local((2026, 3, 10), 22 * 60, 26 * 60) == ["10 22:00", "11 02:00"]
    assert local((2026, 3, 28), 22 * 60, 26 * 60) == ["28 22:00", "29 03:00"]


def test_the_clock_is_that_of_the_site():
    island = Calendar(2, "Fort-de-France", ZoneInfo("America/Martinique"))
    start, _ = instants(date(2026, 3, 10), 8 * 60, 12 * 60, island)
    assert start == datetime(2026, 3, 10, 12, 0, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (rule((2026, 3, 10), (2026, 3, 11)), "series_no_weekday"),
        (rule((2026, 3, 10), (2026, 3, 11), 7), "series_no_weekday"),
        (rule((2026, 3, 12), (2026, 3, 11), 1), "series_ends_before"),
        (rule((2026, 3, 1), (2026, 3, 20), 1), "series_too_far"),
        (rule((2026, 3, 12), (2029, 3, 20), 1), "series_too_far"),
        (rule((2026, 3, 12), (2026, 3, 20), 1, starts=600, ends=600), "end_before_start"),
        (rule((2026, 3, 12), (2026, 3, 20), 1, starts=600, ends=2041), "end_before_start"),
        (rule((2026, 3, 12), (2026, 3, 20), 1, starts=-1, ends=60), "end_before_start"),
        (rule((2026, 3, 12), (2026, 3, 20), 1, every_weeks=0), "number_out_of_range"),
    ],
)
def test_a_rule_that_means_nothing_or_too_much_is_refused(wanted, code):
    with pytest.raises(Invalid) as refused:
        check_rule(wanted, date(2026, 3, 10))
    assert refused.value.code == code


def test_more_than_two_hundred_are_refused_with_the_count():
    daily = rule((2026, 3, 10), (2026, 12, 31), *range(7), skips_holidays=False)
    with pytest.raises(Invalid) as refused:
        list_days(daily, PARIS)
    assert refused.value.values["count"] == 297 > OCCURRENCES


@given(
    day=st.dates(date(2026, 1, 1), date(2036, 12, 31)),
    starts=st.integers(0, 1439),
    length=st.integers(1, 1440),
    zone=st.sampled_from(["Europe/Paris", "America/Martinique", "Pacific/Noumea", "Indian/Reunion"]),
)
def test_an_occurrence_begins_on_its_day_and_lasts_as_the_clock_says(day, starts, length, zone):
    calendar = Calendar(1, "", ZoneInfo(zone))
    try:
        start, end = instants(day, starts, starts + length, calendar)
    except Invalid:
        assert zone == "Europe/Paris"
        return
    assert datetime.fromtimestamp(start, calendar.zone).date() == day
    assert abs(end - start - 60 * length) <= 3600
