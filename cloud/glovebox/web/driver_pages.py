"""The driver's pages: next booking, finding and booking a car, bookings and trips, opening by phone."""

from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import Response

from glovebox.boxes import by_phone
from glovebox.boxes.schemas import Live
from glovebox.errors import Invalid, NotFound
from glovebox.fleet import service as fleet
from glovebox.fleet.schemas import Vehicle
from glovebox.incidents import reports
from glovebox.reservations import finding, undo
from glovebox.reservations import service as reservations
from glovebox.reservations.availability import Wanted
from glovebox.reservations.schemas import CarChoice, Reservation
from glovebox.series import service as series
from glovebox.trips import service as trips
from glovebox.waiting.service import list_waits
from glovebox.web import offers, queries, rehousing_pages
from glovebox.web.message_pages import unseen
from glovebox.web.page import Id, MemberPage, Page, PageRoute
from glovebox.web.rule_words import rule_sentence
from glovebox.web.times import Wish, usual_wish

router = APIRouter(route_class=PageRoute, include_in_schema=False)

PROMISED: Final = ["pending", "confirmed", "in_use"]
OVER: Final = ["completed", "cancelled", "no_show", "expired"]
PAST_A_PAGE: Final = 20
# More bookings lie ahead of nobody; a bound all the same.
UPCOMING_SHOWN: Final = 100


@dataclass(frozen=True)
class Mine:
    """A booking of one's own with its car and what the car said last."""

    reservation: Reservation
    vehicle: Vehicle
    live: Live | None
    by_phone: tuple[by_phone.Act, ...]
    may_cancel: bool
    may_change: bool
    may_be_late: bool
    may_book_again: bool


def load_mine(tx: Connection, page: Page, reservation: Reservation) -> Mine:
    """The booking with its car, and what may be done with it now."""
    live = queries.read_live(tx, page.cloud, [reservation.vehicle_id]).get(reservation.vehicle_id)
    return Mine(
        reservation,
        fleet.get_vehicle(tx, page.viewer.scope, reservation.vehicle_id),
        live,
        by_phone=by_phone.list_acts(page.now, reservation, live),
        may_cancel=reservation.state in ("pending", "confirmed") and not reservation.is_offer,
        may_change=reservation.state in queries.CHANGEABLE and not reservation.is_offer,
        may_be_late=reservation.state == "in_use",
        may_book_again=reservation.state == "cancelled" and reservation.ends_at > page.now,
    )


def my_reservation(tx: Connection, page: Page, reservation_id: int) -> Reservation:
    """A reservation of the reader's own. Raises NotFound."""
    reservation = reservations.get_reservation(tx, page.viewer.scope, reservation_id)
    if reservation.person_id != page.viewer.person_id:
        raise NotFound()
    return reservation


def _upcoming(tx: Connection, page: Page) -> list[Reservation]:
    found = reservations.list_reservations(
        tx,
        page.viewer.scope,
        ends_after=page.now - queries.OVERDUE_S,
        person_id=page.viewer.person_id,
        states=PROMISED,
        limit=UPCOMING_SHOWN,
    )
    return [one for one in found if one.state == "in_use" or one.ends_at > page.now]


@router.get("/")
def home(page: MemberPage) -> Response:
    """The next booking, what to do with it, and the way to another."""
    with page.cloud.store.read() as tx:
        upcoming = _upcoming(tx, page)
        mine = load_mine(tx, page, upcoming[0]) if upcoming else None
        has_badge = queries.has_badge(tx, page.viewer.person_id)
        new_messages = unseen(tx, page)
        waiting = list_waits(tx, page.viewer.scope, person_id=page.viewer.person_id)
        sites = fleet.list_sites(tx)
        site_id = queries.usual_site(tx, page.viewer.person_id)
        wish = usual_wish(page.now, page.clock(site_id, tx).zone)
        proposal = _propose(tx, page, wish, site_id, upcoming)
    return page.render(
        "driver/home.html",
        proposal=proposal,
        waiting=waiting,
        mine=mine,
        later=upcoming[1:4],
        has_badge=has_badge,
        new_messages=new_messages,
        sites=sites,
        wish=wish,
        site_id=site_id,
        to_site=None,
        seats=1,
        energy="",
        distance_km=0,
    )


@dataclass(frozen=True)
class Proposal:
    """What one tap books: a car of the usual site, from now on, for two hours."""

    choice: CarChoice
    starts: int
    ends: int


