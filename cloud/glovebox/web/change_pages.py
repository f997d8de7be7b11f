"""Changing a reservation: another time, another car, back earlier or later, and who waits behind it. For
oneself below `/bookings`, for a colleague below `/console/reservations`; the page is the same."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends
from sqlalchemy import Connection
from starlette.responses import Response

from glovebox.errors import Conflict, Forbidden, GloveboxError, Invalid
from glovebox.fleet import service as fleet
from glovebox.fleet.schemas import Vehicle
from glovebox.reservations import availability, changes
from glovebox.reservations import service as reservations
from glovebox.reservations.schemas import AlreadyTaken, Reservation
from glovebox.web import console_queries
from glovebox.web.driver_pages import my_reservation
from glovebox.web.page import Id, MemberPage, Page, PageDep, PageRoute, own_path
from glovebox.web.queries import CHANGEABLE
from glovebox.web.reservation_pages import load_managed
from glovebox.web.times import STEP_S, Wish, parse_day, wish_of
from glovebox.web.vehicle_pages import note_people

router = APIRouter(route_class=PageRoute, include_in_schema=False)

MINE: Final = "/bookings"
COLLEAGUES: Final = "/console/reservations"
# What somebody late asks for; more is a change like any other.
LATER_S: Final = (900, 1800, 3600, 7200)


def base_of(page: PageDep) -> str:
    """Whose reservations this address is about. Raises NotLoggedIn, Forbidden for a colleague's without the
    role."""
    _ = page.viewer
    if not page.request.url.path.startswith(COLLEAGUES):
        return MINE
    page.viewer.require("people")
    return COLLEAGUES


Base = Annotated[str, Depends(base_of)]


def _load(tx: Connection, page: Page, base: str, reservation_id: int) -> tuple[Reservation, Vehicle]:
    """The reservation and its car. Raises NotFound, Forbidden where the reader may not change it."""
    scope = page.viewer.scope
    if base == MINE:
        reservation = my_reservation(tx, page, reservation_id)
        return reservation, fleet.get_vehicle(tx, scope, reservation.vehicle_id)
    _promise, vehicle = load_managed(tx, page, reservation_id)
    return reservations.get_reservation(tx, scope, reservation_id), vehicle


@router.get("/bookings/{reservation_id}/change")
@router.get("/console/reservations/{reservation_id}/change")
def ask_change(reservation_id: Id, page: PageDep, base: Base) -> Response:
    """Another time or another car."""
    return _show(page, base, reservation_id)


@router.get("/bookings/{reservation_id}/late")
def late(reservation_id: Id, page: MemberPage) -> Response:
    """Who waits for the car, and for how long it can be kept."""
    with page.cloud.store.read() as tx:
        reservation, vehicle = _load(tx, page, MINE, reservation_id)
        behind = changes.list_behind(tx, reservation)
        latest_end = changes.room_around(tx, reservation, vehicle).latest_end
    if reservation.state not in CHANGEABLE:
        raise Conflict("state_forbids", state=reservation.state)
    end = max(reservation.ends_at, -(-page.now // STEP_S) * STEP_S)
    return page.render(
        "driver/late.html",
        reservation=reservation,
        vehicle=vehicle,
        behind=behind,
        latest_end=latest_end,
        minutes=[more_s // 60 for more_s in LATER_S],
        ends=[end + more_s for more_s in LATER_S if latest_end is None or end + more_s <= latest_end],
    )


@router.post("/bookings/{reservation_id}/late")
def say_late(reservation_id: Id, page: MemberPage) -> Response:
    """Keeps what the driver says, for those who look after the car."""
    with page.cloud.store.read() as tx:
        my_reservation(tx, page, reservation_id)
    scope, now, minutes = page.viewer.scope, page.now, page.number("minutes") or 0
    page.cloud.writer.run(lambda tx: changes.say_late(tx, now, scope, reservation_id, minutes))
    return page.go(f"{MINE}/{reservation_id}", "late_said")


@router.post("/bookings/{reservation_id}/undo")
@router.post("/console/reservations/{reservation_id}/undo")
def undo(reservation_id: Id, page: PageDep, base: Base) -> Response:
    """Takes one's last act back."""
    with page.cloud.store.read() as tx:
        _load(tx, page, base, reservation_id)
    scope, now = page.viewer.scope, page.now
    page.cloud.writer.run(lambda tx: reservations.take_back(tx, now, scope, reservation_id))
    return page.go(own_path(page.text("back") or f"{base}/{reservation_id}"), "undone")


