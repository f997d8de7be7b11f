"""A booking whose car will not be there: the driver takes an offer or his first car back; the console lists
all that is at risk."""

from dataclasses import dataclass

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import Response

from glovebox.errors import GloveboxError, Invalid, NotFound
from glovebox.fleet import service as fleet
from glovebox.fleet.schemas import Vehicle
from glovebox.reservations import rehousing
from glovebox.reservations import service as reservations
from glovebox.reservations.schemas import AlreadyTaken, Alternatives, Reservation, Slot
from glovebox.web import offers
from glovebox.web.notices import error_sentence
from glovebox.web.page import Id, MemberPage, Page, PageRoute, PeoplePage
from glovebox.web.vehicle_pages import note_people

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True)
class Instead:
    """What a booking's page offers: the car it had first, what is free where it is at risk."""

    moved_from: Vehicle | None
    alternatives: Alternatives
    later: list[tuple[Slot, Vehicle]]


def look(tx: Connection, page: Page, reservation: Reservation) -> Instead:
    """Looked up anew with each page: an offer holds nothing."""
    scope, found = page.viewer.scope, Alternatives([], [])
    if reservation.is_at_risk and reservation.state in ("pending", "confirmed"):
        found = rehousing.list_alternatives(tx, page.now, scope, reservation.id)
    later = [(slot, fleet.get_vehicle(tx, scope, slot.vehicle_id)) for slot in found.later]
    return Instead(rehousing.find_move(tx, scope, reservation.id), found, later)


@router.post("/bookings/{reservation_id}/instead")
def take(reservation_id: Id, page: MemberPage) -> Response:
    """Takes an offer; one that is gone shows what is free instead."""
    vehicle_id, starts, ends = page.number("vehicle"), page.number("starts"), page.number("ends")
    if vehicle_id is None or starts is None or ends is None:
        raise Invalid("not_found_here")
    scope, now = page.viewer.scope, page.now
    _check_mine(page, reservation_id)
    try:
        page.cloud.writer.run(
            lambda tx: rehousing.take(tx, now, scope, reservation_id, vehicle_id, starts, ends)
        )
    except AlreadyTaken as error:
        action = f"/bookings/{reservation_id}/instead"
        return offers.refuse(page, error, (vehicle_id, page.viewer.person_id, starts, ends), action, None)
    except GloveboxError as error:
        return _refused(page, error)
    return page.go(f"/bookings/{reservation_id}", "instead")


@router.post("/bookings/{reservation_id}/back")
def go_back(reservation_id: Id, page: MemberPage) -> Response:
    """Takes the first car back."""
    scope, now = page.viewer.scope, page.now
    _check_mine(page, reservation_id)
    try:
        page.cloud.writer.run(lambda tx: rehousing.go_back(tx, now, scope, reservation_id))
    except GloveboxError as error:
        return _refused(page, error)
    return page.go(f"/bookings/{reservation_id}", "went_back")


def _check_mine(page: Page, reservation_id: int) -> None:
    with page.cloud.store.read() as tx:
        one = reservations.get_reservation(tx, page.viewer.scope, reservation_id)
    if one.person_id != page.viewer.person_id:
        raise NotFound()


def _refused(page: Page, error: GloveboxError) -> Response:
    sentence = error_sentence(page.speech, error)
    return page.render("error.html", error.status, sentence=sentence, status=error.status)


@router.get("/console/risks")
def list_risks(page: PeoplePage) -> Response:
    """Bookings at risk and what the server did, the soonest first; then those it has looked after."""
    with page.cloud.store.read() as tx:
        found = rehousing.list_rehousings(tx, page.now, page.viewer.scope, open_only=False)
    note_people(page, "at risk", "", {one.reservation.person_id for one in found})
    return page.render(
        "console/risks.html",
        at_risk=[one for one in found if one.closed_at is None],
        settled=[one for one in found if one.closed_at is not None],
    )
