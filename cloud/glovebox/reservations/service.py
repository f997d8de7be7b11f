"""Reservations: promises of a car for a half-open interval [starts_at, ends_at), in seconds since 1970.

The database forbids overlaps; nothing here checks first and inserts then. A refusal says what is free
instead.
"""

from typing import Any

from sqlalchemy import Connection, insert, update
from sqlalchemy.exc import DBAPIError

from glovebox.errors import Conflict, Invalid
from glovebox.fleet import service as fleet
from glovebox.policies.checks import Asked
from glovebox.policies.readings import Readings
from glovebox.reservations import asking, authorisations, chains, ownership, telling, terms, undo
from glovebox.reservations.ownership import RESERVATIONS, lock_own, manages, show, visible
from glovebox.reservations.schemas import Reservation
from glovebox.reservations.states import State, next_state
from glovebox.reservations.tables import reservations
from glovebox.reservations.transitions import lock_vehicles, move_on, refresh_vehicles
from glovebox.scope import SYSTEM, Scope
from glovebox.store.values import one_line

# It lies below the changes, which need it, and is asked for with them.
get_reservation = ownership.get_reservation


def book(
    tx: Connection,
    now: int,
    scope: Scope,
    vehicle_id: int,
    person_id: int,
    starts_at: int,
    ends_at: int,
    *,
    purpose: str = "",
    from_site: int | None = None,
    to_site: int | None = None,
    series: tuple[int, str] | None = None,
    readings: Readings | None = None,
) -> int:
    """Promises the car to the person; returns the reservation's id. A manager may book for others of the
    organisation. It begins where the car will stand (`from_site`: nowhere else will do) and ends there, or
    at `to_site`. `series`: the series and the day of which this is an occurrence; boxes and people are then
    told by its caller, once for all. `readings`: the rules, where they were read in this transaction before.
    Raises Invalid (over, too long, site closed, end before start), NotFound, Forbidden (licence, pool),
    Conflict (car in the workshop, elsewhere, counted on elsewhere, quota), AlreadyTaken with what is free
    instead."""
    terms.check_interval(now, starts_at, ends_at)
    vehicle = fleet.get_vehicle(tx, scope, vehicle_id, now)
    person = terms.check_driver(tx, scope, vehicle, person_id, starts_at, ends_at)
    placed = chains.settle(tx, vehicle, starts_at, ends_at, from_site=from_site, to_site=to_site)
    asked = Asked(
        placed.vehicle,
        placed.end_site_id,
        starts_at,
        ends_at,
        is_part=series is not None,
        readings=readings or Readings(),
    )
    promised = terms.settle(tx, now, scope, asked, person)
    values = {
        "vehicle_id": vehicle_id,
        "organisation_id": person.organisation_id,
        "person_id": person_id,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "state": promised.state.value,
        "approval_due_at": promised.approval_due_at,
        "purpose": one_line(purpose),
        "start_site_id": placed.vehicle.site_id,
        "end_site_id": placed.to_site,
        "created_at": now,
        "created_by": scope.person_id,
        "changed_at": now,
    }
    if series is not None:
        values |= {"series_id": series[0], "series_day": series[1]}
    try:
        with tx.begin_nested():
            statement = insert(reservations).values(**values).returning(reservations.c.id)
            reservation_id = int(tx.execute(statement).scalar_one())
    except DBAPIError as error:
        raise terms.taken(tx, now, scope, asked, person, error) from error
    undo.remember(tx, now, scope, reservation_id, None)
    if series is not None:
        return reservation_id
    authorisations.refresh(tx, now, vehicle_id)
    telling.tell_booked(tx, now, scope, reservation_id)
    if promised.state == State.PENDING:
        asking.ask_approvers(tx, now, get_reservation(tx, SYSTEM, reservation_id))
    return reservation_id


def cancel(tx: Connection, now: int, scope: Scope, reservation_id: int, *, is_part: bool = False) -> None:
    """Gives the car back before use. `is_part`: of an act on a series, which tells of it. Raises NotFound,
    Forbidden, Conflict where it is in use or over."""
    row = lock_own(tx, scope, reservation_id)
    move_on(tx, now, row, "cancel", is_part=is_part)
    undo.remember(tx, now, scope, reservation_id, row)
    if not is_part:
        telling.tell_cancelled(tx, now, scope, reservation_id)


def take_back(tx: Connection, now: int, scope: Scope, reservation_id: int) -> None:
    """Undoes this person's last act on the reservation, and what would have been told of it. Raises as
    `undo.undo`, and NotFound, Forbidden as `cancel`."""
    lock_own(tx, scope, reservation_id)
    done_at, numbers = undo.undo(tx, now, scope, reservation_id)
    for number in numbers:
        telling.tell_undone(tx, now, scope, number, done_at)


