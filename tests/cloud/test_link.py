"""One envelope up, one down: what a box is told, what it is refused, and that refused envelopes change
nothing."""

import asyncio
import struct

import pytest
from glovebox.boxes import service as boxes
from glovebox.clock import to_device_s
from glovebox.fleet import service as fleet
from glovebox.keys import PURPOSES
from glovebox.link.codes import REFUSAL
from glovebox.people import service as people
from glovebox.reservations import authorisations, service
from glovebox.rules import apply_rules, store_counts
from glovebox.scope import SYSTEM
from glovebox.store.migrate import renew_store_epoch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support_cloud import ANNE_UID, BOB_UID, CORA_UID, DAY, HOUR, NOW, STRANGER_UID
from support_cloud_box import Box, field

YEAR = 365 * DAY


def everything(depot):
    """All rows of all tables a box can touch."""
    tables = ("boxes", "records", "ring_heads", "trips", "reservations", "incidents", "commands", "faults")
    return {table: depot.rows(f"SELECT * FROM {table}") for table in tables}


# -- authorisations
def test_a_first_greeting_brings_time_store_settings_and_the_whole_set(depot):
    number = depot.book(depot.anne)
    box = depot.claim()
    down = box.sync(box.hello())
    assert down.part == 0
    assert down.now_s == to_device_s(NOW)
    assert down.store_epoch == depot.cloud.store_epoch != 0
    assert box.authorisations() == {
        (box.badge(ANNE_UID), number): (NOW + HOUR, NOW + 3 * HOUR, 1, 0, depot.site)
    }
    assert box.settings_version != 0


def test_a_car_knows_of_a_reservation_once_its_box_says_that_it_holds_it(depot, box):
    number = depot.book(depot.anne)
    assert not depot.reservation(number).car_knows
    box.sync(box.hello())
    assert (box.badge(ANNE_UID), number) in box.authorisations()
    assert not depot.reservation(number).car_knows
    box.sync(box.held())
    assert depot.reservation(number).car_knows
    depot.run(lambda tx: service.change(tx, NOW, SYSTEM, number, ends_at=NOW + 4 * HOUR))
    assert not depot.reservation(number).car_knows
    box.greet()
    assert depot.reservation(number).car_knows


def test_what_changes_comes_as_a_difference_from_what_the_box_holds(depot, box):
    first, second = depot.book(depot.anne), depot.book(depot.bob, 4 * HOUR, 5 * HOUR)
    depot.run(lambda tx: service.cancel(tx, NOW, SYSTEM, first))
    down = box.sync(box.hello())
    assert (len(down.all(0x84)), down.all(0x85)) == (1, [])
    assert list(box.authorisations()) == [(box.badge(BOB_UID), second)]


def test_difference_and_whole_set_lead_to_the_same(depot, box):
    numbers = [depot.book(depot.anne, hour * HOUR, (hour + 1) * HOUR) for hour in range(1, 9)]
    box.greet()
    for number in numbers[::2]:
        depot.run(lambda tx, number=number: service.cancel(tx, NOW, SYSTEM, number))
    change = {"starts_at": NOW + 20 * HOUR, "ends_at": NOW + 21 * HOUR}
    depot.run(lambda tx: service.change(tx, NOW, SYSTEM, numbers[1], **change))
    box.greet()
    by_difference = box.authorisations()
    box.version, box.entries = 0, {}
    assert box.sync(box.hello()).all(0x85)
    assert box.authorisations() == by_difference
    assert len(by_difference) == 4


def test_a_large_set_comes_in_pages_and_is_whole(sqlite_depot):
    depot = sqlite_depot
    for hour in range(400):
        depot.book(depot.anne, (1 + hour) * HOUR, (2 + hour) * HOUR)
    box = depot.claim()
    first = box.greet()
    assert first.pace["more"] == 1
    assert len(box.authorisations()) == 400


def test_a_set_that_changes_between_pages_starts_over(sqlite_depot):
    depot = sqlite_depot
    for hour in range(200):
        depot.book(depot.anne, (1 + hour) * HOUR, (2 + hour) * HOUR)
    box = depot.claim()
    first = box.sync(box.hello())
    (version,) = struct.unpack_from("<I", first.one(0x85))
    depot.book(depot.bob, 300 * HOUR, 301 * HOUR)
    again = box.sync(box.page_wanted(version, 1))
    newer, page = struct.unpack_from("<IH", again.one(0x85))
    assert newer > version
    assert page == 0


