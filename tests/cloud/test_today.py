"""Today: every kind of line appears when it should and goes when it is over, worst first, to those alone who
manage the car; marks; a fixed number of questions whatever the fleet. On both engines."""

import pytest
from glovebox.accounts import roles
from glovebox.blocks import service as blocks
from glovebox.boxes.tables import boxes
from glovebox.errors import Forbidden, GloveboxError, Invalid, NotFound
from glovebox.fleet import service as fleet
from glovebox.incidents import service as incidents
from glovebox.records.tables import faults
from glovebox.reservations import changes
from glovebox.reservations.tables import reservations
from glovebox.scope import SYSTEM
from glovebox.today import service as today
from glovebox.today.schemas import KINDS
from sqlalchemy import event, insert, update
from support_cloud import DAY, HOUR, NOW
from support_town import pack_state


@pytest.fixture
def manager(depot):
    """Bob manages the town; a person, so that he may take lines."""
    depot.run(lambda tx: roles.grant_role(tx, depot.bob, "manager", organisation_id=depot.town))
    return depot.read(lambda tx: roles.read_viewer(tx, depot.bob, "fr")).scope


def lines(depot, scope):
    return depot.read(lambda tx: today.list_lines(tx, depot.now, scope))


def kinds(depot, scope):
    return [line.kind for line in lines(depot, scope)]


def said(depot, heard_at=None, used_at=NOW, inputs=0b101100, **state):
    """The car's box, as it spoke last."""
    name = state.pop("state", "parked")
    raw = pack_state(name, depot.site, inputs=inputs, at=depot.now, **state)
    values = {"state": raw, "heard_at": depot.now if heard_at is None else heard_at, "used_at": used_at}
    depot.run(lambda tx: tx.execute(update(boxes).where(boxes.c.vehicle_id == depot.car).values(**values)))


def set_state(depot, number, **values):
    statement = update(reservations).where(reservations.c.id == number).values(**values)
    depot.run(lambda tx: tx.execute(statement))


def test_a_quiet_fleet_has_nothing_to_look_after(depot, box, manager):
    said(depot)
    assert lines(depot, manager) == []


def test_a_car_not_back_five_minutes_after_the_end_is_told_with_who_has_it(depot, manager):
    number = depot.book(depot.anne, 0, HOUR)
    set_state(depot, number, state="in_use")
    depot.clock.now += HOUR + 299
    assert lines(depot, manager) == []
    depot.clock.now += 1
    (line,) = lines(depot, manager)
    assert (line.kind, line.subject_id, line.person_name, line.at) == (
        "not_back",
        number,
        "Anne Morin",
        NOW + HOUR,
    )


def test_a_departure_within_a_day_whose_car_may_not_be_there(depot, manager):
    depot.book(depot.anne, 20 * HOUR, 22 * HOUR)
    depot.book(depot.anne, 30 * HOUR, 32 * HOUR)
    depot.run(lambda tx: blocks.add_block(tx, NOW, SYSTEM, depot.car, "workshop", NOW, None))
    assert [(line.kind, line.at) for line in lines(depot, manager)] == [
        ("departure_at_risk", NOW + 20 * HOUR)
    ]


def test_a_session_left_open_with_the_ignition_off(depot, box, manager):
    said(depot, state="open", used_at=NOW - 1_200)
    assert kinds(depot, manager) == ["ignition_off"]
    said(depot, state="open", used_at=NOW - 1_199)
    assert kinds(depot, manager) == []
    said(depot, state="open", used_at=NOW - 1_200, inputs=0b101101)
    assert kinds(depot, manager) == []


@pytest.mark.parametrize(
    ("energy", "percent", "is_low"),
    [("petrol", 14, True), ("petrol", 15, False), ("electric", 24, True), ("electric", 25, False)],
)
def test_fuel_and_charge_have_their_own_limits(depot, box, manager, energy, percent, is_low):
    depot.run(lambda tx: fleet.change_vehicle(tx, SYSTEM, depot.car, energy=energy))
    said(depot, fuel=percent)
    found = [(line.kind, line.number, line.code) for line in lines(depot, manager)]
    assert found == ([("energy_low", percent, energy if energy == "electric" else "")] if is_low else [])