def change(
    tx: Connection,
    now: int,
    scope: Scope,
    reservation_id: int,
    *,
    starts_at: int | None = None,
    ends_at: int | None = None,
    vehicle_id: int | None = None,
    to_site: int | None = None,
    purpose: str | None = None,
    is_part: bool = False,
    readings: Readings | None = None,
) -> None:
    """Moves a reservation in time, to another car or to where it is brought back (while in use: only its end
    and that). `is_part`: of an act on a series, which refreshes the cars and tells of it; else an occurrence
    becomes an exception. `readings` as for `book`. Raises as `book` and `cancel` do."""
    row = lock_own(tx, scope, reservation_id)
    start = row.starts_at if starts_at is None else starts_at
    end = row.ends_at if ends_at is None else ends_at
    car = row.vehicle_id if vehicle_id is None else vehicle_id
    _check_times(now, row, start, end, car)
    both = lock_vehicles(tx, (row.vehicle_id, car))
    vehicle = fleet.get_vehicle(tx, scope, car, now)
    placed = chains.keep(tx, vehicle, row, start, end, to_site)
    readings = readings or Readings()
    asked = Asked(placed.vehicle, placed.end_site_id, start, end, row, scope.is_system, is_part, readings)
    values: dict[str, Any] = {"starts_at": start, "ends_at": end, "vehicle_id": car, "changed_at": now}
    values |= {"start_site_id": placed.vehicle.site_id, "end_site_id": placed.to_site}
    is_moved = (start, end, car) != (row.starts_at, row.ends_at, row.vehicle_id)
    if is_moved:
        values["known_version"] = 0
    if purpose is not None:
        values["purpose"] = one_line(purpose)
    if row.series_id is not None and not is_part and not scope.is_system:
        values["is_exception"] = 1
    _renew(tx, now, scope, asked, values)
    undo.remember(tx, now, scope, reservation_id, row)
    if is_part:
        return
    refresh_vehicles(tx, now, both)
    if is_moved or asked.is_other_place:
        telling.tell_changed(tx, now, scope, reservation_id)
    if values.get("state", row.state) != row.state:
        asking.ask_approvers(tx, now, get_reservation(tx, SYSTEM, reservation_id))


def _check_times(now: int, row: Any, start: int, end: int, car: int) -> None:
    """Raises Conflict, Invalid where a reservation of this state cannot become that."""
    if row.state == State.IN_USE:
        if (start, car) != (row.starts_at, row.vehicle_id):
            raise Conflict("in_use", state=row.state)
        if end <= now:
            raise Invalid("over_already")
        if end <= start:  # it was begun early
            raise Invalid("end_before_start")
    elif row.state in (State.PENDING, State.CONFIRMED):
        terms.check_interval(now, start, end)
    else:
        raise Conflict("state_forbids", state=row.state)


def _renew(tx: Connection, now: int, scope: Scope, asked: Asked, values: dict[str, Any]) -> None:
    """Holds a change against the rules, as for a new booking, and stores `values` with the state they lead
    to."""
    row, person = asked.was, None
    if row.person_id is None:
        terms.check_car(tx, asked, None)
    else:
        # Who may change it is known; the driver may be of a body behind the wall.
        person = terms.check_driver(tx, SYSTEM, asked.vehicle, row.person_id, asked.starts_at, asked.ends_at)
        promised = terms.settle(tx, now, scope, asked, person)
        state = next_state(row.state, "ask") if promised.state != row.state else promised.state
        assert state == promised.state, "the table of states has this change"
        values |= {"state": promised.state.value, "approval_due_at": promised.approval_due_at}
    try:
        with tx.begin_nested():
            tx.execute(update(reservations).where(reservations.c.id == row.id).values(**values))
    except DBAPIError as error:
        raise terms.taken(tx, now, scope, asked, person, error) from error


def list_reservations(
    tx: Connection,
    scope: Scope,
    *,
    starts_before: int | None = None,
    ends_after: int | None = None,
    vehicle_ids: list[int] | None = None,
    person_id: int | None = None,
    states: list[str] | None = None,
    offset: int = 0,
    limit: int = 200,
    newest_first: bool = False,
) -> list[Reservation]:
    """Reservations touching (ends_after, starts_before) of cars this scope may use, by start.
    Behind the wall the person is hidden."""
    query = RESERVATIONS.where(visible(scope))
    if starts_before is not None:
        query = query.where(reservations.c.starts_at < starts_before)
    if ends_after is not None:
        query = query.where(reservations.c.ends_at > ends_after)
    if vehicle_ids is not None:
        query = query.where(reservations.c.vehicle_id.in_(vehicle_ids))
    if person_id is not None:
        mine = reservations.c.person_id == scope.person_id if scope.person_id == person_id else manages(scope)
        query = query.where(reservations.c.person_id == person_id, mine)
    if states is not None:
        query = query.where(reservations.c.state.in_(states))
    order = reservations.c.starts_at.desc() if newest_first else reservations.c.starts_at
    rows = tx.execute(query.order_by(order, reservations.c.id).offset(offset).limit(limit))
    return [show(scope, row) for row in rows]
