"""The authorisations at their limits: blocks, pages, overlay, merges, and files that are lost or foreign."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from box.protocols import authorisation
from box.protocols.crypto import Hmac
from box.storage.authorisations import Authorisations, AuthorisationsError
from box.storage.snapshot import Snapshot

KEY = Hmac(b"a" * 32)
PUT, REMOVE = 1, 2
Entry = tuple[bytes, int, int, int, int, int, int]


def badge(number: int) -> bytes:
    return struct.pack(">Q", number)


def entry(who: int, number: int = 1, start_s: int = 100, end_s: int = 200, kind: int = 1) -> Entry:
    return (badge(who), number, start_s, end_s, kind, 0, 0)


def pages_of(entries: list[Entry], per_page: int = 170) -> list[bytes]:
    packed = [authorisation.pack(each) for each in entries]
    return [b"".join(packed[at : at + per_page]) for at in range(0, len(packed), per_page)] or [b""]


def begin(held: Authorisations, version: int, entries: list[Entry]) -> Iterator[None]:
    """Give all pages; return the steps of the check."""
    pages = pages_of(entries)
    held.begin_set(version, len(pages))
    for page, content in enumerate(pages):
        held.put_page(version, page, content)
    mac = KEY.digest(struct.pack("<II", version, len(entries)), b"".join(pages))[:16]
    return held.finish_set(version, len(entries), mac)


def take(held: Authorisations, version: int, entries: list[Entry]) -> None:
    for _ in begin(held, version, entries):
        pass


def operation(op: int, each: Entry) -> bytes:
    return bytes([op]) + authorisation.pack(each)


def change(held: Authorisations, op: int, entries: list[Entry]) -> None:
    held.apply_delta(held.version, held.version + 1, b"".join(operation(op, each) for each in entries))


def files(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.glob("auth.*"))


@pytest.fixture
def held(tmp_path):
    return Authorisations(str(tmp_path), KEY)


@pytest.fixture
def again(tmp_path):
    return lambda: Authorisations(str(tmp_path) + "/", KEY)


# --- look-up ---


@pytest.mark.parametrize("count", [0, 1, 2, 19, 20, 21, 40, 41, 60, 61, 81, 400])
def test_each_badge_is_found_whatever_block_it_lies_in_and_none_beside_it(held, again, count):
    take(held, 1, [entry(who * 10, who) for who in range(1, count + 1)])
    for view in (held, again()):
        assert (view.count, view.damaged, view.version) == (count, 0, 1)
        for who in range(count + 2):
            assert view.find(badge(who * 10)) == ([entry(who * 10, who)] if 0 < who <= count else [])
            assert view.find(badge(who * 10 + 5)) == []


@pytest.mark.parametrize("before", [0, 1, 19, 20, 21, 38])
def test_a_badge_with_entries_in_several_blocks_is_told_all_of_them(held, before):
    many = [entry(500, number) for number in range(1, 46)]
    take(held, 1, [entry(who) for who in range(before)] + many + [entry(600 + who) for who in range(30)])
    assert held.find(badge(500)) == many
    change(held, PUT, [entry(500, 3, 7, 8)])
    change(held, REMOVE, [entry(500, 4)])
    assert held.find(badge(500)) == [many[0], many[1], entry(500, 3, 7, 8), *many[4:]]


def test_the_count_goes_with_what_is_put_and_removed_and_never_below_none(held):
    take(held, 1, [])
    change(held, REMOVE, [entry(1), entry(2)])
    assert held.count == 0
    change(held, PUT, [entry(3), entry(4), entry(5)])
    assert held.count == 1
    held.merge()
    assert held.count == 3
    change(held, REMOVE, [entry(3)])
    assert held.count == 2


@pytest.mark.parametrize("ask", ["find", "holder", "between", "prepare"])
def test_a_file_that_is_gone_leaves_no_rights_and_is_counted_once(held, again, tmp_path, ask):
    take(held, 1, [entry(1)])
    change(held, PUT, [entry(2)])
    (tmp_path / "auth.1").unlink()
    answers = {
        "find": lambda: held.find(badge(2)),
        "holder": lambda: held.holder(150),
        "between": lambda: held.reservations_between(0, 999),
        "prepare": lambda: held.prepare(150),
    }
    assert answers[ask]() == {"find": [], "holder": None, "between": [], "prepare": True}[ask]
    assert (held.version, held.damaged, held.count) == (0, 1, 0)
    assert (held.find(badge(2)), held.holder(150), held.reservations_between(0, 999)) == ([], None, [])
    while held.prepare(150):
        pass
    assert held.damaged == 1
    take(held, 5, [entry(7)])
    assert (held.find(badge(7)), again().find(badge(7)), again().damaged) == ([entry(7)], [entry(7)], 0)


def test_reservations_are_told_by_their_start_also_where_more_are_asked_for_than_are_kept(held):
    standing = entry(0, 999, 0, 20_000, kind=2)
    take(held, 1, [standing] + [entry(w, w, 10_000 - w * 10, 10_005 - w * 10) for w in range(1, 200)])
    found = held.reservations_between(0, 20_000)
    assert [each[1] for each in found] == list(range(199, 0, -1))
    assert [each[1] for each in held.reservations_between(9_000, 9_005)] == [100]
    assert [each[1] for each in held.reservations_between(8_015, 20_000)] == list(range(198, 0, -1))
    assert [each[1] for each in held.reservations_between(0, 9_000)] == list(range(199, 100, -1))


@pytest.mark.parametrize("count", [40, 41, 60, 80, 100, 399])
def test_a_look_up_reads_no_block_but_those_its_badge_may_lie_in(held, tmp_path, count):
    entries = [entry(who * 10, who) for who in range(count)]
    take(held, 1, entries)
    whole = (tmp_path / "auth.1").read_bytes()
    for who in range(1, count):
        before, after = (who - 1) // 20 * 480, (who // 20 + 2) * 480  # else it may begin in the one before
        same = authorisation.pack(entry(who * 10, 9999)) * 20
        content = b"\xff" * before + whole[before:after] + same * (len(whole[after:]) // 480)
        (tmp_path / "auth.1").write_bytes(content)
        assert held.find(badge(who * 10)) == [entries[who]], who


def test_what_is_asked_for_first_is_read_once_and_what_the_window_cannot_hold_twice(held, monkeypatch):
    take(held, 1, [entry(who, who, who * 10, who * 10 + 5) for who in range(1, 200)])
    reads = []
    iterate = held._iterate
    monkeypatch.setattr(held, "_iterate", lambda: reads.append(1) or iterate())
    assert [each[1] for each in held.reservations_between(10, 600)] == list(range(1, 60))
    assert len(reads) == 1
    assert [each[1] for each in held.reservations_between(10, 1200)] == list(range(1, 120))
    assert len(reads) == 3


def test_a_change_while_it_is_read_ahead_ends_the_reading_and_it_begins_anew(held):
    take(held, 1, [entry(who, who) for who in range(200)])
    assert held.prepare(50) is True
    change(held, PUT, [entry(500, 500)])
    assert [held.prepare(50) for _ in range(3)] == [True, True, False]


# --- changes ---


def test_a_delta_needs_a_set_and_the_version_it_is_told_for(held):
    for version in (0, 1):
        with pytest.raises(AuthorisationsError):
            held.apply_delta(version, 2, operation(PUT, entry(1)))
    take(held, 3, [])
    held.apply_delta(3, 9, operation(PUT, entry(1)))
    assert (held.version, held.find(badge(1))) == (9, [entry(1)])


def test_128_changes_lie_beside_the_file_and_one_more_is_merged_first(held, again, tmp_path):
    take(held, 1, [entry(1)])
    change(held, PUT, [entry(who) for who in range(2, 102)])
    change(held, PUT, [entry(who) for who in range(102, 130)])
    assert files(tmp_path) == ["auth.1"]
    change(held, PUT, [entry(130)])
    assert files(tmp_path) == ["auth.1", "auth.2"]
    change(held, PUT, [entry(131), entry(132)])
    for view in (held, again()):
        assert (view.version, view.count) == (5, 132)
        assert all(view.find(badge(who)) == [entry(who)] for who in range(1, 133))
    view = again()
    view.merge()
    for merged in (view, again()):
        assert (merged.version, merged.count, merged.damaged) == (5, 132, 0)
        assert all(merged.find(badge(who)) == [entry(who)] for who in range(1, 133))


@pytest.mark.parametrize(("count", "is_taken"), [(128, True), (129, False)])
def test_a_delta_of_128_changes_is_taken_and_one_of_more_refused(held, count, is_taken):
    take(held, 1, [])
    rows = b"".join(operation(PUT, entry(who)) for who in range(count))
    if is_taken:
        held.apply_delta(1, 2, rows)
    else:
        with pytest.raises(AuthorisationsError):
            held.apply_delta(1, 2, rows)
    assert (held.version, held.count) == ((2, count) if is_taken else (1, 0))


# --- a full set ---


def test_a_set_begun_anew_has_nothing_of_the_one_given_up(held, again):
    held.begin_set(5, 2)
    held.put_page(5, 0, pages_of([entry(who) for who in range(170)])[0])
    take(held, 6, [entry(900)])
    assert (held.count, again().count, again().damaged) == (1, 1, 0)


def test_a_page_begins_behind_the_last_key_of_the_one_before_however_long_that_was(held):
    held.begin_set(5, 2)
    held.put_page(5, 0, pages_of([entry(who) for who in range(10)])[0])
    with pytest.raises(AuthorisationsError):
        held.put_page(5, 1, pages_of([entry(5)])[0])
    held.put_page(5, 1, pages_of([entry(10)])[0])


def test_pages_of_another_set_or_none_and_keys_that_do_not_rise_are_refused(held):
    (one,), (two,) = pages_of([entry(1)]), pages_of([entry(2)])
    with pytest.raises(AuthorisationsError):
        held.put_page(5, 0, one)
    held.begin_set(5, 3)
    held.put_page(5, 0, two)
    for version, page, content in ((4, 1, b""), (5, 0, b""), (5, 2, b""), (5, 1, one), (5, 1, two)):
        with pytest.raises(AuthorisationsError):
            held.put_page(version, page, content)
    held.put_page(5, 1, b"")
    with pytest.raises(AuthorisationsError):
        held.put_page(5, 2, two)
    held.put_page(5, 2, pages_of([entry(2, 2), entry(3)])[0])
    mac = KEY.digest(struct.pack("<II", 5, 3), two, *pages_of([entry(2, 2), entry(3)]))[:16]
    list(held.finish_set(5, 3, mac))
    assert (held.version, held.find(badge(2))) == (5, [entry(2), entry(2, 2)])


@pytest.mark.parametrize(("count", "is_taken"), [(10_000, True), (10_001, False)])
def test_ten_thousand_entries_are_taken_and_one_more_is_not(held, count, is_taken):
    entries = [entry(who) for who in range(count)]
    if is_taken:
        take(held, 1, entries)
        assert held.find(badge(9_999)) == [entry(9_999)]
    else:
        with pytest.raises(AuthorisationsError):
            take(held, 1, entries)
    assert held.count == (count if is_taken else 0)


@pytest.mark.parametrize(("version", "count", "pages"), [(6, 1, 1), (5, 2, 1), (5, 0, 1), (5, 1, 2)])
def test_a_set_that_is_not_what_was_begun_is_refused(held, version, count, pages):
    (one,) = pages_of([entry(1)])
    held.begin_set(5, pages)
    held.put_page(5, 0, one)
    mac = KEY.digest(struct.pack("<II", version, count), one)[:16]
    with pytest.raises(AuthorisationsError):
        list(held.finish_set(version, count, mac))
    assert (held.version, held.is_taking) == (0, True)
    with pytest.raises(AuthorisationsError):
        list(Authorisations(held._directory, KEY).finish_set(version, count, mac))


def test_a_set_is_on_its_way_until_it_is_taken_refused_or_given_up(held, again):
    assert held.is_taking is False
    take(held, 1, [entry(1)])
    assert held.is_taking is False
    steps = begin(held, 2, [entry(2)])
    assert held.is_taking is True
    next(steps)
    held.abandon_set()
    assert held.is_taking is False
    with pytest.raises(AuthorisationsError):
        next(steps)
    steps = begin(held, 3, [entry(3)])
    next(steps)
    second = begin(held, 4, [entry(4)])
    with pytest.raises(AuthorisationsError):
        next(steps)
    list(second)
    pages = pages_of([entry(9)])
    held.begin_set(5, 1)
    held.put_page(5, 0, pages[0])
    with pytest.raises(AuthorisationsError):
        list(held.finish_set(5, 1, bytes(16)))
    assert held.is_taking is False
    for view in (held, again()):
        assert (view.version, view.find(badge(4)), view.find(badge(9))) == (4, [entry(4)], [])


def test_a_set_is_checked_block_by_block(held):
    assert len(list(begin(held, 1, [entry(who) for who in range(41)]))) == 3


# --- merges ---


@pytest.mark.parametrize(("changes", "is_due"), [(47, False), (48, True)])
def test_idle_moments_merge_from_48_changes_on_in_blocks_of_20(held, again, tmp_path, changes, is_due):
    take(held, 1, [entry(1000 + who) for who in range(52)])
    change(held, PUT, [entry(who) for who in range(changes)])
    told = [held.step() for _ in range(7)]
    assert told == ([True] * 5 if is_due else [False] * 5) + [False] * 2
    assert files(tmp_path) == (["auth.1", "auth.2"] if is_due else ["auth.1"])
    for view in (held, again()):
        assert (view.version, view.count, view.damaged) == (2, 52 + changes, 0)
    assert held.step() is False
    if is_due:
        content = (tmp_path / "auth.2").read_bytes()
        assert content == b"".join(
            pages_of([entry(w) for w in range(48)] + [entry(1000 + w) for w in range(52)])
        )


def test_no_merge_begins_while_a_set_is_on_its_way_and_a_set_ends_one(held, again):
    take(held, 1, [entry(1)])
    change(held, PUT, [entry(who) for who in range(60)])
    held.begin_set(3, 1)
    assert held.step() is False
    held.abandon_set()
    assert held.step() is True
    held.begin_set(4, 1)
    held.abandon_set()
    assert held.step() is True  # begins anew
    take(held, 3, [entry(7)])
    assert held.step() is False
    for view in (held, again()):
        assert (view.version, view.count, view.find(badge(7))) == (3, 1, [entry(7)])


def test_a_merge_at_once_gives_up_a_set_on_its_way(held):
    take(held, 1, [entry(1)])
    held.begin_set(9, 1)
    held.merge()
    assert held.is_taking is False
    with pytest.raises(AuthorisationsError):
        held.put_page(9, 0, b"")


def test_a_merge_at_once_ends_the_one_under_way_and_leaves_nothing_of_it(held, again):
    take(held, 1, [entry(1)])
    change(held, PUT, [entry(who) for who in range(60)])
    assert held.step() is True
    change(held, REMOVE, [entry(0)])
    held.merge()
    for view in (held, again()):
        assert (view.version, view.count, view.damaged, view.find(badge(0))) == (3, 59, 0, [])
    change(held, PUT, [entry(who, 2) for who in range(60)])
    assert held.step() is True
    while held.step():
        pass
    assert (held.count, again().count) == (119, 119)


def test_a_change_that_comes_between_begins_the_merge_again(held, again):
    take(held, 1, [entry(1)])
    change(held, PUT, [entry(who) for who in range(60)])
    assert held.step() is True
    change(held, REMOVE, [entry(5)])
    while held.step():
        pass
    assert held.step() is True  # anew
    while held.step():
        pass
    for view in (held, again()):
        assert (view.version, view.count, view.find(badge(5))) == (3, 59, [])


# --- files ---


def test_the_set_in_force_and_the_one_before_stay_and_what_is_not_ours_too(held, tmp_path):
    for name in ("auth.old", "auth.", "author.1", "auth.77"):
        (tmp_path / name).write_bytes(b"x")
    for version in (1, 2, 3):
        take(held, version, [entry(version)])
    assert files(tmp_path) == ["auth.", "auth.2", "auth.3", "auth.old"]
    assert (tmp_path / "author.1").exists()
    (tmp_path / "auth.77").write_bytes(b"left by a cut")
    Authorisations(str(tmp_path), KEY)
    assert files(tmp_path) == ["auth.", "auth.2", "auth.3", "auth.old"]


def manifest(version: int, number: int, content: bytes) -> bytes:
    return struct.pack("<IIII", version, number, len(content) // 24, zlib.crc32(content))


@pytest.mark.parametrize(
    ("newest", "damaged"),
    [
        (b"", 1),
        (bytes(15), 1),
        (manifest(2, 2, b"x" * 24), 1),  # the file has another CRC
        (manifest(2, 2, b"".join(pages_of([entry(1), entry(2)]))), 1),  # another size
        (manifest(2, 9, pages_of([entry(5)])[0]), 1),  # there is none
        (manifest(2, 9, b""), 0),  # an empty set needs none
        (manifest(2, 2, pages_of([entry(5)])[0]), 0),
    ],
)
def test_a_manifest_that_is_none_or_whose_file_is_another_falls_back_to_the_one_before(
    held, again, tmp_path, newest, damaged
):
    take(held, 1, [entry(1)])
    (tmp_path / "auth.2").write_bytes(pages_of([entry(5)])[0])
    Snapshot(str(tmp_path), "authorisations").save(newest)
    view = again()
    assert (view.version, view.damaged) == (1 if damaged else 2, damaged)
    assert view.find(badge(1)) == ([entry(1)] if damaged else [])


def test_where_no_set_is_whole_the_next_does_not_go_over_a_file_that_an_older_one_may_need(
    held, again, tmp_path
):
    take(held, 1, [entry(1)])
    change(held, PUT, [entry(2)])
    (tmp_path / "auth.1").write_bytes(b"x" * 24)
    empty = again()
    assert (empty.version, empty.count, empty.damaged) == (0, 0, 2)
    assert empty.find(badge(2)) == empty.find(b"x" * 8) == []
    take(empty, 3, [entry(3)])
    assert files(tmp_path) == ["auth.1", "auth.2"]
    assert again().find(badge(3)) == [entry(3)]


def test_a_manifest_that_is_damaged_is_counted(held, again, tmp_path):
    take(held, 1, [entry(1)])
    take(held, 2, [entry(2)])
    content = bytearray((tmp_path / "authorisations.0").read_bytes())
    content[20] ^= 1
    (tmp_path / "authorisations.0").write_bytes(content)
    assert (again().version, again().damaged) == (1, 1)