def test_a_weak_battery_and_a_silent_box(depot, box, manager):
    said(depot, battery_mv=11_799)
    assert [(line.kind, line.number) for line in lines(depot, manager)] == [("battery_low", 11_799)]
    said(depot, heard_at=NOW - 6 * HOUR)
    assert kinds(depot, manager) == ["silent"]
    depot.run(lambda tx: fleet.change_vehicle(tx, SYSTEM, depot.car, status="workshop"))
    assert kinds(depot, manager) == []


def test_faults_of_a_car_are_one_line_told_by_the_oldest(depot, box, manager):
    said(depot)
    for code, at in ((11, NOW), (4, NOW - 60)):
        row = {"vehicle_id": depot.car, "box_id": 1, "code": code, "set_at": at}
        depot.run(lambda tx, row=row: tx.execute(insert(faults).values(**row)))
    (line,) = lines(depot, manager)
    assert (line.kind, line.number, line.at) == ("fault", 2, NOW - 60)


def test_a_fault_line_put_away_is_back_with_the_next_fault_however_late_its_journal(depot, box, manager):
    said(depot)
    add = lambda code, at: depot.run(  # noqa: E731
        lambda tx: tx.execute(
            insert(faults).values(vehicle_id=depot.car, box_id=1, code=code, set_at=at),
        )
    )
    add(11, NOW)
    depot.run(lambda tx: today.snooze(tx, NOW, manager, "fault", depot.car, NOW + DAY))
    depot.run(lambda tx: today.take(tx, NOW, manager, "fault", depot.car))
    assert [line.snoozed_until for line in lines(depot, manager)] == [NOW + DAY]
    add(4, NOW - HOUR)
    assert [(line.number, line.snoozed_until) for line in lines(depot, manager)] == [(2, None)]
    depot.run(lambda tx: today.snooze(tx, NOW, manager, "fault", depot.car, NOW + DAY))
    assert [line.snoozed_until for line in lines(depot, manager)] == [NOW + DAY]


def test_worst_first_and_incidents_by_their_kind(depot, box, manager):
    said(depot, battery_mv=11_000, fuel=3)
    for kind in ("alarm", "place_unconfirmed", "damage"):
        depot.run(lambda tx, kind=kind: incidents.open_incident(tx, NOW, kind, depot.car))
    waiting = depot.book(depot.anne, 20 * HOUR, 21 * HOUR)
    set_state(depot, waiting, state="pending", approval_due_at=NOW + HOUR)
    found = kinds(depot, manager)
    assert found == ["battery_low", "energy_low", "damage", "approval", "place_unconfirmed", "incident"]
    assert found == sorted(found, key=KINDS.index)


def test_only_those_who_manage_the_car_see_its_line(depot, box, manager):
    said(depot, fuel=3)
    assert kinds(depot, depot.manager(depot.agglo)) == []
    assert kinds(depot, depot.driver(depot.anne)) == []
    other = depot.run(lambda tx: fleet.add_pool(tx, depot.town, "Service"))
    depot.run(lambda tx: roles.grant_role(tx, depot.cora, "manager", pool_id=other))
    cora = depot.read(lambda tx: roles.read_viewer(tx, depot.cora, "fr")).scope
    assert kinds(depot, cora) == []
    depot.run(lambda tx: fleet.change_vehicle(tx, SYSTEM, depot.car, pool_id=other))
    assert kinds(depot, cora) == ["energy_low"]
    stranger = depot.manager(depot.agglo)
    with pytest.raises(NotFound):
        depot.run(lambda tx: today.snooze(tx, NOW, stranger, "energy_low", depot.car, None))


def test_a_line_is_taken_given_back_and_forgotten_after_three_days(depot, box, manager):
    said(depot, fuel=3)
    with pytest.raises(Forbidden):
        depot.run(lambda tx: today.take(tx, NOW, depot.manager(depot.town), "energy_low", depot.car))
    depot.run(lambda tx: today.take(tx, NOW, manager, "energy_low", depot.car))
    assert [line.owner_name for line in lines(depot, manager)] == ["Bob Le Gall"]
    depot.run(lambda tx: today.release(tx, NOW, manager, "energy_low", depot.car))
    assert [line.owner_name for line in lines(depot, manager)] == [""]
    depot.run(lambda tx: today.take(tx, NOW, manager, "energy_low", depot.car))
    depot.clock.now += 3 * DAY
    said(depot, fuel=3)
    assert [line.owner_id for line in lines(depot, manager)] == [None]


