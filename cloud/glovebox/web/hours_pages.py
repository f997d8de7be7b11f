"""Console: when a site is open, its closed days and public holidays."""

from datetime import date

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import Response

from glovebox.audit import service as audit
from glovebox.errors import Conflict, Forbidden, Invalid
from glovebox.fleet import service as fleet
from glovebox.policies import hours
from glovebox.policies.opening import MINUTES_A_DAY
from glovebox.policies.schemas import Closure, DayHours, SiteHours
from glovebox.policies.service import last_change
from glovebox.web.page import Id, Page, PageRoute, PeoplePage
from glovebox.web.rule_words import WEEKDAYS, clock_of, minute_of
from glovebox.web.times import parse_day

router = APIRouter(prefix="/console/sites/{site_id}/hours", route_class=PageRoute, include_in_schema=False)


@router.get("")
def show_hours(site_id: Id, page: PeoplePage) -> Response:
    """The form, as things stand."""
    return _form(page, site_id, "")


def _form(page: Page, site_id: int, problem: str) -> Response:
    with page.cloud.store.read() as tx:
        site = fleet.get_site(tx, site_id)
        if not page.viewer.scope.may_manage(site.organisation_id):
            raise Forbidden()
        held = hours.get_hours(tx, site_id)
        changed_at = last_change(tx, hours.subject_of(site_id))
    by_day = {one.weekday: one for one in held.hours}
    days = []
    for weekday, name in enumerate(WEEKDAYS):
        one = by_day.get(weekday)
        times = ("", "") if one is None else (clock_of(one.opens_minute), clock_of(one.closes_minute))
        days.append((weekday, page.speech.gettext(name), *times))
    return page.render(
        "console/hours.html",
        422 if problem else 200,
        site=site,
        closures=[
            (one, *(page.speech.full_day(date.fromisoformat(day)) for day in (one.first_day, one.last_day)))
            for one in held.closures
        ],
        days=days,
        holidays=held.holidays,
        time_zone=held.time_zone,
        problem=problem,
        changed_at=changed_at,
    )


@router.post("")
def store(site_id: Id, page: PeoplePage) -> Response:
    """Lays the hours down as typed; a closing time not after the opening is the next morning's."""
    try:
        return _change(page, site_id, _read(page, site_id))
    except Invalid as error:
        return _form(page, site_id, page.refuse(error))


def _read(page: Page, site_id: int) -> SiteHours:
    days = []
    for weekday in range(7):
        opens_text, closes_text = page.text(f"opens_{weekday}"), page.text(f"closes_{weekday}")
        if not opens_text and not closes_text:
            continue
        opens = minute_of(opens_text, f"opens_{weekday}")
        closes = minute_of(closes_text, f"closes_{weekday}")
        days.append(DayHours(weekday, opens, closes if closes > opens else closes + MINUTES_A_DAY))
    with page.cloud.store.read() as tx:
        held = hours.get_hours(tx, site_id)
    closures = [
        one for index, one in enumerate(held.closures) if not page.text(f"drop_{index}_{one.first_day}")
    ]
    if page.text("first_day"):
        first = parse_day(page.text("first_day"), page.clock(site_id).today, "first_day")
        last = parse_day(page.text("last_day"), first, "last_day")
        closures.append(Closure(first.isoformat(), last.isoformat(), page.text("closure_name")))
    return SiteHours(
        site_id, tuple(days), tuple(closures), page.text("holidays").upper(), page.text("time_zone")
    )


def _change(page: Page, site_id: int, wanted: SiteHours) -> Response:
    now, scope = page.now, page.viewer.scope

    def job(tx: Connection) -> None:
        hours.set_hours(tx, now, scope, wanted)
        _note(tx, page, site_id)

    page.cloud.writer.run(job)
    return page.go(f"/console/sites/{site_id}/hours", "rules_stored")


@router.post("/undo")
def undo(site_id: Id, page: PeoplePage) -> Response:
    """Puts back what stood before the last change."""
    scope = page.viewer.scope

    def job(tx: Connection) -> None:
        hours.undo_hours(tx, scope, site_id)
        _note(tx, page, site_id)

    try:
        page.cloud.writer.run(job)
    except Conflict as error:
        return _form(page, site_id, page.refuse(error))
    return page.go(f"/console/sites/{site_id}/hours", "rules_undone")


def _note(tx: Connection, page: Page, site_id: int) -> None:
    audit.note(
        tx, page.now, page.viewer.scope, "hours changed", actor=page.viewer.name,
        filter_text=hours.subject_of(site_id), people_count=0,
    )  # fmt: skip
