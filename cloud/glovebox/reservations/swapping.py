"""Two reservations exchange their cars, each keeps its time. In one transaction, through the state `moving`,
which the guard does not count: both cars are taken while one is given."""

from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, exists, func, update
from sqlalchemy.exc import DBAPIError

from glovebox.clock import DAY_S
from glovebox.errors import Conflict, Forbidden
from glovebox.fleet import service as fleet
from glovebox.fleet.tables import vehicles
from glovebox.policies.checks import Asked
from glovebox.reservations import asking, chains, risk, telling, terms, undo
from glovebox.reservations.ownership import RESERVATIONS, get_reservation, lock, manages, show
from glovebox.reservations.schemas import AlreadyTaken, Reservation
from glovebox.reservations.states import GUARDED, State, next_state
from glovebox.reservations.tables import reservations
from glovebox.reservations.transitions import lift_out, lock_vehicles, refresh_vehicles
from glovebox.scope import SYSTEM, Scope
from glovebox.store import guard

# More to choose from is no help; the nearest in time come first.
CANDIDATES_SHOWN: Final = 20
# Who drives next month does not stand beside the same two cars.
NEAR_S: Final = DAY_S


def swap(tx: Connection, now: int, scope: Scope, reservation_id: int, other_id: int) -> None:
    """Each of the two gets the other's car, by all rules that hold for a change. For managers of both. Sent
    twice it is done once: undo brings the cars back, or half a minute later another swap. Raises NotFound,
    Forbidden, Invalid (over), Conflict: `swap_same_car`, `swap_not_ahead`, `swap_taken`, and what a change
    may raise."""
    numbers = sorted({reservation_id, other_id})
    rows = [lock(tx, scope, number) for number in numbers]
    for row in rows:
        if not _may_swap(scope, row):
            raise Forbidden()
    if undo.is_just_done(tx, now, scope, numbers):
        return
    if len({row.vehicle_id for row in rows}) < 2:
        raise Conflict("swap_same_car")
    cars = lock_vehicles(tx, [row.vehicle_id for row in rows])
    # Both from SYSTEM: who may give them is asked above, and who drives may be of a body behind the wall.
    found = {car: fleet.get_vehicle(tx, SYSTEM, car, now) for car in cars}
    for row in rows:
        if row.state not in risk.AHEAD:
            raise Conflict("swap_not_ahead", registration=found[row.vehicle_id].registration)
    first, second = rows
    with tx.begin_nested():
        lift_out(tx, rows)
        for row, car in ((first, second.vehicle_id), (second, first.vehicle_id)):
            _place(tx, now, scope, row, found[car])
    for row in rows:
        undo.remember(tx, now, scope, row.id, row, together=numbers)
    refresh_vehicles(tx, now, cars)
    for row in rows:
        telling.tell_changed(tx, now, scope, row.id)
        one = get_reservation(tx, SYSTEM, row.id)
        if one.state == State.PENDING != row.state:
            asking.ask_approvers(tx, now, one)


def list_candidates(tx: Connection, now: int, scope: Scope, reservation_id: int) -> list[Reservation]:
    """Reservations with which this one could exchange its car: of other cars, managed by the same scope,
    ahead, within a day of it, and no third promise in the way; those that begin at about the same time
    first. Rules are asked when it is done. Raises NotFound."""
    mine = get_reservation(tx, scope, reservation_id)
    if mine.state not in risk.AHEAD:
        return []
    ours = {reservation_id}
    query = RESERVATIONS.where(
        manages(scope),
        reservations.c.id != reservation_id,
        reservations.c.vehicle_id != mine.vehicle_id,
        reservations.c.state.in_(risk.AHEAD),
        reservations.c.ends_at > max(now, mine.starts_at - NEAR_S),
        reservations.c.starts_at < mine.ends_at + NEAR_S,
        vehicles.c.status == "in_service",
        ~_is_held(reservations.c.vehicle_id, mine.starts_at, mine.ends_at, ours),
        ~_is_held(mine.vehicle_id, reservations.c.starts_at, reservations.c.ends_at, ours),
    )
    apart = reservations.c.starts_at - mine.starts_at
    nearest = query.order_by(func.abs(apart), reservations.c.id).limit(CANDIDATES_SHOWN)
    return [show(scope, row) for row in tx.execute(nearest)]


def _may_swap(scope: Scope, row: Any) -> bool:
    manages_car = scope.may_manage_car(row.vehicle_organisation_id, row.vehicle_pool_id)
    return manages_car or scope.may_manage(row.organisation_id)


def _place(tx: Connection, now: int, scope: Scope, row: Any, vehicle: Any) -> None:
    """One of the two into its new car, with car and state in one UPDATE."""
    terms.check_interval(now, row.starts_at, row.ends_at)
    placed = chains.settle(tx, vehicle, row.starts_at, row.ends_at, to_site=row.end_site_id, but=row.id)
    vehicle = placed.vehicle
    values: dict[str, Any] = {"state": row.state, "approval_due_at": row.approval_due_at}
    # Its person asks for nothing: lead time and horizon are no question.
    asked = Asked(vehicle, placed.end_site_id, row.starts_at, row.ends_at, was=row, by_server=True)
    if row.person_id is None:
        terms.check_car(tx, asked, None)
    else:
        person = terms.check_driver(tx, SYSTEM, vehicle, row.person_id, row.starts_at, row.ends_at)
        try:
            promised = terms.settle(tx, now, scope, asked, person)
        except AlreadyTaken as error:  # too close to a neighbour; what is free instead is known after it
            kept = {
                name: value for name, value in error.values.items() if name not in ("others", "next_free")
            }
            raise Conflict(error.code, **kept) from error
        values = {"state": promised.state.value, "approval_due_at": promised.approval_due_at}
    event = "place_pending" if values["state"] == State.PENDING else "place"
    assert next_state(State.MOVING, event) == values["state"], "the table of states has this change"
    values |= {"vehicle_id": vehicle.id, "known_version": 0, "changed_at": now}
    values |= {"start_site_id": vehicle.site_id, "end_site_id": placed.to_site}
    try:
        with tx.begin_nested():
            tx.execute(update(reservations).where(reservations.c.id == row.id).values(**values))
    except DBAPIError as error:
        if not guard.is_overlap(error):
            raise
        raise Conflict("swap_taken", registration=vehicle.registration) from error


def _is_held(vehicle_id: Any, starts_at: Any, ends_at: Any, but: set[int]) -> ColumnElement[bool]:
    """Whether a third promise holds the car then."""
    third = reservations.alias()
    return exists().where(
        third.c.vehicle_id == vehicle_id,
        third.c.state.in_(GUARDED),
        third.c.id != reservations.c.id,
        third.c.id.not_in(but),
        third.c.starts_at < ends_at,
        third.c.ends_at > starts_at,
    )
