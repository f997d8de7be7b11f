"""Console: reservations as a list, one reservation, booking and cancelling for a colleague."""

from typing import Final

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import Response

from glovebox.errors import Forbidden, Invalid, NotFound
from glovebox.fleet import service as fleet
from glovebox.fleet.schemas import Vehicle
from glovebox.people import service as people
from glovebox.reservations import service as reservations
from glovebox.reservations import undo
from glovebox.web import console_queries, offers, queries
from glovebox.web.page import ConsolePage, Id, Page, PageRoute, PeoplePage
from glovebox.web.state_words import RESERVATION_STATES
from glovebox.web.times import midnight, next_day, parse_day
from glovebox.web.vehicle_pages import note_people

router = APIRouter(prefix="/console", route_class=PageRoute, include_in_schema=False)

A_PAGE: Final = 40
# The list looks a year ahead at most: as far as anybody books.
FAR_DAYS: Final = 366
PEOPLE_SHOWN: Final = 12


@router.get("/reservations")
def list_reservations(page: ConsolePage) -> Response:
    """Reservations from a day on, by start, with filters."""
    site_id, state, first = page.number("site"), page.text("state"), max(0, page.number("from") or 0)
    there = page.clock(site_id)
    day, problem, status = there.today, "", 200
    try:
        day = parse_day(page.text("day"), there.today, "day")
    except Invalid as error:
        problem, status = page.refuse(error), error.status
    if state and state not in RESERVATION_STATES:
        raise NotFound()
    with page.cloud.store.read() as tx:
        cars = console_queries.timeline_vehicles(tx, page.viewer, site_id=site_id)
        found = console_queries.list_promises(
            tx,
            page.viewer,
            vehicle_ids=[vehicle.id for vehicle in cars],
            starts_before=midnight(next_day(day, FAR_DAYS), there.zone),
            ends_after=midnight(day, there.zone),
            states=[state] if state else console_queries.SHOWN_ON_TIMELINE,
            offset=first,
            limit=A_PAGE + 1,
        )
        sites = fleet.list_sites(tx)
    note_people(page, "reservations", page.request.url.query, {promise.person_id for promise in found})
    return page.render(
        "console/reservations.html",
        status,
        problem=problem,
        promises=found[:A_PAGE],
        has_more=len(found) > A_PAGE,
        first=first,
        page_size=A_PAGE,
        day=day,
        sites=sites,
        site_id=site_id,
        state=state,
        states=list(RESERVATION_STATES),
    )


@router.get("/reservations/{reservation_id}")
def show_reservation(reservation_id: Id, page: ConsolePage) -> Response:
    """One reservation of a car one looks after, with what the car knows and the trips made."""
    with page.cloud.store.read() as tx:
        promise = console_queries.get_promise(tx, page.viewer, reservation_id)
        vehicle = console_queries.shown_vehicle(tx, page.viewer, promise.vehicle_id)
        whole = console_queries.find_reservation(tx, page.viewer.scope, reservation_id)
        made = queries.trips_of(tx, [reservation_id]).get(reservation_id, []) if promise.person_id else []
        may_undo = undo.may_undo(tx, page.now, page.viewer.scope, reservation_id)
    note_people(page, "reservation", promise.registration, {promise.person_id})
    return page.render(
        "console/reservation.html",
        promise=promise,
        vehicle=vehicle,
        reservation=whole,
        trips=made,
        is_ours=page.viewer.holds("console", vehicle.organisation_id, vehicle.pool_id),
        may_cancel=_may_cancel(page, promise, vehicle),
        may_undo=may_undo,
        may_change=may_manage(page, promise, vehicle) and promise.state in queries.CHANGEABLE,
    )


def may_manage(page: Page, promise: console_queries.Promise, vehicle: Vehicle) -> bool:
    """True where the reader looks after the people of the promise or after its car."""
    scope = page.viewer.scope
    is_of_ours = scope.may_manage(promise.organisation_id)
    return is_of_ours or scope.may_manage_car(vehicle.organisation_id, vehicle.pool_id)


