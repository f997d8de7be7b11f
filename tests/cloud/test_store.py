"""Engine, writer, migrations and the guard, on both engines."""

import asyncio
import json
import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from glovebox.errors import Busy, Conflict
from glovebox.store import guard
from glovebox.store.all_tables import metadata
from glovebox.store.engine import open_store
from glovebox.store.migrate import migrate, read_store_epoch
from glovebox.store.news import tell
from glovebox.store.plain import Plain, Rows
from glovebox.store.writer import Writer
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError
from support_cloud import ANNE_UID, Depot, SeededEntropy


@pytest.fixture
def store(database_url):
    opened = open_store(database_url)
    yield opened
    opened.close()


@pytest.fixture
def noted(store):
    """A table of its own to write into."""
    with store.write() as tx:
        tx.execute(text("CREATE TABLE noted (word VARCHAR(40) PRIMARY KEY)"))

    def words():
        with store.read() as tx:
            return list(tx.execute(text("SELECT word FROM noted ORDER BY word")).scalars())

    return words


def note(word):
    return lambda tx: tx.execute(text("INSERT INTO noted VALUES (:word)"), {"word": word})


def fail(_tx):
    raise Conflict("on_purpose")


class Gate:
    """Holds the writer's thread in a job until opened."""

    def __init__(self, writer):
        self._writer, self._opened, self._entered = writer, threading.Event(), threading.Event()

    def __enter__(self):
        def hold(_tx):
            self._entered.set()
            assert self._opened.wait(30)

        self.held = threading.Thread(target=self._writer.run, args=(hold,))
        self.held.start()
        assert self._entered.wait(30)
        return self

    def __exit__(self, *_error):
        self._opened.set()
        self.held.join()


def start(writer, jobs, urgent=True):
    """Puts jobs into the queue from threads of their own and waits until they are in it."""
    outcomes = {}

    def run(name, job):
        try:
            outcomes[name] = writer.run(job, urgent=urgent)
        except Exception as error:
            outcomes[name] = error

    threads = []
    for name, job in jobs.items():
        before = writer.waiting
        threads.append(threading.Thread(target=run, args=(name, job)))
        threads[-1].start()
        while writer.waiting == before:
            threads[-1].join(0.001)
    return threads, outcomes


def test_migrations_make_exactly_the_tables_of_the_code(empty_url):
    store = open_store(empty_url)
    migrate(store, SeededEntropy())
    with store.read() as tx:
        differences = compare_metadata(MigrationContext.configure(tx, opts={"compare_type": True}), metadata)
    store.close()
    assert differences == []


def shape(tx):
    """Everything a database knows of its tables, in an order of its own."""
    found = inspect(tx)
    kinds = ("check_constraints", "unique_constraints", "foreign_keys", "indexes", "columns")
    return {
        (table, kind): sorted(json.dumps(part, default=str) for part in getattr(found, f"get_{kind}")(table))
        for table in found.get_table_names()
        for kind in kinds
        if table != "alembic_version"
    }


def test_migrations_make_the_same_constraints_as_the_code(engine_name, request, tmp_path):
    shapes = []
    for number, make in enumerate((lambda store: migrate(store, SeededEntropy()), create_all)):
        if engine_name == "postgresql":
            url = request.getfixturevalue("postgresql").create_database(empty=True)
        else:
            url = f"sqlite:///{tmp_path / f'{number}.sqlite'}"
        store = open_store(url)
        make(store)
        with store.read() as tx:
            shapes.append(shape(tx))
        store.close()
    assert shapes[0] == shapes[1]
    assert len(shapes[0]) == 5 * len(metadata.tables)


def create_all(store):
    with store.write() as tx:
        metadata.create_all(tx)
        guard.install(tx)


@pytest.mark.postgresql
def test_a_lost_connection_is_made_anew(postgresql):
    store = open_store(postgresql.create_database())
    writer = Writer(store.writing)
    writer.start()
    backend = writer.run(lambda tx: tx.exec_driver_sql("SELECT pg_backend_pid()").scalar())
    with store.read() as tx:
        assert tx.exec_driver_sql(f"SELECT pg_terminate_backend({backend})").scalar()
    assert writer.run(lambda tx: tx.exec_driver_sql("SELECT pg_backend_pid()").scalar()) != backend
    writer.stop()
    store.close()


