"""Console: boxes with their last contact and versions, claim tokens for the installer, sites and pools."""

from collections import Counter
from typing import Final

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import Response

from glovebox.audit import service as audit
from glovebox.boxes import service as boxes
from glovebox.clock import MINUTE_S
from glovebox.fleet import service as fleet
from glovebox.policies.calendars import load_calendars
from glovebox.web import console_queries
from glovebox.web.page import BoxesPage, ConsolePage, Id, PageRoute
from glovebox.web.rule_words import WEEKDAYS
from glovebox.web.words import SILENT_S

TOKEN_LIFE_MIN: Final = boxes.CLAIM_VALID_S // MINUTE_S

router = APIRouter(prefix="/console", route_class=PageRoute, include_in_schema=False)


@router.get("/boxes")
def list_boxes(page: BoxesPage) -> Response:
    """Boxes in the cars one looks after, and the cars still without one."""
    with page.cloud.store.read() as tx:
        found = boxes.list_car_boxes(tx, page.viewer.vehicles("boxes"))
        equipped = {box.vehicle_id for box in found}
        cars = [
            vehicle
            for vehicle in console_queries.console_vehicles(tx, page.viewer)
            if vehicle.id not in equipped
        ]
    linked = page.cloud.hub.linked()
    return page.render("console/boxes.html", boxes=found, linked=linked, without=cars, silent_s=SILENT_S)


@router.get("/boxes/claim/{vehicle_id}")
def ask_claim(vehicle_id: Id, page: BoxesPage) -> Response:
    """Says what a claim token is for and asks before making one."""
    with page.cloud.store.read() as tx:
        vehicle = console_queries.console_vehicle(tx, page.viewer, vehicle_id)
        box = next(
            (
                box
                for box in boxes.list_car_boxes(tx, page.viewer.vehicles("boxes"))
                if box.vehicle_id == vehicle_id
            ),
            None,
        )
    return page.render("console/claim.html", vehicle=vehicle, box=box, token="", minutes=TOKEN_LIFE_MIN)


@router.post("/boxes/claim/{vehicle_id}")
def make_claim(vehicle_id: Id, page: BoxesPage) -> Response:
    """Makes a token and shows it once."""
    viewer, now, cloud = page.viewer, page.now, page.cloud
    with cloud.store.read() as tx:
        vehicle = console_queries.console_vehicle(tx, viewer, vehicle_id)
    scope = viewer.scope_on("boxes", vehicle.organisation_id, vehicle.pool_id)

    def make(tx: Connection) -> str:
        token = boxes.add_claim_token(tx, now, scope, cloud.keyring, cloud.entropy, vehicle_id)
        audit.note(tx, now, scope, "claim token made", actor=viewer.name, filter_text=vehicle.registration)
        return token

    token = cloud.writer.run(make)
    return page.render(
        "console/claim.html",
        vehicle=vehicle,
        box=None,
        token=token,
        minutes=TOKEN_LIFE_MIN,
        address=cloud.box_address,
    )


@router.get("/sites")
def list_sites(page: ConsolePage) -> Response:
    """Sites with hours and cars."""
    with page.cloud.store.read() as tx:
        cars = console_queries.console_vehicles(tx, page.viewer)
        sites = fleet.list_sites(tx)
        bodies = {body.id: body.name for body in fleet.list_organisations(tx)}
        calendars = load_calendars(tx, [site.id for site in sites])
    counts = Counter(vehicle.site_id for vehicle in cars)
    pools = Counter((vehicle.pool_name, vehicle.organisation_name) for vehicle in cars)
    shown = [
        site
        for site in sites
        if counts[site.id] or site.organisation_id in page.viewer.organisations("console")
    ]
    return page.render(
        "console/sites.html",
        sites=shown,
        counts=counts,
        organisations=bodies,
        pools=sorted(pools.items()),
        calendars=calendars,
        weekdays=[page.speech.gettext(name) for name in WEEKDAYS],
    )
