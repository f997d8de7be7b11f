"""How rules are written and typed on pages: their names, units and values."""

from dataclasses import dataclass
from typing import Final

from glovebox.clock import DAY_S, HOUR_S, MINUTE_S
from glovebox.errors import Invalid
from glovebox.policies.schemas import LIMITS, Origin, Resolved
from glovebox.series.schemas import Rule
from glovebox.web.i18n import Speech, _

ORIGINS: Final[dict[Origin, str]] = {
    "built_in": _("built in"),
    "organisation": _("as for all cars of the organisation"),
    "group": _("as for the group with all cars"),
    "pool": _("as for the pool"),
    "group_pool": _("for the group in this pool"),
}
WEEKDAYS: Final = (
    _("Monday"),
    _("Tuesday"),
    _("Wednesday"),
    _("Thursday"),
    _("Friday"),
    _("Saturday"),
    _("Sunday"),
)


@dataclass(frozen=True)
class Kind:
    """A rule as typed: its name, its label with the unit, seconds (or counts) in that unit."""

    name: str
    label: str
    unit: int
    none: str = ""
    """What 0 means; "" where it means 0."""


KINDS: Final = (
    Kind("buffer_s", _("Gap between two bookings of a car (minutes)"), MINUTE_S, _("none")),
    Kind("lead_s", _("Book ahead at least (hours)"), HOUR_S, _("none")),
    Kind("longest_s", _("Longest booking (hours)"), HOUR_S),
    Kind("horizon_s", _("Book ahead at most (days)"), DAY_S),
    Kind("open_bookings", _("Open bookings per person (0: no limit)"), 1, _("no limit")),
    Kind("week_s", _("Hours per person and week (0: no limit)"), HOUR_S, _("no limit")),
    Kind("needs_approval", _("Approval"), 1),
    Kind("approval_due_s", _("Time for the approver to answer (hours)"), HOUR_S),
)
SHORT: Final = {
    "buffer_s": _("Gap between two bookings"),
    "lead_s": _("Book ahead at least"),
    "longest_s": _("Longest booking"),
    "horizon_s": _("Book ahead at most"),
    "open_bookings": _("Open bookings per person"),
    "week_s": _("Per person and week"),
    "needs_approval": _("Approval"),
    "approval_due_s": _("Time for the approver"),
}


@dataclass(frozen=True)
class Line:
    """One rule of a level: what it is called, what holds, and where that comes from ("" where it is laid
    down here)."""

    label: str
    value: str
    origin: str


def write_value(speech: Speech, kind: Kind, value: int) -> str:
    """`30 min`, `no limit`, `needed`."""
    if kind.name == "needs_approval":
        return speech.gettext("needed") if value else speech.gettext("not needed")
    if not value and kind.none:
        return speech.gettext(kind.none)
    return speech.number(value) if kind.unit == 1 else speech.lasting(value)


def write_lines(speech: Speech, resolved: Resolved, here: Origin) -> list[Line]:
    """What holds at a level, rule by rule."""
    lines = []
    for kind in KINDS:
        origin = resolved.origin(kind.name)
        value = write_value(speech, kind, getattr(resolved.rules, kind.name))
        source = "" if origin == here else speech.gettext(ORIGINS[origin])
        lines.append(Line(speech.gettext(SHORT[kind.name]), value, source))
    return lines


def write_typed(kind: Kind, value: int | None) -> str:
    """A value as it stands in its field: `1.5`, "" for None."""
    if value is None:
        return ""
    return f"{value / kind.unit:.4f}".rstrip("0").rstrip(".")


def read_typed(kind: Kind, text: str) -> int | None:
    """What was typed, None for nothing. Raises Invalid: no number, or out of the rule's limits."""
    if not text:
        return None
    plain = text.replace(",", ".")
    if not plain.isascii() or not plain.replace(".", "", 1).isdigit() or len(plain) > 12:
        raise Invalid("not_a_number")
    value = round(float(plain) * kind.unit)
    least, largest = LIMITS[kind.name]
    if not least <= value <= largest:
        limits = (write_typed(kind, least), write_typed(kind, largest))
        raise Invalid("rule_limits", rule=kind.label, least=limits[0], largest=limits[1])
    return value


def clock_of(minute: int) -> str:
    """`26:00` is written `02:00`: a time field knows one day."""
    return f"{minute // 60 % 24:02d}:{minute % 60:02d}"


def minute_of(text: str, field: str) -> int:
    """`08:30`, typed in `field`, to minutes of the day. Raises Invalid."""
    hours, _colon, minutes = text[:5].partition(":")
    is_number = hours.isascii() and minutes.isascii() and hours.isdigit() and minutes.isdigit()
    if not is_number or int(hours) > 24 or int(minutes) > 59 or (int(hours) == 24 and int(minutes)):
        raise Invalid("no_such_day", field=field)
    return int(hours) * 60 + int(minutes)


def rule_sentence(speech: Speech, rule: Rule) -> str:
    """`Tuesday, Thursday, 08:00 to 12:00, from 12 March to 30 June`."""
    days = ", ".join(speech.gettext(WEEKDAYS[day]) for day in sorted(rule.weekdays))
    text = speech.gettext(
        "%(days)s, %(start)s to %(end)s, from %(first)s to %(last)s",
        days=days,
        start=clock_of(rule.starts_minute),
        end=clock_of(rule.ends_minute),
        first=speech.full_day(rule.first_day),
        last=speech.full_day(rule.last_day),
    )
    if rule.every_weeks > 1:
        text += ", " + speech.gettext("every %(count)s weeks", count=rule.every_weeks)
    return text
