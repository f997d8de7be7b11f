"""Console: a list of people from a spreadsheet, checked line by line before anything is stored."""

import base64
import binascii
from datetime import date
from typing import Final

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import Response

from glovebox.audit import service as audit
from glovebox.errors import Forbidden, GloveboxError, Invalid
from glovebox.fleet import service as fleet
from glovebox.people import importing
from glovebox.people.schemas import ImportLine
from glovebox.web.notices import error_sentence
from glovebox.web.page import Page, PageRoute, PeoplePage

router = APIRouter(prefix="/console/people", route_class=PageRoute, include_in_schema=False)

LARGEST_FILE: Final = 250_000
# Lines with problems are all shown; of the good ones a glance is enough.
GOOD_SHOWN: Final = 20


@router.get("/import")
def show_import(page: PeoplePage) -> Response:
    """The form, and how the list looks."""
    return _form(page)


def _form(page: Page, error: GloveboxError | None = None) -> Response:
    with page.cloud.store.read() as tx:
        reach = page.viewer.scope.managed_ids
        bodies = [body for body in fleet.list_organisations(tx) if body.id in reach]
    return page.render(
        "console/people_import.html",
        error.status if error else 200,
        columns=[importing.heading(name, page.speech.language) for name in importing.COLUMNS],
        needed=[importing.heading(name, page.speech.language) for name in importing.NEEDED],
        organisations=bodies,
        problem=page.refuse(_named(page, error)) if error else "",
    )


@router.get("/template.csv")
def template_file(page: PeoplePage) -> Response:
    """An empty list with the right columns, which a spreadsheet opens."""
    columns = [importing.heading(name, page.speech.language) for name in importing.COLUMNS]
    headers = {"content-disposition": 'attachment; filename="people.csv"'}
    return Response("\ufeff" + ";".join(columns) + "\r\n", media_type="text/csv", headers=headers)


def _organisation(page: Page) -> int:
    organisation_id = page.number("organisation")
    if organisation_id is None or not page.viewer.scope.may_manage(organisation_id):
        raise Forbidden()
    return organisation_id


@router.post("/import")
async def preview_import(page: PeoplePage) -> Response:
    """Shows each line with its problems; nothing is stored."""
    organisation_id, file = _organisation(page), page.form.get("file")
    if not isinstance(file, UploadFile) or not file.size:
        return await run_in_threadpool(_form, page, Invalid("file_missing"))
    if file.size > LARGEST_FILE:
        return await run_in_threadpool(_form, page, Invalid("file_too_large"))
    raw = await file.read()
    return await run_in_threadpool(_preview, page, organisation_id, raw)


def _preview(page: Page, organisation_id: int, raw: bytes) -> Response:
    try:
        with page.cloud.store.read() as tx:
            lines = importing.preview(tx, _reader(page), organisation_id, raw)
    except Invalid as error:
        return _form(page, error)
    return page.render(
        "console/people_preview.html",
        bad=[(line, problems_of(page, line)) for line in lines if line.problems],
        good=[line for line in lines if not line.problems],
        last_days={
            line.number: date.fromisoformat(line.values["licence_until"])
            for line in lines
            if line.values["licence_until"] and not line.problems
        },
        shown=GOOD_SHOWN,
        organisation_id=organisation_id,
        content=base64.b64encode(raw).decode(),
    )


def _reader(page: Page) -> importing.Reader:
    return importing.Reader(page.now, page.viewer.scope, page.cloud.keyring, page.speech.zone)


def problems_of(page: Page, line: ImportLine) -> list[str]:
    """A line's problems as sentences."""
    return [
        error_sentence(page.speech, _named(page, Invalid(code, **values))) for code, values in line.problems
    ]


def _named(page: Page, error: GloveboxError) -> GloveboxError:
    """With a column's name as the reader's list has it."""
    if column := error.values.get("column"):
        error.values["column"] = importing.heading(str(column), page.speech.language)
    return error


@router.post("/import/store")
def store_import(page: PeoplePage) -> Response:
    """Stores the lines without problems, checked once more: others may have stored meanwhile."""
    organisation_id, cloud, viewer, reader = _organisation(page), page.cloud, page.viewer, _reader(page)
    try:
        raw = base64.b64decode(page.text("content"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Invalid("form_unreadable") from error

    def store(tx: Connection) -> None:
        lines = importing.preview(tx, reader, organisation_id, raw)
        stored = importing.store(tx, reader, cloud.entropy, organisation_id, lines)
        count = stored.added + stored.changed
        audit.note(tx, reader.now, viewer.scope, "people imported", actor=viewer.name, people_count=count)

    cloud.writer.run(store)
    return page.go("/console/people", "imported")