def test_migrating_twice_changes_nothing_and_keeps_the_stores_number(store):
    with store.read() as tx:
        before = read_store_epoch(tx)
    migrate(store, SeededEntropy(seed=2))
    with store.read() as tx:
        assert read_store_epoch(tx) == before != 0


def test_sqlite_is_opened_durable_and_readers_cannot_write(sqlite_template):
    store = open_store(f"sqlite:///{sqlite_template}")
    with store.write() as tx:
        assert tx.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert tx.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert tx.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    with store.read() as tx, pytest.raises(DBAPIError):
        tx.exec_driver_sql("DELETE FROM store_facts")
    store.close()


@pytest.mark.postgresql
def test_postgresql_readers_cannot_write(postgresql):
    store = open_store(postgresql.create_database())
    with store.read() as tx, pytest.raises(DBAPIError):
        tx.exec_driver_sql("DELETE FROM store_facts")
    store.close()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://localhost/x"])
def test_a_database_that_cannot_serve_is_refused(url):
    with pytest.raises(Exception, match=r"file|neither|module"):
        open_store(url)


_FACTS = Rows(
    "INSERT INTO store_facts (name, value) SELECT * FROM {rows}"
    " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    "text text",
)
_READ = Plain("SELECT value FROM store_facts WHERE name = ?")


def test_a_write_that_waits_is_seen_by_what_reads_it_and_by_everything_else(store):
    with store.write() as tx:
        _FACTS.queue(tx, "one", [("one", "1")])
        _FACTS.queue(tx, "two", [("two", "2")])
        assert _READ.run(tx, ("one",), about="one").fetchone()[0] == "1"
        _FACTS.queue(tx, "one", [("one", "3")])
        assert _READ.run(tx, ("one",)).fetchone()[0] == "3"
        _FACTS.queue(tx, "one", [("one", "4")])
        assert tx.execute(text("SELECT value FROM store_facts WHERE name = 'one'")).scalar() == "4"
        with tx.begin_nested() as undone:
            _FACTS.queue(tx, "one", [("one", "5")])
            undone.rollback()
        _FACTS.queue(tx, "two", [("two", "6")])
    with store.read() as tx:
        found = tx.execute(
            text("SELECT name, value FROM store_facts WHERE name IN ('one', 'two') ORDER BY 1")
        )
        assert [tuple(row) for row in found] == [("one", "4"), ("two", "6")]


def test_a_write_that_waited_and_is_refused_fails_its_own_job_alone(store):
    def poisoned(tx):
        _FACTS.queue(tx, "bad", [("bad", None)])

    def good(tx):
        _FACTS.queue(tx, "good", [("good", "1")])
        return "done"

    writer = Writer(store.writing)
    writer.start()
    with Gate(writer):
        threads, outcomes = start(writer, {"bad": poisoned, "good": good}, urgent=False)
    for thread in threads:
        thread.join()
    writer.stop()
    assert outcomes["good"] == "done"
    assert isinstance(outcomes["bad"], Exception)
    with store.read() as tx:
        assert (
            tx.execute(text("SELECT count(*) FROM store_facts WHERE name IN ('good', 'bad')")).scalar() == 1
        )


def test_jobs_that_wait_together_are_one_transaction(store, noted):
    writer = Writer(store.writing)
    writer.start()
    with Gate(writer):
        threads, _ = start(writer, {word: note(word) for word in "abcde"})
        before = writer.batches
    for thread in threads:
        thread.join()
    assert noted() == list("abcde")
    assert writer.batches == before + 1
    writer.stop()


def test_bookings_go_ahead_of_syncs(store, noted):
    writer, order = Writer(store.writing), []
    writer.start()
    with Gate(writer):
        syncs, _ = start(writer, {"sync": lambda _tx: order.append("sync")}, urgent=False)
        bookings, _ = start(writer, {"booking": lambda _tx: order.append("booking")}, urgent=True)
    for thread in (*syncs, *bookings):
        thread.join()
    writer.stop()
    assert order == ["booking", "sync"]


