"""Fences: integers in, also at the date line and near the pole; and how long a fix names the place."""

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
        ((0, 0), (10_000, 0), 111.3),
        ((600_000_000, 0), (600_000_000, 10_000), 55.7),
        ((0, 1_799_999_000), (0, -1_799_999_000), 22.3),
        ((0, -1_799_999_000), (0, 1_799_999_000), 22.3),
    ],
)
def test_distances_are_right_everywhere(a, b, metres):
    assert compute_distance_m(*a, *b) == pytest.approx(metres, abs=0.2)


def test_a_position_is_at_the_place_whose_fence_holds_it_or_known_to_be_elsewhere():
    assert find(472_735_100, -22_137_100, [TOWN_HALL, DEPOT]) == 7
    assert find(472_800_000, -22_000_000, [TOWN_HALL, DEPOT]) == 8
    assert find(472_760_000, -22_060_000, [TOWN_HALL, DEPOT]) == ELSEWHERE


def test_of_two_fences_that_overlap_the_nearer_centre_is_the_place():
    wide = (9, 472_740_000, -22_137_000, 5000)
    assert find(472_735_000, -22_137_000, [wide, TOWN_HALL]) == 7


def make(**values):
    return Whereabouts(Settings({"places": [TOWN_HALL, DEPOT], "wifi": [(8, b"\x02\0\0\0\0\x08")], **values}))


def test_nothing_heard_is_an_unknown_place():
    assert make().get_place() == UNKNOWN


def test_a_last_fix_names_the_place_until_500_m_were_driven():
    where = make()
    where.note_fix(472_735_000, -22_137_000)
    where.advance(3_600_000)
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
    where.advance(60_000)
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


def test_the_memory_of_cards_is_bounded():
    taps = Taps()
    new = [taps.see([bytes([n])], n)[0] for n in range(200)]
    assert sum(map(len, new)) == 8
