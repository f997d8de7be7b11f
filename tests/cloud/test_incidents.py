"""Incidents: who may close them, what the system does about each kind, what is taken back, damage reported by
those who stand beside the car; on both engines."""

import struct

import pytest
from glovebox.accounts import roles
from glovebox.blocks import service as blocks
from glovebox.errors import Conflict, Forbidden, Invalid, NotFound
from glovebox.incidents import acts, reports, service
from glovebox.incidents.resolutions import BY_HAND, LEAVE_OPEN, PROPOSED, STEPS
from glovebox.scope import SYSTEM
from glovebox.words import SENTENCES
from support_cloud import ANNE_UID, HOUR, NOW


@pytest.fixture
def manager(depot):
    """Bob manages the town; a person, so that he may undo."""
    depot.run(lambda tx: roles.grant_role(tx, depot.bob, "manager", organisation_id=depot.town))
    return depot.read(lambda tx: roles.read_viewer(tx, depot.bob, "fr")).scope


def opened(depot, kind, **facts):
    return depot.run(lambda tx: service.open_incident(tx, depot.now, kind, depot.car, **facts))


def get(depot, scope, number):
    return depot.read(lambda tx: acts.get_incident(tx, depot.now, scope, number))


def take(depot, scope, number, step, **more):
    depot.run(lambda tx: acts.take_step(tx, depot.now, scope, number, step, **more))


def blocked(depot):
    return depot.read(lambda tx: blocks.list_blocks(tx, SYSTEM, [depot.car], ends_after=depot.now))


def test_every_kind_has_a_sentence_and_a_proposed_resolution_and_every_step_is_somebodys():
    kinds = {key.partition(".")[2] for key in SENTENCES if key.startswith("incident.")}
    assert set(PROPOSED) == kinds
    assert set(STEPS) == {step for steps in PROPOSED.values() for step in steps} | set(BY_HAND)


def test_closed_by_hand_it_says_how_by_whom_and_why_and_is_closed_once(depot, manager):
    number = opened(depot, "journal_gap")
    take(depot, manager, number, "talked", note="Badge\nprêté")
    one = get(depot, manager, number)
    assert (one.resolution, one.closed_by_name, one.closing_note, one.closed_at, one.steps) == (
        "talked",
        "Bob Le Gall",
        "Badge prêté",
        NOW,
        (),
    )
    with pytest.raises(Conflict, match="incident_closed"):
        take(depot, manager, number, "nothing")
    assert depot.read(lambda tx: service.list_incidents(tx, manager)) == []
    assert len(depot.read(lambda tx: service.list_incidents(tx, manager, is_open=False))) == 1
    assert depot.read(lambda tx: service.list_incidents(tx, manager, is_open=None, kind="alarm")) == []


def test_closing_is_undone_within_30_seconds_by_whoever_closed_it(depot, manager):
    number = opened(depot, "alarm")
    take(depot, manager, number, "checked")
    with pytest.raises(Forbidden):
        depot.run(lambda tx: acts.reopen(tx, NOW, depot.manager(depot.town), number))
    depot.clock.now += 29
    depot.run(lambda tx: acts.reopen(tx, depot.now, manager, number))
    assert get(depot, manager, number).closed_at is None
    take(depot, manager, number, "checked")
    depot.clock.now += 30
    with pytest.raises(Conflict, match="undo_over"):
        depot.run(lambda tx: acts.reopen(tx, depot.now, manager, number))


def test_another_bodys_manager_finds_none_of_it(depot):
    number, stranger = opened(depot, "alarm"), depot.manager(depot.agglo)
    for attempt in (
        lambda tx: acts.get_incident(tx, NOW, stranger, number),
        lambda tx: acts.take_step(tx, NOW, stranger, number, "nothing"),
        lambda tx: acts.reopen(tx, NOW, stranger, number),
    ):
        with pytest.raises(NotFound):
            depot.run(attempt)


