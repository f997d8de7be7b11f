"""Fences: integers in, also at the date line and near the pole; and how far a fix names the place."""

import pytest
from box.access.places import ELSEWHERE, UNKNOWN, Whereabouts, compute_distance_m, find
from box.access.taps import HELD_MS, Taps
from box.config import Settings

TOWN_HALL = (7, 472_735_000, -22_137_000, 80)
DEPOT = (8, 472_800_000, -22_000_000, 150)


@pytest.mark.parametrize(
    ("a", "b", "metres"),
    [
        ((472_735_000, -22_137_000), (472_735_000, -22_137_000), 0),
        ((0, 0), (10_000, 0), 111.319),
        ((600_000_000, 0), (600_000_000, 10_000), 55.66),
        ((0, 1_799_999_000), (0, -1_799_999_000), 22.264),
        ((0, -1_799_999_000), (0, 1_799_999_000), 22.264),
    ],
)
def test_distances_are_right_everywhere(a, b, metres):
    assert compute_distance_m(*a, *b) == pytest.approx(metres, abs=0.01)


def test_a_position_is_at_the_place_whose_fence_holds_it_or_known_to_be_elsewhere():
    assert find(472_735_100, -22_137_100, [TOWN_HALL, DEPOT]) == 7
    assert find(472_800_000, -22_000_000, [TOWN_HALL, DEPOT]) == 8
    assert find(472_760_000, -22_060_000, [TOWN_HALL, DEPOT]) == ELSEWHERE


def test_of_two_fences_that_overlap_the_nearer_centre_is_the_place():
    wide = (9, 472_740_000, -22_137_000, 5000)
    assert find(472_735_000, -22_137_000, [wide, TOWN_HALL]) == 7
    assert find(472_735_000, -22_137_000, [TOWN_HALL, wide]) == 7


def test_of_two_fences_around_one_centre_the_first_of_the_settings_is_the_place():
    assert find(472_735_000, -22_137_000, [TOWN_HALL, (9, *TOWN_HALL[1:])]) == 7


def test_a_position_on_the_edge_is_within_the_fence():
    assert find(472_735_000, -22_137_000, [(7, 472_735_000, -22_137_000, 0)]) == 7


def make(**values):
    return Whereabouts(Settings({"places": [TOWN_HALL, DEPOT], "wifi": [(8, b"\x02\0\0\0\0\x08")], **values}))


def test_nothing_heard_is_an_unknown_place():
    where = make()
    assert where.get_place() == where.place == UNKNOWN == 0
    assert (where.lat_e7, where.lon_e7) == (None, None)
    assert where.travelled_m == 0xFFFF


def test_a_position_is_kept_for_the_end_of_a_session_elsewhere():
    where = make()
    where.note_fix(472_760_000, -22_060_000)
    assert (where.lat_e7, where.lon_e7) == (472_760_000, -22_060_000)
    assert where.get_place() == ELSEWHERE == 0xFFFF


def test_the_way_since_the_fix_is_counted_up_to_what_its_field_holds():
    where = make()
    where.note_fix(472_735_000, -22_137_000)
    where.note_travel(0xFFFE)
    assert where.travelled_m == 0xFFFE
    where.note_travel(2)
    assert where.travelled_m == 0xFFFF


def test_a_last_fix_names_the_place_until_500_m_were_driven():
    where = make()
    where.note_fix(472_735_000, -22_137_000)
    where.note_travel(500)
    assert where.get_place() == 7
    where.note_travel(1)
    assert where.get_place() == UNKNOWN


def test_a_fresh_fix_elsewhere_is_knowledge_and_wifi_helps_only_without_one():
    where = make()
    where.note_wifi(b"\x02\0\0\0\0\x08")
    assert where.get_place() == 8
    where.note_fix(472_760_000, -22_060_000)
    assert where.get_place() == ELSEWHERE
    where.note_travel(600)
    assert where.get_place() == 8
    where.note_wifi(None)
    assert where.get_place() == UNKNOWN


def test_without_fences_no_fix_names_a_place():
    where = make(places=())
    where.note_fix(472_735_000, -22_137_000)
    assert where.get_place() == UNKNOWN


def test_a_card_held_on_is_one_tap_and_a_missed_poll_makes_no_second():
    taps = Taps()
    assert taps.see([b"a"], 0) == ([b"a"], [])
    assert taps.see([], 100) == ([], [])
    assert taps.see([b"a"], 200) == ([], [])
    assert taps.see([], 1199) == ([], [])
    assert taps.see([b"a"], 1199) == ([], [])
    assert taps.see([], 2199) == ([], [])
    assert taps.see([b"a"], 2200) == ([b"a"], [])


def test_a_card_held_for_five_seconds_is_told_once():
    taps = Taps()
    told = [taps.see([b"a"], ms)[1] for ms in range(0, 3 * HELD_MS, 100)]
    assert told.count([b"a"]) == 1
    assert told[HELD_MS // 100] == [b"a"]


def test_a_card_held_on_is_held_for_five_seconds_and_another_beside_it_from_when_it_came():
    taps = Taps()
    assert taps.see([b"a"], 0) == ([b"a"], [])
    assert taps.see([b"a", b"b"], 1_000) == ([b"b"], [])
    assert taps.see([b"a", b"b"], 4_999) == ([], [])  # a poll that came late is no absence
    assert taps.see([b"a", b"b"], 5_000) == ([], [b"a"])
    assert taps.see([b"a", b"b"], 6_000) == ([], [b"b"])


def test_two_cards_that_come_at_once_are_two_taps():
    assert Taps().see([b"a", b"b"], 0) == ([b"a", b"b"], [])


def test_the_memory_of_cards_is_bounded():
    taps = Taps()
    new = [taps.see([bytes([n])], n)[0] for n in range(200)]
    assert sum(map(len, new)) == 8