@router.post("/bookings/{reservation_id}/change")
@router.post("/console/reservations/{reservation_id}/change")
def change(reservation_id: Id, page: PageDep, base: Base) -> Response:
    """Changes it, or says what is free instead."""
    with page.cloud.store.read() as tx:
        reservation, _vehicle = _load(tx, page, base, reservation_id)
    scope, now = page.viewer.scope, page.now
    starts, ends = reservation.starts_at, reservation.ends_at
    try:
        starts, ends = _read_interval(page, reservation)
        vehicle_id, to_site = page.number("vehicle") or reservation.vehicle_id, page.number("to")
        page.cloud.writer.run(
            lambda tx: reservations.change(
                tx,
                now,
                scope,
                reservation_id,
                starts_at=starts,
                ends_at=ends,
                vehicle_id=vehicle_id,
                to_site=to_site,
            )
        )
    except (Invalid, Conflict, Forbidden) as error:
        return _show(page, base, reservation_id, error, starts, ends)
    is_same = vehicle_id == reservation.vehicle_id and to_site in (None, reservation.end_site_id)
    gives_back = is_same and starts == reservation.starts_at
    said = "shortened" if gives_back and ends < reservation.ends_at else "changed"
    return page.go(f"{base}/{reservation_id}", said)


def _read_interval(page: Page, reservation: Reservation) -> tuple[int, int]:
    """Start and end asked for: as instants (buttons), else as typed. What was left as it stood keeps its
    very second. Raises Invalid."""
    starts, ends = page.number("starts"), page.number("ends")
    if starts is not None and ends is not None:
        return starts, ends
    zone = page.clock(reservation.site_id).zone
    now_is = wish_of(reservation.starts_at, reservation.ends_at, zone)
    typed = _typed(page, now_is)
    wish = Wish(
        parse_day(typed["day"], now_is.day, "day"),
        typed["start"],
        parse_day(typed["end_day"], now_is.end_day, "end_day"),
        typed["end"],
    )
    starts, ends = wish.interval(zone) if wish != now_is else (reservation.starts_at, reservation.ends_at)
    if (wish.day, wish.start) == (now_is.day, now_is.start):
        starts = reservation.starts_at
    if (wish.end_day, wish.end) == (now_is.end_day, now_is.end):
        ends = reservation.ends_at
    return starts, ends


def _typed(page: Page, wish: Wish) -> dict[str, str]:
    """The form's fields as sent, what stands there now where they were not."""
    return {
        "day": page.text("day") or wish.day.isoformat(),
        "start": page.text("start") or wish.start,
        "end_day": page.text("end_day") or wish.end_day.isoformat(),
        "end": page.text("end") or wish.end,
    }


def _show(
    page: Page,
    base: str,
    reservation_id: int,
    error: GloveboxError | None = None,
    starts: int | None = None,
    ends: int | None = None,
) -> Response:
    """The form; after a refusal with what was asked for, why not, and what is free instead."""
    with page.cloud.store.read() as tx:
        reservation, vehicle = _load(tx, page, base, reservation_id)
        starts = reservation.starts_at if starts is None else starts
        ends = reservation.ends_at if ends is None else ends
        others, fitting, next_free = [], None, None
        is_fixed = reservation.state == "in_use"
        may_choose = base == COLLEAGUES and not is_fixed
        cars = console_queries.timeline_vehicles(tx, page.viewer) if may_choose else []
        sites = fleet.list_sites(tx)
        if isinstance(error, AlreadyTaken):
            room = changes.room_around(tx, reservation, vehicle)
            fitting = changes.free_slot(reservation, room, starts, ends)
            others, next_free = error.others, error.next_free
        elif error is None and reservation.state in CHANGEABLE:
            others = availability.others_at_site(
                tx,
                page.now,
                page.viewer.scope,
                reservation.vehicle_id,
                starts,
                ends,
                person_id=page.viewer.person_id if base == MINE else reservation.person_id,
                was=reservation,
            )
    if base == COLLEAGUES:
        note_people(page, "change", vehicle.registration, {reservation.person_id})
    asked = wish_of(starts, ends, page.clock(reservation.site_id).zone)
    return page.render(
        "driver/change.html",
        error.status if error else 200,
        base=base,
        reservation=reservation,
        vehicle=vehicle,
        starts=starts,
        ends=ends,
        typed=_typed(page, asked) if error else _typed_of(asked),
        is_fixed=is_fixed,
        may_change=reservation.state in CHANGEABLE,
        problem=page.refuse(error) if error else "",
        fitting=fitting,
        next_free=None if is_fixed else next_free,
        others=[] if is_fixed else others,
        cars=cars,
        sites=sites,
    )


def _typed_of(wish: Wish) -> dict[str, str]:
    return {
        "day": wish.day.isoformat(),
        "start": wish.start,
        "end_day": wish.end_day.isoformat(),
        "end": wish.end,
    }
