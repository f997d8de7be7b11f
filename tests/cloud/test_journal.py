"""Journals: stored once and in order, verified, and what they mean for trips, reservations, faults and
incidents."""

import struct

import pytest
from glovebox import words
from glovebox.boxes import service as boxes
from glovebox.errors import Forbidden
from glovebox.incidents import service as incidents
from glovebox.records import layout
from glovebox.records import service as records
from glovebox.reservations import service as reservations
from glovebox.scope import SYSTEM
from glovebox.trips import service as trips
from glovebox.web.console_queries import open_faults
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support_cloud import ANNE_UID, BOB_UID, HOUR, NOW, STRANGER_UID
from support_cloud_box import UNKNOWN_U32, field

STOPOVER, RESUMED, FAULT_SET, FAULT_CLEARED, ALARM, HEALTH, DROPPED = 4, 5, 10, 11, 14, 32, 63


def stored(depot, ring=1):
    return depot.rows("SELECT sequence, verdict FROM records WHERE ring = :ring ORDER BY sequence", ring=ring)


def open_incidents(depot):
    return sorted(i.kind for i in depot.read(lambda tx: incidents.list_incidents(tx, SYSTEM)))


def list_trips(depot, scope=SYSTEM):
    return depot.read(lambda tx: trips.list_trips(tx, scope))


def health(box, at=NOW):
    return box.record(HEALTH, struct.pack("<HBBIII", 12_500, 80, 0, 1_000, 60_000, 3_600), at, ring=2)


# -- the books
def test_records_are_acknowledged_when_they_are_in_the_books(depot, box):
    for _ in range(3):
        box.session_start(NOW, 0, ANNE_UID)
    assert box.sync(box.records()).acks == {(1, box.epoch): 3}
    assert stored(depot) == [(1, 0), (2, 0), (3, 0)]


def test_records_sent_again_are_the_same_records(depot, box):
    box.session_start(NOW, 0, ANNE_UID)
    box.sync(box.records())
    box.session_start(NOW, 0, ANNE_UID)
    assert box.sync(box.records()).acks == {(1, box.epoch): 2}
    assert box.sync(box.records(last=1)).acks == {(1, box.epoch): 2}
    assert len(stored(depot)) == len(list_trips(depot)) == 2
    assert open_incidents(depot) == []


def test_other_records_under_known_numbers_change_nothing_and_open_an_incident(depot, box):
    box.session_start(NOW, 0, ANNE_UID)
    box.sync(box.records())
    before = depot.rows("SELECT * FROM records")
    box.slots[1], box.last_mac[1] = [], bytes(16)
    box.session_start(NOW + 1, 0, BOB_UID)
    assert box.sync(box.records()).acks == {(1, box.epoch): 1}
    assert depot.rows("SELECT * FROM records") == before
    assert open_incidents(depot) == ["journal_contradicts"]


def test_a_worn_cell_is_stored_as_damaged_and_does_not_hold_up_what_follows(depot, box):
    for _ in range(3):
        box.session_start(NOW, 0, ANNE_UID)
    slot = bytearray(box.slots[1][1])
    slot[20] ^= 0xFF
    box.slots[1][1] = bytes(slot)
    assert box.sync(box.records()).acks == {(1, box.epoch): 3}
    assert stored(depot) == [(1, 0), (2, 1), (3, 0)]
    assert len(list_trips(depot)) == 2
    assert open_incidents(depot) == ["journal_damaged"]


def test_a_gap_in_the_telemetry_is_an_incident_until_the_box_says_that_it_dropped_it(depot, box):
    for _ in range(6):
        health(box)
    box.sync(box.records(2, 1, 2))
    assert box.sync(box.records(2, 5)).acks == {(2, box.epoch): 6}
    assert stored(depot, ring=2) == [(1, 0), (2, 0), (5, 2), (6, 0)]
    assert open_incidents(depot) == ["journal_gap"]
    sequence = box.record(DROPPED, struct.pack("<II", 3, 4), NOW, ring=2)
    box.sync(box.records(2, sequence))
    assert open_incidents(depot) == []
    assert depot.rows("SELECT first, last, cause FROM ring_gaps") == [(3, 4, "dropped")]


def test_a_gap_is_not_explained_by_another_one(depot, box):
    for _ in range(6):
        health(box)
    box.sync(box.records(2, 3))
    sequence = box.record(DROPPED, struct.pack("<II", 2, 2), NOW, ring=2)
    box.sync(box.records(2, sequence))
    assert open_incidents(depot) == ["journal_gap"]


