"""Time and its trust: the bound never goes back, and nobody but the cloud moves it far ahead."""

import pytest
from box.clock import BOUND_LEAP_S, CLOUD, DRIFT_MOST_S, FIRST_S, GNSS, KEPT, NONE, REACH_S
from hypothesis import given
from hypothesis import strategies as st
from support_clock import DAY, NOW, Chip, World


def test_a_new_box_does_not_know_the_time_and_says_so():
    clock = World().clock
    assert (clock.trust, clock.now_s(), clock.stamp(), clock.is_vouched) == (NONE, None, (0, NONE), False)


def test_the_cloud_sets_time_chip_and_bound():
    world = World(Chip())
    world.clock.set_from_cloud(NOW)
    world.wait(10)
    assert (world.clock.trust, world.clock.now_s(), world.chip.seconds) == (CLOUD, NOW + 10, NOW)
    assert world.clock.bound_s == world.clock.cloud_s == NOW


def test_the_chip_keeps_the_time_over_a_power_loss():
    world = World(Chip())
    world.clock.set_from_cloud(NOW)
    world.chip.seconds = NOW + 500
    world.start()
    assert (world.clock.trust, world.clock.now_s()) == (KEPT, NOW + 500)


def test_a_chip_that_fell_back_below_the_bound_is_not_believed():
    world = World(Chip())
    world.clock.set_from_cloud(NOW)
    world.clock.save_bound()
    world.chip.seconds = NOW - DAY
    world.start()
    assert (world.clock.trust, world.clock.refused) == (NONE, 1)


def test_a_month_without_power_and_without_chip_ends_with_the_satellites_and_never_before_the_bound():
    world = World()
    world.clock.set_from_cloud(NOW)
    world.clock.save_bound()
    world.start()
    assert world.clock.trust == NONE
    assert not world.clock.set_from_gnss(NOW - 1024 * 7 * DAY)  # a week number that rolled over
    assert world.clock.set_from_gnss(NOW + 30 * DAY)
    assert (world.clock.trust, world.clock.now_s()) == (GNSS, NOW + 30 * DAY)


def test_a_forged_satellite_date_cannot_poison_the_bound():
    world = World()
    world.clock.set_from_cloud(NOW)
    world.clock.save_bound()
    world.start()
    assert world.clock.set_from_gnss(NOW + 900 * DAY)
    world.clock.keep_bound()
    assert world.clock.bound_s <= NOW + BOUND_LEAP_S
    world.clock.save_bound()
    world.start()
    assert world.clock.set_from_gnss(NOW + 2 * DAY)  # the true date is still taken


def test_a_date_a_day_off_a_trusted_clock_is_refused():
    world = World(Chip(NOW))
    assert world.clock.trust == KEPT
    assert not world.clock.set_from_gnss(NOW + DAY + 1)
    assert not world.clock.set_from_gnss(NOW - DAY - 1)
    assert world.clock.trust == KEPT


def test_satellites_do_not_move_the_clouds_fresh_word():
    world = World()
    world.clock.set_from_cloud(NOW)
    assert world.clock.set_from_gnss(NOW + 30)
    assert (world.clock.trust, world.clock.now_s()) == (CLOUD, NOW)
    world.wait(DAY + 1)
    assert world.clock.set_from_gnss(NOW + DAY + 31)
    assert (world.clock.trust, world.clock.now_s()) == (GNSS, NOW + DAY + 31)


def test_only_the_cloud_lowers_the_bound_and_that_is_durable():
    world = World()
    world.clock.set_from_cloud(NOW + 400 * DAY)
    assert world.clock.save_bound()
    world.clock.set_from_cloud(NOW)
    assert world.clock.bound_s == NOW
    world.wait(600)
    assert world.clock.save_bound()
    world.start()
    assert world.clock.bound_s == NOW


def test_when_the_cloud_spoke_outlives_a_reset_and_does_not_drift_with_the_clock():
    world = World(Chip())
    world.clock.set_from_cloud(NOW)
    for _ in range(48):
        world.wait(3600)
        world.clock.keep_bound()
        world.clock.save_bound()
    assert world.clock.cloud_s == NOW
    world.start()
    assert world.clock.cloud_s == NOW


