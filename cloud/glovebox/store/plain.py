"""Plain SQL for the sync path, where SQLAlchemy's own execution costs a fifth of the throughput. Everything
else is SQLAlchemy Core's.

On PostgreSQL a statement is a journey to another process and back. So what many jobs of a batch each read of
their own is read ahead, in one statement for all (`Keyed.read_ahead`), and forgotten at whatever might change
it. And writes whose outcome nobody looks at are kept (`Rows.queue`) and sent together: before any other
statement but one that says it is about something else, at the latest before the commit. Their error is raised
there; the writer then does each job singly.
"""

from collections.abc import Hashable, Iterable, Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, Engine, event

_QUEUE: Final = "glovebox_queue"
_AHEAD: Final = "glovebox_ahead"


class Plain:
    """One statement, written with `?`; runs on both engines' own connections inside the surrounding
    transaction."""

    __slots__ = ("_is_read", "_postgresql", "_sqlite")

    def __init__(self, text: str) -> None:
        self._sqlite = text
        self._postgresql = text.replace("?", "%s")
        self._is_read = _is_read(text)

    def run(self, tx: Connection, values: Sequence[Any] = (), *, about: Hashable = None) -> Any:
        """Executes; returns the driver's cursor. `about`: it reads only what was queued under that key."""
        connection: Any = tx.connection.driver_connection
        if tx.dialect.name == "sqlite":
            return connection.execute(self._sqlite, values)
        queue = tx.info.get(_QUEUE)
        if queue is not None and (about is None or about in queue.keys):
            send_queued(tx)
        if not self._is_read:
            tx.info.pop(_AHEAD, None)
        return connection.execute(self._postgresql, values)

    def run_many(self, tx: Connection, rows: Iterable[Sequence[Any]]) -> None:
        """Executes once a row."""
        connection: Any = tx.connection.driver_connection
        send_queued(tx)
        tx.info.pop(_AHEAD, None)
        statement = self._sqlite if tx.dialect.name == "sqlite" else self._postgresql
        connection.cursor().executemany(statement, rows)


class Keyed:
    """A statement that reads one row by `values`, of which the last is what it is about, and the same for
    many: there `{keys}` stands for rows of `values`, of these `types`, and the first column is that last one.
    """

    __slots__ = ("_many", "_one")

    def __init__(self, one: str, many: str, types: str) -> None:
        self._one = Plain(one)
        arrays = ", ".join(f"%s::{name}[]" for name in types.split())
        self._many = many.format(keys=f"unnest({arrays})")

    def read(self, tx: Connection, values: Sequence[Any]) -> Any:
        """The row as it is now, None without one."""
        ahead = tx.info.get(_AHEAD)
        if ahead is not None:
            known = ahead.get(values[-1])
            if known is not None and known[0] is self and known[1] == values:
                return known[2]
        return self._one.run(tx, values, about=values[-1]).fetchone()

    def read_ahead(self, tx: Connection, keys: Sequence[Sequence[Any]]) -> None:
        """Reads what soon will be asked for, instead of what was read ahead before; but not what a queued
        write is about. Does nothing on SQLite, where a statement is no journey."""
        if tx.dialect.name == "sqlite":
            return
        queue = tx.info.get(_QUEUE)
        wanted = {key[-1]: key for key in reversed(keys) if queue is None or key[-1] not in queue.keys}
        ahead = tx.info[_AHEAD] = {}
        if len(wanted) > 1:
            connection: Any = tx.connection.driver_connection
            columns = [list(column) for column in zip(*wanted.values(), strict=True)]
            for about, *row in connection.execute(self._many, columns).fetchall():
                ahead[about] = (self, wanted[about], row)


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
        if (ahead := tx.info.get(_AHEAD)) is not None:
            ahead.pop(key, None)
        queue.rows.setdefault(self, []).extend(rows)


class _Queue:
    __slots__ = ("keys", "rows")

    def __init__(self) -> None:
        self.keys: set[Hashable] = set()
        self.rows: dict[Rows, list[Sequence[Any]]] = {}


def send_queued(tx: Connection) -> None:
    """Sends what is queued: one statement for all rows of a kind, and one journey for all kinds. None changes
    another's rows: whoever queues about a key has read it first, and that sent what was queued about it."""
    queue = tx.info.pop(_QUEUE, None)
    if queue is not None:
        connection: Any = tx.connection.driver_connection
        columns = [list(column) for rows in queue.rows.values() for column in zip(*rows, strict=True)]
        connection.execute(_join(tuple(queue.rows)), columns)


@cache
def _join(kinds: tuple[Rows, ...]) -> str:
    *others, last = (kind._postgresql for kind in kinds)
    named = ", ".join(f"w{number} AS ({text})" for number, text in enumerate(others))
    return f"WITH {named} {last}" if others else last


def send_queued_first(engine: Engine) -> None:
    """Whatever else this engine executes comes after what is queued, and what it changes is not known ahead;
    a rollback forgets both. Whoever queues sends before the commit: what is refused there would leave the
    transaction open."""
    event.listen(engine, "before_cursor_execute", _before)
    event.listen(engine, "commit", _before_commit)
    event.listen(engine, "rollback", _forget)
    event.listen(engine, "rollback_savepoint", lambda tx, *_: _forget(tx))


def _before(tx: Connection, _cursor: object, statement: str, *_: object) -> None:
    send_queued(tx)
    if not _is_read(statement):
        tx.info.pop(_AHEAD, None)


def _before_commit(tx: Connection) -> None:
    send_queued(tx)
    tx.info.pop(_AHEAD, None)


def _forget(tx: Connection) -> None:
    tx.info.pop(_QUEUE, None)
    tx.info.pop(_AHEAD, None)


def _is_read(statement: str) -> bool:
    return statement.lstrip()[:6].upper() == "SELECT"
