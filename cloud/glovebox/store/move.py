"""Moves a deployment from SQLite to PostgreSQL: every table, in one transaction of the new database, compared
value by value before it commits.

The store keeps its number (`store_epoch`): a restore renews it because what was acknowledged since the backup
is lost; here nothing is, so boxes need not send again what they hold, and go on with the set they have.
"""

from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import Any, Final

import psycopg
from alembic import command
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, String, Table, func, inspect, select, text
from sqlalchemy.engine import make_url

from glovebox.store import guard
from glovebox.store.all_tables import metadata
from glovebox.store.engine import Store, open_store
from glovebox.store.migrate import alembic_config
from glovebox.store.occupation import Occupation

Tell = Callable[[str], None]
CHUNK_ROWS: Final = 5_000
"""Read at a time: a journal of years must not lie in memory."""
_NOT_OURS: Final = "alembic_version"


class MoveError(RuntimeError):
    """It was not moved. The new database is as it was before, the old one too."""


def move(source_url: str, target_url: str, tell: Tell) -> dict[str, int]:
    """Copies all of `source_url` (SQLite, its server stopped) to `target_url` (PostgreSQL, empty). `tell`
    hears a line for each step. Returns the rows of each table.
    Raises Occupied while a server runs, MoveError, GuardMissing, SQLAlchemyError; nothing is moved then."""
    source_name, target_name = (make_url(url).get_backend_name() for url in (source_url, target_url))
    if (source_name, target_name) != ("sqlite", "postgresql"):
        raise MoveError(f"moves from sqlite to postgresql, not from {source_name} to {target_name}")
    with Occupation(make_url(source_url)):
        source, target = open_store(source_url), open_store(target_url)
        try:
            return _move(source, target, tell)
        finally:
            source.close()
            target.close()


def _move(source: Store, target: Store, tell: Tell) -> dict[str, int]:
    # The writing engine says BEGIN IMMEDIATE: no command line writes meanwhile. It changes nothing.
    with source.writing.connect() as old, target.write() as new:
        _check_source(old)
        if inspect(new).get_table_names():
            raise MoveError("the new database is not empty: give one that has no tables")
        command.upgrade(alembic_config(new), "head")
        moved = {}
        for table in reversed(metadata.sorted_tables):
            new.execute(table.delete())  # what a migration may have put there
        for number, table in enumerate(metadata.sorted_tables, 1):
            moved[table.name] = _copy(old, new, table)
            tell(f"{number}/{len(metadata.tables)} {table.name}: {moved[table.name]} rows")
        _set_sequences(old, new)
        guard.check(new)
        for table in metadata.sorted_tables:
            compare(old, new, table)
        tell("compared: every value of every row is the same")
    return moved


def _check_source(old: Connection) -> None:
    wanted = ScriptDirectory.from_config(alembic_config(old)).get_current_head()
    found = MigrationContext.configure(old).get_current_revision()
    if found != wanted:
        raise MoveError(
            f"the old database has schema {found or 'none'}, this program {wanted}: `glovebox migrate` first"
        )
    unknown = set(inspect(old).get_table_names()) ^ {*metadata.tables, _NOT_OURS}
    if unknown:
        raise MoveError(f"tables that only one of program and database knows: {', '.join(sorted(unknown))}")
    guard.check(old)


def _copy(old: Connection, new: Connection, table: Table) -> int:
    """Copies all rows by PostgreSQL's COPY, which checks what INSERT checks. Returns how many."""
    connection: Any = new.connection.driver_connection
    quote = new.dialect.identifier_preparer
    columns = ", ".join(quote.quote(column.name) for column in table.columns)
    count = 0
    statement = f"COPY {quote.format_table(table)} ({columns}) FROM STDIN"
    try:
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in _rows(old, table):
                copy.write_row(row)
                count += 1
    except psycopg.Error as error:  # SQLite takes any value in any column
        where = error.diag.context or f"{table.name}, about row {count}"
        raise MoveError(f"{error.diag.message_primary or error} ({where}): mend it there first") from error
    return count


def _set_sequences(old: Connection, new: Connection) -> None:
    """Numbers go on where SQLite would have gone on: after the greatest that was ever given where the table
    gives none twice, though its row may be gone."""
    given = {row.name: row.seq for row in old.execute(text("SELECT name, seq FROM sqlite_sequence"))}
    for table in metadata.sorted_tables:
        column = table.autoincrement_column
        if column is None:
            continue
        last = max(given.get(table.name, 0), new.execute(select(func.max(column))).scalar() or 0)
        sequence = func.pg_get_serial_sequence(table.name, column.name)
        new.execute(select(func.setval(sequence, max(last, 1), last > 0)))


def compare(old: Connection, new: Connection, table: Table) -> None:
    """Raises MoveError at the first row that the two do not have alike, with every value."""
    for one, other in zip_longest(_rows(old, table), _rows(new, table)):
        if one is None or other is None or tuple(one) != tuple(other):
            raise MoveError(f"{table.name} differs: {_name(table, one)} there, {_name(table, other)} here")


def _rows(tx: Connection, table: Table) -> Iterator[Any]:
    """All rows in the order of the primary key, some thousand at a time."""
    order = [_alike(tx, column) for column in table.primary_key]
    chunks = {"yield_per": CHUNK_ROWS}
    yield from tx.execute(select(table).order_by(*order), execution_options=chunks)


def _alike(tx: Connection, column: "Column[Any]") -> Any:
    """SQLite orders texts by their bytes; PostgreSQL by the database's language unless told."""
    if tx.dialect.name == "postgresql" and isinstance(column.type, String):
        return column.collate("C")
    return column


def _name(table: Table, row: Any) -> str:
    """The row's key, without its other values: they may name people."""
    if row is None:
        return "no row"
    return "row " + ", ".join(f"{c.name} {row._mapping[c]!r}" for c in table.primary_key)
