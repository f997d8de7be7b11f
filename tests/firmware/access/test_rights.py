"""What a badge may do, and which reason it hears."""

import pytest
from box.access.rights import NOT, SERVICE, SESSION, SEVERAL, STARTED, VALID, Circumstances, assess
from box.config import Settings
from box.protocols import codes

NOW = 1_000_000_000
HOUR = 3600
ME, OTHER = b"mebadge!", b"another!"


def entry(kind, starts, ends, number=1, badge=ME, place=0):
    return (badge, number, NOW + starts, NOW + ends, kind, 0, place)


def reservation(starts, ends, number=1, badge=ME):
    return entry(codes.AUTHORISATION_KIND_RESERVATION, starts, ends, number, badge)


def standing(starts=-HOUR, ends=30 * 24 * HOUR):
    return entry(codes.AUTHORISATION_KIND_STANDING, starts, ends, 0x8000_0001)


def service(starts=-HOUR, ends=HOUR):
    return entry(codes.AUTHORISATION_KIND_SERVICE, starts, ends, 0x8000_0002)


def judge(mine, others=(), now_s=NOW, ended_id=0, heard_s=NOW, **settings):
    def find_between(start_s, end_s):
        every = [e for e in [*mine, *others] if e[4] == codes.AUTHORISATION_KIND_RESERVATION]
        return [e for e in every if e[2] < end_s and start_s < e[3]]

    around = Circumstances(now_s, Settings(settings), find_between, ended_id, heard_s)
    badge_class, found, refusal = assess(mine, around)
    assert (badge_class == NOT) == (found is None) == bool(refusal)
    return badge_class if found else refusal


@pytest.mark.parametrize(
    ("starts", "answer"),
    [
        (1, VALID),
        (900, VALID),
        (901, codes.REFUSAL_TOO_EARLY),
        (0, STARTED),
        (-HOUR + 1, STARTED),
        (-HOUR, codes.REFUSAL_TOO_LATE),
    ],
)
def test_a_reservation_opens_from_early_s_before_its_start_to_its_end_exclusive(starts, answer):
    assert judge([reservation(starts, starts + HOUR)]) == answer


def test_no_entries_is_an_unknown_badge_and_only_that():
    assert judge([]) == codes.REFUSAL_UNKNOWN_BADGE


def test_one_comes_early_only_if_nobody_holds_the_car():
    other = reservation(-600, 600, 2, OTHER)
    assert judge([reservation(600, HOUR)], [other]) == codes.REFUSAL_HELD_BY_ANOTHER
    assert judge([reservation(600, HOUR)], [other], ended_id=2) == VALID  # given back
    assert judge([reservation(600, HOUR)], [other], no_show_s=600) == VALID  # never came
    assert judge([reservation(0, HOUR)], [other]) == STARTED  # a promise that has started asks nobody


def test_the_next_reservation_of_several_is_the_reason():
    assert (
        judge([reservation(-2 * HOUR, -HOUR), reservation(5 * HOUR, 6 * HOUR, 2)]) == codes.REFUSAL_TOO_EARLY
    )


def test_a_standing_right_takes_a_car_nobody_has():
    assert judge([standing()]) == VALID


def test_a_standing_right_yields_to_a_reservation_that_starts_within_the_gap():
    assert judge([standing()], [reservation(1800, HOUR, 2, OTHER)]) == VALID
    assert judge([standing()], [reservation(1799, HOUR, 2, OTHER)]) == codes.REFUSAL_YIELDS_TO_RESERVATION


def test_a_standing_right_does_not_take_a_held_car_but_one_whose_driver_did_not_come():
    assert judge([standing()], [reservation(-60, HOUR, 2, OTHER)]) == codes.REFUSAL_HELD_BY_ANOTHER
    assert judge([standing()], [reservation(-60, HOUR, 2, OTHER)], ended_id=2) == VALID
    assert judge([standing()], [reservation(-2 * HOUR, HOUR, 2, OTHER)]) == VALID


def test_a_standing_right_lapses_with_the_silence_of_the_cloud_and_a_reservation_does_not():
    week = 604_800
    assert judge([standing()], heard_s=NOW - week) == VALID
    assert judge([standing()], heard_s=NOW - week - 1) == codes.REFUSAL_RIGHTS_LAPSED
    assert judge([reservation(-1, HOUR)], heard_s=0) == STARTED


def test_a_setting_cannot_stretch_standing_rights_over_thirty_days():
    month = 30 * 86_400
    long = {"standing_offline_s": 10 * month}
    assert judge([standing()], heard_s=NOW - month, **long) == VALID
    assert judge([standing()], heard_s=NOW - month - 1, **long) == codes.REFUSAL_RIGHTS_LAPSED


def test_a_reservation_now_beats_a_standing_right_that_would_be_refused():
    assert judge([standing(), reservation(-1, HOUR)], heard_s=0) == STARTED


