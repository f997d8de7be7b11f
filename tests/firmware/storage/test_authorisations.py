"""Authorisations: what is found is what the cloud told, through deltas, merges, full sets and damage."""

import struct

import pytest
from box.protocols import authorisation
from box.protocols.crypto import Hmac
from box.storage.authorisations import MAX_OVERLAY, Authorisations, AuthorisationsError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

KEY = Hmac(b"a" * 32)
Entry = tuple[bytes, int, int, int, int, int, int]


def badge(number: int) -> bytes:
    return struct.pack(">I", number * 2654435761 & 0xFFFFFFFF) + bytes(4)


def reservation(number: int, start: int, end: int, who: int = 1) -> Entry:
    return (badge(who), number, start, end, 1, 0, 0)


def pack_all(entries: list[Entry]) -> list[bytes]:
    return sorted(authorisation.pack(e) for e in entries)


def take_set(
    held: Authorisations, version: int, entries: list[Entry], per_page: int = 170, mac: bytes = b""
) -> None:
    packed = pack_all(entries)
    pages = [packed[at : at + per_page] for at in range(0, len(packed), per_page)] or [[]]
    held.begin_set(version, len(pages))
    for page, rows in enumerate(pages):
        held.put_page(version, page, b"".join(rows))
    good = KEY.digest(struct.pack("<II", version, len(packed)), b"".join(packed))[:16]
    for _ in held.finish_set(version, len(packed), mac or good):
        pass


def operation(op: int, entry: Entry) -> bytes:
    return bytes([op]) + authorisation.pack(entry)


@pytest.fixture
def held(tmp_path):
    return Authorisations(str(tmp_path), KEY)


def test_there_is_nothing_before_the_first_set(held):
    assert (held.version, held.count, held.damaged) == (0, 0, 0)
    assert held.find(badge(1)) == []
    assert held.holder(5) is None
    with pytest.raises(AuthorisationsError):
        held.apply_delta(0, 1, operation(1, reservation(1, 2, 3)))


# An authorisation has one interval and kind, whoever's badge it is told for.
ENTRIES = st.builds(
    lambda who, number: (
        badge(who),
        number,
        number * 37 % 1000,
        number * 37 % 1000 + number,
        1 + number % 3,
        0,
        0,
    ),
    st.integers(0, 40),
    st.integers(1, 30),
)
CHANGES = st.lists(st.lists(st.tuples(st.sampled_from([1, 2]), ENTRIES), min_size=1, max_size=40), max_size=6)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(first=st.lists(ENTRIES, max_size=120), changes=CHANGES, merge=st.booleans())
def test_look_ups_agree_with_a_plain_dictionary(tmp_path_factory, first, changes, merge):
    directory = str(tmp_path_factory.mktemp("auth"))
    held = Authorisations(directory, KEY)
    model = {e[:2]: e for e in first}
    take_set(held, 1, list(model.values()))
    for version, rows in enumerate(changes, 1):
        held.apply_delta(version, version + 1, b"".join(operation(op, e) for op, e in rows))
        for op, e in rows:
            if op == 1:
                model[e[:2]] = e
            else:
                model.pop(e[:2], None)
    if merge:
        held.merge()
    for view in (held, Authorisations(directory, KEY)):
        assert view.version == len(changes) + 1
        for who in range(41):
            expected = sorted((e for e in model.values() if e[0] == badge(who)), key=authorisation.pack)
            assert view.find(badge(who)) == expected
        for start in (0, 300, 990):
            ids = {e[1] for e in view.reservations_between(start, start + 100)}
            assert ids == {e[1] for e in model.values() if e[4] == 1 and e[2] < start + 100 and e[3] > start}


def test_what_a_tap_asks_for_is_read_ahead_in_pieces(held, monkeypatch):
    take_set(held, 1, [reservation(n, n * 100, n * 100 + 50, n) for n in range(1, 1000)])
    pieces = 0
    while held.prepare(5000):
        pieces += 1
        assert pieces < 20
    assert pieces > 5
    monkeypatch.setattr(held, "_iterate", None)  # nothing is read any more
    assert held.holder(5049)[1] == 50
    assert held.prepare(5000 + 3599) is False


def test_a_change_while_it_is_read_ahead_begins_anew(held):
    take_set(held, 1, [reservation(n, n * 100, n * 100 + 50, n) for n in range(1, 1000)])
    held.prepare(5000)
    held.prepare(5000)
    held.apply_delta(1, 2, operation(2, reservation(51, 5100, 5150, 51)))
    while held.prepare(5000):
        pass
    assert held.holder(5049)[1] == 50
    assert held.holder(5149) is None


def test_it_is_read_again_when_the_next_day_is_no_longer_known_and_when_the_clock_falls_back(held):
    take_set(held, 1, [reservation(n, n * 1000, n * 1000 + 500, n) for n in range(1, 200)])
    while held.prepare(5000):
        pass
    assert not held.prepare(8000)  # 64 of them are known: less than a day, but an hour ago there were no more
    assert held.prepare(8600)
    while held.prepare(8600):
        pass
    assert held.prepare(4000)


def test_the_holder_is_the_one_whose_half_open_interval_has_the_moment(held):
    take_set(
        held, 1, [reservation(1, 100, 200), reservation(2, 200, 300, who=2), (badge(3), 9, 0, 999, 2, 0, 0)]
    )
    assert held.holder(99) is None
    assert held.holder(100)[1] == 1
    assert held.holder(199)[1] == 1
    assert held.holder(200)[1] == 2
    assert held.holder(300) is None


