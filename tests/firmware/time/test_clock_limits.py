"""The clock at its limits, one second to either side; what is counted, kept and written, and what is not."""

import pytest
from box import clock as clocks
from box.clock import (
    CLOUD,
    DOUBT_S,
    DOUBT_SLACK_S,
    DRIFT_MOST_S,
    FIRST_S,
    FRESH_S,
    GNSS,
    KEPT,
    LAST_S,
    NONE,
    REACH_S,
    SAVE_EVERY_S,
)
from support_clock import DAY, NOW, Chip, World

SMALL_INTEGER = 2**30  # of the board: its ticks lie below, and a difference takes nothing larger


def start_on(chip, told_s=NOW):
    """A box that heard the cloud once, saved it, and starts anew with this chip."""
    world = World()
    world.clock.set_from_cloud(told_s)
    world.clock.save_bound()
    world.chip = chip
    world.start()
    return world


def believe_satellites(time_s=NOW):
    world = World(Chip())
    assert world.clock.set_from_gnss(time_s) is True
    return world


# --- which dates ---


@pytest.mark.parametrize(
    ("now_s", "is_taken"), [(FIRST_S - 1, False), (FIRST_S, True), (LAST_S, True), (LAST_S + 1, False)]
)
def test_the_cloud_may_say_every_date_since_this_firmware_that_fits_its_field(now_s, is_taken):
    clock = World().clock
    assert clock.set_from_cloud(now_s) is is_taken
    assert clock.refused == (not is_taken)


@pytest.mark.parametrize(
    ("off_s", "trust"),
    [(-DRIFT_MOST_S - 1, NONE), (-DRIFT_MOST_S, KEPT), (REACH_S, KEPT), (REACH_S + 1, NONE)],
)
def test_a_chip_is_believed_from_an_hour_before_the_bound_to_three_years_past_it(off_s, trust):
    assert start_on(Chip(NOW + off_s)).clock.trust == trust


@pytest.mark.parametrize(
    ("off_s", "is_taken"), [(-1, False), (0, True), (1, True), (REACH_S, True), (REACH_S + 1, False)]
)
def test_satellites_alone_are_believed_from_the_bound_on(off_s, is_taken):
    world = start_on(Chip())
    assert world.clock.set_from_gnss(NOW + off_s) is is_taken
    assert world.clock.refused == (not is_taken)


@pytest.mark.parametrize("word_s", [1, 7200])
@pytest.mark.parametrize(
    ("off_s", "is_taken"),
    [(-DRIFT_MOST_S - 1, False), (-DRIFT_MOST_S, True), (DRIFT_MOST_S, True), (DRIFT_MOST_S + 1, False)],
)
def test_satellites_may_differ_by_an_hour_from_the_clouds_last_word_whatever_they_trimmed_before(
    word_s, off_s, is_taken
):
    world = World()
    world.clock.set_from_cloud(NOW)
    world.wait(2 * DAY)
    world.clock.set_from_gnss(NOW + 2 * DAY + 1800)
    world.clock.set_from_cloud(NOW + 2 * DAY + word_s)
    world.wait(2 * DAY)
    assert world.clock.set_from_gnss(NOW + 4 * DAY + word_s + off_s) is is_taken


@pytest.mark.parametrize(("after_s", "trust"), [(FRESH_S - 1, CLOUD), (FRESH_S, GNSS)])
@pytest.mark.parametrize("uptime_s", [0, 5000])
def test_the_clouds_word_is_fresh_for_a_day_from_when_it_spoke(after_s, trust, uptime_s):
    world = World()
    world.wait(uptime_s)
    world.clock.set_from_cloud(NOW)
    world.wait(after_s)
    assert world.clock.set_from_gnss(NOW + after_s + 30) is True
    assert world.clock.trust == trust
    assert world.clock.now_s() == NOW + after_s + (30 if trust == GNSS else 0)


# --- satellites against satellites ---


@pytest.mark.parametrize("uptime_s", [0, 5000])
@pytest.mark.parametrize(
    ("after_s", "drift_s", "is_taken"),
    [
        (DOUBT_S - 1, 0, False),
        (DOUBT_S, 0, True),
        (DOUBT_S, DOUBT_SLACK_S, True),
        (DOUBT_S, -DOUBT_SLACK_S, True),
        (DOUBT_S, DOUBT_SLACK_S + 1, False),
        (DOUBT_S, -DOUBT_SLACK_S - 1, False),
    ],
)
def test_what_goes_on_saying_the_same_for_ten_minutes_is_believed(uptime_s, after_s, drift_s, is_taken):
    world = believe_satellites(NOW + 900 * DAY)
    world.wait(uptime_s)
    assert world.clock.set_from_gnss(NOW) is False
    world.wait(after_s)
    assert world.clock.set_from_gnss(NOW + after_s + drift_s) is is_taken
    assert world.clock.refused == (1 if is_taken else 2)


def test_doubt_begins_anew_once_satellites_have_agreed_with_the_clock():
    world = believe_satellites(NOW + 900 * DAY)
    assert not world.clock.set_from_gnss(NOW)
    world.wait(60)
    assert world.clock.set_from_gnss(NOW + 900 * DAY + 60)
    world.wait(DOUBT_S)
    assert not world.clock.set_from_gnss(NOW + DOUBT_S + 60)


