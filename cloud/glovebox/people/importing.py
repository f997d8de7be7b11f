"""People and badges from a spreadsheet's CSV: read into a scratch database, every line checked and shown,
then stored by the services.

Columns: `COLUMNS`, of which `NEEDED` are, or their French names (`FRENCH`), with or without accents. Comma or
semicolon; UTF-8, with or without a byte order mark. What `exporting` writes is read back. The scratch
database lives in memory; the live one is only read for the preview.
"""

import csv
import io
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import sqlite_utils
from sqlalchemy import Connection, select

from glovebox.clock import Entropy
from glovebox.errors import Conflict, GloveboxError, Invalid
from glovebox.keys import Keyring
from glovebox.people import service
from glovebox.people.addresses import check_email, read_phone
from glovebox.people.licence import last_day, read_until
from glovebox.people.schemas import ImportLine, Person
from glovebox.people.tables import people
from glovebox.scope import Scope
from glovebox.store.values import FORMULA, find_problems, harmless

NEEDED: Final = ("staff_number", "given_name", "family_name")
# What a list that comes again renews of somebody known; name and e-mail stay as they are.
RENEWED: Final = ("phone", "licence_categories", "licence_until")
COLUMNS: Final = (*NEEDED, "email", "phone", "department", "language", *RENEWED[1:], "badge_uid")
FRENCH: Final = {
    "staff_number": "matricule",
    "given_name": "prénom",
    "family_name": "nom",
    "email": "courriel",
    "phone": "téléphone",
    "department": "service",
    "language": "langue",
    "licence_categories": "catégories du permis",
    "licence_until": "fin du permis",
    "badge_uid": "badge",
}
LINES_LIMIT: Final = 20_000


@dataclass(frozen=True)
class Reader:
    """Who reads a list, when and with which keys; days of it are the deployment's."""

    now: int
    scope: Scope
    keyring: Keyring
    zone: ZoneInfo


class Stored(NamedTuple):
    """How many were added, had something renewed, got a badge."""

    added: int
    changed: int
    badged: int


def preview(tx: Connection, reader: Reader, organisation_id: int, raw: bytes) -> list[ImportLine]:
    """Every line with its problems; nothing is stored. Raises Invalid for a file that cannot be read at
    all."""
    scratch = sqlite_utils.Database(memory=True)
    try:
        scratch.table("lines").insert_all(_read(raw), pk="number")
        return [_check(tx, reader, organisation_id, row) for row in scratch.query(_IN_ORDER)]
    finally:
        scratch.close()


def store(
    tx: Connection, reader: Reader, entropy: Entropy, organisation_id: int, lines: list[ImportLine]
) -> Stored:
    """Stores the lines without problems. Somebody known keeps the record, gets the badge, and what the list
    says of licence and telephone."""
    added = changed = badged = 0
    for line in lines:
        if line.problems:
            continue
        values: dict[str, Any] = {
            name: line.values[name] for name in COLUMNS if name != "badge_uid" and line.values.get(name)
        }
        if "licence_until" in values:
            values["licence_until"] = read_until(values["licence_until"], reader.now, reader.zone)
        known = _find(tx, organisation_id, values["staff_number"])
        if known is None:
            number = service.add_person(tx, reader.now, organisation_id=organisation_id, **values)
            added += 1
        else:
            number = known.id
            renewed = {name: values[name] for name in RENEWED if name in values}
            if any(value != known._mapping[name] for name, value in renewed.items()):
                service.change_person(tx, reader.scope, number, **renewed)
                changed += 1
        if line.values.get("badge_uid"):
            uid = service.parse_uid(line.values["badge_uid"])
            owner = service.find_by_uid(tx, reader.keyring, uid)
            if owner is None or owner[1] != number:
                service.add_badge(tx, reader.now, reader.keyring, entropy, number, uid)
                badged += 1
    return Stored(added, changed, badged)


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


def write_list(found: Iterable[Person], zone: ZoneInfo, language: str) -> str:
    """People as a list that `preview` reads, without their badges."""
    names = [name for name in COLUMNS if name != "badge_uid"]
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=";")
    writer.writerow([heading(name, language) for name in names])
    for person in found:
        until = "" if person.licence_until is None else last_day(person.licence_until, zone).isoformat()
        values = {**asdict(person), "licence_until": until}
        writer.writerow([harmless(values[name] or "") for name in names])
    return file.getvalue()


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
                column: _plain_text(row.get(header[column]) or "") if column in header else ""
                for column in COLUMNS
            }
            badge = "".join(values["badge_uid"].lower().split()).replace(":", "").replace("-", "")
            rows.append({"number": reader.line_num, **values, "badge": badge})
            if len(rows) > LINES_LIMIT:
                raise Invalid("file_too_long", limit=LINES_LIMIT)
    except csv.Error as error:
        raise Invalid("not_csv", reason=str(error)) from error
    return rows


def _plain_text(text: str) -> str:
    """Without the apostrophe that an export puts before what a spreadsheet would calculate; with plain spaces
    where a spreadsheet writes ones that do not break."""
    text = text.replace("\u00a0", " ").replace("\u202f", " ").strip()
    return text[1:] if text[:1] == "'" and text[1:2] in FORMULA else text


def _check(tx: Connection, reader: Reader, organisation_id: int, row: dict[str, Any]) -> ImportLine:
    values = {name: str(row[name]) for name in COLUMNS}
    values, refused = _normalise(values, reader)
    checked = {name: values[name] for name in (*NEEDED, "email", "department")}
    refused += find_problems(people, checked)
    if row["first_badge"] not in (None, row["number"]):
        refused.append(Invalid("twice_in_file", value=values["badge_uid"], line=row["first_badge"]))
    if row["first_person"] != row["number"] and not values["badge_uid"]:
        refused.append(Invalid("twice_in_file", value=values["staff_number"], line=row["first_person"]))
    if values["badge_uid"]:
        try:
            owner = service.find_by_uid(tx, reader.keyring, service.parse_uid(values["badge_uid"]))
        except Invalid as error:
            refused.append(error)
        else:
            known = _find(tx, organisation_id, values["staff_number"])
            if owner is not None and (known is None or owner[1] != known.id):
                refused.append(Conflict("badge_exists"))
    problems = [(one.code, {name: str(value) for name, value in one.values.items()}) for one in refused]
    return ImportLine(int(row["number"]), values, problems)


def _normalise(values: dict[str, str], reader: Reader) -> tuple[dict[str, str], list[GloveboxError]]:
    """Values as they will be stored, the last day of a licence as ISO writes it; and what is wrong with
    them."""

    def day(text: str) -> str:
        until = read_until(text, reader.now, reader.zone)
        return "" if until is None else last_day(until, reader.zone).isoformat()

    def language(text: str) -> str:
        if text.lower() not in ("", "fr", "en"):
            raise Invalid("language_unknown", value=text)
        return text.lower()

    def email(text: str) -> str:
        if text:
            check_email(text)
        return text

    readers: dict[str, Callable[[str], str]] = {
        "email": email,
        "phone": read_phone,
        "language": language,
        "licence_categories": service.tidy_categories,
        "licence_until": day,
    }
    found, refused = dict(values), list[GloveboxError]()
    for name, read in readers.items():
        try:
            found[name] = read(values[name])
        except Invalid as error:
            refused.append(error)
    return found, refused


def _find(tx: Connection, organisation_id: int, staff_number: str) -> Any:
    """Who has that number there, or None."""
    query = select(people).where(
        people.c.organisation_id == organisation_id, people.c.staff_number == staff_number
    )
    return tx.execute(query).first()