def test_the_bound_follows_the_present_with_at_most_one_write_an_hour():
    world = World()
    world.clock.set_from_cloud(NOW)
    world.clock.save_bound()
    saves = world.saves
    for _ in range(DAY // 60):
        world.wait(60)
        world.clock.keep_bound()
        world.clock.save_bound()
    assert world.clock.bound_s == NOW + DAY
    assert 20 <= world.saves - saves <= 24


def test_the_bound_is_saved_in_idle_moments_alone():
    world = World(Chip(NOW))
    world.clock.set_from_cloud(NOW + 400 * DAY)
    world.clock.set_from_cloud(NOW)
    world.clock.set_from_gnss(NOW + 5000)
    world.wait(DAY)
    world.clock.keep_bound()
    assert world.saves == 0
    assert [world.clock.save_bound(), world.clock.save_bound()] == [True, False]


def test_a_dead_chip_is_told_and_the_clock_goes_on_without():
    world = World(Chip(is_dead=True))
    world.clock.set_from_cloud(NOW)
    world.wait(5)
    assert world.clock.now_s() == NOW + 5
    assert world.chip_errors > 0


@pytest.mark.parametrize("start", [1_072_915_199, 1_073_741_823, 2**31 - 5, 2**32 - 100])
def test_time_runs_through_the_ends_of_small_integers_and_of_signed_ones(start):
    world = World(Chip())
    world.clock.set_from_cloud(start)
    world.wait(50)
    assert world.clock.now_s() == start + 50
    world.chip.seconds = start + 50
    world.start()
    assert world.clock.now_s() == start + 50


def test_the_clock_runs_for_a_year_without_being_set():
    world = World()
    world.clock.set_from_cloud(NOW)
    for _ in range(365 * 24):
        world.wait(3600)
        now_s = world.clock.now_s()
    assert now_s == NOW + 365 * DAY
    assert world.clock.uptime_s() == 365 * DAY


def test_a_forged_date_outlives_the_forger_by_ten_minutes_also_in_the_chip():
    world = World(Chip())
    assert world.clock.set_from_gnss(NOW + 900 * DAY)
    world.start()
    assert (world.clock.trust, world.clock.now_s()) == (KEPT, NOW + 900 * DAY)
    for minute in range(10):
        assert not world.clock.set_from_gnss(NOW + minute * 60)
        world.wait(60)
    assert world.clock.set_from_gnss(NOW + 600)
    assert (world.clock.trust, world.clock.now_s(), world.chip.seconds) == (GNSS, NOW + 600, NOW + 600)


def test_two_forgers_who_disagree_undo_nothing():
    world = World()
    assert world.clock.set_from_gnss(NOW)
    for minute in range(30):
        assert not world.clock.set_from_gnss(NOW + minute * 60 + (400 + 400 * (minute % 2)) * DAY)
        world.wait(60)
    assert world.clock.now_s() == NOW + 1800


def test_satellites_cannot_lead_the_clouds_word_away_hour_by_hour():
    world = World(Chip(NOW))
    for step in range(1, 50):
        world.clock.set_from_gnss(NOW + step * DRIFT_MOST_S)
    assert world.clock.now_s() == NOW + DRIFT_MOST_S
    assert world.chip.seconds == NOW


def test_a_clock_that_is_fast_is_put_right_by_satellites_and_stands_until_they_have_caught_up():
    world = World(Chip())
    world.clock.set_from_cloud(NOW)
    world.clock.save_bound()
    world.chip.seconds = NOW + 40
    world.start()
    world.clock.keep_bound()
    assert world.clock.bound_s == NOW + 40
    assert world.clock.set_from_gnss(NOW)
    shown = []
    for _ in range(5):
        shown.append(world.clock.now_s() - NOW)
        world.wait(10)
    assert shown == [40, 40, 40, 40, 40]
    world.wait(10)
    assert world.clock.now_s() == NOW + 60


def test_a_chip_that_lags_by_a_crystals_drift_is_believed_and_stands_at_the_bound():
    world = World(Chip())
    world.clock.set_from_cloud(NOW)
    world.clock.save_bound()
    world.chip.seconds = NOW - 200
    world.start()
    assert (world.clock.trust, world.clock.now_s()) == (KEPT, NOW)
    world.wait(250)
    assert world.clock.now_s() == NOW + 50


@pytest.mark.parametrize("chip_s", [NOW + REACH_S + 1, FIRST_S - 1, NOW - DRIFT_MOST_S - 1])
def test_a_chip_that_says_what_cannot_be_is_not_believed(chip_s):
    world = World()
    world.clock.set_from_cloud(NOW)
    world.clock.save_bound()
    world.chip = Chip(chip_s)
    world.start()
    assert (world.clock.trust, world.clock.refused) == (NONE, 1)


def test_a_week_number_that_rolled_over_is_refused_either_way():
    world = World()
    world.clock.set_from_cloud(NOW)
    world.clock.save_bound()
    world.start()
    assert not world.clock.set_from_gnss(NOW + 1024 * 7 * DAY)
    assert not world.clock.set_from_gnss(NOW - 1024 * 7 * DAY)


def test_a_box_that_lost_its_files_takes_any_date_since_it_was_written():
    world = World(Chip(NOW + 2 * REACH_S))
    assert world.clock.trust == KEPT
    world = World()
    assert world.clock.set_from_gnss(NOW + 2 * REACH_S)


@pytest.mark.parametrize("now_s", [0, FIRST_S - 1, 2**32])
def test_a_cloud_whose_own_clock_is_lost_is_not_believed(now_s):
    world = World()
    world.clock.set_from_cloud(NOW)
    assert not world.clock.set_from_cloud(now_s)
    assert (world.clock.now_s(), world.clock.refused) == (NOW, 1)


def test_a_date_past_the_chips_calendar_stops_neither_the_link_nor_the_receiver():
    for setter in ("set_from_cloud", "set_from_gnss"):
        world = World(Chip())
        assert getattr(world.clock, setter)(36_525 * DAY + 5)
        assert world.clock.now_s() == 36_525 * DAY + 5


def test_clouds_that_disagree_by_an_hour_wear_out_no_flash():
    world = World()
    for second in range(0, DAY, 2):
        world.clock.set_from_cloud(NOW + second - (3600 if second % 4 else 0))
        world.clock.save_bound()
        world.wait(2)
    assert world.saves <= 144


@given(
    st.lists(
        st.tuples(st.sampled_from(["gnss", "wait", "reset", "keep"]), st.integers(0, 400 * DAY)), max_size=30
    )
)
def test_without_the_cloud_the_bound_never_falls_and_never_leaps(events):
    world = World()
    world.clock.set_from_cloud(NOW)
    world.start()
    for name, value in events:
        before = world.clock.bound_s
        if name == "gnss":
            world.clock.set_from_gnss(NOW - 100 * DAY + value)
        elif name == "wait":
            world.wait(min(value, DAY))
        elif name == "reset":
            world.start()
            before = world.clock.bound_s
        else:
            world.clock.keep_bound()
        assert before <= world.clock.bound_s <= NOW + BOUND_LEAP_S


@given(st.binary(max_size=20))
def test_a_stored_bound_that_is_none_is_no_bound(data):
    world = World()
    world.stored = data
    world.start()
    assert world.clock.bound_s == FIRST_S or len(data) == 8
