"""What the tool says, in English and French. A test holds both to the same keys and the same blanks."""

import locale
import os

from glovebox_tools.box.texts import board, provision, self_test

LANGUAGES = ("en", "fr")

MESSAGES: dict[str, tuple[str, str]] = {**board.TEXTS, **provision.TEXTS, **self_test.TEXTS}


def choose_language(asked: str | None) -> str:
    """`asked` if given, else French where the computer speaks French, else English."""
    if asked in LANGUAGES:
        return str(asked)
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name)
        if value:
            return "fr" if value.lower().startswith("fr") else "en"
    return "fr" if (locale.getlocale()[0] or "").lower().startswith("fr") else "en"


class Words:
    """The texts of one language: `words("key", blank=value)`."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._index = LANGUAGES.index(language)

    def __call__(self, key: str, **values: object) -> str:
        """The text of `key` with its blanks filled. Raises KeyError on an unknown key."""
        return MESSAGES[key][self._index].format(**values)
