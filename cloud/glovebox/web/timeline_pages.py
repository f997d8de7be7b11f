"""Console: the timeline of a day, by site and vehicle."""

from dataclasses import dataclass
from itertools import groupby

from fastapi import APIRouter
from starlette.responses import Response

from glovebox.blocks import service as blocks
from glovebox.blocks.schemas import Block
from glovebox.fleet import service as fleet
from glovebox.fleet.schemas import Vehicle
from glovebox.web import console_queries
from glovebox.web.page import ConsolePage, PageRoute
from glovebox.web.timeline import COLUMNS, Cell, hour_labels, lay_blocks, lay_out, make_day
from glovebox.web.times import next_day, parse_day
from glovebox.web.vehicle_pages import note_people

router = APIRouter(prefix="/console", route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True)
class Lane:
    """A car's row of the grid."""

    vehicle: Vehicle
    cells: list[Cell]
    is_ours: bool


@dataclass(frozen=True)
class SiteGroup:
    """The cars of one site."""

    name: str
    lanes: list[Lane]


@router.get("/timeline")
def show_timeline(page: ConsolePage) -> Response:
    """One day; the grid alone where htmx asks for it."""
    speech = page.speech
    day = make_day(parse_day(page.text("day"), speech.today), speech.zone)
    site_id = page.number("site")
    with page.cloud.store.read() as tx:
        cars = console_queries.timeline_vehicles(tx, page.viewer, site_id=site_id)
        promises = console_queries.list_promises(
            tx,
            page.viewer,
            vehicle_ids=[vehicle.id for vehicle in cars],
            starts_before=day.ends_at,
            ends_after=day.starts_at,
        )
        blocked = blocks.list_blocks(
            tx,
            page.viewer.scope,
            [vehicle.id for vehicle in cars],
            ends_after=day.starts_at,
            starts_before=day.ends_at,
        )
        sites = fleet.list_sites(tx)
    of_car: dict[int, list[console_queries.Promise]] = {}
    for promise in promises:
        of_car.setdefault(promise.vehicle_id, []).append(promise)
    blocks_of: dict[int, list[Block]] = {}
    for block in blocked:
        blocks_of.setdefault(block.vehicle_id, []).append(block)
    viewer = page.viewer

    def lane(vehicle: Vehicle) -> Lane:
        is_ours = viewer.holds("console", vehicle.organisation_id, vehicle.pool_id)
        cells = lay_out(day, of_car.get(vehicle.id, []))
        return Lane(vehicle, lay_blocks(day, cells, blocks_of.get(vehicle.id, [])), is_ours)

    groups = [
        SiteGroup(name, [lane(vehicle) for vehicle in of_site])
        for name, of_site in groupby(cars, key=lambda vehicle: vehicle.site_name)
    ]
    note_people(page, "timeline", day.day.isoformat(), {promise.person_id for promise in promises})
    return page.render(
        "console/timeline_grid.html" if page.is_htmx else "console/timeline.html",
        day=day,
        groups=groups,
        sites=sites,
        site_id=site_id,
        columns=COLUMNS,
        hours=hour_labels(),
        now_column=day.position(page.now),
        previous=next_day(day.day, -1),
        following=next_day(day.day),
        may_book=page.viewer.may("people"),
    )