def test_more_reservations_than_the_window_holds_are_all_seen_and_time_may_go_back(held):
    take_set(held, 1, [reservation(n, n * 100, n * 100 + 50, who=n % 7) for n in range(1, 400)])
    assert [e[1] for e in held.reservations_between(0, 40_000)] == list(range(1, 400))
    for n in (300, 10, 390, 1):
        assert held.holder(n * 100 + 49)[1] == n
        assert held.holder(n * 100 + 50) is None


def test_a_reservation_with_two_badges_is_told_once(held):
    take_set(held, 1, [reservation(1, 100, 200, who=1), reservation(1, 100, 200, who=2)])
    assert len(held.reservations_between(0, 1000)) == 1


def test_idle_moments_merge_a_long_overlay_and_nothing_changes_by_it(tmp_path):
    held = Authorisations(str(tmp_path), KEY)
    take_set(held, 1, [reservation(n, n, n + 1, who=n) for n in range(200)])
    assert not held.step()
    held.apply_delta(1, 2, b"".join(operation(1, reservation(n, 7, 8, who=n)) for n in range(100, 160)))
    before = list(held._iterate())
    assert held.step()
    held.apply_delta(
        2, 3, operation(2, reservation(199, 0, 0, who=199))
    )  # comes between: the merge begins again
    for _ in range(100):
        held.step()
    assert not held.step()
    assert held._overlay == {}
    assert list(held._iterate()) == before[:-1] or set(held._iterate()) < set(before)
    assert list(Authorisations(str(tmp_path), KEY)._iterate()) == list(held._iterate())


def test_deltas_beyond_the_overlay_are_merged_first_and_one_too_big_is_refused(held):
    take_set(held, 1, [reservation(1, 2, 3)])
    rows = [operation(1, reservation(n, 7, 8, who=n)) for n in range(2, 2 + MAX_OVERLAY)]
    held.apply_delta(1, 2, b"".join(rows))
    held.apply_delta(2, 3, operation(1, reservation(999, 7, 8)))
    assert held.version == 3
    assert held.count == MAX_OVERLAY + 2
    with pytest.raises(AuthorisationsError):
        held.apply_delta(3, 4, b"".join(rows) + operation(1, reservation(7777, 7, 8)))
    assert held.version == 3


def test_a_delta_on_another_base_changes_nothing(held):
    take_set(held, 5, [reservation(1, 2, 3)])
    with pytest.raises(AuthorisationsError):
        held.apply_delta(4, 6, operation(2, reservation(1, 2, 3)))
    assert held.find(badge(1)) == [reservation(1, 2, 3)]


def test_a_set_with_a_wrong_mac_is_never_switched_to(held):
    take_set(held, 1, [reservation(1, 2, 3)])
    with pytest.raises(AuthorisationsError):
        take_set(held, 2, [reservation(2, 2, 3)], mac=bytes(16))
    assert held.version == 1
    assert held.find(badge(1)) == [reservation(1, 2, 3)]
    take_set(held, 2, [reservation(2, 2, 3)])
    assert held.find(badge(1)) == [reservation(2, 2, 3)]


def test_pages_out_of_order_twice_or_of_another_version_are_refused(held):
    low, high = (
        authorisation.pack(reservation(1, 2, 3, who=0)),
        authorisation.pack(reservation(1, 2, 3, who=1)),
    )
    held.begin_set(7, 3)
    held.put_page(7, 0, high)
    for version, page, entries in ((7, 0, high), (7, 2, high), (8, 1, high), (7, 1, low), (7, 1, high)):
        with pytest.raises(AuthorisationsError):
            held.put_page(version, page, entries)
    with pytest.raises(AuthorisationsError):
        list(held.finish_set(7, 1, bytes(16)))
    assert held.version == 0


def test_an_empty_set_takes_all_rights_away(held):
    take_set(held, 1, [reservation(1, 2, 3)])
    take_set(held, 2, [])
    assert (held.version, held.count, held.find(badge(1))) == (2, 0, [])


def test_a_damaged_file_falls_back_to_the_set_before_and_else_to_none(tmp_path):
    held = Authorisations(str(tmp_path), KEY)
    take_set(held, 1, [reservation(1, 2, 3)])
    take_set(held, 2, [reservation(2, 2, 3)])
    newest = max(tmp_path.glob("auth.*"), key=lambda path: int(path.suffix[1:]))
    newest.write_bytes(newest.read_bytes()[:-1] + b"x")
    again = Authorisations(str(tmp_path), KEY)
    assert (again.version, again.damaged) == (1, 1)
    assert again.find(badge(1)) == [reservation(1, 2, 3)]
    for path in tmp_path.glob("auth.*"):
        path.write_bytes(b"")
    empty = Authorisations(str(tmp_path), KEY)
    assert (empty.version, empty.count) == (0, 0)
    assert empty.damaged
    take_set(empty, 3, [reservation(3, 2, 3)])
    assert Authorisations(str(tmp_path), KEY).version == 3


def test_old_files_are_cleared_away(tmp_path):
    held = Authorisations(str(tmp_path), KEY)
    for version in range(1, 8):
        take_set(held, version, [reservation(version, 2, 3)])
    assert len(list(tmp_path.glob("auth.*"))) <= 2