def test_with_an_unknown_time_only_service_goes_on():
    assert judge([reservation(-1, HOUR)], now_s=None) == codes.REFUSAL_CLOCK_UNKNOWN
    assert judge([standing()], now_s=None) == codes.REFUSAL_CLOCK_UNKNOWN
    assert judge([service()], now_s=None) == SERVICE
    assert judge([], now_s=None) == codes.REFUSAL_UNKNOWN_BADGE


def test_a_service_right_has_its_time_too():
    assert judge([service()]) == SERVICE
    assert judge([service(-HOUR, 0)]) == codes.REFUSAL_EXPIRED


@pytest.mark.parametrize(
    "now_s", [1_072_915_200, 1_199_000_000, 2_500_000_000, 4_294_960_000]
)  # 2034, 2038, ...
def test_the_hour_counts_and_not_the_year(now_s):
    mine = (ME, 1, now_s + 900, now_s + 3600, codes.AUTHORISATION_KIND_RESERVATION, 0, 0)
    around = Circumstances(now_s, Settings(), lambda a, b: [], 0, now_s)
    assert assess([mine], around)[0] == VALID
    assert assess([mine], Circumstances(now_s - 1, Settings(), lambda a, b: [], 0, now_s))[0] == NOT


def judge_entry(mine, others=(), **settings):
    """Return what `assess` answers whole."""

    def find_between(start_s, end_s):
        every = [e for e in [*mine, *others] if e[4] == codes.AUTHORISATION_KIND_RESERVATION]
        return [e for e in every if e[2] < end_s and start_s < e[3]]

    return assess(mine, Circumstances(NOW, Settings(settings), find_between, 0, NOW))


def test_a_car_is_held_in_the_second_a_reservation_starts_and_not_the_second_before():
    mine = [reservation(600, HOUR)]
    assert judge(mine, [reservation(0, 600, 2, OTHER)]) == codes.REFUSAL_HELD_BY_ANOTHER
    assert judge(mine, [reservation(1, 600, 2, OTHER)]) == VALID


def test_an_empty_car_is_held_by_nobody():
    assert Circumstances(NOW, Settings(), lambda a, b: [], 0, NOW).is_held(0) is False


def test_a_reservation_given_back_in_its_first_second_is_not_due_any_more():
    assert judge([standing()], [reservation(0, HOUR, 2, OTHER)], ended_id=2) == VALID


def test_a_standing_right_is_held_off_by_the_lowest_number_too():
    assert judge([standing()], [reservation(-60, HOUR, 1, OTHER)]) == codes.REFUSAL_HELD_BY_ANOTHER


def test_a_reservation_without_length_is_over():
    assert judge([reservation(0, 0)]) == codes.REFUSAL_TOO_LATE


def test_one_that_is_over_does_not_hide_one_that_is_to_come():
    mine = [reservation(5 * HOUR, 6 * HOUR, 2), reservation(-2 * HOUR, -HOUR)]
    assert judge(mine) == codes.REFUSAL_TOO_EARLY


@pytest.mark.parametrize(("right", "answer"), [(service, SERVICE), (standing, VALID)])
def test_service_and_standing_rights_hold_from_their_first_second_to_their_last(right, answer):
    assert judge([right(0, 1)]) == answer
    assert judge([right(-1, 1)]) == answer
    assert judge([right(1, HOUR)]) == codes.REFUSAL_EXPIRED
    assert judge([right(-HOUR, 0)]) == codes.REFUSAL_EXPIRED


def test_one_standing_right_that_is_over_does_not_end_the_search():
    assert judge([standing(-HOUR, 0), standing()]) == VALID


def test_ones_own_reservation_within_the_gap_begins_at_once_and_is_the_one_that_is_used():
    later = reservation(5 * HOUR, 6 * HOUR, 3)
    same_number = entry(codes.AUTHORISATION_KIND_STANDING, -HOUR, HOUR, 2)
    own = reservation(1000, HOUR, 2)
    assert judge_entry([standing(), same_number, later, own]) == (VALID, own, 0)


def test_a_right_of_a_kind_that_is_not_known_opens_nothing():
    assert judge([entry(99, -HOUR, HOUR)]) == codes.REFUSAL_EXPIRED


def test_the_classes_are_told_apart_and_what_is_found_is_given_whole():
    assert len({NOT, VALID, STARTED, SERVICE, SESSION, SEVERAL}) == 6
    own = reservation(-1, HOUR)
    assert judge_entry([own]) == (STARTED, own, 0)
    assert judge_entry([reservation(1, HOUR)]) == (VALID, reservation(1, HOUR), 0)
    assert judge_entry([service()]) == (SERVICE, service(), 0)
    assert judge_entry([standing()]) == (VALID, standing(), 0)
