"""Changes are appended once a car and once a pool, answers computed from what a box holds: whatever was
granted, taken back and missed, a box ends with exactly the set."""

import copy
import threading

import pytest
from alembic import command
from glovebox.errors import GloveboxError
from glovebox.fleet import service as fleet
from glovebox.people import service as people
from glovebox.reservations import authorisations, rights
from glovebox.reservations import service as reservations
from glovebox.reservations.tables import authorisation_versions, pool_versions
from glovebox.rules import apply_rules
from glovebox.scope import SYSTEM
from glovebox.store.engine import open_store
from glovebox.store.migrate import alembic_config, migrate
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text, update
from support_cloud import ANNE_UID, BOB_UID, CORA_UID, DAY, HOUR, NOW, Depot, SeededEntropy

WEEK = 7 * DAY
RIGHT = 0x8000_0000


def settle(depot):
    """Everything computed as of now: as the timed rules do within a day, all at once."""
    for table in (authorisation_versions, pool_versions):
        depot.run(lambda tx, table=table: tx.execute(update(table).values(refreshed_at=0)))
    while depot.rows(
        "SELECT 1 FROM authorisation_versions WHERE refreshed_at = 0"
        " UNION ALL SELECT 1 FROM pool_versions WHERE refreshed_at = 0"
    ):
        depot.run(lambda tx: apply_rules(tx, depot.now))


def expect(depot, box, car):
    """The set of a car as the design has it, from the books alone."""
    now, horizon = depot.now, (depot.now + 30 * DAY) // WEEK * WEEK
    uids = {"1001": ANNE_UID, "1002": BOB_UID, "2001": CORA_UID}
    carried = {}
    for person, number, active, licence, revoked in depot.rows(
        "SELECT p.id, p.staff_number, p.is_active, p.licence_until, b.revoked_at FROM people p"
        " JOIN badges b ON b.person_id = p.id"
    ):
        if active and revoked is None:
            carried[person] = (box.badge(uids[number]), licence)
    ((pool, home),) = depot.rows("SELECT pool_id, site_id FROM vehicles WHERE id = :car", car=car)
    found = {}
    for number, person, start, end, state, place in depot.rows(
        "SELECT id, person_id, starts_at, ends_at, state, end_site_id FROM reservations"
        " WHERE vehicle_id = :car",
        car=car,
    ):
        badge, licence = carried.get(person, (None, None))
        is_near = end > now - HOUR and start < now + 90 * DAY
        if badge and is_near and state in ("confirmed", "in_use") and (licence is None or licence > start):
            found[badge, number] = (start, end, 1, 0, place or home)
    for number, person, kind, start, end in depot.rows(
        "SELECT id, person_id, kind, starts_at, ends_at FROM standing_rights WHERE pool_id = :pool", pool=pool
    ):
        badge, _ = carried.get(person, (None, None))
        if badge and end > now and start < horizon:
            found[badge, RIGHT | number] = (start, min(end, horizon), 2 if kind == "standing" else 3, 0, 0)
    return found


def grant(depot, person_id, pool_id=None, kind="standing", start=0, end=400 * DAY):
    values = (person_id, pool_id or depot.pool, kind, depot.now + start, depot.now + end)
    return depot.run(lambda tx: people.add_standing_right(tx, depot.now, *values))


def badge_of(depot, person_id):
    ((number, revoked),) = depot.rows("SELECT id, revoked_at FROM badges WHERE person_id = :p", p=person_id)
    return number, revoked