def test_the_driver_is_asked_once_by_message_and_it_stays_open(depot, manager):
    number = opened(depot, "another_persons_badge", person_id=depot.anne)
    assert get(depot, manager, number).steps == ("ask_driver",)
    take(depot, manager, number, "ask_driver")
    one = get(depot, manager, number)
    assert (one.asked_at, one.closed_at, one.steps) == (NOW, None, ())
    told = depot.rows("SELECT kind, person_id FROM messages")
    assert told == [("incident_asked", depot.anne)]
    with pytest.raises(Conflict, match="step_impossible"):
        take(depot, manager, number, "ask_driver")


def test_where_nobody_had_the_car_nobody_is_asked(depot, manager):
    number = opened(depot, "alarm")
    assert get(depot, manager, number).steps == ()
    with pytest.raises(Conflict, match="step_impossible"):
        take(depot, manager, number, "ask_driver")
    with pytest.raises(Invalid, match="no_such_step"):
        take(depot, manager, number, "car_changed")


def test_the_reservation_follows_the_car_really_taken_and_goes_back_when_undone(depot, manager):
    reservation = depot.book(depot.anne, 0, 2 * HOUR, vehicle_id=depot.car_2)
    number = opened(depot, "another_cars_reservation", reservation_id=reservation, person_id=depot.anne)
    assert get(depot, manager, number).steps == ("car_changed", "ask_driver")
    take(depot, manager, number, "car_changed")
    assert depot.reservation(reservation).vehicle_id == depot.car
    assert get(depot, manager, number).resolution == "car_changed"
    depot.run(lambda tx: acts.reopen(tx, NOW + 5, manager, number))
    assert depot.reservation(reservation).vehicle_id == depot.car_2


def test_a_promise_that_will_not_be_kept_is_given_back_and_restored_when_undone(depot, manager):
    reservation = depot.book(depot.anne, 0, 2 * HOUR)
    number = opened(depot, "used_though_promised", reservation_id=reservation)
    take(depot, manager, number, "reservation_ended")
    assert depot.reservation(reservation).state == "cancelled"
    depot.run(lambda tx: acts.reopen(tx, NOW + 5, manager, number))
    assert depot.reservation(reservation).state == "confirmed"


def test_damage_takes_the_car_out_and_repaired_puts_it_back_until_that_is_undone(depot, manager):
    number = opened(depot, "damage", detail="Pare-brise fendu")
    assert get(depot, manager, number).steps == ("take_out", "repaired")
    take(depot, manager, number, "take_out")
    assert [(one.kind, one.ends_at, one.reason) for one in blocked(depot)] == [
        ("damage", None, "Pare-brise fendu")
    ]
    assert get(depot, manager, number).steps == ("repaired",)
    depot.clock.now += HOUR
    take(depot, manager, number, "repaired")
    assert blocked(depot) == []
    depot.run(lambda tx: acts.reopen(tx, depot.now, manager, number))
    assert [one.ends_at for one in blocked(depot)] == [None]


def test_repaired_taken_back_leaves_every_block_of_damage_as_it_was(depot, manager):
    number = opened(depot, "damage", detail="Pare-brise fendu")
    for start, end, reason in ((-HOUR, 5 * HOUR, "Vitre"), (24 * HOUR, 30 * HOUR, "Pose"), (-60, None, "")):
        where = (depot.car, "damage", depot.now + start, None if end is None else depot.now + end, reason)
        depot.run(lambda tx, where=where: blocks.add_block(tx, depot.now, SYSTEM, *where))
    before = [(one.starts_at, one.ends_at, one.reason) for one in blocked(depot)]
    take(depot, manager, number, "repaired")
    assert blocked(depot) == []
    depot.run(lambda tx: acts.reopen(tx, depot.now, manager, number))
    assert [(one.starts_at, one.ends_at, one.reason) for one in blocked(depot)] == before


def unconfirmed(box, at, place=0, flags=0b100):
    session = box.session_start(at - HOUR, 0, ANNE_UID, place=0)
    values = (session, 0, 3, flags, place, 0, 0, 0, 0, 0xFFFFFFFF, 255, 0, 2**31 - 1, 2**31 - 1)
    box.record(3, struct.pack("<IIBBHIBBIIBBii", *values), at)
    box.sync(box.records())