def load_managed(tx: Connection, page: Page, reservation_id: int) -> tuple[console_queries.Promise, Vehicle]:
    """A promise that the reader may change for a colleague, and its car. Raises NotFound, Forbidden."""
    promise = console_queries.get_promise(tx, page.viewer, reservation_id)
    vehicle = console_queries.shown_vehicle(tx, page.viewer, promise.vehicle_id)
    if not may_manage(page, promise, vehicle):
        raise Forbidden()
    return promise, vehicle


def _may_cancel(page: Page, promise: console_queries.Promise, vehicle: Vehicle) -> bool:
    return may_manage(page, promise, vehicle) and promise.state in ("pending", "confirmed")


@router.get("/reservations/{reservation_id}/cancel")
def ask_cancel(reservation_id: Id, page: PeoplePage) -> Response:
    """Asks before taking a colleague's car away."""
    with page.cloud.store.read() as tx:
        promise = console_queries.get_promise(tx, page.viewer, reservation_id)
        vehicle = console_queries.shown_vehicle(tx, page.viewer, promise.vehicle_id)
    if not _may_cancel(page, promise, vehicle):
        raise Forbidden()
    return page.render("console/cancel.html", promise=promise)


@router.post("/reservations/{reservation_id}/cancel")
def cancel(reservation_id: Id, page: PeoplePage) -> Response:
    """Cancels for a colleague."""
    with page.cloud.store.read() as tx:
        is_done = console_queries.get_promise(tx, page.viewer, reservation_id).state == "cancelled"
    scope, now = page.viewer.scope, page.now
    if not is_done:  # else the form was sent twice
        page.cloud.writer.run(lambda tx: reservations.cancel(tx, now, scope, reservation_id))
    return page.go(f"/console/reservations/{reservation_id}", "cancelled")


@router.get("/book")
def choose(page: PeoplePage) -> Response:
    """For whom, then which car: the driver's search with a name on it."""
    person_id, vehicle_id, site_id = page.number("person"), page.number("vehicle"), page.number("site")
    if person_id is None:
        return _choose_person(page)
    scope = page.viewer.scope
    with page.cloud.store.read() as tx:
        person = people.get_person(tx, scope, person_id)
        people.require_manager(tx, scope, person_id)
        sites = fleet.list_sites(tx)
        chosen = (
            console_queries.shown_vehicle(tx, page.viewer, vehicle_id) if vehicle_id is not None else None
        )
        if site_id is None and chosen is not None:
            site_id = chosen.site_id
        if site_id is None and "day" not in page.request.query_params:
            site_id = queries.usual_site(tx, person_id)
        found = offers.search(tx, page, site_id, person_id)
        clashing = found.clashing(console_queries.upcoming_of(tx, scope, person_id, page.now))
    found.offers.sort(key=lambda offer: offer.vehicle_id != vehicle_id)
    note_people(page, "book for", person.staff_number, {person_id})
    return offers.show(page, found, sites, promised_then=clashing, for_person=person)


def _choose_person(page: Page) -> Response:
    """Whom to book for; what is known of the booking stays in the addresses."""
    search = page.text("q")
    with page.cloud.store.read() as tx:
        found = people.list_people(tx, page.viewer.scope, search=search, limit=PEOPLE_SHOWN + 1)
    return page.render(
        "console/book_for.html",
        people=found[:PEOPLE_SHOWN],
        has_more=len(found) > PEOPLE_SHOWN,
        search=search,
        kept={
            name: page.text(name) for name in ("vehicle", "day", "start", "end_day", "end") if page.text(name)
        },
    )


@router.post("/book")
def book(page: PeoplePage) -> Response:
    """Books for a colleague."""
    person_id, vehicle_id = page.number("person"), page.number("vehicle")
    starts, ends = page.number("starts"), page.number("ends")
    if person_id is None or vehicle_id is None or starts is None or ends is None:
        raise Invalid("not_found_here")
    where = (vehicle_id, person_id, starts, ends)
    return offers.book(page, where, "/console/book", "/console/reservations", "booked_for")
