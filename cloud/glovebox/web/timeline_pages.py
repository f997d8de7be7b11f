"""Console: the timeline of a day or a week, by site and vehicle; a booking moved or extended on it."""

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from glovebox.blocks import service as blocks
from glovebox.blocks.schemas import Block
from glovebox.errors import Conflict, Forbidden, GloveboxError, Invalid, NotFound
from glovebox.fleet import service as fleet
from glovebox.fleet.schemas import Vehicle
from glovebox.reservations import service as reservations
from glovebox.reservations import undo
from glovebox.web import console_queries
from glovebox.web.console_queries import Promise
from glovebox.web.i18n import Speech
from glovebox.web.page import ConsolePage, Page, PageRoute, PeoplePage
from glovebox.web.queries import CHANGEABLE
from glovebox.web.reservation_pages import may_manage
from glovebox.web.timeline import (
    WEEK_DAYS,
    Cell,
    Day,
    hour_labels,
    lay_blocks,
    lay_out,
    make_day,
    make_week,
)
from glovebox.web.times import next_day, next_step, parse_day
from glovebox.web.vehicle_pages import note_people

router = APIRouter(prefix="/console", route_class=PageRoute, include_in_schema=False)

VIEWS: Final = ("day", "week")


@dataclass(frozen=True)
class Lane:
    """A car's row of the grid."""

    vehicle: Vehicle
    cells: list[Cell]
    is_ours: bool


@dataclass(frozen=True)
class SiteGroup:
    """The cars of one site."""

    id: int
    name: str
    lanes: list[Lane]


@dataclass(frozen=True)
class Shown:
    """What part of the timeline a page shows."""

    view: str
    day: Day
    site_id: int | None
    clock: Speech
    """The site's, which the columns follow; the deployment's where all sites are shown."""

    @property
    def address(self) -> str:
        """The page's address."""
        day, site = self.day.day.isoformat(), self.site_id or ""
        return f"/console/timeline?view={self.view}&day={day}&site={site}"


def _read_shown(page: Page, day: date | None = None) -> Shown:
    """As the address or the form says, another day if one is given. Raises Invalid, NotFound."""
    view, site_id = page.text("view", "day"), page.number("site") or None
    if view not in VIEWS:
        raise NotFound()
    clock = page.clock(site_id)
    day = parse_day(page.text("day"), clock.today, "day") if day is None else day
    make = make_week if view == "week" else make_day
    if view == "week":
        day -= timedelta(days=day.weekday())
    return Shown(view, make(day, clock.zone), site_id, clock)


@router.get("/timeline")
def show_timeline(page: ConsolePage) -> Response:
    """One day or week; the grid alone where htmx asks for it."""
    return _show(page)


@router.post("/timeline/move")
def move(page: PeoplePage) -> Response:
    """Puts a booking where it was drawn: another time, another car, another end."""
    shown = _read_shown(page)
    number, vehicle_id = page.number("reservation"), page.number("vehicle")
    starts, ends = page.number("starts"), page.number("ends")
    if number is None or vehicle_id is None or starts is None or ends is None:
        raise Invalid("not_found_here")
    scope, now = page.viewer.scope, page.now
    with page.cloud.store.read() as tx:
        promise = console_queries.get_promise(tx, page.viewer, number)
        vehicle = console_queries.shown_vehicle(tx, page.viewer, promise.vehicle_id)
        console_queries.shown_vehicle(tx, page.viewer, vehicle_id)
    if not may_manage(page, promise, vehicle):
        raise Forbidden()
    try:
        page.cloud.writer.run(
            lambda tx: reservations.change(
                tx, now, scope, number, starts_at=starts, ends_at=ends, vehicle_id=vehicle_id
            )
        )
    except (Invalid, Conflict, Forbidden) as error:
        return _show(page, error, number)
    return page.go(f"{shown.address}&moved={number}", "changed")


def _show(page: Page, error: GloveboxError | None = None, refused: int | None = None) -> Response:
    viewer = page.viewer
    try:
        shown = _read_shown(page)
    except Invalid as unreadable:  # no such day
        error, shown = unreadable, _read_shown(page, page.clock(page.number("site") or None).today)
    day, moved = shown.day, None if error else page.number("moved")
    with page.cloud.store.read() as tx:
        cars = console_queries.timeline_vehicles(tx, viewer, site_id=shown.site_id)
        ids = [vehicle.id for vehicle in cars]
        first, last = day.starts_at, day.ends_at
        promises = console_queries.list_promises(
            tx, viewer, vehicle_ids=ids, starts_before=last, ends_after=first
        )
        blocked = blocks.list_blocks(tx, viewer.scope, ids, ends_after=first, starts_before=last)
        sites = fleet.list_sites(tx)
        may_undo = moved is not None and undo.may_undo(tx, page.now, viewer.scope, moved)
    note_people(page, "timeline", day.day.isoformat(), {promise.person_id for promise in promises})
    return page.render(
        "console/timeline_grid.html" if page.is_htmx else "console/timeline.html",
        error.status if error else 200,
        shown=shown,
        day=day,
        groups=_groups(page, day, cars, promises, blocked),
        sites=sites,
        site_id=shown.site_id,
        columns=day.columns,
        hours=hour_labels() if shown.view == "day" else _day_labels(page.speech, day.day),
        ticks=4 if shown.view == "day" else 12,
        now_column=day.position(page.now),
        next_start=next_step(page.now),
        previous=next_day(day.day, -1 if shown.view == "day" else -WEEK_DAYS),
        following=next_day(day.day, 1 if shown.view == "day" else WEEK_DAYS),
        may_book=viewer.may("people"),
        movable={one.id: _movable(page, one, cars) for one in promises},
        moved=moved if may_undo else None,
        refused=refused,
        problem=page.refuse(error) if error else "",
    )


def _movable(page: Page, promise: Promise, cars: list[Vehicle]) -> str:
    """What may be moved of a booking on the grid: `all`, its `end`, or nothing."""
    if promise.state not in CHANGEABLE or not page.viewer.may("people"):
        return ""
    vehicle = next(car for car in cars if car.id == promise.vehicle_id)
    if not may_manage(page, promise, vehicle):
        return ""
    return "end" if promise.state == "in_use" else "all"


def _groups(
    page: Page, day: Day, cars: list[Vehicle], promises: list[Promise], blocked: list[Block]
) -> list[SiteGroup]:
    of_car: dict[int, list[Promise]] = {}
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

    return [
        SiteGroup(site_id, name, [lane(vehicle) for vehicle in of_site])
        for (name, site_id), of_site in groupby(cars, key=lambda one: (one.site_name, one.site_id))
    ]


def _day_labels(speech: Speech, first: date) -> list[tuple[str, int]]:
    """The header of a week: days and their columns."""
    return [(speech.short_day(next_day(first, number)), 12) for number in range(WEEK_DAYS)]