def test_a_trip_that_ended_at_an_unknown_place_is_looked_at_until_the_place_is_confirmed(depot, box, manager):
    unconfirmed(box, NOW)
    (one,) = depot.read(lambda tx: service.list_incidents(tx, manager))
    assert (one.kind, one.person_name) == ("place_unconfirmed", "Anne Morin")
    take(depot, manager, one.id, "place_confirmed", site_id=depot.station)
    assert depot.rows("SELECT end_site_id FROM trips") == [(depot.station,)]
    depot.run(lambda tx: acts.reopen(tx, NOW, manager, one.id))
    assert depot.rows("SELECT end_site_id FROM trips") == [(None,)]


def test_a_later_trip_that_ends_at_a_known_place_closes_what_was_unconfirmed(depot, box, manager):
    unconfirmed(box, NOW - 2 * HOUR)
    unconfirmed(box, NOW, place=depot.site, flags=0)
    assert depot.read(lambda tx: service.list_incidents(tx, manager)) == []


def test_a_driver_reports_damage_of_the_car_he_has_and_one_that_must_not_go_is_out_at_once(depot):
    reservation = depot.book(depot.anne, 0, 2 * HOUR)
    following = depot.book(depot.bob, 3 * HOUR, 4 * HOUR)
    anne = depot.driver(depot.anne)

    def report(text, may_drive):
        return depot.run(
            lambda tx: reports.report_damage(
                tx, NOW, anne, depot.car, text, may_drive=may_drive, reservation_id=reservation
            )
        )

    first = report("Rayure", True)
    assert report("Rayure", True) == first
    assert blocked(depot) == []
    assert report("Freins", False) != first
    assert [(one.kind, one.ends_at) for one in blocked(depot)] == [("damage", None)]
    assert depot.reservation(following).is_at_risk
    with pytest.raises(Invalid, match="damage_text_missing"):
        report(" \n", True)


def test_nobody_reports_damage_of_a_car_he_has_nothing_to_do_with(depot):
    reservation = depot.book(depot.anne, 5 * HOUR, 6 * HOUR)
    for person in (depot.anne, depot.bob):  # too early, never had it
        with pytest.raises(Forbidden):
            depot.run(
                lambda tx, person=person: reports.report_damage(
                    tx, NOW, depot.driver(person), depot.car, "Rayure", may_drive=True
                )
            )
    depot.clock.now += 4 * HOUR
    assert depot.read(lambda tx: reports.may_report(tx, depot.now, depot.driver(depot.anne), depot.car))
    assert depot.reservation(reservation).state == "confirmed"


def test_the_api_lists_tells_steps_closes_and_reopens(depot, manager):
    number = opened(depot, "damage", detail="Rayure")
    depot.scope = manager
    client = depot.web_client
    assert [one["id"] for one in client.get("/api/v1/incidents").json()] == [number]
    assert client.get(f"/api/v1/incidents/{number}").json()["steps"] == ["take_out", "repaired"]
    step = {"step": "checked", "note": "Rien"}
    closed = client.post(f"/api/v1/incidents/{number}/steps", json=step).json()
    assert (closed["resolution"], closed["closing_note"]) == ("checked", "Rien")
    assert client.get("/api/v1/incidents?state=closed").json()[0]["id"] == number
    assert client.post(f"/api/v1/incidents/{number}/reopen").json()["closed_at"] is None
    assert client.post(f"/api/v1/incidents/{number}/steps", json={"step": "burn"}).status_code == 422


def test_steps_that_leave_it_open_are_those_the_table_names():
    documented = {
        line.split("`")[1] for line in acts_table().splitlines() if line.endswith("it stays open |")
    }
    assert documented == set(LEAVE_OPEN)


def acts_table():
    from glovebox.incidents import resolutions

    return resolutions.__doc__


def test_damage_names_a_reservation_of_that_very_car_that_one_may_see(depot):
    def report(number):
        return depot.run(
            lambda tx: reports.report_damage(
                tx, NOW, depot.colleague(), depot.car, "Rayure", may_drive=True, reservation_id=number
            )
        )

    for number in (999, depot.book(depot.cora, vehicle_id=depot.car_3)):
        with pytest.raises(NotFound):
            report(number)
    assert report(depot.book(depot.anne))