def test_a_new_epoch_is_a_new_chain(depot, box):
    box.session_start(NOW, 0, ANNE_UID)
    box.sync(box.records())
    box.epoch, box.slots[1], box.last_mac[1] = box.epoch + 1, [], bytes(16)
    box.session_start(NOW, 0, ANNE_UID)
    assert box.sync(box.records()).acks == {(1, box.epoch): 1}
    assert stored(depot) == [(1, 0), (1, 0)]


def test_a_journal_goes_on_under_the_old_key_after_new_keys(depot, box):
    box.session_start(NOW, 0, ANNE_UID)
    box.sync(box.records())
    newer = depot.claim()
    newer.keys["journal"], newer.epoch = box.keys["journal"], box.epoch
    newer.slots, newer.last_mac = box.slots, box.last_mac
    newer.session_start(NOW, 0, ANNE_UID)
    newer.sync(newer.hello(), newer.records(first=2))
    assert stored(depot) == [(1, 0), (2, 0)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)), min_size=1, max_size=8))
def test_in_whatever_pieces_and_however_often_a_journal_comes_it_is_in_the_books_once(sqlite_depot, cuts):
    box = sqlite_depot.claim(hardware_id="board-pieces")
    box.sync(box.hello())
    for _ in range(12):
        box.session_start(NOW, 0, ANNE_UID)
    reached = 0
    for wished, count in cuts:
        first = min(wished, reached + 1)
        last = min(first + count - 1, 12)
        reached = max(reached, last)
        assert box.sync(box.records(1, first, last)).acks == {(1, box.epoch): reached}
    rows = sqlite_depot.rows(
        "SELECT sequence, slot FROM records r JOIN boxes b ON b.id = r.box_id "
        "WHERE b.box_id = :box AND epoch = :epoch ORDER BY sequence", box=box.box_id, epoch=box.epoch
    )  # fmt: skip
    assert [(number, bytes(slot)) for number, slot in rows] == list(enumerate(box.slots[1][:reached], 1))


# -- what they mean
def test_a_session_becomes_a_trip_with_sites_distance_fuel_and_person(depot, box):
    number = depot.book(depot.anne, 0, 3 * HOUR)
    session = box.session_start(NOW + 60, number, ANNE_UID, place=depot.site)
    box.sync(box.records())
    assert depot.reservation(number).state == "in_use"
    box.session_end(NOW + HOUR, session, number, place=depot.station)
    box.sync(box.records())
    (trip,) = list_trips(depot)
    assert (trip.started_at, trip.ended_at) == (NOW + 60, NOW + HOUR)
    assert (trip.start_site, trip.end_site) == ("Mairie", "Gare")
    assert (trip.distance_m, trip.distance_source, trip.fuel_ml, trip.fuel_source) == (
        23_266,
        "odometer",
        1_500,
        "rate",
    )
    assert (trip.person_name, trip.reservation_id, trip.kind, trip.via) == (
        "Anne Morin",
        number,
        "reservation",
        "badge",
    )
    assert (trip.start_odometer_m, trip.end_odometer_m, trip.end_reason) == (12_345_600, 12_368_800, "badge")
    assert (trip.end_lat_e7, trip.end_lon_e7) == (None, None)
    assert depot.reservation(number).state == "completed"
    assert open_incidents(depot) == []


def test_a_session_whose_box_lost_its_power_before_the_car_opened_leaves_the_reservation(depot, box):
    number = depot.book(depot.anne, 0, 3 * HOUR)
    session = box.session_start(NOW, number, ANNE_UID)
    box.session_end(NOW + 5, session, number, reason=5)
    box.sync(box.records())
    (trip,) = list_trips(depot)
    assert trip.end_reason == "not_begun"
    assert depot.reservation(number).state == "confirmed"
    box.session_start(NOW + 20, number, ANNE_UID)
    box.sync(box.records())
    assert depot.reservation(number).state == "in_use"
    assert open_incidents(depot) == []


def test_the_rest_of_a_reservation_ended_early_is_free_again(depot, box):
    number = depot.book(depot.anne, 0, 3 * HOUR)
    session = box.session_start(NOW, number, ANNE_UID)
    box.session_end(NOW + HOUR, session, number)
    box.sync(box.records())
    assert depot.reservation(number).state == "completed"
    assert depot.reservation(depot.book(depot.bob, HOUR, 2 * HOUR)).state == "confirmed"


def test_what_a_trip_did_not_measure_stays_unknown(depot, box):
    session = box.session_start(NOW, 0, ANNE_UID, place=0)
    values = (session, 0, 3, 0b00101, 0xFFFF, 0, 0, 0, 0, UNKNOWN_U32, 255, 0, 472_000_000, -22_000_000)
    box.record(3, struct.pack("<IIBBHIBBIIBBii", *values), NOW + HOUR)
    box.sync(box.records())
    (trip,) = list_trips(depot)
    assert (trip.distance_m, trip.fuel_ml, trip.end_fuel_percent, trip.end_odometer_m) == (None,) * 4
    assert (trip.start_site, trip.end_site) == (None, None)
    assert (trip.end_lat_e7, trip.end_lon_e7) == (472_000_000, -22_000_000)
    assert trip.end_flags == ("door_open", "place_unconfirmed")


