"""Keeps the pages' catalogues in step with templates and code: `python -m glovebox.web.catalogue`.

Collects every text marked by `_`, `gettext` or `ngettext` and merges it into each `locale/<language>.po`,
keeping what is translated and dropping what is used no more. Prints what still lacks a translation and then
ends with 1.
"""

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from glovebox.web.i18n import LANGUAGES, LOCALES

HERE: Final = Path(__file__).resolve().parent
SOURCE_LANGUAGE: Final = "en"
METHODS: Final = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]
HEADER: Final = "# The pages in {language}. Renewed by `python -m glovebox.web.catalogue`; translate here."
# Header fields that change with every run, or say nothing.
VOLATILE: Final = tuple(
    f'"{field}:'
    for field in (
        "POT-Creation-Date",
        "PO-Revision-Date",
        "Report-Msgid-Bugs-To",
        "Last-Translator",
        "Language-Team",
        "Generated-By",
    )
)
OPTIONS: Final = {"**.html": {"trimmed": "true", "silent": "false"}}


def extract_messages() -> Catalog:
    """Every marked text of the pages with the files that use it (line numbers would change daily)."""
    template = Catalog(project="Glovebox pages", charset="utf-8", fuzzy=False)
    found = extract_from_dir(HERE, METHODS, OPTIONS, comment_tags=())
    for filename, _line, message, _comments, context in found:
        template.add(message, locations=[(Path(filename).as_posix(), 0)], context=context)
    return template


def read_catalogue(language: str) -> Catalog:
    """A language's catalogue; empty where there is none yet."""
    path = LOCALES / f"{language}.po"
    if not path.exists():
        return Catalog(locale=language, project="Glovebox pages", charset="utf-8", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def untranslated(catalogue: Catalog) -> Iterator[Message]:
    """Messages without a translation, or with a guessed one."""
    for message in catalogue:
        if not message.id:
            continue
        parts = message.string if isinstance(message.string, tuple) else (message.string,)
        if message.fuzzy or not all(parts):
            yield message


def update(language: str) -> list[Message]:
    """Merges the texts into one catalogue; what is still to be translated."""
    catalogue = read_catalogue(language)
    catalogue.update(extract_messages(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    catalogue.header_comment = HEADER.format(language=language)
    buffer = BytesIO()
    write_po(buffer, catalogue, sort_output=True, include_lineno=False, width=110, omit_header=False)
    lines = [line for line in buffer.getvalue().decode().splitlines() if not line.startswith(VOLATILE)]
    LOCALES.mkdir(exist_ok=True)
    (LOCALES / f"{language}.po").write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    return list(untranslated(catalogue))


def main() -> int:
    """The command."""
    missing = 0
    for language in LANGUAGES:
        if language == SOURCE_LANGUAGE:
            continue
        for message in update(language):
            missing += 1
            print(f"{language}: {message.id}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
