"""Console: incidents, what is proposed, closing and reopening; damage reported by those who stand beside the
car."""

from typing import Final

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import Response

from glovebox.errors import Conflict, Forbidden, GloveboxError, Invalid, NotFound
from glovebox.fleet import service as fleet
from glovebox.fleet.schemas import Vehicle
from glovebox.incidents import acts, reports, service
from glovebox.incidents.resolutions import BY_HAND, PROPOSED, STEPS
from glovebox.scope import Scope
from glovebox.web import console_queries
from glovebox.web.driver_pages import my_reservation
from glovebox.web.incident_words import STEP_SAID, IncidentWords
from glovebox.web.page import CommandPage, Id, MemberPage, Page, PageRoute, PeoplePage
from glovebox.web.vehicle_pages import note_people

router = APIRouter(route_class=PageRoute, include_in_schema=False)

A_PAGE: Final = 40
STATES: Final = {"": True, "closed": False, "all": None}


@router.get("/console/incidents")
def list_incidents(page: CommandPage) -> Response:
    """Open ones, newest first, with filters; a page at a time. Site staff see those of their cars, without
    names."""
    state, kind, first = page.text("state"), page.text("kind"), max(0, page.number("from") or 0)
    vehicle_id = page.number("vehicle")
    if state not in STATES or kind not in ("", *PROPOSED):
        raise NotFound()
    with page.cloud.store.read() as tx:
        found = service.list_incidents(
            tx,
            page.viewer.scope,
            vehicle_id=vehicle_id,
            kind=kind,
            is_open=STATES[state],
            offset=first,
            limit=A_PAGE + 1,
        )
        cars = console_queries.console_vehicles(tx, page.viewer)
    note_people(page, "incidents", page.request.url.query, {one.person_id for one in found})
    return page.render(
        "console/incidents.html",
        incidents=found[:A_PAGE],
        has_more=len(found) > A_PAGE,
        first=first,
        page_size=A_PAGE,
        state=state,
        kind=kind,
        vehicle_id=vehicle_id,
        kinds=list(PROPOSED),
        cars=cars,
        iw=IncidentWords(page.speech),
    )


@router.get("/console/incidents/{incident_id}")
def show_incident(incident_id: Id, page: CommandPage) -> Response:
    """One incident: facts, what is proposed, how to close it."""
    return _show(page, incident_id)


@router.post("/console/incidents/{incident_id}")
def take_step(incident_id: Id, page: PeoplePage) -> Response:
    """Does the proposed thing, or closes it by hand with a remark."""
    step = page.text("step")
    if step not in STEPS:
        return _show(page, incident_id, Invalid("no_such_step", field="step"))
    scope, now, note, site_id = page.viewer.scope, page.now, page.text("note")[:300], page.number("site")
    try:
        page.cloud.writer.run(
            lambda tx: acts.take_step(tx, now, scope, incident_id, step, note=note, site_id=site_id)
        )
    except (Invalid, Conflict) as error:
        return _show(page, incident_id, error)
    return page.go(f"/console/incidents/{incident_id}", STEP_SAID.get(step, "incident_closed"))


@router.post("/console/incidents/{incident_id}/undo")
def reopen(incident_id: Id, page: PeoplePage) -> Response:
    """Open again, as before."""
    scope, now = page.viewer.scope, page.now
    try:
        page.cloud.writer.run(lambda tx: acts.reopen(tx, now, scope, incident_id))
    except Conflict as error:
        return _show(page, incident_id, error)
    return page.go(f"/console/incidents/{incident_id}", "incident_reopened")


