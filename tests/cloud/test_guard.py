"""The guard in the database itself: no overlap by any INSERT or UPDATE, and a start that notices where it is
gone; on both engines."""

import pytest
from glovebox.store import guard
from glovebox.store.engine import open_store
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError


def insert_sql(columns="'confirmed'"):
    return (
        "INSERT INTO reservations "
        "(vehicle_id, organisation_id, starts_at, ends_at, state, created_at, changed_at) "
        f"VALUES (1, 1, :start, :end, {columns}, 0, 0)"
    )


@pytest.fixture
def promised(depot):
    """A reservation of the first car from 100 to 200, by raw SQL; a function that runs raw SQL."""

    def raw(sql, **values):
        with depot.cloud.store.write() as tx:
            return tx.execute(text(sql), values)

    raw(insert_sql(), start=100, end=200)
    return raw


@pytest.mark.parametrize(
    ("start", "end"), [(100, 200), (150, 250), (50, 101), (199, 300), (120, 130), (0, 900)]
)
def test_the_database_itself_refuses_an_overlap(promised, start, end):
    with pytest.raises(DBAPIError) as refused:
        promised(insert_sql(), start=start, end=end)
    assert guard.is_overlap(refused.value)


@pytest.mark.parametrize(("start", "end"), [(200, 300), (0, 100)])
def test_intervals_that_only_touch_do_not_overlap(depot, promised, start, end):
    promised(insert_sql(), start=start, end=end)
    held = depot.rows("SELECT starts_at, ends_at FROM reservations WHERE state = 'confirmed'")
    assert sorted(held) == sorted([(100, 200), (start, end)])


@pytest.mark.parametrize("state", ["cancelled", "completed", "no_show", "expired"])
def test_what_is_over_holds_no_car(depot, promised, state):
    promised(insert_sql(f"'{state}'"), start=100, end=200)
    kept = depot.rows("SELECT state FROM reservations WHERE starts_at = 100 AND ends_at = 200")
    assert sorted(kept) == sorted([("confirmed",), (state,)])


@pytest.mark.parametrize(
    "change",
    [
        "starts_at = 150",
        "vehicle_id = 1",
        "state = 'in_use'",
        "starts_at = 90, ends_at = 101",
        "id = 77, vehicle_id = 1",
    ],
)
def test_no_update_makes_an_overlap_whatever_it_sets(promised, change):
    promised(insert_sql(), start=300, end=400)
    promised(insert_sql("'cancelled'"), start=100, end=200)
    promised("UPDATE reservations SET vehicle_id = 2 WHERE starts_at = 300")
    promised("UPDATE reservations SET starts_at = 100, ends_at = 200 WHERE starts_at = 300")
    where = "state = 'cancelled'" if "state" in change else "vehicle_id = 2"
    if "starts_at" in change:
        change += ", vehicle_id = 1"
    with pytest.raises(DBAPIError) as refused:
        promised(f"UPDATE reservations SET {change} WHERE {where}")
    assert guard.is_overlap(refused.value)


@pytest.mark.parametrize("column", ["starts_at", "ends_at", "vehicle_id", "state"])
def test_an_unknown_bound_cannot_slip_through(promised, column):
    with pytest.raises(DBAPIError):
        promised(f"UPDATE reservations SET {column} = NULL")


def test_an_interval_that_ends_before_it_starts_is_refused(promised):
    with pytest.raises(DBAPIError):
        promised(insert_sql(), start=300, end=300)


@pytest.mark.parametrize("name", sorted(guard.TRIGGERS))
def test_the_start_notices_a_dropped_trigger(sqlite_depot, name):
    with sqlite_depot.cloud.store.write() as tx:
        tx.exec_driver_sql(f"DROP TRIGGER {name}")
    with sqlite_depot.cloud.store.read() as tx, pytest.raises(guard.GuardMissing, match=name):
        guard.check(tx)


def test_the_start_notices_a_weakened_trigger(sqlite_depot):
    name = f"{guard.NAME}_update"
    with sqlite_depot.cloud.store.write() as tx:
        tx.exec_driver_sql(f"DROP TRIGGER {name}")
        weaker = guard.TRIGGERS[name].replace("BEFORE UPDATE ON", "BEFORE UPDATE OF starts_at ON")
        tx.exec_driver_sql(weaker)
    with sqlite_depot.cloud.store.read() as tx, pytest.raises(guard.GuardMissing, match=name):
        guard.check(tx)


@pytest.mark.postgresql
def test_the_start_notices_a_dropped_constraint(postgresql):
    store = open_store(postgresql.create_database())
    with store.write() as tx:
        guard.check(tx)
        tx.exec_driver_sql(f"ALTER TABLE reservations DROP CONSTRAINT {guard.NAME}")
        with pytest.raises(guard.GuardMissing):
            guard.check(tx)
    store.close()


def test_the_start_notices_overlaps_that_are_stored_already(sqlite_depot):
    with sqlite_depot.cloud.store.write() as tx:
        for name in guard.TRIGGERS:
            tx.exec_driver_sql(f"DROP TRIGGER {name}")
        for _ in range(2):
            tx.execute(text(insert_sql()), {"start": 100, "end": 200})
        guard.install(tx)
        with pytest.raises(guard.GuardMissing, match="overlap"):
            guard.check(tx)
