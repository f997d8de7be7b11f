"""What the clock does: no-shows, silence, and that neither a broken row nor another process keeps a rule
from being applied once."""

import asyncio

import pytest
from glovebox import rules
from glovebox.incidents import service as incidents
from glovebox.reservations import risk, service, timed
from glovebox.rules import apply_rules
from glovebox.scope import SYSTEM
from sqlalchemy import text
from support_at_once import while_waiting
from support_cloud import HOUR, NOW, Depot

NO_SHOW_S = 3_600
PARKED, DRIVING = 0, 3


def let_pass(depot, seconds):
    depot.clock.now += seconds
    depot.run(lambda tx: apply_rules(tx, depot.now))


def open_incidents(depot):
    return [i.kind for i in depot.read(lambda tx: incidents.list_incidents(tx, SYSTEM))]


def test_a_no_show_is_released_once_the_box_says_that_nobody_came(depot):
    number = depot.book(depot.anne, HOUR, 6 * HOUR)
    box = depot.claim()
    depot.clock.now = NOW + HOUR + NO_SHOW_S + 60
    box.greet(box.state(depot.now))
    let_pass(depot, 1)
    assert depot.reservation(number).state == "no_show"
    box.greet()
    assert box.authorisations() == {}


def test_before_its_time_is_over_nobody_is_a_no_show(depot):
    number = depot.book(depot.anne, HOUR, 6 * HOUR)
    box = depot.claim()
    depot.clock.now = NOW + HOUR + NO_SHOW_S - 60
    box.greet(box.state(depot.now))
    let_pass(depot, 120)
    assert depot.reservation(number).state == "confirmed", "what was said before tells nothing"


def test_silence_is_no_no_show_but_an_incident_at_the_end(depot):
    number = depot.book(depot.anne, HOUR, 6 * HOUR)
    box = depot.claim()
    box.greet(box.state(depot.now))
    let_pass(depot, HOUR + NO_SHOW_S + 60)
    assert depot.reservation(number).state == "confirmed"
    assert open_incidents(depot) == []
    let_pass(depot, 4 * HOUR)
    assert depot.reservation(number).state == "expired"
    assert open_incidents(depot) == ["silent_reservation"]


def test_a_car_in_use_is_no_no_show_even_if_its_journal_is_late(depot):
    number = depot.book(depot.anne, HOUR, 6 * HOUR)
    box = depot.claim()
    depot.clock.now = NOW + HOUR + NO_SHOW_S + 60
    box.greet(box.state(depot.now, authorisation_id=number, state=DRIVING))
    let_pass(depot, 1)
    assert depot.reservation(number).state == "confirmed"


def test_whose_car_another_has_not_brought_back_is_no_no_show_and_its_box_not_silent(depot):
    late = depot.book(depot.bob, 0, HOUR)
    number = depot.book(depot.anne, HOUR, 3 * HOUR)
    box = depot.claim()
    box.session_start(depot.now, late)
    box.greet(box.records())
    depot.clock.now = NOW + HOUR + NO_SHOW_S + 60
    box.greet(box.state(depot.now, authorisation_id=late, state=DRIVING))
    let_pass(depot, 1)
    assert depot.reservation(number).state == "confirmed"
    let_pass(depot, 2 * HOUR)
    assert depot.reservation(number).state == "expired"
    assert open_incidents(depot) == []


def test_cars_in_somebodys_hands_keep_no_other_from_being_released(depot, monkeypatch):
    """Those that cannot be released stay due until they end."""
    monkeypatch.setattr(timed, "AT_ONCE", 1)
    stuck = depot.book(depot.anne, HOUR, 4 * HOUR)
    number = depot.book(depot.bob, HOUR, 6 * HOUR, depot.car_2)
    boxes = depot.claim(), depot.claim(depot.car_2, "board-2")
    depot.clock.now = NOW + HOUR + NO_SHOW_S + 60
    boxes[0].greet(boxes[0].state(depot.now, authorisation_id=stuck, state=DRIVING))
    boxes[1].greet(boxes[1].state(depot.now))
    let_pass(depot, 1)
    assert depot.reservation(stuck).state == "confirmed"
    assert depot.reservation(number).state == "no_show"


@pytest.mark.parametrize(("heard_before_end_s", "incident"), [(60, []), (1_200, ["silent_reservation"])])
def test_a_short_one_that_nobody_took_is_an_incident_only_where_the_box_was_silent(
    depot, heard_before_end_s, incident
):
    number = depot.book(depot.anne, HOUR, HOUR + HOUR // 2)
    box = depot.claim()
    depot.clock.now = NOW + HOUR + HOUR // 2 - heard_before_end_s
    box.greet(box.state(depot.now, state=PARKED))
    let_pass(depot, heard_before_end_s)
    assert depot.reservation(number).state == "expired"
    assert open_incidents(depot) == incident


def test_a_rule_that_fails_keeps_no_other_from_being_applied(depot, caplog):
    """A stored state that nobody can read: no-shows cannot be told, all else goes on."""
    depot.lay_down(needs_approval=1, approval_due_s=HOUR)
    waiting = depot.book(depot.anne, 20 * HOUR, 21 * HOUR, depot.car_2, depot.driver(depot.anne))
    assert depot.reservation(waiting).state == "pending"
    depot.lay_down()
    depot.book(depot.bob, 0, 6 * HOUR)
    depot.claim()
    broken = text("UPDATE boxes SET state = :state, heard_at = :at")
    depot.clock.now += 3 * HOUR
    depot.run(lambda tx: tx.execute(broken, {"state": b"short", "at": depot.now}))
    asyncio.run(rules.look(depot.cloud))
    assert depot.reservation(waiting).state == "expired"
    assert "a timed rule failed: release_no_shows" in caplog.text


# -- two processes at once
@pytest.fixture
def shared(postgresql, tmp_path):
    built = Depot(tmp_path / "cloud", postgresql.create_database())
    yield built
    built.close()


@pytest.mark.postgresql
def test_a_journal_that_comes_while_the_booking_is_given_back_changes_no_cancelled_one(shared):
    number = shared.book(shared.anne, 0, HOUR)
    box = shared.claim()
    box.greet()
    box.session_start(shared.now, number)
    raw = box.envelope(box.records())
    sent = while_waiting(
        shared,
        lambda tx: service.cancel(tx, shared.now, SYSTEM, number),
        lambda _tx: shared.post(raw).status_code,
    )
    assert sent == 200
    assert shared.reservation(number).state == "cancelled"
    assert open_incidents(shared) == ["used_after_end"]


@pytest.mark.postgresql
def test_two_processes_free_the_same_car_at_once(shared):
    shared.run(
        lambda tx: tx.execute(
            text(
                "INSERT INTO waits (person_id, organisation_id, site_id, starts_at, ends_at, created_at,"
                " looked_at) VALUES (:person, :body, :site, 1, 2, 0, 0)"
            ),
            {"person": shared.anne, "body": shared.town, "site": shared.site},
        )
    )
    freed = while_waiting(
        shared,
        lambda tx: risk.note_freed(tx, NOW, shared.car),
        lambda tx: risk.note_freed(tx, NOW + 1, shared.car),
    )
    assert freed is None
    assert shared.rows("SELECT vehicle_id, freed_at FROM freed_cars") == [(shared.car, NOW + 1)]