def test_stopovers_are_kept_with_their_times(depot, box):
    session = box.session_start(NOW, 0, ANNE_UID)
    box.record(STOPOVER, struct.pack("<IH", session, 0xFFFF), NOW + 600)
    box.record(RESUMED, struct.pack("<IB", session, 4), NOW + 1200)
    box.record(STOPOVER, struct.pack("<IH", session, depot.station), NOW + 1800)
    box.record(RESUMED, struct.pack("<IB", session, 5), NOW + 1900)
    box.sync(box.records())
    (trip,) = list_trips(depot)
    stops = depot.read(lambda tx: trips.list_stopovers(tx, SYSTEM, trip.id))
    assert [(s.stopped_at, s.resumed_at, s.site) for s in stops] == [
        (NOW + 600, NOW + 1200, None), (NOW + 1800, None, "Gare")]  # fmt: skip


def test_a_reservation_that_lapsed_in_silence_is_used_after_all_when_the_journal_comes(depot, box):
    number = depot.book(depot.anne, 0, 2 * HOUR)
    depot.run(lambda tx: tx.exec_driver_sql(f"UPDATE reservations SET state = 'expired' WHERE id = {number}"))
    session = box.session_start(NOW, number, ANNE_UID)
    box.session_end(NOW + HOUR, session, number)
    depot.clock.now += 20 * HOUR
    box.sync(box.records())
    assert depot.reservation(number).state == "completed"


@pytest.mark.parametrize(
    ("case", "kind"),
    [
        ("cancelled", "used_after_end"),
        ("another car", "another_cars_reservation"),
        ("another badge", "another_persons_badge"),
        ("no reservation", "used_though_promised"),
    ],
)
def test_a_trip_that_contradicts_a_promise_is_stored_and_opens_an_incident(depot, box, case, kind):
    number, uid = depot.book(depot.anne, 0, 2 * HOUR), ANNE_UID
    if case == "cancelled":
        depot.run(lambda tx: reservations.cancel(tx, NOW, SYSTEM, number))
    elif case == "another car":
        number = depot.book(depot.anne, 0, 2 * HOUR, depot.car_2)
    elif case == "another badge":
        uid = BOB_UID
    else:
        number, uid = 0, STRANGER_UID
    session = box.session_start(NOW, number, uid)
    box.session_end(NOW + HOUR, session, number)
    box.sync(box.records())
    assert len(list_trips(depot)) == 1
    assert open_incidents(depot) == [kind]


def test_a_car_taken_once_more_with_the_same_reservation_is_told_of_it_again(depot, box):
    number = depot.book(depot.anne, 0, 5 * HOUR)
    box.session_end(NOW + HOUR, box.session_start(NOW, number, ANNE_UID), number)
    box.sync(box.records())
    assert box.authorisations() == {}
    box.session_start(NOW + 2 * HOUR, number, ANNE_UID)
    box.sync(box.records(first=3))
    assert depot.reservation(number).state == "in_use"
    assert list(box.authorisations()) == [(box.badge(ANNE_UID), number)]


def test_a_late_trip_that_overlaps_anothers_promise_changes_no_promise(depot, box):
    mine = depot.book(depot.anne, 0, 2 * HOUR)
    depot.run(lambda tx: tx.exec_driver_sql(f"UPDATE reservations SET state = 'expired' WHERE id = {mine}"))
    his = depot.book(depot.bob, 0, 2 * HOUR)
    box.session_start(NOW, mine, ANNE_UID)
    box.sync(box.records())
    assert (depot.reservation(mine).state, depot.reservation(his).state) == ("expired", "confirmed")
    assert open_incidents(depot) == ["used_after_end"]
    assert len(list_trips(depot)) == 1


def test_an_end_whose_start_was_lost_is_a_trip_all_the_same(depot, box):
    number = depot.book(depot.anne, 0, 2 * HOUR)
    box.session_end(NOW + HOUR, 99, number)
    box.sync(box.records())
    (trip,) = list_trips(depot)
    assert (trip.reservation_id, trip.is_time_unsure, trip.distance_m) == (number, True, 23_266)
    assert open_incidents(depot) == ["trip_without_start"]


