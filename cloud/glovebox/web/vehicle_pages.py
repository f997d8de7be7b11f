"""Console: the vehicles with what they said last, and one vehicle whole."""

from collections import Counter
from dataclasses import dataclass
from typing import Final, cast

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import Response

from glovebox.audit import service as audit
from glovebox.blocks import service as blocks
from glovebox.boxes import service as boxes
from glovebox.boxes.schemas import CommandKind, Live
from glovebox.clock import DAY_S
from glovebox.errors import Forbidden, Invalid, NotFound
from glovebox.fleet import service as fleet
from glovebox.fleet.schemas import Vehicle
from glovebox.incidents import service as incidents
from glovebox.records import service as records
from glovebox.reservations import risk
from glovebox.today import service as today
from glovebox.trips import service as trips
from glovebox.trips.schemas import Trip
from glovebox.web import console_queries, queries
from glovebox.web.block_pages import may_block, reach
from glovebox.web.console_queries import Promise
from glovebox.web.page import CommandPage, ConsolePage, Id, Page, PageRoute
from glovebox.web.state_words import COMMAND_HINTS
from glovebox.web.words import Mark, Words

router = APIRouter(prefix="/console", route_class=PageRoute, include_in_schema=False)

# What the filter above the list can ask for.
VIEWS: Final = ("all", "free", "used", "attention")
LINES_A_PAGE: Final = 50
TRIPS_SHOWN: Final = 10
COMMANDS_SHOWN: Final = 8


@dataclass(frozen=True)
class Row:
    """A car in the list."""

    vehicle: Vehicle
    live: Live | None
    mark: Mark
    current: Promise | None
    upcoming: Promise | None
    fault_count: int
    is_battery_low: bool
    is_fuel_low: bool

    @property
    def is_free(self) -> bool:
        """Whether somebody could book it now; a car without a box, too."""
        has_no_box = self.live is None and self.current is None and self.mark.tone == "idle"
        return has_no_box or self.mark.tone == "good"

    @property
    def needs_attention(self) -> bool:
        """Something for a person to do."""
        is_low = self.is_battery_low or self.is_fuel_low
        return is_low or self.fault_count > 0 or self.mark.tone in ("warn", "bad")


def _rows(tx: Connection, page: Page, cars: list[Vehicle]) -> list[Row]:
    ids = [vehicle.id for vehicle in cars]
    live = queries.read_live(tx, page.cloud, ids)
    fault_counts = console_queries.count_faults(tx, ids)
    blocked = risk.blocked_vehicles(tx, page.now, page.now + 1)
    current: dict[int, Promise] = {}
    upcoming: dict[int, Promise] = {}
    promises = console_queries.list_promises(
        tx,
        page.viewer,
        vehicle_ids=ids,
        starts_before=page.now + DAY_S,
        ends_after=page.now - queries.OVERDUE_S,
        states=("pending", "confirmed", "in_use"),
    )
    for promise in promises:
        # Taken a little early, or not brought back in time: whoever has the car is who to call.
        if promise.state == "in_use":
            current[promise.vehicle_id] = promise
        elif promise.ends_at > page.now:
            (current if promise.starts_at <= page.now else upcoming).setdefault(promise.vehicle_id, promise)
    return [_row(page, vehicle, live, current, upcoming, fault_counts, blocked) for vehicle in cars]


def _row(
    page: Page,
    vehicle: Vehicle,
    lives: dict[int, Live],
    current: dict[int, Promise],
    upcoming: dict[int, Promise],
    fault_counts: dict[int, int],
    blocked: set[int],
) -> Row:
    live, now_promise = lives.get(vehicle.id), current.get(vehicle.id)
    is_blocked = vehicle.id in blocked
    mark = Words(page.speech).vehicle(vehicle, live, now_promise is not None, is_blocked)
    return Row(
        vehicle,
        live,
        mark,
        now_promise,
        upcoming.get(vehicle.id),
        fault_counts.get(vehicle.id, 0),
        today.is_battery_low(live),
        today.is_energy_low(live, vehicle.energy),
    )