def test_a_reservation_beyond_ninety_days_comes_when_its_time_has_come(depot, box):
    number = depot.book(depot.anne, 100 * DAY, 100 * DAY + HOUR)
    box.greet()
    assert box.authorisations() == {}
    depot.clock.now += 11 * DAY
    depot.run(lambda tx: apply_rules(tx, depot.now))
    box.greet()
    assert list(box.authorisations()) == [(box.badge(ANNE_UID), number)]


def test_a_revoked_badge_leaves_the_car_and_a_new_one_comes(depot, box):
    number = depot.book(depot.anne)
    new = bytes.fromhex("04ffeeddccbbaa")
    (badge,) = depot.read(lambda tx: people.list_badges(tx, SYSTEM, depot.anne))
    depot.run(lambda tx: people.revoke_badge(tx, NOW, SYSTEM, badge.id))
    box.greet()
    assert box.authorisations() == {}
    cloud = depot.cloud
    depot.run(lambda tx: people.add_badge(tx, NOW, cloud.keyring, cloud.entropy, depot.anne, new))
    box.greet()
    assert list(box.authorisations()) == [(box.badge(new), number)]


def test_standing_and_service_rights_reach_every_car_of_the_pool_for_at_most_thirty_days(depot, box):
    def add(tx):
        people.add_standing_right(tx, NOW, depot.bob, depot.pool, "standing", NOW - DAY, NOW + YEAR)
        people.add_standing_right(tx, NOW, depot.cora, depot.pool, "service", NOW - DAY, NOW + DAY)

    depot.run(add)
    box.greet()
    held = {badge: (number, *rest) for (badge, number), rest in box.authorisations().items()}
    number, start, end, kind, _flags, place = held[box.badge(BOB_UID)]
    assert (number >> 31, kind, place, start) == (1, 2, 0, NOW - DAY)
    assert NOW + 20 * DAY < end <= NOW + 30 * DAY
    assert held[box.badge(CORA_UID)][2:4] == (NOW + DAY, 3)


def test_a_store_back_from_a_backup_makes_the_box_take_a_full_set(sqlite_depot):
    depot = sqlite_depot
    depot.book(depot.anne)
    box = depot.claim()
    box.greet()
    depot.run(lambda tx: renew_store_epoch(tx, lambda count: b"\x42" * count))
    depot.cloud.exchange._store_epoch = 0x42424243
    down = box.sync(box.hello())
    assert down.store_epoch == 0x42424243
    assert len(down.all(0x85)) == 1


@pytest.mark.parametrize("says_hello", [True, False])
def test_a_store_back_from_a_backup_lacks_nothing_once_the_box_has_sent_again(sqlite_depot, says_hello):
    """Found by seeds: the box sent on from where the lost store was; the first record that this one took then
    stood for those before it, and what the box sent again was taken for known."""
    depot = sqlite_depot
    number = depot.book(depot.anne, -60, HOUR)
    box = depot.claim()
    start = box.session_start(NOW, number, ANNE_UID)
    box.greet(box.records())
    box.session_end(NOW + 60, start, number)
    box.record(1, b"", NOW + 120)
    # The session's end was acknowledged by the store that is lost.
    depot.run(lambda tx: renew_store_epoch(tx, lambda count: b"\x42" * count))
    depot.cloud.exchange._store_epoch = 0x42424243
    greeting = [box.hello()] if says_hello else []
    assert box.sync(*greeting, box.records(first=3)).acks == {(1, 1): 1}
    assert box.sync(box.records(first=1)).acks == {(1, 1): 3}
    assert depot.rows("select ended_at from trips") == [(NOW + 60,)]
    assert depot.rows("select kind from incidents") == []


def test_another_box_in_the_car_takes_a_full_set_and_the_old_one_none(depot, box):
    number = depot.book(depot.anne)
    box.greet()
    newer = depot.claim(hardware_id="board-2")
    newer.version, newer.store_epoch = box.version, box.store_epoch
    assert newer.sync(newer.hello()).all(0x85)
    assert [key[1] for key in newer.authorisations()] == [number]
    assert box.sync(box.hello()).all(0x85) == []


# -- asking
def test_a_badge_whose_reservation_was_made_a_moment_ago_is_let_in_in_the_same_answer(depot, box):
    number = depot.book(depot.anne, 0, HOUR)
    down = box.sync(box.ask(ANNE_UID, ask_id=9))
    assert down.verdicts == [(9, 0)]
    assert (box.badge(ANNE_UID), number) in box.authorisations()


