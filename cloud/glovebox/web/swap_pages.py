"""Console: two reservations exchange their cars."""

from fastapi import APIRouter
from starlette.responses import Response

from glovebox.errors import Conflict, Forbidden, GloveboxError, Invalid
from glovebox.fleet import service as fleet
from glovebox.reservations import service as reservations
from glovebox.reservations import swapping
from glovebox.scope import SYSTEM
from glovebox.web.page import Id, Page, PageRoute, PeoplePage
from glovebox.web.reservation_pages import load_managed
from glovebox.web.vehicle_pages import note_people

router = APIRouter(prefix="/console/reservations", route_class=PageRoute, include_in_schema=False)


@router.get("/{reservation_id}/swap")
def choose_other(reservation_id: Id, page: PeoplePage) -> Response:
    """With which reservation this one can exchange its car."""
    return _show(page, reservation_id)


@router.post("/{reservation_id}/swap")
def swap(reservation_id: Id, page: PeoplePage) -> Response:
    """Exchanges the cars, or says why not."""
    other_id = page.number("other")
    if other_id is None:
        return _show(page, reservation_id)
    scope, now = page.viewer.scope, page.now
    try:
        page.cloud.writer.run(lambda tx: swapping.swap(tx, now, scope, reservation_id, other_id))
    except (Invalid, Conflict, Forbidden) as error:
        return _show(page, reservation_id, error)
    return page.go(f"/console/reservations/{reservation_id}", "swapped")


def _show(page: Page, reservation_id: int, error: GloveboxError | None = None) -> Response:
    with page.cloud.store.read() as tx:
        promise, vehicle = load_managed(tx, page, reservation_id)
        mine = reservations.get_reservation(tx, page.viewer.scope, reservation_id)
        others = swapping.list_candidates(tx, page.now, page.viewer.scope, reservation_id)
        cars = {one.vehicle_id: fleet.get_vehicle(tx, SYSTEM, one.vehicle_id) for one in others}
    note_people(page, "swap", promise.registration, {promise.person_id, *(one.person_id for one in others)})
    return page.render(
        "console/swap.html",
        error.status if error else 200,
        reservation=mine,
        vehicle=vehicle,
        others=others,
        cars=cars,
        problem=page.refuse(error) if error else "",
    )
