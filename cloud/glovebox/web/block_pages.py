"""Console: a car out of service, until when, and back."""

from datetime import date
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import Response

from glovebox.blocks import service as blocks
from glovebox.blocks.schemas import KINDS, Block
from glovebox.errors import Conflict, Forbidden, Invalid
from glovebox.fleet.schemas import Vehicle
from glovebox.scope import Scope
from glovebox.web import console_queries
from glovebox.web.page import CommandPage, Id, Page, PageRoute
from glovebox.web.times import parse_day, to_instant, wish_of

router = APIRouter(prefix="/console", route_class=PageRoute, include_in_schema=False)


def may_block(page: Page, vehicle: Vehicle) -> bool:
    """Whoever may send the car a command may say that it cannot be had."""
    return page.viewer.holds("commands", vehicle.organisation_id, vehicle.pool_id)


def reach(page: Page) -> Scope:
    """The cars whose blocks this viewer may read whole."""
    return Scope(
        None, pool_ids=page.viewer.pools("commands"), managed_ids=page.viewer.organisations("commands")
    )


def _vehicle(tx: Connection, page: Page, vehicle_id: int) -> tuple[Vehicle, Scope]:
    vehicle = console_queries.console_vehicle(tx, page.viewer, vehicle_id)
    if not may_block(page, vehicle):
        raise Forbidden()
    return vehicle, page.viewer.scope_on("commands", vehicle.organisation_id, vehicle.pool_id)


def _block(tx: Connection, page: Page, block_id: int) -> tuple[Block, Vehicle, Scope]:
    block = blocks.get_block(tx, reach(page), block_id)
    vehicle, scope = _vehicle(tx, page, block.vehicle_id)
    return block, vehicle, scope


def _end(page: Page, default: date, zone: ZoneInfo) -> int | None:
    """The end as typed; None where its day is empty."""
    if not page.text("end_day"):
        return None
    day = parse_day(page.text("end_day"), default, "end_day")
    return to_instant(day, page.text("end", "18:00"), zone, "end")


@router.get("/vehicles/{vehicle_id}/block")
def ask_block(vehicle_id: Id, page: CommandPage) -> Response:
    """Why, from when, until when if that is known."""
    with page.cloud.store.read() as tx:
        vehicle, _scope = _vehicle(tx, page, vehicle_id)
    return _ask_block(page, vehicle)


def _ask_block(page: Page, vehicle: Vehicle, error: Invalid | None = None) -> Response:
    wish = wish_of(page.now, page.now, page.clock(vehicle.site_id).zone)
    return page.render(
        "console/block.html",
        error.status if error else 200,
        vehicle=vehicle,
        wish=wish,
        kinds=KINDS,
        problem=page.refuse(error) if error else "",
    )


@router.post("/vehicles/{vehicle_id}/block")
def add_block(vehicle_id: Id, page: CommandPage) -> Response:
    """Takes the car out of service."""
    with page.cloud.store.read() as tx:
        vehicle, scope = _vehicle(tx, page, vehicle_id)
        there = page.clock(vehicle.site_id, tx)
    now, kind, reason = page.now, page.text("kind"), page.text("reason")[:200]
    try:
        wish = wish_of(now, now, there.zone)
        day = parse_day(page.text("day"), there.today, "day")
        starts_at = to_instant(day, page.text("start") or wish.start, there.zone, "start")
        ends_at = _end(page, day, there.zone)
        page.cloud.writer.run(
            lambda tx: blocks.add_block(tx, now, scope, vehicle_id, kind, starts_at, ends_at, reason)
        )
    except Invalid as error:
        return _ask_block(page, vehicle, error)
    return page.go(f"/console/vehicles/{vehicle_id}", "blocked")


@router.get("/blocks/{block_id}")
def show_block(block_id: Id, page: CommandPage) -> Response:
    """One block: another end, or back into service now."""
    return _show(page, block_id)


@router.post("/blocks/{block_id}")
def change_block(block_id: Id, page: CommandPage) -> Response:
    """Another end, or none known."""
    with page.cloud.store.read() as tx:
        block, vehicle, scope = _block(tx, page, block_id)
        there = page.clock(vehicle.site_id, tx)
    now = page.now
    try:
        ends_at = _end(page, there.today, there.zone)
        page.cloud.writer.run(lambda tx: blocks.change_block(tx, now, scope, block_id, ends_at))
    except (Invalid, Conflict) as error:
        return _show(page, block_id, error)
    return page.go(f"/console/vehicles/{block.vehicle_id}", "block_changed")


@router.post("/blocks/{block_id}/end")
def end_block(block_id: Id, page: CommandPage) -> Response:
    """Back into service now."""
    with page.cloud.store.read() as tx:
        block, _, scope = _block(tx, page, block_id)
    now = page.now
    try:
        page.cloud.writer.run(lambda tx: blocks.end_block(tx, now, scope, block_id))
    except Conflict as error:
        return _show(page, block_id, error)
    return page.go(f"/console/vehicles/{block.vehicle_id}", "block_ended")


def _show(page: Page, block_id: int, error: Invalid | Conflict | None = None) -> Response:
    with page.cloud.store.read() as tx:
        block, vehicle, _scope = _block(tx, page, block_id)
    end_day, end = "", ""
    if block.ends_at is not None:
        wish = wish_of(block.ends_at, block.ends_at, page.clock(vehicle.site_id).zone)
        end_day, end = wish.day.isoformat(), wish.start
    return page.render(
        "console/block_change.html",
        error.status if error else 200,
        vehicle=vehicle,
        block=block,
        end_day=end_day,
        end=end,
        problem=page.refuse(error) if error else "",
    )
