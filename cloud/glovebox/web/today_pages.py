"""Console: Today, the manager's home. Each line has one action, an owner, and can be put away."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Final

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import Response

from glovebox.clock import HOUR_S
from glovebox.errors import Invalid, NotFound
from glovebox.today import service
from glovebox.today.schemas import KINDS, Kind, Line
from glovebox.web.i18n import Speech
from glovebox.web.page import Page, PageRoute, PeoplePage
from glovebox.web.times import to_instant
from glovebox.web.today_words import TodayWords
from glovebox.web.vehicle_pages import note_people

router = APIRouter(prefix="/console/today", route_class=PageRoute, include_in_schema=False)

MORNING: Final = "08:00"


@dataclass(frozen=True)
class Group:
    """The lines of one kind."""

    kind: Kind
    lines: list[Line]


@router.get("")
def show_today(page: PeoplePage) -> Response:
    """What is to be looked after, worst first; the list alone where htmx asks for it."""
    is_away = page.text("view") == "snoozed"
    with page.cloud.store.read() as tx:
        found = service.list_lines(tx, page.now, page.viewer.scope)
    shown = [line for line in found if (line.snoozed_until is not None) == is_away]
    if not page.is_htmx:
        note_people(page, "today", "", {line.person_id for line in shown})
    return page.render(
        "console/today_live.html" if page.is_htmx else "console/today.html",
        groups=[Group(kind, list(lines)) for kind, lines in groupby(shown, key=lambda line: line.kind)],
        count=sum(line.snoozed_until is None for line in found),
        snoozed=sum(line.snoozed_until is not None for line in found),
        mine=sum(line.owner_id == page.viewer.person_id for line in found if line.snoozed_until is None),
        is_away=is_away,
        times=lambda site_id: snooze_times(page.clock(site_id)),
        tw=TodayWords(page.speech, page.clock),
    )


def snooze_times(speech: Speech) -> list[tuple[int, str]]:
    """Until when a line can be put away: instants, and what each is called."""
    later = speech.now_s // 60 * 60
    tomorrow = speech.today + timedelta(days=1)
    monday = speech.today + timedelta(days=7 - speech.today.weekday())
    times = [later + HOUR_S, later + 4 * HOUR_S]
    times += [to_instant(day, MORNING, speech.zone) for day in dict.fromkeys((tomorrow, monday))]
    return [(at, speech.when(at)) for at in sorted(times)]


def _line(page: Page) -> tuple[Kind, int]:
    kind, subject_id = page.text("kind"), page.number("subject")
    if kind not in KINDS or subject_id is None:
        raise NotFound()
    return kind, subject_id


@router.post("/take")
def take(page: PeoplePage) -> Response:
    """This person looks after it; or nobody any more."""
    kind, subject_id = _line(page)
    scope, now, is_given_back = page.viewer.scope, page.now, bool(page.text("release"))

    def job(tx: Connection) -> None:
        (service.release if is_given_back else service.take)(tx, now, scope, kind, subject_id)

    page.cloud.writer.run(job)
    return page.go("/console/today", "released" if is_given_back else "taken")


@router.post("/snooze")
def snooze(page: PeoplePage) -> Response:
    """Puts it away until a time, or brings it back."""
    kind, subject_id = _line(page)
    scope, now, until = page.viewer.scope, page.now, page.number("until")
    if until is None and not page.text("wake"):
        raise Invalid("no_such_day")
    page.cloud.writer.run(lambda tx: service.snooze(tx, now, scope, kind, subject_id, until))
    return page.go("/console/today", "woken" if until is None else "snoozed")
