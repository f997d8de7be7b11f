"""A database with rows in each of its tables, whatever the tables are: they are read from the database
itself, so that a new one is filled without anybody thinking of it."""

import itertools
import re

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    func,
    insert,
    inspect,
    select,
)
from sqlalchemy.exc import DBAPIError

ROWS = 2
AT = 1_773_126_000
NOT_OURS = "alembic_version"


def fill_empty_tables(tx):
    """Gives each table without rows some that its constraints accept. Returns the tables, by name; without
    those whose rows belong to a table that an older schema has not yet."""
    schema = MetaData()
    schema.reflect(tx)
    for table in schema.tables.values():
        for column in table.c:
            if _names_another(column) and (other := _named(schema, column)) is not None:
                column.append_foreign_key(ForeignKey(other.c.id))
    tables = {
        table.name: table
        for table in schema.sorted_tables
        if table.name != NOT_OURS
        and not any(_names_another(column) and not column.foreign_keys for column in table.primary_key)
    }
    for table in tables.values():
        if not tx.execute(select(func.count()).select_from(table)).scalar():
            for number in range(ROWS):
                _add_row(tx, table, number)
    return tables


def _names_another(column):
    """A reference that says so by its name alone."""
    is_number = isinstance(column.type, Integer) and not isinstance(column.type, BigInteger)
    return is_number and column.name.endswith("_id") and column.name != "key_id" and not column.foreign_keys


def _named(schema, column):
    other = schema.tables.get(f"{column.name[:-3]}s")
    return other if other is not None and "id" in other.c else None


def _add_row(tx, table, number):
    """Nullable columns filled if that is allowed, else as few of them empty as need be."""
    values = {column.name: _value(tx, table, column, index, number) for index, column in enumerate(table.c)}
    values = {name: value for name, value in values.items() if value is not None}
    optional = [name for name in values if table.c[name].nullable]
    refused = None
    for size in range(len(optional) + 1):
        for without in itertools.combinations(optional, size):
            row = {name: value for name, value in values.items() if name not in without}
            try:
                with tx.begin_nested():
                    tx.execute(insert(table), row)
                return
            except DBAPIError as error:
                refused = error
    raise AssertionError(f"support_filled does not know how to fill {table.name}: {refused}")


def _value(tx, table, column, index, number):
    """One that differs with the row, and rises with the column where that may matter."""
    other = next((key.column for key in column.foreign_keys), None)
    if other is not None:
        found = tx.execute(select(other).order_by(other.desc()).offset(number).limit(1)).scalar()
        return found if found is not None or column.nullable else tx.execute(select(other)).scalar()
    checks = [check["sqltext"] for check in inspect(tx).get_check_constraints(table.name)]
    told = " ".join(text for text in checks if re.search(rf"\b{column.name}\b", text))
    if isinstance(column.type, String):
        words = [word for word in re.findall(r"'([^']*)'", told) if word]
        text = words[number % len(words)] if words else f"{number}é"
        return text[: column.type.length]
    if isinstance(column.type, LargeBinary):
        return bytes((255 - number, 0, 9, 10, 92)).ljust(column.type.length or 7, b"\xfe")
    assert isinstance(column.type, Integer), f"{table.name}.{column.name}: {column.type}"
    if column.name == "id" and column.primary_key:
        return None  # the database gives it
    least = re.search(rf"\b{column.name}\b(?:\)?)\s*(?:BETWEEN|>=)\s*\(?'?(-?\d+)", told)
    if least:
        return max(int(least[1]), 0) + number
    if column.name.endswith("_at"):
        return AT + 10_000 * number + index
    return index + number