@pytest.mark.parametrize(
    ("case", "verdict"),
    [
        ("stranger", "unknown_badge"),
        ("nothing reserved", "unknown_badge"),
        ("in an hour", "too_early"),
        ("an hour ago", "too_late"),
        ("another car", "another_car"),
        ("held", "held_by_another"),
        ("revoked", "revoked"),
    ],
)
def test_a_badge_that_may_not_is_told_why(depot, box, case, verdict):
    uid = STRANGER_UID if case == "stranger" else ANNE_UID
    if case == "in an hour":
        depot.book(depot.anne, HOUR, 2 * HOUR)
    elif case == "an hour ago":
        depot.book(depot.anne, 0, HOUR)
        depot.clock.now += 2 * HOUR
    elif case == "another car":
        depot.book(depot.anne, 0, HOUR, depot.car_2)
        depot.book(depot.bob, 0, HOUR)
    elif case == "held":
        depot.book(depot.bob, 0, HOUR)
    elif case == "revoked":
        depot.book(depot.anne, 0, HOUR)
        (badge,) = depot.read(lambda tx: people.list_badges(tx, SYSTEM, depot.anne))
        depot.run(lambda tx: people.revoke_badge(tx, NOW, SYSTEM, badge.id))
    assert box.sync(box.ask(uid)).verdicts == [(7, REFUSAL[verdict])]


# -- commands, settings, state, pace
def test_settings_come_again_only_when_they_change(depot, box):
    assert box.sync(box.hello()).settings == []
    depot.run(lambda tx: fleet.change_vehicle(tx, SYSTEM, depot.car, tank_ml=50_000))
    ((version, settings),) = box.sync(box.hello()).settings
    assert settings.startswith(bytes((0x01, 6, 1, 1)) + struct.pack("<I", 50_000))
    assert box.settings_version == version
    assert box.sync(box.hello()).settings == []


def test_settings_name_the_places_with_the_home_first(sqlite_depot, sqlite_box):
    depot = sqlite_depot
    sqlite_box.settings_version = 0
    ((_, settings),) = sqlite_box.sync(sqlite_box.hello()).settings
    places, at = [], 0
    while at < len(settings):
        tag, size = settings[at : at + 2]
        if tag == 0x10:
            places.append(struct.unpack_from("<HiiH", settings, at + 2))
        at += 2 + size
    assert places == [
        (depot.site, 472_735_000, -22_137_000, 150),
        (depot.station, 472_860_000, -22_110_000, 150),
    ]


def test_the_live_state_is_what_the_box_knows_and_nothing_more(depot, box):
    box.sync(box.state(NOW, authorisation_id=5, state=2, place=depot.site, known=0b000011, inputs=0b000010))
    live = depot.read(boxes.list_live)[depot.car]
    assert (live.state, live.kl15_on, live.door_open) == ("open", False, True)
    assert (live.is_inhibited, live.is_still, live.is_locked, live.key_in_holder) == (None,) * 4
    assert (live.battery_mv, live.fuel_percent, live.odometer_m) == (12_600, 80, 12_345_600)
    assert (live.site_id, live.authorisation_id, live.heard_at) == (depot.site, 5, NOW)
    unknown = struct.pack("<BBBBHBBIIHI", 0, 0, 255, 0, 0, 255, 0, 0xFFFFFFFF, 0, 0xFFFF, 0)
    box.sync(field(0x02, unknown))
    live = depot.read(boxes.list_live)[depot.car]
    assert (live.fuel_percent, live.odometer_m, live.battery_mv, live.site_id) == (None,) * 4
    assert live.is_elsewhere
    assert live.kl15_on is None


def test_a_car_dozes_outside_opening_hours_a_day_after_its_last_use(depot, box):
    assert box.sync().pace["mode"] == 0
    box.session_start(NOW, 0, ANNE_UID)
    box.sync(box.records())
    depot.clock.now += 14 * HOUR
    assert box.sync().pace["mode"] == 0
    depot.clock.now += DAY
    assert box.sync().pace["mode"] == 1


def test_links_found_dead_make_the_heartbeat_shorter_down_to_a_bound(depot, box):
    beats = [box.sync(box.counters(link_lost=number)).pace["heartbeat_s"] for number in range(1, 10)]
    assert beats[0] == 840 * 3 // 4
    assert beats[-1] == 120
    assert beats == sorted(beats, reverse=True)
    assert box.sync(box.counters(link_lost=0)).pace["heartbeat_s"] == 120


