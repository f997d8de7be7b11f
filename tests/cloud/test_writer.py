"""The writer: group commits, order, poisoned jobs, a full queue, news after the commit; on both engines."""

import asyncio
import threading

import pytest
from glovebox.errors import Busy, Conflict
from glovebox.store.engine import open_store
from glovebox.store.news import tell
from glovebox.store.plain import Plain, Rows
from glovebox.store.writer import Writer
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError


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


@pytest.mark.postgresql
@pytest.mark.parametrize("company", [[], ["b"]], ids=["alone", "with another"])
def test_a_booking_that_loses_a_deadlock_is_tried_again(postgresql, company):
    store = open_store(postgresql.create_database())
    writer, tries = Writer(store.writing), []

    def deadlocked(tx):
        tries.append(None)
        if len(tries) == 1:
            tx.exec_driver_sql("DO $$ BEGIN RAISE EXCEPTION 'deadlock' USING ERRCODE = '40P01'; END $$")
        return "booked"

    writer.start()
    with Gate(writer):
        threads, outcomes = start(writer, {"a": deadlocked, **dict.fromkeys(company, lambda _tx: None)})
    for thread in threads:
        thread.join()
    writer.stop()
    store.close()
    assert (outcomes["a"], len(tries)) == ("booked", 2)
