"""When a site is open: weekly hours, nights, closed days, holidays, both changes of the clock, other
zones."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from glovebox.policies.opening import Calendar, local_instant, next_week_start, public_holidays, week_start
from glovebox.policies.schemas import Closure, DayHours
from hypothesis import given
from hypothesis import strategies as st

PARIS, REUNION = ZoneInfo("Europe/Paris"), ZoneInfo("Indian/Reunion")
H = 60
WEEKDAYS = tuple(DayHours(day, 8 * H, 18 * H) for day in range(5))
FRIDAY_NIGHT = (DayHours(4, 18 * H, 26 * H),)


def at(text, zone=PARIS):
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp())


def calendar(hours=WEEKDAYS, closures=(), holidays="", zone=PARIS):
    return Calendar(1, "Mairie", zone, tuple(hours), tuple(closures), holidays)


@pytest.mark.parametrize(
    ("text", "may_start", "may_end"),
    [
        ("2026-03-10 07:59", False, False),
        ("2026-03-10 08:00", True, True),
        ("2026-03-10 17:58", True, True),
        ("2026-03-10 18:00", False, True),
        ("2026-03-10 18:01", False, False),
        ("2026-03-14 12:00", False, False),
    ],
)
def test_a_car_is_fetched_while_open_and_comes_back_until_closing_time(text, may_start, may_end):
    assert (calendar().may_start(at(text)), calendar().is_open(at(text))) == (may_start, may_end)


def test_a_site_with_nothing_laid_down_never_closes():
    always = calendar(hours=())
    assert always.never_closes
    for text in ("2026-03-10 00:00", "2026-03-15 23:59", "2026-12-25 03:00", "2026-03-29 02:30"):
        assert always.may_start(at(text))


def test_hours_over_midnight_belong_to_the_evening():
    night = calendar(FRIDAY_NIGHT)
    assert night.is_open(at("2026-03-13 23:59"))
    assert night.is_open(at("2026-03-14 00:00"))
    assert night.is_open(at("2026-03-14 02:00"))
    assert not night.is_open(at("2026-03-14 02:01"))
    assert not night.is_open(at("2026-03-13 01:00"))
    assert night.next_opening(at("2026-03-14 02:01")) == at("2026-03-20 18:00")
    assert night.last_closing(at("2026-03-15 12:00")) == at("2026-03-14 02:00")


def test_a_closed_day_does_not_cut_the_night_before_but_takes_its_own():
    saturday = Closure("2026-03-14", "2026-03-14", "Inventaire")
    assert calendar(FRIDAY_NIGHT, [saturday]).is_open(at("2026-03-14 01:00"))
    friday = Closure("2026-03-13", "2026-03-13")
    closed = calendar(FRIDAY_NIGHT, [friday])
    assert not closed.is_open(at("2026-03-13 20:00"))
    assert not closed.is_open(at("2026-03-14 01:00"))


def test_the_next_opening_skips_weekends_closed_days_and_holidays():
    may = calendar(closures=[Closure("2026-05-04", "2026-05-05", "Travaux")], holidays="FR")
    # Friday 1 May is a holiday, then a weekend, then two closed days.
    assert may.next_opening(at("2026-04-30 18:00")) == at("2026-05-06 08:00")
    assert may.last_closing(at("2026-05-06 07:00")) == at("2026-04-30 18:00")


def test_a_site_closed_for_a_year_has_no_next_opening():
    closed = calendar(closures=[Closure("2026-01-01", "2027-01-01")])
    assert closed.next_opening(at("2026-03-10 12:00")) is None
    assert closed.last_closing(at("2026-09-10 12:00")) is None


def test_holidays_are_the_countrys_and_its_parts():
    assert not calendar(holidays="FR").is_open(at("2026-05-14 12:00"))  # Ascension
    assert calendar(holidays="FR").is_open(at("2025-12-26 12:00"))
    assert not calendar(holidays="FR-57").is_open(at("2025-12-26 12:00"))  # Moselle keeps St Stephen's
    assert not calendar(hours=(), holidays="FR").is_open(at("2026-05-14 12:00"))
    with pytest.raises(NotImplementedError):
        public_holidays("QQ", 2026)


def test_in_spring_an_opening_in_the_missing_hour_moves_forward():
    nights = calendar([DayHours(6, 2 * H + 30, 6 * H)])
    opens, closes = nights.open_on(date(2026, 3, 29))
    assert opens == at("2026-03-29 03:30")
    assert closes - opens == 2.5 * 3_600


def test_in_autumn_an_opening_in_the_doubled_hour_is_its_first():
    nights = calendar([DayHours(6, 2 * H + 30, 6 * H)])
    opens, closes = nights.open_on(date(2026, 10, 25))
    assert closes - opens == 4.5 * 3_600
    assert nights.is_open(opens + 3_600)


def test_a_night_over_the_change_of_the_clock_is_as_long_as_it_is():
    night = calendar([DayHours(5, 20 * H, 30 * H)])
    for day, hours in (("2026-03-28", 9), ("2026-10-24", 11), ("2026-06-06", 10)):
        opens, closes = night.open_on(datetime.fromisoformat(day).date())
        assert closes - opens == hours * 3_600


def test_another_zone_opens_by_its_own_clock():
    island = calendar(zone=REUNION)
    assert island.may_start(at("2026-03-10 08:00", REUNION))
    assert not island.may_start(at("2026-03-10 12:00", PARIS) + 6 * 3_600)
    assert island.next_opening(at("2026-03-10 19:00", REUNION)) == at("2026-03-11 08:00", REUNION)


def test_a_week_begins_on_monday_and_has_167_or_169_hours_when_the_clock_changes():
    for text, hours in (("2026-03-29 12:00", 167), ("2026-10-25 12:00", 169), ("2026-03-10 12:00", 168)):
        start = week_start(at(text), PARIS)
        assert datetime.fromtimestamp(start, PARIS).strftime("%a %H:%M") == "Mon 00:00"
        assert next_week_start(start, PARIS) - start == hours * 3_600
        assert start <= at(text) < next_week_start(start, PARIS)


@given(
    moment=st.integers(at("2026-01-01"), at("2027-12-31")),
    hours=st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 1_439), st.integers(1, 1_440)),
        unique_by=lambda one: one[0],
    ),
    zone=st.sampled_from([PARIS, REUNION, ZoneInfo("America/St_Johns")]),
)
def test_a_next_opening_is_open_and_nothing_before_it_is(moment, hours, zone):
    rows = [DayHours(day, opens, min(opens + length, 2_879)) for day, opens, length in hours]
    some = calendar(rows, holidays="FR", zone=zone)
    opens = some.next_opening(moment)
    if opens is None:
        assert not rows or len(rows) <= 1
        return
    assert opens >= moment
    assert some.is_open(opens)
    if not some.is_open(moment):
        assert not any(some.is_open(moment + step * (opens - moment) // 20) for step in range(1, 20))


def test_a_minute_past_midnight_is_the_next_days():
    day = date(2026, 3, 10)
    assert local_instant(day, 26 * H, PARIS) == at("2026-03-11 02:00")
