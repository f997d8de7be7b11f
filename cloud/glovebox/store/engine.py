"""Opens the database, SQLite or PostgreSQL, with one engine for the writer and one for readers."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import OperationalError

from glovebox.errors import StoreAway
from glovebox.store import notify
from glovebox.store.cache import forget
from glovebox.store.plain import send_queued, send_queued_first

# Readers: FastAPI's thread pool has 40 threads, a page holds a connection for some milliseconds.
READER_POOL: Final = 8
READER_OVERFLOW: Final = 32
# Another process (backup, command line) may hold SQLite's lock for a moment.
BUSY_TIMEOUT_MS: Final = 10_000
# The name of PostgreSQL's lock that bookings of all processes queue at; any number, once.
_BOOKINGS: Final = 0x474C4F56

log = logging.getLogger("glovebox.store")


@dataclass(frozen=True)
class Store:
    """Two engines on one database. `writing` is for the writer thread and the command line alone."""

    url: URL
    writing: Engine
    reading: Engine
    name: str = field(default_factory=lambda: token_hex(8))
    """Of this process at this database: by it the news of others are told from one's own."""

    @property
    def is_postgresql(self) -> bool:
        """Whether it is, or SQLite."""
        return self.url.get_backend_name() == "postgresql"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A read-only connection in one transaction; rolled back at the end. Raises StoreAway."""
        try:
            with self.reading.connect() as tx:
                yield tx
        except OperationalError as error:
            raise store_away(error) from error

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction of its own, committed at the end. For migrations, the command line and tests;
        requests use the writer."""
        with self.writing.begin() as tx:
            yield tx
            send_queued(tx)

    def close(self) -> None:
        """Closes all connections."""
        self.reading.dispose()
        self.writing.dispose()


def queue_up(tx: Connection) -> None:
    """Waits until no other process books: first come, first served. Batches of bookings that each hold some
    cars and want others' would deadlock on PostgreSQL, a second each; SQLite's BEGIN IMMEDIATE is this
    queue."""
    if tx.dialect.name == "postgresql":
        tx.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_BOOKINGS})")


def store_away(error: OperationalError) -> StoreAway:
    """What is told for it; the log has the database's own words, once a request."""
    log.error("the database does not answer: %s", error.orig)
    return StoreAway()


def open_store(url: str) -> Store:
    """Opens the database at `url` without touching its schema. Raises ArgumentError for a URL that is none,
    ValueError for another engine."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(parsed)
    if parsed.get_backend_name() == "postgresql":
        return _open_postgresql(parsed.set(drivername="postgresql+psycopg"))
    raise ValueError(f"neither SQLite nor PostgreSQL: {parsed.drivername}")


def _open_sqlite(url: URL) -> Store:
    if not url.database or url.database == ":memory:":
        raise ValueError("the database is a file: readers and the writer share it")
    Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    options: dict[str, Any] = {
        "connect_args": {"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False}
    }
    writing = create_engine(url, pool_size=1, max_overflow=1, **options)
    reading = create_engine(url, pool_size=READER_POOL, max_overflow=READER_OVERFLOW, **options)
    for engine, begin in ((writing, "BEGIN IMMEDIATE"), (reading, "BEGIN")):
        event.listen(engine, "connect", _prepare_reader if engine is reading else _prepare_writer)
        event.listen(engine, "begin", _begin(begin))
    return _remembering(Store(url, writing, reading))


def _prepare_writer(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves: the module would begin late and not IMMEDIATE
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "cache_size=-32000",
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}").fetchall()


def _prepare_reader(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "query_only=ON", "cache_size=-8000", "temp_store=MEMORY"):
        connection.execute(f"PRAGMA {pragma}").fetchall()


def _begin(statement: str) -> Any:
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(statement)

    return begin


def _open_postgresql(url: URL) -> Store:
    writing = create_engine(url, pool_size=1, max_overflow=2, pool_pre_ping=True)
    reading = create_engine(
        url,
        pool_size=READER_POOL,
        max_overflow=READER_OVERFLOW,
        pool_pre_ping=True,
        execution_options={"postgresql_readonly": True},
    )
    send_queued_first(writing)
    store = _remembering(Store(url, writing, reading))
    event.listen(writing, "commit", lambda tx: notify.notify(tx, store.name))
    event.listen(writing, "rollback", notify.forget)
    event.listen(writing, "savepoint", notify.mark)
    event.listen(writing, "release_savepoint", notify.keep)
    event.listen(writing, "rollback_savepoint", notify.cut_back)
    return store


def _remembering(store: Store) -> Store:
    for engine in (store.writing, store.reading):
        event.listen(engine, "rollback", forget)
        event.listen(engine, "rollback_savepoint", forget)
    return store