def _propose(
    tx: Connection, page: Page, wish: Wish, site_id: int | None, upcoming: list[Reservation]
) -> Proposal | None:
    """None where nothing is free near by, or the reader has a car then."""
    starts, ends = wish.interval(page.clock(site_id, tx).zone)
    has_car = any(
        one.starts_at < ends and (starts < one.ends_at or one.state == "in_use") for one in upcoming
    )
    if site_id is None or has_car:
        return None
    choice = finding.propose(tx, page.now, page.viewer.scope, Wanted(starts, ends, site_id))
    return None if choice is None else Proposal(choice, starts, ends)


@router.get("/find")
def find(page: MemberPage) -> Response:
    """Cars for a wish, and those that nearly fit."""
    with page.cloud.store.read() as tx:
        sites = fleet.list_sites(tx)
        has_asked = "day" in page.request.query_params
        site_id = page.number("site") if has_asked else queries.usual_site(tx, page.viewer.person_id)
        found = offers.search(tx, page, site_id)
        clashing = found.clashing(_upcoming(tx, page))
    return offers.show(page, found, sites, promised_then=clashing, for_person=None)


@router.post("/bookings")
def book(page: MemberPage) -> Response:
    """Books at one tap; a clash shows what is free instead."""
    vehicle_id, starts, ends = page.number("vehicle"), page.number("starts"), page.number("ends")
    if vehicle_id is None or starts is None or ends is None:
        raise Invalid("not_found_here")
    where = (vehicle_id, page.viewer.person_id, starts, ends)
    return offers.book(page, where, "/bookings", "/bookings", "booked")


@router.get("/bookings")
def list_bookings(page: MemberPage) -> Response:
    """Upcoming bookings, then the past ones with their trips, a page at a time."""
    first = max(0, page.number("from") or 0)
    with page.cloud.store.read() as tx:
        upcoming = _upcoming(tx, page)
        past = reservations.list_reservations(
            tx,
            page.viewer.scope,
            person_id=page.viewer.person_id,
            states=OVER,
            offset=first,
            limit=PAST_A_PAGE + 1,
            newest_first=True,
        )
        made = queries.trips_of(tx, [one.id for one in past])
        repeating = series.list_series(tx, page.now, page.viewer.scope, page.viewer.person_id)
    return page.render(
        "driver/bookings.html",
        series=[(one, rule_sentence(page.speech, one.rule)) for one in repeating],
        upcoming=upcoming,
        past=past[:PAST_A_PAGE],
        trips=made,
        first=first,
        page_size=PAST_A_PAGE,
        has_more=len(past) > PAST_A_PAGE,
    )


@router.get("/bookings/{reservation_id}")
def show_booking(reservation_id: Id, page: MemberPage) -> Response:
    """One booking; the part that lives asks for itself again."""
    with page.cloud.store.read() as tx:
        mine = load_mine(tx, page, my_reservation(tx, page, reservation_id))
        made = queries.trips_of(tx, [reservation_id]).get(reservation_id, [])
        instead = None if page.is_htmx else rehousing_pages.look(tx, page, mine.reservation)
        may_undo = undo.may_undo(tx, page.now, page.viewer.scope, reservation_id)
        may_report = reports.may_report(tx, page.now, page.viewer.scope, mine.vehicle.id)
    template = "driver/booking_live.html" if page.is_htmx else "driver/booking.html"
    return page.render(
        template, mine=mine, trips=made, instead=instead, may_undo=may_undo, may_report=may_report
    )


@router.get("/bookings/{reservation_id}/cancel")
def ask_cancel(reservation_id: Id, page: MemberPage) -> Response:
    """Asks before giving the car back."""
    with page.cloud.store.read() as tx:
        mine = load_mine(tx, page, my_reservation(tx, page, reservation_id))
    return page.render("driver/cancel.html", mine=mine)


@router.post("/bookings/{reservation_id}/cancel")
def cancel(reservation_id: Id, page: MemberPage) -> Response:
    """Gives the car back."""
    scope, now = page.viewer.scope, page.now
    with page.cloud.store.read() as tx:
        is_done = my_reservation(tx, page, reservation_id).state == "cancelled"
    if not is_done:  # else the form was sent twice
        page.cloud.writer.run(lambda tx: reservations.cancel(tx, now, scope, reservation_id))
    return page.go(f"/bookings/{reservation_id}", "cancelled")


@router.get("/trips/{trip_id}")
def show_trip(trip_id: Id, page: MemberPage) -> Response:
    """One trip: times, places, distance, fuel, stopovers."""
    scope = page.viewer.scope
    with page.cloud.store.read() as tx:
        trip = trips.get_trip(tx, scope, trip_id)
        if trip.person_id != page.viewer.person_id:
            raise NotFound()
        stopovers = trips.list_stopovers(tx, scope, trip_id)
    return page.render("driver/trip.html", trip=trip, stopovers=stopovers, back="/bookings")