class History:
    """A fleet of three boxes to which things happen, and boxes that come when they come."""

    def __init__(self, depot):
        self.depot = depot
        self.cars = (depot.car, depot.car_2, depot.car_3)
        self.boxes = {car: depot.claim(car, f"board-{car}") for car in self.cars}
        self.saved = {car: [(0, {})] for car in self.cars}
        self.uids = {depot.anne: ANNE_UID, depot.bob: BOB_UID, depot.cora: CORA_UID}
        self.people = list(self.uids)
        self.hour = 1

    def step(self, draw):
        what = draw(st.sampled_from(sorted(name for name in dir(self) if name.startswith("do_"))))
        getattr(self, what)(draw)

    def do_grant(self, draw):
        pool = draw(st.sampled_from((self.depot.pool, self.depot.other_pool)))
        start, length = draw(st.integers(-3, 20)), draw(st.integers(1, 60))
        kind = draw(st.sampled_from(("standing", "service")))
        grant(self.depot, draw(st.sampled_from(self.people)), pool, kind, start * DAY, (start + length) * DAY)

    def do_book(self, draw):
        self.hour += draw(st.integers(2, 60 * 24))
        car, person = draw(st.sampled_from(self.cars)), draw(st.sampled_from(self.people))
        start = NOW + self.hour * HOUR
        if start > self.depot.now:
            job = (car, person, start, start + HOUR)
            self._try(lambda tx: reservations.book(tx, self.depot.now, SYSTEM, *job))

    def do_cancel(self, draw):
        found = self.depot.rows("SELECT id FROM reservations WHERE state = 'confirmed' ORDER BY id")
        if found:
            (number,) = draw(st.sampled_from(found))
            self._try(lambda tx: reservations.cancel(tx, self.depot.now, SYSTEM, number))

    def do_revoke_or_give_badge(self, draw):
        depot, person = self.depot, draw(st.sampled_from(self.people))
        number, revoked = badge_of(depot, person)
        if revoked is None:
            depot.run(lambda tx: people.revoke_badge(tx, depot.now, SYSTEM, number))
        else:
            keys = (depot.cloud.keyring, depot.cloud.entropy)
            depot.run(lambda tx: people.add_badge(tx, depot.now, *keys, person, self.uids[person]))

    def do_leave_or_return(self, draw):
        person = draw(st.sampled_from(self.people))
        values = {"is_active": draw(st.integers(0, 1))}
        self.depot.run(lambda tx: people.change_person(tx, SYSTEM, person, **values))

    def do_move_car(self, draw):
        car, pool = (
            draw(st.sampled_from(self.cars)),
            draw(st.sampled_from((self.depot.pool, self.depot.other_pool))),
        )
        self.depot.run(lambda tx: fleet.change_vehicle(tx, SYSTEM, car, pool_id=pool))

    def do_wait(self, draw):
        self.depot.clock.now += draw(st.sampled_from((1, HOUR, DAY, WEEK, 40 * DAY)))

    def do_rules(self, _draw):
        self.depot.run(lambda tx: apply_rules(tx, self.depot.now))

    def do_sync(self, draw):
        car = draw(st.sampled_from(self.cars))
        self.greet(car)
        self.saved[car].append((self.boxes[car].version, copy.copy(self.boxes[car].entries)))

    def do_lose_the_newest_set(self, draw):
        """A box whose flash gives back an older generation."""
        car = draw(st.sampled_from(self.cars))
        self.boxes[car].version, entries = draw(st.sampled_from(self.saved[car]))
        self.boxes[car].entries = copy.copy(entries)

    def greet(self, car):
        box = self.boxes[car]
        box._pages = {}
        box.greet(box.state(self.depot.now))

    def check(self):
        settle(self.depot)
        for car in self.cars:
            self.greet(car)
            box = self.boxes[car]
            assert box.authorisations() == expect(self.depot, box, car)
            by_difference = box.entries
            box.version, box.entries = 0, {}
            self.greet(car)
            assert box.entries == by_difference

    def _try(self, job):
        try:
            self.depot.run(job)
        except GloveboxError:
            return  # refused: nothing has happened


