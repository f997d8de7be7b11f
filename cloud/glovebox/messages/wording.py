"""A message in its reader's language: for a mail, an SMS, or the page."""

from typing import Any, NamedTuple

from glovebox.web.i18n import Speech
from glovebox.words import say


class Written(NamedTuple):
    """Subject and text; both one line."""

    subject: str
    text: str


def write(speech: Speech, kind: str, facts: dict[str, Any]) -> Written:
    """The sentences of a kind. Of the facts, `starts_at` and `ends_at` are told as `when`."""
    values = {"time_zone": speech.zone_name, **facts}
    if "starts_at" in values and "ends_at" in values:
        values["when"] = speech.at(values["time_zone"]).interval(values["starts_at"], values["ends_at"])
    return Written(
        say(speech.language, f"message.{kind}.subject"), say(speech.language, f"message.{kind}", **values)
    )