def _show(page: Page, incident_id: int, error: GloveboxError | None = None) -> Response:
    scope = page.viewer.scope
    with page.cloud.store.read() as tx:
        one = acts.get_incident(tx, page.now, scope, incident_id)
        reservation = None
        if one.reservation_id is not None:
            reservation = console_queries.find_reservation(tx, scope, one.reservation_id)
        vehicle = None
        if one.vehicle_id is not None:
            vehicle = console_queries.console_vehicle(tx, page.viewer, one.vehicle_id)
        sites = fleet.list_sites(tx) if "place_confirmed" in one.steps else []
        may_manage = service.may_manage(tx, scope, incident_id)
        may_undo = acts.may_reopen(page.now, scope, one, acts.closed_by(tx, incident_id))
    shown = {one.person_id, reservation.person_id if reservation else None}
    note_people(page, "incident", one.registration or "", shown)
    return page.render(
        "console/incident.html",
        error.status if error else 200,
        one=one,
        vehicle=vehicle,
        reservation=reservation,
        sites=sites,
        may_undo=may_undo,
        may_manage=may_manage,
        by_hand=BY_HAND,
        problem=page.refuse(error) if error else "",
        iw=IncidentWords(page.speech),
    )


# -- damage


@router.get("/console/vehicles/{vehicle_id}/damage")
def ask_damage(vehicle_id: Id, page: CommandPage) -> Response:
    """What is damaged, and whether the car may go."""
    with page.cloud.store.read() as tx:
        vehicle, _scope = _vehicle(tx, page, vehicle_id)
    return _damage(page, vehicle, f"/console/vehicles/{vehicle_id}")


@router.post("/console/vehicles/{vehicle_id}/damage")
def report_damage(vehicle_id: Id, page: CommandPage) -> Response:
    """Opens the incident; a block where the car must not go."""
    with page.cloud.store.read() as tx:
        vehicle, scope = _vehicle(tx, page, vehicle_id)
    return _report(page, vehicle, scope, f"/console/vehicles/{vehicle_id}")


@router.get("/bookings/{reservation_id}/damage")
def ask_damage_of_mine(reservation_id: Id, page: MemberPage) -> Response:
    """The same for the driver."""
    with page.cloud.store.read() as tx:
        vehicle = _my_car(tx, page, reservation_id)
    return _damage(page, vehicle, f"/bookings/{reservation_id}")


@router.post("/bookings/{reservation_id}/damage")
def report_damage_of_mine(reservation_id: Id, page: MemberPage) -> Response:
    """Opens the incident for the driver."""
    with page.cloud.store.read() as tx:
        vehicle = _my_car(tx, page, reservation_id)
    return _report(page, vehicle, page.viewer.scope, f"/bookings/{reservation_id}", reservation_id)


def _vehicle(tx: Connection, page: Page, vehicle_id: int) -> tuple[Vehicle, Scope]:
    vehicle = console_queries.console_vehicle(tx, page.viewer, vehicle_id)
    if not page.viewer.holds("commands", vehicle.organisation_id, vehicle.pool_id):
        raise Forbidden()
    return vehicle, page.viewer.scope_on("commands", vehicle.organisation_id, vehicle.pool_id)


def _my_car(tx: Connection, page: Page, reservation_id: int) -> Vehicle:
    reservation = my_reservation(tx, page, reservation_id)
    if not reports.may_report(tx, page.now, page.viewer.scope, reservation.vehicle_id):
        raise Forbidden("report_time")
    return fleet.get_vehicle(tx, page.viewer.scope, reservation.vehicle_id)


def _damage(page: Page, vehicle: Vehicle, back: str, problem: str = "") -> Response:
    return page.render(
        "driver/damage.html",
        422 if problem else 200,
        vehicle=vehicle,
        back=back,
        problem=problem,
    )


def _report(
    page: Page, vehicle: Vehicle, scope: Scope, back: str, reservation_id: int | None = None
) -> Response:
    now, text, may_drive = page.now, page.text("text")[:300], page.text("may_drive")
    if may_drive not in ("yes", "no"):
        return _damage(page, vehicle, back, page.refuse(Invalid("fitness_missing", field="may_drive")))
    try:
        page.cloud.writer.run(
            lambda tx: reports.report_damage(
                tx, now, scope, vehicle.id, text, may_drive=may_drive == "yes", reservation_id=reservation_id
            )
        )
    except Invalid as error:
        return _damage(page, vehicle, back, page.refuse(error))
    return page.go(back, "damage_reported")
