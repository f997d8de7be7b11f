"""The waiting list on pages: joined from a search that found nothing, taken and left from the home page; the
console lists who waits."""

from fastapi import APIRouter
from starlette.responses import Response

from glovebox.errors import GloveboxError, Invalid, NotFound
from glovebox.reservations.availability import Wanted
from glovebox.waiting import service as waiting
from glovebox.web.notices import error_sentence
from glovebox.web.offers import FURTHEST_KM
from glovebox.web.page import Id, MemberPage, Page, PageRoute, PeoplePage
from glovebox.web.vehicle_pages import note_people

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.post("/waits")
def join(page: MemberPage) -> Response:
    """Waits for oneself."""
    return _join(page, page.viewer.person_id, "/")


@router.post("/console/waiting")
def join_for(page: PeoplePage) -> Response:
    """Waits for a colleague."""
    person_id = page.number("person")
    if person_id is None:
        raise Invalid("not_found_here")
    return _join(page, person_id, "/console/waiting")


def _join(page: Page, person_id: int, back: str) -> Response:
    starts, ends = page.number("starts"), page.number("ends")
    if starts is None or ends is None:
        raise Invalid("not_found_here")
    wanted = Wanted(
        starts,
        ends,
        page.number("site"),
        page.number("to"),
        min(max(page.number("seats") or 1, 1), 60),
        page.text("energy")[:10] or None,
        min(page.number("distance") or 0, FURTHEST_KM) * 1000,
    )
    scope, now = page.viewer.scope, page.now
    try:
        page.cloud.writer.run(lambda tx: waiting.join(tx, now, scope, person_id, wanted))
    except GloveboxError as error:
        return _refused(page, error)
    return page.go(back, "waiting")


@router.post("/waits/{wait_id}/take")
def take(wait_id: Id, page: MemberPage) -> Response:
    """Takes the car that is held for oneself."""
    _check_mine(page, wait_id)
    scope, now = page.viewer.scope, page.now
    try:
        reservation_id = page.cloud.writer.run(lambda tx: waiting.take(tx, now, scope, wait_id))
    except GloveboxError as error:
        return _refused(page, error)
    return page.go(f"/bookings/{reservation_id}", "booked")


@router.post("/waits/{wait_id}/leave")
def leave(wait_id: Id, page: MemberPage) -> Response:
    """Waits no more."""
    _check_mine(page, wait_id)
    return _leave(page, wait_id, "/")


@router.post("/console/waiting/{wait_id}/leave")
def leave_for(wait_id: Id, page: PeoplePage) -> Response:
    """Takes a colleague off the list."""
    return _leave(page, wait_id, "/console/waiting")


def _leave(page: Page, wait_id: int, back: str) -> Response:
    scope, now = page.viewer.scope, page.now
    try:
        page.cloud.writer.run(lambda tx: waiting.leave(tx, now, scope, wait_id))
    except GloveboxError as error:
        return _refused(page, error)
    return page.go(back, "wait_left")


def _check_mine(page: Page, wait_id: int) -> None:
    with page.cloud.store.read() as tx:
        if waiting.get_wait(tx, page.viewer.scope, wait_id).person_id != page.viewer.person_id:
            raise NotFound()


def _refused(page: Page, error: GloveboxError) -> Response:
    sentence = error_sentence(page.speech, error)
    return page.render("error.html", error.status, sentence=sentence, status=error.status)


@router.get("/console/waiting")
def list_waiting(page: PeoplePage) -> Response:
    """Who waits for a car, the soonest first."""
    with page.cloud.store.read() as tx:
        found = waiting.list_waits(tx, page.viewer.scope)
    note_people(page, "waiting list", "", {one.person_id for one in found})
    return page.render("console/waiting.html", waiting=found)