@pytest.mark.parametrize("urgent", [True, False], ids=["booking", "sync"])
def test_a_poisoned_job_fails_alone(store, noted, urgent):
    writer = Writer(store.writing)
    writer.start()

    def poisoned(tx):
        note("half")(tx)
        fail(tx)

    with Gate(writer):
        threads, outcomes = start(writer, {"a": note("a"), "bad": poisoned, "b": note("b")}, urgent)
    for thread in threads:
        thread.join()
    writer.stop()
    assert noted() == ["a", "b"]
    assert isinstance(outcomes["bad"], Conflict)
    assert not isinstance(outcomes["a"], Exception)


def test_a_database_error_of_one_booking_fails_it_alone(store, noted):
    writer = Writer(store.writing)
    writer.start()
    writer.run(note("a"))
    with Gate(writer):
        threads, outcomes = start(writer, {"twice": note("a"), "b": note("b")})
    for thread in threads:
        thread.join()
    writer.stop()
    assert noted() == ["a", "b"]
    assert isinstance(outcomes["twice"], DBAPIError)


def test_a_full_queue_says_busy_and_nothing_else(store, noted):
    writer = Writer(store.writing, queue_limit=2)
    writer.start()
    with Gate(writer):
        threads, _ = start(writer, {"a": note("a"), "b": note("b")}, urgent=False)
        with pytest.raises(Busy):
            writer.run(note("c"))
    for thread in threads:
        thread.join()
    writer.stop()
    assert noted() == ["a", "b"]


def test_stopping_does_what_waits_and_takes_nothing_new(store, noted):
    writer = Writer(store.writing)
    writer.start()
    with Gate(writer):
        threads, _ = start(writer, {word: note(word) for word in "ab"}, urgent=False)
        stopping = threading.Thread(target=writer.stop)
        stopping.start()
        while not writer.is_stopping:
            stopping.join(0.001)
        with pytest.raises(Busy):
            writer.run(note("late"))
    for thread in (*threads, stopping):
        thread.join()
    assert noted() == ["a", "b"]


def test_news_are_heard_after_the_commit_and_only_of_jobs_that_went_through(store, noted):
    heard = []

    def on_news(news):
        heard.append((news, noted()))

    def told(word, vehicle_id):
        def job(tx):
            note(word)(tx)
            tell(tx, "authorisations", vehicle_id)
            tell(tx, "authorisations", vehicle_id)

        return job

    def poisoned(tx):
        tell(tx, "authorisations", 99)
        fail(tx)

    writer = Writer(store.writing, on_news=on_news)
    writer.start()
    with Gate(writer):
        threads, _ = start(writer, {"a": told("a", 1), "bad": poisoned, "b": told("b", 2)})
    for thread in threads:
        thread.join()
    writer.stop()
    ((news, words),) = heard
    assert [item.vehicle_id for item in news] == [1, 2]
    assert words == ["a", "b"]


def test_without_its_thread_the_writer_does_a_job_where_it_is_asked(store, noted):
    writer = Writer(store.writing)

    async def ask():
        await writer.write(note("a"))
        return noted()

    assert asyncio.run(ask()) == ["a"]
    writer.stop()


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


@pytest.mark.postgresql
def test_a_database_that_is_gone_is_told_as_such_and_found_again(postgresql, tmp_path):
    """Box and browser get 503 with when to come back, never 500; nothing is lost once it answers again."""
    depot = Depot(tmp_path, postgresql.create_database())
    box = depot.claim()
    box.greet()
    box.session_start(depot.now, 0, ANNE_UID)
    depot.scope = depot.manager(depot.town)
    postgresql.crash()
    answers = [depot.post(box.envelope(box.records())), depot.web_client.get("/api/v1/vehicles")]
    answers.append(depot.web_client.get("/console", headers={"cookie": "glovebox=somebody"}))
    postgresql.start()
    assert [(one.status_code, one.headers["retry-after"]) for one in answers] == [(503, "10")] * 3
    assert box.sync(box.records()).acks == {(1, box.epoch): 1}
    depot.close()