def test_a_line_put_away_comes_back_at_its_time(depot, box, manager):
    said(depot, fuel=3)
    depot.run(lambda tx: today.snooze(tx, NOW, manager, "energy_low", depot.car, NOW + HOUR))
    assert [line.snoozed_until for line in lines(depot, manager)] == [NOW + HOUR]
    depot.clock.now += HOUR
    said(depot, fuel=3)
    assert [line.snoozed_until for line in lines(depot, manager)] == [None]
    for until, code in ((depot.now, "over_already"), (depot.now + 15 * DAY, "too_far")):
        with pytest.raises(Invalid, match=code):
            depot.run(
                lambda tx, until=until: today.snooze(tx, depot.now, manager, "energy_low", depot.car, until)
            )
    with pytest.raises(NotFound):
        depot.run(lambda tx: today.snooze(tx, depot.now, manager, "silent", depot.car, depot.now + HOUR))


def test_ten_times_the_cars_ask_no_question_more(depot, box, manager):
    said(depot, fuel=3)

    def questions():
        asked = []
        engine = depot.cloud.store.reading

        def note(_connection, _cursor, statement, *_rest):
            asked.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        try:
            lines(depot, manager)
        finally:
            event.remove(engine, "before_cursor_execute", note)
        return sum(statement.lstrip().upper().startswith("SELECT") for statement in asked)

    before = questions()
    for number in range(20):
        values = {"organisation_id": depot.town, "pool_id": depot.pool, "site_id": depot.site}
        car = depot.run(
            lambda tx, number=number, values=values: fleet.add_vehicle(
                tx, **values, registration=f"ZZ-{number}", make="Renault", model="Clio", energy="petrol",
                seats=5, interlock_kind="none",
            )
        )  # fmt: skip
        depot.run(lambda tx, car=car: incidents.open_incident(tx, NOW, "damage", car))
    assert len(lines(depot, manager)) == 21
    assert questions() == before <= 10


def test_the_api_tells_takes_and_puts_away(depot, box, manager):
    said(depot, fuel=3)
    depot.scope = manager
    client = depot.web_client
    which = {"kind": "energy_low", "subject_id": depot.car}
    assert client.post("/api/v1/today/take", json=which).status_code == 204
    (line,) = client.get("/api/v1/today").json()
    assert (line["kind"], line["owner_name"]) == ("energy_low", "Bob Le Gall")
    assert client.post("/api/v1/today/release", json=which).status_code == 204
    assert client.post("/api/v1/today/snooze", json={**which, "until": NOW + HOUR}).status_code == 204
    assert client.get("/api/v1/today").json() == []
    assert len(client.get("/api/v1/today?with_snoozed=true").json()) == 1
    assert client.post("/api/v1/today/take", json={"kind": "odd", "subject_id": 1}).status_code == 422


def test_what_a_late_driver_said_is_kept_with_who_and_when_and_shown(depot):
    number = depot.book(depot.anne, 0, HOUR)
    with depot.cloud.store.write() as tx:
        tx.execute(update(reservations).where(reservations.c.id == number).values(state="in_use"))
    depot.clock.now += HOUR - 60
    anne = depot.driver(depot.anne)
    depot.run(lambda tx: changes.say_late(tx, depot.now, anne, number, 30))
    one = depot.reservation(number)
    assert (one.late_minutes, one.late_said_at, one.late_said_by) == (30, depot.now, depot.anne)
    [line] = depot.read(lambda tx: today.list_lines(tx, depot.now, depot.manager(depot.town)))
    assert (line.kind, line.subject_id, line.number) == ("not_back", number, 30)
    with pytest.raises(GloveboxError):
        depot.run(lambda tx: changes.say_late(tx, depot.now, depot.driver(depot.cora), number, 30))
    with pytest.raises(Invalid):
        depot.run(lambda tx: changes.say_late(tx, depot.now, anne, number, 1_441))