@settings(
    max_examples=12,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_whatever_happened_and_whenever_a_box_came_it_ends_with_exactly_the_set(
    create_database, tmp_path_factory, data
):
    directory = tmp_path_factory.mktemp("history")
    depot = Depot(directory / "cloud", create_database(directory))
    try:
        history = History(depot)
        for _ in range(data.draw(st.integers(5, 40))):
            history.step(data.draw)
        history.check()
    finally:
        depot.close()


def test_a_car_that_changes_its_pool_forgets_the_old_ones_rights(depot, box):
    """The car's own version was lower than that of the rights its box had been told."""
    number = grant(depot, depot.anne)
    box.greet()
    assert (box.badge(ANNE_UID), RIGHT | number) in box.authorisations()
    told = box.version
    depot.run(lambda tx: fleet.change_vehicle(tx, SYSTEM, depot.car, pool_id=depot.other_pool))
    depot.run(lambda tx: apply_rules(tx, depot.now))
    box.greet()
    assert box.authorisations() == {}
    assert box.version > told


def test_a_person_who_leaves_is_forgotten_by_every_car_and_known_again_on_return(depot, box):
    second = depot.claim(depot.car_2, "board-2")
    grant(depot, depot.anne)
    depot.book(depot.anne)
    for is_active, count in ((0, 0), (1, 2)):
        values = {"is_active": is_active}
        depot.run(lambda tx, values=values: people.change_person(tx, SYSTEM, depot.anne, **values))
        depot.run(lambda tx: apply_rules(tx, depot.now))
        box.greet()
        second.greet()
        assert (len(box.authorisations()), len(second.authorisations())) == (count, count // 2)


def test_one_new_agent_is_one_row_however_many_cars(depot):
    for number in range(30):
        values = {"registration": f"ZZ-{number:03d}", "make": "Renault", "model": "Zoe", "seats": 5}
        car = depot.run(
            lambda tx, values=values: fleet.add_vehicle(
                tx, organisation_id=depot.town, pool_id=depot.pool, site_id=depot.site, energy="electric",
                interlock_kind="none", **values,
            )
        )  # fmt: skip
        depot.claim(car, f"board-{number}")
    tables = ("authorisations", "authorisation_versions", "pool_versions", "boxes")
    before = [depot.rows(f"SELECT * FROM {table} ORDER BY 1") for table in tables]
    heard = []
    depot.cloud.writer.on_news = heard.extend
    grant(depot, depot.anne)
    after = [depot.rows(f"SELECT * FROM {table} ORDER BY 1") for table in tables]
    changed = [len(set(new) - set(old)) for old, new in zip(before, after, strict=True)]
    assert changed == [0, 0, 1, 0]
    assert len(depot.rows("SELECT 1 FROM pool_authorisations")) == 1
    assert [(item.topic, item.vehicle_id, item.pool_id) for item in heard] == [
        ("authorisations", 0, depot.pool)
    ]


def test_a_removal_that_is_forgotten_makes_the_boxes_that_missed_it_take_a_full_set(depot, box):
    number = grant(depot, depot.anne, end=2 * DAY)
    box.greet()
    missed = (box.version, copy.copy(box.entries))
    assert missed[1]
    depot.clock.now += 3 * DAY
    settle(depot)
    box.greet()
    assert box.authorisations() == {}
    depot.clock.now += 60 * DAY
    settle(depot)
    assert depot.rows("SELECT 1 FROM pool_authorisations WHERE authorisation_id = :n", n=RIGHT | number) == []
    assert box.sync(box.hello()).all(0x85) == []
    box.version, box.entries = missed
    box.greet()
    assert box.authorisations() == {}


def test_a_pool_with_more_rights_than_a_box_has_room_for_is_told_the_first(sqlite_depot, monkeypatch):
    depot = sqlite_depot
    monkeypatch.setattr(rights, "ROOM", 2)
    box = depot.claim()
    starts = {person: start for start, person in enumerate((depot.anne, depot.bob, depot.cora))}
    for person, start in starts.items():
        grant(depot, person, start=start)
        box.greet()
    assert {badge for badge, _ in box.authorisations()} == {box.badge(ANNE_UID), box.badge(BOB_UID)}
    number, _ = badge_of(depot, depot.anne)
    depot.run(lambda tx: people.revoke_badge(tx, depot.now, SYSTEM, number))
    box.greet()
    assert {badge for badge, _ in box.authorisations()} == {box.badge(BOB_UID), box.badge(CORA_UID)}


def test_a_right_that_a_failed_transaction_granted_is_told_to_nobody(sqlite_depot):
    """The connection remembers rights by their version, and this version is given again."""
    depot = sqlite_depot
    box = depot.claim()
    box.greet()

    def fail(tx):
        values = (depot.anne, depot.pool, "standing", depot.now, depot.now + DAY)
        people.add_standing_right(tx, depot.now, *values)
        rights.read_all(tx, depot.pool, rights.watch(tx, depot.pool))
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        depot.run(fail)
    number = grant(depot, depot.bob)
    box.greet()
    assert list(box.authorisations()) == [(box.badge(BOB_UID), RIGHT | number)]


@pytest.mark.postgresql
def test_two_processes_that_change_one_cars_set_at_once_do_so_one_after_the_other(postgresql, tmp_path):
    """A right granted while a booking is under way: its version is above the booking's, and a box that was
    told the booking's hears of it."""
    depot = Depot(tmp_path / "cloud", postgresql.create_database())
    other = open_store(depot.config.url)
    try:
        box = depot.claim()
        box.greet()
        granted = threading.Thread(target=_grant_by, args=(other, depot))
        with depot.cloud.store.write() as tx:
            where = (depot.car, depot.anne, depot.now + HOUR, depot.now + 2 * HOUR)
            booked = reservations.book(tx, depot.now, SYSTEM, *where)
            granted.start()
            _wait_for_lock(depot)
        box.greet()
        granted.join()
        box.greet()
        assert {number & ~RIGHT for _, number in box.authorisations()} == {booked, 1}
        assert len(box.authorisations()) == 2
    finally:
        other.close()
        depot.close()


def _grant_by(store, depot):
    with store.write() as tx:
        people.add_standing_right(
            tx, depot.now, depot.bob, depot.pool, "standing", depot.now, depot.now + DAY
        )


def _wait_for_lock(depot):
    """Until somebody waits for a lock."""
    while not depot.rows("SELECT 1 FROM pg_locks WHERE NOT granted"):
        pass


def test_rights_kept_once_a_car_are_carried_over(empty_url):
    """A database from before: each car of the pool held the right itself."""
    store = open_store(empty_url)
    with store.write() as tx:
        command.upgrade(alembic_config(tx), "0008")
    with store.write() as tx:
        _fill_as_before(tx)
    migrate(store, SeededEntropy())
    with store.read() as tx:
        version = authorisations.read_version(tx, 1)
        assert authorisations.read_delta(tx, 1, version - 1) is None
        numbers = sorted(row.authorisation_id for row, _ in authorisations.read_set(tx, 1))
        assert numbers == [5, RIGHT | 7]
        assert version > 12
    store.close()


def _fill_as_before(tx):
    for statement in (
        "INSERT INTO organisations (id, name, created_at) VALUES (1, 'Ville', 0)",
        "INSERT INTO pools (id, organisation_id, name) VALUES (1, 1, 'Centre')",
        "INSERT INTO sites (id, organisation_id, name, lat_e7, lon_e7, radius_m)"
        " VALUES (1, 1, 'M', 1, 1, 50)",
        "INSERT INTO people (id, organisation_id, staff_number, given_name, family_name, created_at)"
        " VALUES (1, 1, 'A', 'A', 'B', 0)",
        "INSERT INTO badges (id, person_id, uid_sealed, uid_lookup, uid_tail, added_at)"
        " VALUES (1, 1, 'x', 'y', '00', 0)",
    ):
        tx.execute(text(statement))
    for car, version in ((1, 12), (2, 3)):
        tx.execute(
            text(
                "INSERT INTO vehicles (id, organisation_id, pool_id, site_id, registration, make, model,"
                " energy, seats, interlock_kind)"
                " VALUES (:car, 1, 1, 1, :plate, 'R', 'C', 'petrol', 5, 'none')"
            ),
            {"car": car, "plate": f"P{car}"},
        )
        tx.execute(
            text(
                "INSERT INTO authorisation_versions (vehicle_id, version, oldest_base, refreshed_at)"
                " VALUES (:car, :version, 1, 0)"
            ),
            {"car": car, "version": version},
        )
        for number, kind in ((5, 1), (RIGHT | 7, 2)):
            tx.execute(
                text(
                    "INSERT INTO authorisations (vehicle_id, badge_id, authorisation_id, starts_at,"
                    " ends_at, kind, flags, place, version)"
                    " VALUES (:car, 1, :number, 10, 20, :kind, 0, 0, :version)"
                ),
                {"car": car, "number": number, "kind": kind, "version": version},
            )