# -- refused
def test_a_replayed_envelope_changes_nothing_and_is_counted(depot, box):
    box.session_start(NOW, 0, ANNE_UID)
    raw = box.envelope(box.records())
    depot.send(raw)
    before = everything(depot)
    answer = depot.post(raw)
    assert (answer.status_code, answer.text) == (409, "replayed")
    assert everything(depot) == before
    assert refused_counts(depot) == {"replayed": 1}


@pytest.mark.parametrize("kind", ["forged", "truncated", "foreign", "oversized", "damaged", "old generation"])
def test_an_envelope_that_is_not_right_changes_nothing_and_is_counted(depot, box, kind):
    number = depot.book(depot.anne)
    box.session_start(NOW, number, ANNE_UID)
    before = everything(depot)
    raw = box.envelope(box.records(), box.held())
    status, reason = 401, "unauthentic"
    if kind == "forged":
        raw = raw[:60] + bytes((raw[60] ^ 1,)) + raw[61:]
    elif kind == "truncated":
        raw, status, reason = raw[:-7], 400, "damaged"
    elif kind == "foreign":
        keys = {name: bytes(32).hex() for name in PURPOSES}
        raw = Box({"box_id": "00" * 8, "key_id": 1, "keys": keys}).envelope()
    elif kind == "oversized":
        raw, status, reason = raw + bytes(9_000), 413, "oversized"
    elif kind == "damaged":
        raw, status, reason = box.envelope(box.records(), b"\x02\x01\x00\x00"), 400, "damaged"
    else:
        box.key_id = 9
        keyring = depot.cloud.keyring
        box.keys = {name: keyring.box_key(box.box_id, 9, name) for name in PURPOSES}
        raw = box.envelope(box.records())
    answer = depot.post(raw)
    assert (answer.status_code, answer.text) == (status, reason)
    assert everything(depot) == before
    assert refused_counts(depot) == {reason: 1}


def test_a_damaged_body_is_told_only_after_its_counter_was_checked(depot, box):
    raw = box.envelope(b"\x02\x01\x00\x00")
    assert depot.post(raw).status_code == 400
    box.sync()
    assert depot.post(raw).status_code == 409


def test_a_full_writer_answers_503_with_a_time_to_wait(sqlite_depot, sqlite_box):
    sqlite_depot.cloud.writer._queue_limit = 0
    answer = sqlite_depot.post(sqlite_box.envelope())
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=300))
def test_whatever_a_genuine_box_says_is_answered_below_500(depot, box, body):
    """The body is anything, under a right MAC: a box gone mad."""
    answer = depot.post(box.envelope(body))
    assert answer.status_code in (200, 400)


FIELDS = st.sampled_from([1, 2, 3, 4, 5, 6, 7, 8, 9, 0x55])
LENGTHS = {1: 23, 2: 22, 4: 9, 5: 6, 7: 4, 9: 6}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_fields_of_the_right_shape_and_any_content_are_answered_below_500(depot, box, data):
    body = b""
    for tag in data.draw(st.lists(FIELDS, max_size=6, unique=True)):
        if tag == 3:
            head = struct.pack("<BII", data.draw(st.integers(1, 2)), data.draw(st.integers(0, 3)), 1)
            value = head + data.draw(st.binary(min_size=64, max_size=64)) * data.draw(st.integers(0, 3))
        elif tag == 8:
            value = data.draw(st.binary(min_size=5, max_size=5)) * 2
        else:
            size = LENGTHS.get(tag, 5)
            value = data.draw(st.binary(min_size=size, max_size=size))
        body += field(tag, value)
    assert depot.post(box.envelope(body)).status_code in (200, 400)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=9_000))
def test_whatever_a_stranger_sends_is_answered_with_4xx(sqlite_depot, raw):
    assert sqlite_depot.post(raw).status_code in (400, 401, 413)


def test_the_versions_of_a_set_never_go_back(sqlite_depot, sqlite_box):
    depot, seen = sqlite_depot, []
    for hour in range(1, 6):
        depot.book(depot.anne, hour * HOUR, (hour + 1) * HOUR)
        seen.append(depot.run(lambda tx: authorisations.refresh(tx, depot.now, depot.car)))
    assert seen == sorted(set(seen))
    assert depot.run(lambda tx: authorisations.refresh(tx, depot.now, depot.car)) == seen[-1]


def refused_counts(depot):
    asyncio.run(store_counts(depot.cloud))
    return dict(depot.rows("SELECT reason, count FROM refused_envelopes"))