def _in_view(row: Row, view: str) -> bool:
    if view == "free":
        return row.is_free
    if view == "used":
        return row.mark.tone == "busy"
    return view != "attention" or row.needs_attention


@router.get("")
def overview(page: ConsolePage) -> Response:
    """The list of vehicles; alone the rows where htmx asks for them."""
    view = page.text("view", "all")
    if view not in VIEWS:
        raise NotFound()
    site_id, search = page.number("site"), page.text("q")[:60]
    with page.cloud.store.read() as tx:
        cars = console_queries.console_vehicles(tx, page.viewer, site_id=site_id, search=search)
        rows = _rows(tx, page, cars)
        sites = fleet.list_sites(tx)
        is_managing = page.viewer.may("people")
        open_incidents = incidents.list_incidents(tx, page.viewer.scope, limit=20) if is_managing else []
    counts = Counter(name for row in rows for name in VIEWS if _in_view(row, name))
    return page.render(
        "console/vehicles_live.html" if page.is_htmx else "console/vehicles.html",
        rows=[row for row in rows if _in_view(row, view)],
        counts=counts,
        views=VIEWS,
        view=view,
        sites=sites,
        site_names={site.id: site.name for site in sites},
        site_id=site_id,
        search=search,
        incidents=open_incidents,
    )


@router.get("/vehicles/{vehicle_id}")
def show_vehicle(vehicle_id: Id, page: ConsolePage) -> Response:
    """One car: state, bookings, journal, trips, faults, commands."""
    viewer = page.viewer
    with page.cloud.store.read() as tx:
        vehicle = console_queries.console_vehicle(tx, viewer, vehicle_id)
        row = _rows(tx, page, [vehicle])[0]
        site_names = {site.id: site.name for site in fleet.list_sites(tx)}
        faults = console_queries.open_faults(tx, vehicle_id)
        sent = console_queries.last_commands(tx, vehicle_id, COMMANDS_SHOWN)
        if page.is_htmx:
            live = {"row": row, "vehicle": vehicle, "faults": faults, "sent": sent, "site_names": site_names}
            return page.render("console/vehicle_live.html", **live)
        sees_people = viewer.scope.may_manage_car(vehicle.organisation_id, vehicle.pool_id)
        lines = records.list_lines(tx, viewer.scope, vehicle_id, limit=15) if sees_people else []
        made: list[Trip] = []
        if sees_people:
            made = trips.list_trips(tx, viewer.scope, vehicle_id=vehicle_id, limit=TRIPS_SHOWN)
        promises = console_queries.list_promises(
            tx,
            viewer,
            vehicle_ids=[vehicle_id],
            starts_before=page.now + 14 * DAY_S,
            ends_after=page.now,
            states=("pending", "confirmed", "in_use"),
        )
        blocked = blocks.list_blocks(tx, reach(page), [vehicle_id], ends_after=page.now)
        opened = incidents.list_incidents(tx, viewer.scope, vehicle_id=vehicle_id) if sees_people else []
    shown = {trip.person_id for trip in made} | {promise.person_id for promise in promises}
    note_people(page, "vehicle", vehicle.registration, shown)
    return page.render(
        "console/vehicle.html",
        row=row,
        vehicle=vehicle,
        site_names=site_names,
        faults=faults,
        sent=sent,
        lines=lines,
        trips=made,
        promises=promises,
        incidents=opened,
        blocks=blocked,
        may_block=may_block(page, vehicle),
        sees_people=sees_people,
        commands=sendable(page, vehicle),
    )


@router.get("/vehicles/{vehicle_id}/journal")
def show_journal(vehicle_id: Id, page: ConsolePage) -> Response:
    """The journal in words, a page at a time, newest first."""
    before = page.number("before")
    with page.cloud.store.read() as tx:
        vehicle = console_queries.console_vehicle(tx, page.viewer, vehicle_id)
        lines = records.list_lines(tx, page.viewer.scope, vehicle_id, before=before, limit=LINES_A_PAGE + 1)
    return page.render(
        "console/journal.html",
        vehicle=vehicle,
        lines=lines[:LINES_A_PAGE],
        older=lines[LINES_A_PAGE - 1].at if len(lines) > LINES_A_PAGE else None,
        before=before,
    )


