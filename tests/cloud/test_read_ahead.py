"""What the jobs of one batch read is read in one statement on PostgreSQL, and is what each would have read by
itself."""

import asyncio
import threading

import pytest
from glovebox.link.wire import REPLAYED, WireError
from glovebox.people import service as people
from glovebox.store.engine import open_store
from glovebox.store.plain import Keyed, Plain, Rows
from sqlalchemy import text
from support_cloud import ANNE_UID, DAY, HOUR

_FACT = Keyed(
    "SELECT value, CAST(? AS text) FROM store_facts WHERE name = ?",
    "SELECT k.name, f.value, k.asked FROM {keys} AS k (asked, name) JOIN store_facts f ON f.name = k.name",
    "text text",
)
_FACTS = Rows(
    "INSERT INTO store_facts (name, value) SELECT * FROM {rows}"
    " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    "text text",
)
_CHANGE = Plain("UPDATE store_facts SET value = ? WHERE name = ?")
KEYS = (("a", "one"), ("a", "two"), ("a", "three"), ("b", "one"))


@pytest.fixture
def store(database_url):
    opened = open_store(database_url)
    with opened.write() as tx:
        _FACTS.queue(tx, "all", [("one", "1"), ("two", "2")])
    yield opened
    opened.close()


def change_elsewhere(store):
    """By another process's connection; only PostgreSQL has room for one beside an open transaction."""
    with store.writing.begin() as tx:
        tx.execute(text("UPDATE store_facts SET value = 'new' WHERE name = 'one'"))


def read(tx, name, asked="a"):
    row = _FACT.read(tx, (asked, name))
    assert row is None or row[1] == asked
    return None if row is None else row[0]


@pytest.mark.postgresql
@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_rows_are_read_ahead_by_one_statement_and_outlive_no_transaction(postgresql, end):
    store = open_store(postgresql.create_database())
    try:
        with store.write() as tx:
            _FACTS.queue(tx, "all", [("one", "1"), ("two", "2")])
        with store.writing.connect() as tx:
            transaction = tx.begin()
            _FACT.read_ahead(tx, KEYS)
            change_elsewhere(store)
            assert read(tx, "one") == "1"  # as it was when all were read
            assert read(tx, "one", "b") == "new"  # asked for otherwise
            assert read(tx, "three") is None
            getattr(transaction, end)()
            assert read(tx, "one") == "new"
    finally:
        store.close()


def by_queue(tx):
    _FACTS.queue(tx, "one", [("one", "9")])


def by_plain(tx):
    _CHANGE.run(tx, ("9", "one"))


def by_many(tx):
    _CHANGE.run_many(tx, [("9", "one")])


def by_core(tx):
    tx.execute(text("UPDATE store_facts SET value = '9' WHERE name = 'one'"))


@pytest.mark.parametrize("reads_again", [False, True])
@pytest.mark.parametrize("write", [by_queue, by_plain, by_many, by_core])
def test_what_was_read_ahead_is_forgotten_at_whatever_changes_it(store, write, reads_again):
    with store.write() as tx:
        _FACT.read_ahead(tx, KEYS)
        assert read(tx, "two") == "2"
        write(tx)
        if reads_again:
            _FACT.read_ahead(tx, KEYS)
        assert read(tx, "one") == "9"
        assert read(tx, "two") == "2"


def test_what_a_refused_booking_changed_was_never_read(store):
    with store.write() as tx:
        with tx.begin_nested() as undone:
            by_core(tx)
            _FACT.read_ahead(tx, KEYS)
            assert read(tx, "one") == "9"
            undone.rollback()
        assert read(tx, "one") == "1"


def poison(_tx):
    raise ZeroDivisionError


def in_one_batch(depot, envelopes, *others):
    """Sends all of them while the writer is held; `others` are jobs before them. Their outcomes."""
    writer, exchange = depot.cloud.writer, depot.cloud.exchange
    writer.start()
    is_busy, release = threading.Event(), threading.Event()

    def hold(_tx):
        is_busy.set()
        assert release.wait(60)  # only a hang reaches it

    async def run():
        held = asyncio.ensure_future(writer.write(hold, urgent=False))
        await asyncio.to_thread(is_busy.wait)
        doing = [asyncio.ensure_future(writer.write(job, urgent=urgent)) for job, urgent in others]
        doing += [asyncio.ensure_future(exchange.receive(raw, is_link=False)) for raw in envelopes]
        while writer.waiting < len(doing):
            await asyncio.sleep(0)
        release.set()
        await held
        return await asyncio.gather(*doing, return_exceptions=True)

    return asyncio.run(run())


@pytest.mark.parametrize("is_poisoned", [False, True], ids=["together", "singly"])
def test_a_batch_answers_as_one_after_the_other_would(depot, is_poisoned):
    """One box three times, once by a replay; one whose session ends a reservation; all with new
    rights of their pool from the same commit."""
    first, second, third = (depot.claim(car, f"board-{car}") for car in (depot.car, depot.car_2, depot.car_3))
    number = depot.book(depot.anne, vehicle_id=depot.car_2, start=HOUR, end=5 * HOUR)
    for box in (first, second, third):
        box.greet()
        box.sync(box.held())
    begun = second.session_start(depot.now - 600, number, ANNE_UID, depot.site)
    second.session_end(depot.now - 60, begun, number, depot.site)
    for _ in range(4):
        first.record(9, b"", depot.now)
    envelopes = [
        first.envelope(first.records(1, 1, 2)),
        first.envelope(first.records(1, 3, 4)),
        second.envelope(second.records()),
        third.envelope(third.state(depot.now)),
    ]
    envelopes.insert(2, envelopes[0])
    now = depot.now

    def grant(tx):
        people.add_standing_right(tx, now, depot.bob, depot.pool, "standing", now, now + DAY)

    others = [(grant, True), *([(poison, False)] if is_poisoned else [])]
    outcomes = in_one_batch(depot, envelopes, *others)[len(others) :]
    answers = {}
    for box, place in ((first, 0), (first, 1), (second, 3), (third, 4)):
        asked, reply = outcomes[place]
        answers[place] = box.open(depot.cloud.exchange.seal(asked, reply.bodies[:1])[0])
    assert isinstance(outcomes[2], WireError)
    assert outcomes[2].status == REPLAYED
    assert answers[0].acks == {(1, first.epoch): 2}
    assert answers[1].acks == {(1, first.epoch): 4}
    assert answers[3].acks == {(1, second.epoch): 2}
    for box, car in ((first, depot.car), (second, depot.car_2), (third, depot.car_3)):
        versions = depot.rows(
            "SELECT a.version, p.version FROM authorisation_versions a"
            " JOIN pool_versions p ON p.pool_id = a.pool_id WHERE a.vehicle_id = :car",
            car=car,
        )
        assert box.version == max(versions[0])
    assert depot.rows("SELECT count(*) FROM records") == [(6,)]
