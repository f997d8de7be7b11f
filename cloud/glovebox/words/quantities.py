"""Numbers and quantities as a reader of French or English writes them: the one place that knows how."""

from dataclasses import dataclass
from typing import Final

from babel.numbers import format_decimal

# Babel's plain "en" writes American dates; the readers are in Europe.
BABEL_LOCALE: Final = {"fr": "fr_FR", "en": "en_GB"}
NO_BREAK_SPACE: Final = "\u00a0"


@dataclass(frozen=True)
class Quantity:
    """A value of a sentence that is written in the sentence's language: `Quantity(12.6, "V", 1)`."""

    value: float
    unit: str = ""
    decimals: int = 0


def write_number(language: str, value: float, decimals: int = 0) -> str:
    """`41,200` in English; in French `41 200`, its space narrow and unbreakable."""
    pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
    return format_decimal(value, format=pattern, locale=BABEL_LOCALE.get(language, BABEL_LOCALE["en"]))


def write_quantity(language: str, quantity: Quantity) -> str:
    """`12.6 V` in English, `12,6 V` in French; only the English per cent sign stands without a space."""
    gap = "" if not quantity.unit or (quantity.unit == "%" and language != "fr") else NO_BREAK_SPACE
    return write_number(language, quantity.value, quantity.decimals) + gap + quantity.unit
