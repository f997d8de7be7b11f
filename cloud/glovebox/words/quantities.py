"""Numbers, quantities, times and lengths of time as a reader of French or English writes them: the one place
that knows how."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
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


def write_when(language: str, at: int, time_zone: str) -> str:
    """`Tuesday 10 March 2026, 08:00`; `mardi 10 mars 2026 à 08:00`."""
    local = datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(time_zone))
    day = "d'er'" if language == "fr" and local.day == 1 else "d"
    gap = " 'à' " if language == "fr" else ", "
    locale = BABEL_LOCALE.get(language, BABEL_LOCALE["en"])
    return format_datetime(local, f"EEEE {day} MMMM yyyy{gap}HH:mm", locale=locale)


def write_lasting(language: str, seconds: int) -> str:
    """`45 min`, `2 h 30`, `3 days 4 h`, `1 jour`."""
    days, rest = divmod(max(0, seconds) // 60, 1_440)
    hours, minutes = divmod(rest, 60)
    parts = []
    if days:
        word = "jour" if language == "fr" else "day"
        many = days > 1 if language == "fr" else days != 1
        parts.append(f"{days} {word}{'s' if many else ''}")
    if hours:
        parts.append(f"{hours} h" + (f" {minutes:02d}" if minutes else ""))
    elif minutes or not parts:
        parts.append(f"{minutes} min")
    return " ".join(parts).replace(" ", NO_BREAK_SPACE)
