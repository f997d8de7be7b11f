"""Sentences for people, in English and French, by key: faults and what to do, refusals, incidents, journal
lines, errors.

`say("fr", "fault.gnss_silent.todo")`. A value may be a key itself (`@key`), a list of sentences
(`[(key, values)]`) or a `Quantity`: each is said in the sentence's language. A test holds both languages to
the same keys and the same placeholders, and every code of the wire to a sentence.
"""

import string
from typing import Any, Final

from glovebox.link import codes
from glovebox.words.errors import ERRORS
from glovebox.words.faults import FAULTS
from glovebox.words.fleet import FLEET_REFUSALS
from glovebox.words.incidents import INCIDENT_REFUSALS, INCIDENTS
from glovebox.words.lines import LINES
from glovebox.words.messages import CAUSES, MESSAGES
from glovebox.words.quantities import Quantity, write_lasting, write_quantity, write_when
from glovebox.words.refusals import REFUSALS
from glovebox.words.rules import RULE_NAMES, RULE_REFUSALS

LANGUAGES: Final = ("en", "fr")

SENTENCES: Final[dict[str, tuple[str, str]]] = {
    **{f"error.{key}": text for key, text in ERRORS.items()},
    **{f"error.{key}": text for key, text in RULE_REFUSALS.items()},
    **{f"error.{key}": text for key, text in INCIDENT_REFUSALS.items()},
    **{f"error.{key}": text for key, text in FLEET_REFUSALS.items()},
    **{f"rule.{key}": text for key, text in RULE_NAMES.items()},
    **{f"refusal.{key}": text for key, text in REFUSALS.items()},
    **{f"incident.{key}": text for key, text in INCIDENTS.items()},
    **{f"fault.{key}": (en, fr) for key, (en, fr, _, _) in FAULTS.items()},
    **{f"fault.{key}.todo": (en, fr) for key, (_, _, en, fr) in FAULTS.items()},
    **{f"cause.{key}": text for key, text in CAUSES.items()},
    **{f"message.{key}.subject": (en, fr) for key, (en, fr, _, _) in MESSAGES.items()},
    **{f"message.{key}": (en, fr) for key, (_, _, en, fr) in MESSAGES.items()},
    **LINES,
}


class _Told(dict[str, Any]):
    """Values said in a language as the sentence asks for them; a missing one shows as a question mark, not
    as an error page."""

    def __init__(self, language: str, values: dict[str, Any]) -> None:
        super().__init__(values)
        self._language = language

    def __getitem__(self, name: str) -> Any:
        return _say_value(self._language, self.get(name, "?"))


def say(language: str, key: str, /, **values: Any) -> str:
    """The sentence of `key` in `fr` or (for anything else) `en`; the key itself for one that has none."""
    texts = SENTENCES.get(key)
    if texts is None:
        return key
    text = texts[LANGUAGES.index(language) if language in LANGUAGES else 0]
    return _Writer(language, str(values.get("time_zone", "UTC"))).vformat(text, (), _Told(language, values))


class _Writer(string.Formatter):
    """Writes `{starts_at:when}` as a day and a time on the clock of `time_zone`, `{lead_s:lasting}` as a
    length of time, and everything else as it stands."""

    def __init__(self, language: str, time_zone: str) -> None:
        self._language, self._time_zone = language, time_zone

    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec not in ("when", "lasting"):
            return format(value, format_spec)
        if not isinstance(value, int):
            return "?"
        if format_spec == "when":
            return write_when(self._language, value, self._time_zone)
        return write_lasting(self._language, value)


def _say_value(language: str, value: Any) -> Any:
    if isinstance(value, Quantity):
        return write_quantity(language, value)
    if isinstance(value, list):
        return ", ".join(say(language, key, **inner) for key, inner in value)
    return say(language, value[1:]) if isinstance(value, str) and value.startswith("@") else value


def refusal_name(code: int) -> str:
    """The name of a refusal's code, for `refusal.<name>`."""
    return codes.name_of(codes.REFUSAL, code) if code else "none"


def fault_name(code: int) -> str:
    """The name of a fault's code, for `fault.<name>`."""
    return codes.name_of(codes.FAULT, code)
