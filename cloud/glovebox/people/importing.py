"""People and badges from a spreadsheet's CSV: read into a scratch database, every line checked and shown,
then stored by the services.

Columns: staff_number, given_name, family_name (needed), email, department, language, badge_uid, or their
French names (`FRENCH`), with or without accents. Comma or semicolon; UTF-8, with or without a byte order
mark. The scratch database lives in memory; the live one is only read for the preview.
"""

import csv
import io
import unicodedata
from typing import Any, Final

import sqlite_utils
from sqlalchemy import Connection, select

from glovebox.clock import Entropy
from glovebox.errors import GloveboxError, Invalid
from glovebox.keys import Keyring
from glovebox.people import service
from glovebox.people.addresses import check_email_of
from glovebox.people.schemas import ImportLine
from glovebox.people.tables import people
from glovebox.store.values import find_problems

NEEDED: Final = ("staff_number", "given_name", "family_name")
COLUMNS: Final = (*NEEDED, "email", "department", "language", "badge_uid")
FRENCH: Final = dict(
    zip(COLUMNS, ("matricule", "prénom", "nom", "courriel", "service", "langue", "badge"), strict=True)
)
LINES_LIMIT: Final = 20_000


def preview(tx: Connection, keyring: Keyring, organisation_id: int, raw: bytes) -> list[ImportLine]:
    """Every line with its problems; nothing is stored. Raises Invalid for a file that cannot be read at
    all."""
    scratch = sqlite_utils.Database(memory=True)
    try:
        scratch.table("lines").insert_all(_read(raw), pk="number")
        return [_check(tx, keyring, organisation_id, scratch, row) for row in scratch.query(_IN_ORDER)]
    finally:
        scratch.close()


def store(
    tx: Connection,
    now: int,
    keyring: Keyring,
    entropy: Entropy,
    organisation_id: int,
    lines: list[ImportLine],
) -> tuple[int, int]:
    """Stores the lines without problems: (people added, badges added). Somebody known keeps the record and
    gets the badge."""
    added = badged = 0
    for line in lines:
        if line.problems:
            continue
        values = {
            name: line.values[name] for name in COLUMNS if name != "badge_uid" and line.values.get(name)
        }
        known = _find(tx, organisation_id, values["staff_number"])
        if known is None:
            known = service.add_person(tx, now, organisation_id=organisation_id, **values)
            added += 1
        if line.values.get("badge_uid"):
            uid = service.parse_uid(line.values["badge_uid"])
            owner = service.find_by_uid(tx, keyring, uid)
            if owner is None or owner[1] != known:
                service.add_badge(tx, now, keyring, entropy, known, uid)
                badged += 1
    return added, badged


_IN_ORDER: Final = """
    SELECT lines.*,
        (SELECT min(number) FROM lines AS other WHERE other.staff_number = lines.staff_number)
        AS first_person,
        (SELECT min(number) FROM lines AS other WHERE other.badge = lines.badge AND other.badge <> '')
        AS first_badge
    FROM lines ORDER BY number"""


def heading(column: str, language: str) -> str:
    """A column's name as a reader of this language writes it."""
    return FRENCH.get(column, column) if language == "fr" else column


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.strip().lower())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


_BY_HEADING: Final = {_plain(name): column for column, name in FRENCH.items()} | {
    name: name for name in COLUMNS
}


def _read(raw: bytes) -> list[dict[str, Any]]:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid("not_utf8") from error
    first_line = text.partition("\n")[0]
    delimiter = ";" if first_line.count(";") > first_line.count(",") else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows = []
    try:
        header = {_BY_HEADING.get(_plain(name or "")): name for name in reader.fieldnames or ()}
        for column in NEEDED:
            if column not in header:
                raise Invalid("column_missing", column=column)
        for row in reader:
            values = {
                column: (row.get(header[column]) or "").strip() if column in header else ""
                for column in COLUMNS
            }
            badge = "".join(values["badge_uid"].lower().split()).replace(":", "").replace("-", "")
            rows.append({"number": reader.line_num, **values, "badge": badge})
            if len(rows) > LINES_LIMIT:
                raise Invalid("file_too_long", limit=LINES_LIMIT)
    except csv.Error as error:
        raise Invalid("not_csv", reason=str(error)) from error
    return rows


def _check(
    tx: Connection,
    keyring: Keyring,
    organisation_id: int,
    scratch: sqlite_utils.Database,
    row: dict[str, Any],
) -> ImportLine:
    values = {name: str(row[name]) for name in COLUMNS}
    stored = {name: value for name, value in values.items() if name not in ("language", "badge_uid")}
    found = find_problems(people, stored)
    problems = [(one.code, {name: str(value) for name, value in one.values.items()}) for one in found]
    try:
        check_email_of(values)
    except Invalid as error:
        problems.append((error.code, {name: str(value) for name, value in error.values.items()}))
    if values["language"] and values["language"] not in ("fr", "en"):
        problems.append(("language_unknown", {"value": values["language"]}))
    if row["first_badge"] not in (None, row["number"]):
        problems.append(("twice_in_file", {"value": values["badge_uid"], "line": str(row["first_badge"])}))
    if row["first_person"] != row["number"] and not values["badge_uid"]:
        problems.append(
            ("twice_in_file", {"value": values["staff_number"], "line": str(row["first_person"])})
        )
    if values["badge_uid"]:
        try:
            owner = service.find_by_uid(tx, keyring, service.parse_uid(values["badge_uid"]))
        except GloveboxError as error:
            problems.append((error.code, {name: str(value) for name, value in error.values.items()}))
        else:
            known = _find(tx, organisation_id, values["staff_number"])
            if owner is not None and owner[1] != known:
                problems.append(("badge_exists", {}))
    return ImportLine(int(row["number"]), values, problems)


def _find(tx: Connection, organisation_id: int, staff_number: str) -> int | None:
    query = select(people.c.id).where(
        people.c.organisation_id == organisation_id, people.c.staff_number == staff_number
    )
    return tx.execute(query).scalar()
