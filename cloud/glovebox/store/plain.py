"""Plain SQL for the sync path, where SQLAlchemy's own execution costs a fifth of the throughput. Everything
else is SQLAlchemy Core's.

On PostgreSQL a statement is a journey to another process and back. So writes whose outcome nobody looks at
are kept (`Rows.queue`) and sent together: before any other statement but one that says it is about something
else, at the latest before the commit. Their error is raised there; the writer then does each job singly.
"""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Engine, event

_QUEUE: Final = "glovebox_queue"


class Plain:
    """One statement, written with `?`; runs on both engines' own connections inside the surrounding
    transaction."""

    __slots__ = ("_postgresql", "_sqlite")

    def __init__(self, text: str) -> None:
        self._sqlite = text
        self._postgresql = text.replace("?", "%s")

    def run(self, tx: Connection, values: Sequence[Any] = (), *, about: Hashable = None) -> Any:
        """Executes; returns the driver's cursor. `about`: it reads only what was queued under that key."""
        connection: Any = tx.connection.driver_connection
        if tx.dialect.name == "sqlite":
            return connection.execute(self._sqlite, values)
        queue = tx.info.get(_QUEUE)
        if queue is not None and (about is None or about in queue.keys):
            send_queued(tx)
        return connection.execute(self._postgresql, values)

    def run_many(self, tx: Connection, rows: Iterable[Sequence[Any]]) -> None:
        """Executes once a row."""
        connection: Any = tx.connection.driver_connection
        send_queued(tx)
        statement = self._sqlite if tx.dialect.name == "sqlite" else self._postgresql
        connection.cursor().executemany(statement, rows)


class Rows:
    """One statement for many rows. `text` says `VALUES` or `FROM` of its rows as `{rows}`, written for
    PostgreSQL; `single` is what SQLite executes for each row, where it differs. `types`: of the columns."""

    __slots__ = ("_postgresql", "_sqlite")

    def __init__(self, text: str, types: str, single: str | None = None) -> None:
        names = types.split()
        arrays = ", ".join(f"%s::{name}[]" for name in names)
        self._postgresql = text.format(rows=f"unnest({arrays})")
        marks = ", ".join("?" * len(names))
        self._sqlite = single or text.replace("SELECT * FROM {rows}", f"VALUES ({marks})")

    def queue(self, tx: Connection, key: Hashable, rows: Sequence[Sequence[Any]]) -> None:
        """Executes for these rows: at once, or later in this transaction."""
        if tx.dialect.name == "sqlite":
            connection: Any = tx.connection.driver_connection
            connection.executemany(self._sqlite, rows)
            return
        queue = tx.info.get(_QUEUE)
        if queue is None:
            queue = tx.info[_QUEUE] = _Queue()
        queue.keys.add(key)
        queue.rows.setdefault(self, []).extend(rows)


class _Queue:
    __slots__ = ("keys", "rows")

    def __init__(self) -> None:
        self.keys: set[Hashable] = set()
        self.rows: dict[Rows, list[Sequence[Any]]] = {}


def send_queued(tx: Connection) -> None:
    """Sends what is queued, one statement for all rows of a kind."""
    queue = tx.info.pop(_QUEUE, None)
    if queue is not None:
        connection: Any = tx.connection.driver_connection
        for statement, rows in queue.rows.items():
            connection.execute(statement._postgresql, [list(column) for column in zip(*rows, strict=True)])


def send_queued_first(engine: Engine) -> None:
    """Whatever else this engine executes comes after what is queued; a rollback forgets it. Whoever queues
    sends before the commit: what is refused there would leave the transaction open."""
    event.listen(engine, "before_cursor_execute", lambda tx, *_: send_queued(tx))
    event.listen(engine, "commit", send_queued)
    event.listen(engine, "rollback", _forget)
    event.listen(engine, "rollback_savepoint", lambda tx, *_: _forget(tx))


def _forget(tx: Connection) -> None:
    tx.info.pop(_QUEUE, None)
