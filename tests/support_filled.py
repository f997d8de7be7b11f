"""A database with rows in each of its tables, whatever the tables are: they are read from the database
itself, so that a new one is filled without anybody thinking of it."""

import itertools
import re

from sqlalchemy import Integer, LargeBinary, MetaData, String, func, insert, inspect, select
from sqlalchemy.exc import DBAPIError

ROWS = 2
AT = 1_773_126_000
NOT_OURS = "alembic_version"


def fill_empty_tables(tx):
    """Gives each table without rows some that its constraints accept. Returns the tables, by name."""
    schema = MetaData()
    schema.reflect(tx)
    for table in schema.sorted_tables:
        if table.name != NOT_OURS and not tx.execute(select(func.count()).select_from(table)).scalar():
            for number in range(ROWS):
                _add_row(tx, table, number)
    return {name: table for name, table in schema.tables.items() if name != NOT_OURS}


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
    if column.foreign_keys:
        other = next(iter(column.foreign_keys)).column
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
