"""What a column can hold, told before the database is asked: both engines refuse alike, and in a sentence."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import String, Table

from glovebox.errors import Invalid

NUMBERS: Final = {
    "seats": (1, 60),
    "tank_ml": (0, 500_000),
    "radius_m": (10, 5_000),
    "battery_wh": (1_000, 1_000_000),
    "consumption_wh_per_km": (50, 3_000),
    "charge_w": (1_000, 400_000),
}
"""Column -> least and largest. A lorry's tank has 400 litres; the wire has 32 bits for it."""
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""With which a spreadsheet begins to calculate."""


def harmless(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula gets an apostrophe before it."""
    return f"'{value}" if isinstance(value, str) and value[:1] in FORMULA else value


def find_problems(table: Table, values: Mapping[str, Any]) -> list[Invalid]:
    """What is wrong with values for that table's columns: empty, too long, control characters (PostgreSQL
    stores no NUL, a spreadsheet no escape), numbers out of range."""
    problems = []
    for name, value in values.items():
        column = table.c[name]
        if isinstance(value, str) and isinstance(column.type, String):
            limit = column.type.length
            if not value.strip() and not column.nullable and column.server_default is None:
                problems.append(Invalid("value_missing", column=name))
            elif limit is not None and len(value) > limit:
                problems.append(Invalid("text_too_long", column=name, limit=limit))
            elif not value.isprintable():
                problems.append(Invalid("text_unprintable", column=name))
        elif name in NUMBERS and value is not None:
            least, largest = NUMBERS[name]
            if not least <= value <= largest:
                problems.append(Invalid("number_out_of_range", column=name, least=least, largest=largest))
    return problems


def check_values(table: Table, values: Mapping[str, Any]) -> None:
    """Raises the first of `find_problems`."""
    for problem in find_problems(table, values):
        raise problem


def one_line(text: str, longest: int = 200) -> str:
    """What people typed, without control characters (PostgreSQL stores no NUL); a space that does not break,
    as French writing and spreadsheets have it, is a space."""
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()[:longest]
