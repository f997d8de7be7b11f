"""Plain SQL for the sync path, where SQLAlchemy's own execution costs a fifth of the throughput. Everything
else is SQLAlchemy Core's."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection


class Plain:
    """One statement, written with `?`; runs on both engines' own connections inside the surrounding
    transaction."""

    __slots__ = ("_postgresql", "_sqlite")

    def __init__(self, text: str) -> None:
        self._sqlite = text
        self._postgresql = text.replace("?", "%s")

    def run(self, tx: Connection, values: Sequence[Any] = ()) -> Any:
        """Executes; returns the driver's cursor."""
        connection: Any = tx.connection.driver_connection
        return connection.execute(self._sqlite if tx.dialect.name == "sqlite" else self._postgresql, values)

    def run_many(self, tx: Connection, rows: Iterable[Sequence[Any]]) -> None:
        """Executes once a row."""
        connection: Any = tx.connection.driver_connection
        statement = self._sqlite if tx.dialect.name == "sqlite" else self._postgresql
        connection.cursor().executemany(statement, rows)