def test_a_session_without_a_clock_is_stored_with_its_time_unsure(depot, box):
    box.session_start(NOW, 0, ANNE_UID, trust=0)
    box.sync(box.records())
    (trip,) = list_trips(depot)
    assert (trip.is_time_unsure, trip.started_at) == (True, NOW)


def test_records_belong_to_the_car_the_box_was_in_when_they_were_written(depot, box):
    depot.clock.now += HOUR
    moved = depot.claim(depot.car_2)
    moved.keys["journal"], moved.epoch = box.keys["journal"], box.epoch
    moved.session_start(NOW + 60, 0, ANNE_UID)
    moved.session_start(NOW + HOUR + 60, 0, ANNE_UID)
    moved.sync(moved.hello(), moved.records())
    assert [trip.registration for trip in list_trips(depot)] == ["BB-202-BB", "AA-101-AA"]


def test_faults_begin_and_end_as_the_journal_and_the_list_tell(depot, box):
    def active():
        return [(f.name, f.set_at) for f in depot.read(lambda tx: open_faults(tx, depot.car))]

    box.sync(box.faults(4, 11))
    assert sorted(active()) == [("battery_low", NOW), ("gnss_silent", NOW)]
    box.record(FAULT_SET, struct.pack("<BI", 4, 7), NOW - 600)
    box.sync(box.records())
    assert ("gnss_silent", NOW - 600) in active()
    box.record(FAULT_CLEARED, struct.pack("<B", 4), NOW)
    box.sync(box.records(first=2))
    assert active() == [("battery_low", NOW)]
    box.sync(box.faults())
    assert active() == []


def test_a_command_answered_only_in_the_journal_is_answered(depot, box):
    number = depot.run(lambda tx: boxes.add_command(tx, NOW, SYSTEM, depot.car, "lock", "open since noon"))
    box.sync()
    box.record(12, struct.pack("<IBBB", number, 2, 0, 0), NOW)
    box.sync(box.records())
    assert depot.rows("SELECT state FROM commands WHERE id = :number", number=number) == [("done",)]


def test_an_alarm_is_an_incident(depot, box):
    box.record(ALARM, b"\x01", NOW)
    box.sync(box.records())
    assert open_incidents(depot) == ["alarm"]


def test_no_position_is_kept_of_a_trip_between_sites(depot, box):
    session = box.session_start(NOW, 0, ANNE_UID)
    box.session_end(NOW + HOUR, session, 0)
    box.sync(box.records())
    assert depot.rows("SELECT end_lat_e7, end_lon_e7 FROM trips") == [(None, None)]
    assert depot.rows("SELECT 1 FROM records WHERE kind NOT IN (2, 3)") == []


# -- told in words
KINDS = sorted({**dict.fromkeys(range(1, 20), 1), 32: 2, 33: 2, 34: 2, 63: 2}.items())


@pytest.mark.parametrize(("kind", "ring"), KINDS)
@pytest.mark.parametrize(
    "payload", [bytes(36), b"\xff" * 36, bytes(range(1, 37))], ids=["zero", "ones", "mixed"]
)
def test_every_kind_of_record_is_told_in_both_languages_whatever_it_holds(depot, box, kind, ring, payload):
    box.record(kind, payload, NOW, ring=ring)
    box.sync(box.records(ring))
    (line,) = depot.read(lambda tx: records.list_lines(tx, SYSTEM, depot.car))
    for language in words.LANGUAGES:
        sentence = words.say(language, line.sentence, **line.values)
        assert sentence != line.sentence
        assert "?" not in sentence
        assert "@" not in sentence


def test_a_journal_is_not_shown_to_drivers(sqlite_depot):
    scope = sqlite_depot.driver(sqlite_depot.anne)
    with pytest.raises(Forbidden):
        sqlite_depot.read(lambda tx: records.list_lines(tx, scope, sqlite_depot.car))


@given(st.integers(0, 255), st.binary(min_size=36, max_size=36))
def test_no_payload_makes_the_layout_raise(kind, payload):
    assert isinstance(layout.read_payload(kind, payload), dict)


@given(st.binary(min_size=64, max_size=64))
def test_no_slot_makes_the_layout_raise(slot):
    assert layout.read_record(slot).mac == slot[48:]


def test_trouble_codes_read_as_mechanics_write_them():
    assert [layout.dtc_text(bytes.fromhex(code)) for code in ("0301", "4123", "8f0e", "c155")] == [
        "P0301", "C0123", "B0F0E", "U0155"]  # fmt: skip


def test_an_empty_records_field_only_asks_for_the_acknowledgement(depot, box):
    box.session_start(NOW, 0, ANNE_UID)
    box.sync(box.records())
    empty = field(0x03, struct.pack("<BII", 1, box.epoch, 2))
    assert box.sync(empty).acks == {(1, box.epoch): 1}