@router.get("/vehicles/{vehicle_id}/trips")
def show_trips(vehicle_id: Id, page: ConsolePage) -> Response:
    """All trips of a car, a page at a time."""
    first, size = max(0, page.number("from") or 0), 50
    with page.cloud.store.read() as tx:
        vehicle = console_queries.console_vehicle(tx, page.viewer, vehicle_id)
        made = trips.list_trips(tx, page.viewer.scope, vehicle_id=vehicle_id, offset=first, limit=size + 1)
    note_people(page, "trips", vehicle.registration, {trip.person_id for trip in made})
    return page.render(
        "console/trips.html",
        vehicle=vehicle,
        trips=made[:size],
        first=first,
        page_size=size,
        has_more=len(made) > size,
    )


@router.get("/trips/{trip_id}")
def show_trip(trip_id: Id, page: ConsolePage) -> Response:
    """One trip, for its car's manager."""
    with page.cloud.store.read() as tx:
        trip = trips.get_trip(tx, page.viewer.scope, trip_id)
        console_queries.console_vehicle(tx, page.viewer, trip.vehicle_id)
        stopovers = trips.list_stopovers(tx, page.viewer.scope, trip_id)
    note_people(page, "trip", trip.registration, {trip.person_id})
    back = f"/console/vehicles/{trip.vehicle_id}"
    return page.render("driver/trip.html", trip=trip, stopovers=stopovers, back=back)


def sendable(page: Page, vehicle: Vehicle) -> list[str]:
    """Commands this viewer may send to this car from the console."""
    may = page.viewer.holds("commands", vehicle.organisation_id, vehicle.pool_id)
    return list(COMMAND_HINTS) if may else []


@router.get("/vehicles/{vehicle_id}/commands/{kind}")
def ask_command(vehicle_id: Id, kind: str, page: CommandPage) -> Response:
    """Says what the command does and asks for the reason."""
    with page.cloud.store.read() as tx:
        vehicle = console_queries.console_vehicle(tx, page.viewer, vehicle_id)
    if kind not in sendable(page, vehicle):
        raise NotFound()
    return page.render("console/command.html", vehicle=vehicle, kind=kind, problem="")


@router.post("/vehicles/{vehicle_id}/commands/{kind}")
def send_command(vehicle_id: Id, kind: str, page: CommandPage) -> Response:
    """Queues the command; the car decides."""
    with page.cloud.store.read() as tx:
        vehicle = console_queries.console_vehicle(tx, page.viewer, vehicle_id)
    if kind not in COMMAND_HINTS:
        raise Invalid("no_such_command")
    if kind not in sendable(page, vehicle):
        raise Forbidden()
    reason = page.text("reason")[:200]
    if not reason:
        problem = page.refuse(Invalid("reason_missing"))
        return page.render("console/command.html", 422, vehicle=vehicle, kind=kind, problem=problem)
    scope = page.viewer.scope_on("commands", vehicle.organisation_id, vehicle.pool_id)
    now = page.now
    argument = boxes.GARAGE_DAYS if kind == "garage" else 0

    def add(tx: Connection) -> int:
        return boxes.add_command(
            tx,
            now,
            scope,
            vehicle_id,
            cast(CommandKind, kind),
            reason,
            argument=argument,
        )

    page.cloud.writer.run(add)
    return page.go(f"/console/vehicles/{vehicle_id}", "command")


def note_people(page: Page, action: str, filter_text: str, person_ids: set[int | None]) -> None:
    """One audit line where the page shows other people's data; none where it shows nobody's."""
    others = person_ids - {None, page.viewer.person_id}
    if not others:
        return
    scope, now, actor = page.viewer.scope, page.now, page.viewer.name
    page.cloud.writer.run(
        lambda tx: audit.note(
            tx, now, scope, f"page {action}", actor=actor, filter_text=filter_text, people_count=len(others)
        ),
        urgent=False,
    )