def test_a_date_that_cannot_be_does_not_interrupt_a_doubt():
    world = believe_satellites(NOW + 900 * DAY)
    assert not world.clock.set_from_gnss(NOW)
    world.wait(60)
    assert not world.clock.set_from_gnss(FIRST_S - 1)
    world.wait(DOUBT_S - 60)
    assert world.clock.set_from_gnss(NOW + DOUBT_S)


# --- a trim ---


@pytest.mark.parametrize(("off_s", "shown_s"), [(-2, -2), (-1, 0), (0, 0), (1, 0), (2, 2)])
def test_what_satellites_said_is_put_right_by_satellites_in_the_chip_too_also_backwards(off_s, shown_s):
    world = believe_satellites()
    assert world.clock.set_from_gnss(NOW + off_s) is True
    assert (world.clock.now_s(), world.clock.trust) == (NOW + shown_s, GNSS)
    assert world.chip.seconds == NOW + shown_s


# --- the bound ---


@pytest.mark.parametrize("days", [1, 2, 30])
def test_the_bound_follows_a_clock_that_runs_on_the_clouds_word_however_long(days):
    world = World()
    world.clock.set_from_cloud(NOW)
    world.wait(days * DAY)
    world.clock.keep_bound()
    assert world.clock.bound_s == NOW + days * DAY


def test_the_bound_follows_the_chip_a_day_past_the_clouds_word_and_satellites_alone_not_at_all():
    kept = start_on(Chip(NOW + 30 * DAY))
    kept.clock.keep_bound()
    assert kept.clock.bound_s == NOW + DAY
    alone = start_on(Chip())
    alone.clock.set_from_gnss(NOW + 30)
    alone.clock.keep_bound()
    assert alone.clock.bound_s == NOW


@pytest.mark.parametrize(("after_s", "is_due"), [(SAVE_EVERY_S - 1, False), (SAVE_EVERY_S, True)])
def test_the_bound_is_saved_when_it_has_moved_an_hour(after_s, is_due):
    world = World()
    world.clock.set_from_cloud(NOW)
    assert world.clock.save_bound() is True
    world.wait(after_s)
    world.clock.keep_bound()
    assert world.clock.save_bound() is is_due


@pytest.mark.parametrize(("after_s", "is_due"), [(599, False), (600, True)])
def test_a_lowered_bound_is_saved_once_and_ten_minutes_after_the_last_save(after_s, is_due):
    world = World()
    world.clock.set_from_cloud(NOW)
    world.clock.save_bound()
    world.clock.set_from_cloud(NOW - 400)
    world.wait(after_s)
    assert world.clock.save_bound() is is_due
    if is_due:
        world.wait(600)
        assert world.clock.save_bound() is False


def test_nothing_is_saved_at_a_start_nor_for_a_word_said_twice_nor_without_any_word():
    world = start_on(Chip())
    world.wait(600)
    assert world.clock.save_bound() is False
    world.clock.set_from_cloud(NOW)
    assert world.clock.save_bound() is False
    assert World(Chip(NOW)).clock.save_bound() is False


def test_who_never_heard_the_cloud_has_no_word_of_it():
    assert World().clock.cloud_s == 0


# --- the chip ---


@pytest.mark.parametrize(
    ("held", "is_written"),
    [
        (Chip(), True),
        (Chip(NOW), False),
        (Chip(NOW + 1), False),
        (Chip(NOW - 1), False),
        (Chip(NOW + 2), True),
        (Chip(NOW - 2), True),
        (Chip(NOW, is_vouched=False), True),
    ],
)
def test_the_chip_is_set_only_where_it_is_off_or_marked_as_the_satellites(held, is_written):
    world = World()
    world.chip = held
    world.start()
    world.clock.set_from_cloud(NOW)
    assert held.writes == is_written
    assert held.is_vouched
    assert abs(held.seconds - NOW) < 2


# --- counting ---


@pytest.mark.parametrize("ticks", [0, 999, 1000, 1001, 59_999, 3_600_000, 90_061_001])
def test_the_uptime_counts_each_millisecond_in_any_steps(ticks):
    world = World()
    assert world.clock.uptime_ms() == 0
    for step in (ticks // 3, ticks - ticks // 3):
        world.ticks += step
        world.clock.uptime_s()
    assert world.clock.uptime_ms() == ticks
    assert world.clock.uptime_s() == ticks // 1000


def test_a_record_is_stamped_with_the_present_and_its_trust():
    world = World()
    world.clock.set_from_cloud(NOW)
    world.wait(7)
    assert world.clock.stamp() == (NOW + 7, CLOUD)


def test_the_clock_counts_through_the_wrap_of_the_boards_ticks(monkeypatch):
    def ticks_diff(end, start):
        assert -SMALL_INTEGER <= start < SMALL_INTEGER
        return (end - start + SMALL_INTEGER // 2) % SMALL_INTEGER - SMALL_INTEGER // 2

    monkeypatch.setattr(clocks, "ticks_diff", ticks_diff)
    world = World()
    world.clock = clocks.Clock(
        lambda: world.ticks % SMALL_INTEGER, Chip(), lambda: None, world.save, world.on_chip_error
    )
    world.clock.set_from_cloud(NOW)
    for _ in range(40):
        world.wait(DAY)
        shown_s = world.clock.now_s()
    assert shown_s == NOW + 40 * DAY
    assert world.clock.uptime_s() == 40 * DAY
