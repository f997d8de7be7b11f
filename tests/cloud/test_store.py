"""Engines and migrations, on both."""

import json

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from glovebox.store import guard
from glovebox.store.all_tables import metadata
from glovebox.store.engine import open_store
from glovebox.store.migrate import migrate, read_store_epoch
from sqlalchemy import inspect
from sqlalchemy.exc import DBAPIError
from support_cloud import ANNE_UID, Depot, SeededEntropy


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
