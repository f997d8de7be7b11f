"""Console: what is known of a vehicle, changed by whoever manages it."""

from typing import Any, Final

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import Response

from glovebox.errors import Conflict, Forbidden, Invalid
from glovebox.fleet import editing
from glovebox.fleet import service as fleet
from glovebox.fleet.schemas import LICENCE_CATEGORIES, Vehicle
from glovebox.web import console_queries
from glovebox.web.page import Id, Page, PageRoute, PeoplePage
from glovebox.web.state_words import ENERGIES, VEHICLE_STATUSES

router = APIRouter(
    prefix="/console/vehicles/{vehicle_id}/edit", route_class=PageRoute, include_in_schema=False
)

# Of an electric car; empty: not known.
RANGE: Final = ("battery_wh", "consumption_wh_per_km", "charge_w")
TEXTS: Final = ("registration", "make", "model", "bay")


def _vehicle(tx: Connection, page: Page, vehicle_id: int) -> Vehicle:
    vehicle = console_queries.console_vehicle(tx, page.viewer, vehicle_id)
    if not page.viewer.scope.may_manage_car(vehicle.organisation_id, vehicle.pool_id):
        raise Forbidden()
    return vehicle


@router.get("")
def edit_vehicle(vehicle_id: Id, page: PeoplePage) -> Response:
    """The form, as things stand."""
    with page.cloud.store.read() as tx:
        vehicle = _vehicle(tx, page, vehicle_id)
    return _form(page, vehicle, _known(vehicle))


def _known(vehicle: Vehicle) -> dict[str, Any]:
    """The form's fields as they stand; `site_id` is where its bay is, wherever a trip has left it."""
    names = (*TEXTS, *RANGE, "energy", "seats", "status", "licence_category")
    return {
        **{name: getattr(vehicle, name) for name in names},
        "site_id": vehicle.home_site_id or vehicle.site_id,
    }


def _form(page: Page, vehicle: Vehicle, typed: dict[str, Any], problem: str = "") -> Response:
    with page.cloud.store.read() as tx:
        sites = fleet.list_sites(tx)
    return page.render(
        "console/vehicle_edit.html",
        422 if problem else 200,
        vehicle=vehicle,
        typed=typed,
        sites=sites,
        energies=list(ENERGIES),
        statuses=list(VEHICLE_STATUSES),
        categories=LICENCE_CATEGORIES,
        problem=problem,
    )


@router.post("")
def change_vehicle(vehicle_id: Id, page: PeoplePage) -> Response:
    """Stores the changes, or says what is wrong with them; fields not sent stay. A car with bookings ahead is
    not retired: they would have no car."""
    with page.cloud.store.read() as tx:
        vehicle = _vehicle(tx, page, vehicle_id)
    known, scope, now = _known(vehicle), page.viewer.scope, page.now
    typed = known | {name: page.text(name, known[name]) for name in TEXTS}
    for name in ("energy", "status", "licence_category"):
        typed[name] = page.text(name) or known[name]
    try:
        for name, field in (("seats", "seats"), ("site_id", "site")):
            number = page.number(field)
            if number is None and field in page.form:
                raise Invalid("not_a_number", field=field)
            typed[name] = known[name] if number is None else number
        typed |= {name: page.number(name) for name in RANGE if name in page.form}
        page.cloud.writer.run(lambda tx: editing.edit_vehicle(tx, now, scope, vehicle_id, typed))
    except (Invalid, Conflict) as error:
        return _form(page, vehicle, typed, page.refuse(error))
    return page.go(f"/console/vehicles/{vehicle_id}", "vehicle_changed")
