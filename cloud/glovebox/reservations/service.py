"""Reservations: promises of a car for a half-open interval [starts_at, ends_at), in seconds since 1970.

The database forbids overlaps; nothing here checks first and inserts then. A refusal says what is free
instead.
"""

from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, insert, or_, select, update
from sqlalchemy.exc import DBAPIError

from glovebox.boxes.tables import boxes
from glovebox.clock import HOUR_S
from glovebox.errors import Conflict, Forbidden, Invalid, NotFound
from glovebox.fleet import service as fleet
from glovebox.fleet.schemas import Vehicle
from glovebox.fleet.tables import agreements, organisations, sites, vehicles
from glovebox.messages import service as messages
from glovebox.people import service as people_service
from glovebox.people.schemas import Person
from glovebox.people.tables import people
from glovebox.policies.checks import Asked
from glovebox.reservations import asking, authorisations, risk, terms, undo
from glovebox.reservations.schemas import Reservation
from glovebox.reservations.states import GUARDED, State, next_state
from glovebox.reservations.tables import reservations
from glovebox.scope import SYSTEM, Scope

# "From nine", typed at half past nine, is meant.
LATEST_START_S: Final = 12 * HOUR_S
SHORTEST_S: Final = 60


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
    end_site_id: int | None = None,
) -> int:
    """Promises the car to the person; returns the reservation's id. A manager may book for others of the
    organisation.
    Raises Invalid (over, too long, site closed, end before start), NotFound, Forbidden (licence, pool),
    Conflict (car in the workshop, quota), AlreadyTaken with what is free instead."""
    _check_interval(now, starts_at, ends_at)
    vehicle = fleet.get_vehicle(tx, scope, vehicle_id, now)
    person = _check_driver(tx, scope, vehicle, person_id, starts_at, ends_at)
    if vehicle.status != "in_service":
        raise Conflict("not_in_service", registration=vehicle.registration)
    if end_site_id is not None:
        fleet.get_site(tx, end_site_id)
    asked = Asked(vehicle, end_site_id or vehicle.site_id, starts_at, ends_at)
    promised = terms.settle(tx, now, scope, asked, person)
    _check_blocks(tx, vehicle, starts_at, ends_at)
    values = {
        "vehicle_id": vehicle_id,
        "organisation_id": person.organisation_id,
        "person_id": person_id,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "state": promised.state.value,
        "approval_due_at": promised.approval_due_at,
        "purpose": _clean(purpose),
        "end_site_id": end_site_id,
        "created_at": now,
        "created_by": scope.person_id,
        "changed_at": now,
    }
    try:
        with tx.begin_nested():
            statement = insert(reservations).values(**values).returning(reservations.c.id)
            reservation_id = int(tx.execute(statement).scalar_one())
    except DBAPIError as error:
        raise terms.taken(tx, now, scope, asked, person, error) from error
    authorisations.refresh(tx, now, vehicle_id)
    undo.remember(tx, now, scope, reservation_id, None)
    _tell(tx, now, scope, "booked_for_you", reservation_id)
    if promised.state == State.PENDING:
        asking.ask_approvers(tx, now, get_reservation(tx, SYSTEM, reservation_id))
    return reservation_id


def cancel(tx: Connection, now: int, scope: Scope, reservation_id: int) -> None:
    """Gives the car back before use. Raises NotFound, Forbidden, Conflict where it is in use or over."""
    row = _own(tx, scope, reservation_id)
    _move_on(tx, now, row, "cancel")
    undo.remember(tx, now, scope, reservation_id, row)
    if not messages.drop(tx, now, [_message_key("booked_for_you", reservation_id)]):
        _tell(tx, now, scope, "cancelled_for_you", reservation_id)


def take_back(tx: Connection, now: int, scope: Scope, reservation_id: int) -> None:
    """Undoes this person's last act on the reservation, and what would have been told of it. Raises as
    `undo.undo`, and NotFound, Forbidden as `cancel`."""
    _own(tx, scope, reservation_id)
    done_at = undo.undo(tx, now, scope, reservation_id)
    if done_at is None:
        return
    messages.drop_caused(tx, now, reservation_id, done_at)
    is_promised = get_reservation(tx, SYSTEM, reservation_id).state in GUARDED
    if is_promised and messages.was_dropped(tx, _message_key("booked_for_you", reservation_id)):
        _tell(tx, now, scope, "booked_for_you", reservation_id)


def approve(tx: Connection, now: int, scope: Scope, reservation_id: int) -> None:
    """Confirms a pending reservation. Raises NotFound, Forbidden, Conflict where it no longer waits."""
    row = _waiting(tx, scope, reservation_id)
    _move_on(tx, now, row, "approve", decided_by=scope.person_id)
    asking.tell_answer(tx, now, "approval_given", get_reservation(tx, SYSTEM, reservation_id))


def refuse(tx: Connection, now: int, scope: Scope, reservation_id: int, reason: str) -> None:
    """Refuses a pending reservation: the car is free again, the reason stays with it. Raises as `approve`;
    Invalid without a reason."""
    row = _waiting(tx, scope, reservation_id)
    if not _clean(reason):
        raise Invalid("refusal_reason_missing")
    reason = _clean(reason)
    _move_on(tx, now, row, "cancel", decided_by=scope.person_id, decision_reason=reason)
    refused = get_reservation(tx, SYSTEM, reservation_id)
    asking.tell_answer(tx, now, "approval_refused", refused, reason=reason)


def _waiting(tx: Connection, scope: Scope, reservation_id: int) -> Any:
    """The row, locked, if it waits and this scope may decide on it."""
    row = _locked(tx, scope, reservation_id)
    if not scope.may_approve(row.vehicle_organisation_id, row.vehicle_pool_id):
        raise Forbidden("not_approver")
    if row.state != State.PENDING:
        raise Conflict("not_waiting")
    return row


def list_waiting(tx: Connection, scope: Scope, limit: int = 200) -> list[Reservation]:
    """Reservations that wait for this scope's answer, the most urgent first."""
    mine = scope.approvable(vehicles.c.organisation_id, vehicles.c.pool_id)
    query = _RESERVATIONS.where(mine, reservations.c.state == State.PENDING)
    rows = tx.execute(query.order_by(reservations.c.approval_due_at, reservations.c.id).limit(limit))
    return [_reservation(scope, row) for row in rows]


def change(
    tx: Connection,
    now: int,
    scope: Scope,
    reservation_id: int,
    *,
    starts_at: int | None = None,
    ends_at: int | None = None,
    vehicle_id: int | None = None,
    purpose: str | None = None,
) -> None:
    """Moves a reservation in time or to another car (while in use: only its end). Raises as `book` and
    `cancel` do."""
    row = _own(tx, scope, reservation_id)
    start = row.starts_at if starts_at is None else starts_at
    end = row.ends_at if ends_at is None else ends_at
    car = row.vehicle_id if vehicle_id is None else vehicle_id
    if row.state == State.IN_USE:
        if (start, car) != (row.starts_at, row.vehicle_id):
            raise Conflict("in_use", state=row.state)
        if end <= now:
            raise Invalid("over_already")
        if end <= start:  # it was begun early
            raise Invalid("end_before_start")
    elif row.state in (State.PENDING, State.CONFIRMED):
        _check_interval(now, start, end)
    else:
        raise Conflict("state_forbids", state=row.state)
    both = sorted({row.vehicle_id, car})
    tx.execute(
        select(vehicles.c.id).where(vehicles.c.id.in_(both)).order_by(vehicles.c.id).with_for_update()
    ).all()
    vehicle = fleet.get_vehicle(tx, scope, car, now)
    if car != row.vehicle_id and vehicle.status != "in_service":
        raise Conflict("not_in_service", registration=vehicle.registration)
    is_more = car != row.vehicle_id or start < row.starts_at or end > row.ends_at
    if is_more:  # under a block already, it may be shortened
        _check_blocks(tx, vehicle, start, end)
    values: dict[str, Any] = {"starts_at": start, "ends_at": end, "vehicle_id": car, "changed_at": now}
    asked, person = (
        Asked(vehicle, row.end_site_id or vehicle.site_id, start, end, was=row, by_server=scope.is_system),
        None,
    )
    if row.person_id is not None:
        # Who may change it is known; the driver may be of a body behind the wall.
        person = _check_driver(tx, SYSTEM, vehicle, row.person_id, start, end)
        promised = terms.settle(tx, now, scope, asked, person)
        state = next_state(row.state, "ask") if promised.state != row.state else promised.state
        assert state == promised.state, "the table of states has this change"
        values |= {"state": promised.state.value, "approval_due_at": promised.approval_due_at}
    if (start, end, car) != (row.starts_at, row.ends_at, row.vehicle_id):
        values["known_version"] = 0
    if purpose is not None:
        values["purpose"] = _clean(purpose)
    try:
        with tx.begin_nested():
            tx.execute(update(reservations).where(reservations.c.id == reservation_id).values(**values))
    except DBAPIError as error:
        raise terms.taken(tx, now, scope, asked, person, error) from error
    undo.remember(tx, now, scope, reservation_id, row)
    for number in both:
        risk.mark_vehicle(tx, now, number)
        risk.note_freed(tx, now, number)
        authorisations.refresh(tx, now, number)
    if values.get("state", row.state) != row.state:
        asking.ask_approvers(tx, now, get_reservation(tx, SYSTEM, reservation_id))


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
    query = _RESERVATIONS.where(_visible(scope))
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
    return [_reservation(scope, row) for row in rows]


def get_reservation(tx: Connection, scope: Scope, reservation_id: int) -> Reservation:
    """One reservation. Raises NotFound."""
    query = _RESERVATIONS.where(_visible(scope), reservations.c.id == reservation_id)
    row = tx.execute(query).first()
    if row is None:
        raise NotFound()
    return _reservation(scope, row)


_RESERVATIONS: Final = (
    select(
        reservations,
        vehicles.c.registration,
        vehicles.c.make,
        vehicles.c.model,
        vehicles.c.site_id,
        vehicles.c.organisation_id.label("vehicle_organisation_id"),
        vehicles.c.pool_id.label("vehicle_pool_id"),
        sites.c.name.label("site_name"),
        organisations.c.name.label("organisation_name"),
        people.c.given_name,
        people.c.family_name,
        boxes.c.id.label("box_id"),
        boxes.c.held_version,
        boxes.c.heard_at,
    )
    .join(vehicles, vehicles.c.id == reservations.c.vehicle_id)
    .join(sites, sites.c.id == vehicles.c.site_id)
    .join(organisations, organisations.c.id == reservations.c.organisation_id)
    .join(people, people.c.id == reservations.c.person_id, isouter=True)
    .join(boxes, boxes.c.vehicle_id == reservations.c.vehicle_id, isouter=True)
)


def _visible(scope: Scope) -> ColumnElement[bool]:
    """Reservations of cars one may drive, manages or approves, of people one manages, and one's own."""
    admitted = select(agreements.c.pool_id).where(agreements.c.organisation_id == scope.organisation_id)
    return or_(
        manages(scope),
        scope.approvable(vehicles.c.organisation_id, vehicles.c.pool_id),
        scope.mine(reservations.c.person_id),
        vehicles.c.organisation_id == scope.organisation_id,
        vehicles.c.pool_id.in_(admitted),
    )


def manages(scope: Scope) -> ColumnElement[bool]:
    """Reservations made by people, or of cars, that this scope manages."""
    return or_(
        scope.managed(reservations.c.organisation_id),
        scope.managed_cars(vehicles.c.organisation_id, vehicles.c.pool_id),
    )


def _may_change(scope: Scope, row: Any) -> bool:
    """The same of one row, and the person's own."""
    is_mine = scope.person_id is not None and row.person_id == scope.person_id
    manages_car = scope.may_manage_car(row.vehicle_organisation_id, row.vehicle_pool_id)
    return is_mine or manages_car or scope.may_manage(row.organisation_id)


def _reservation(scope: Scope, row: Any) -> Reservation:
    may_approve = scope.may_approve(row.vehicle_organisation_id, row.vehicle_pool_id)
    shows_person = _may_change(scope, row) or (may_approve and row.state == State.PENDING)
    name = f"{row.given_name} {row.family_name}" if row.person_id is not None else ""
    known, held = row.known_version, row.held_version
    return Reservation(
        id=row.id,
        vehicle_id=row.vehicle_id,
        registration=row.registration,
        vehicle_name=f"{row.make} {row.model}",
        site_id=row.site_id,
        site_name=row.site_name,
        organisation_id=row.organisation_id,
        organisation_name=row.organisation_name,
        person_id=row.person_id if shows_person else None,
        person_name=name if shows_person else "",
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        state=row.state,
        purpose=row.purpose if shows_person else "",
        end_site_id=row.end_site_id,
        is_at_risk=bool(row.is_at_risk),
        created_at=row.created_at,
        car_knows=bool(known and held is not None and held >= known),
        car_heard_at=row.heard_at,
        car_has_box=row.box_id is not None,
        approval_due_at=row.approval_due_at if row.state == State.PENDING else None,
        decision_reason=row.decision_reason if shows_person else "",
    )


def _message_key(kind: str, reservation_id: int) -> str:
    return f"{kind}-{reservation_id}"


def _tell(tx: Connection, now: int, scope: Scope, kind: str, reservation_id: int) -> None:
    """Tells the person what a colleague did, unless it is taken back within the time to undo it."""
    if scope.person_id is None:
        return
    one = get_reservation(tx, SYSTEM, reservation_id)
    if one.person_id in (None, scope.person_id):
        return
    facts = {
        "reservation_id": one.id,
        "car": f"{one.registration} {one.vehicle_name}",
        "place": one.site_name,
    }
    facts |= {"starts_at": one.starts_at, "ends_at": one.ends_at}
    assert one.person_id is not None
    key = _message_key(kind, reservation_id)
    messages.put(
        tx, now, one.person_id, kind, key, facts, reservation_id=reservation_id, wait_s=messages.UNDO_S
    )


def _clean(text: str) -> str:
    """What people typed, without control characters (PostgreSQL stores no NUL)."""
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()[:200]


def _check_interval(now: int, starts_at: int, ends_at: int) -> None:
    if ends_at - starts_at < SHORTEST_S:
        raise Invalid("end_before_start")
    if ends_at <= now:
        raise Invalid("over_already")
    if starts_at < now - LATEST_START_S:
        raise Invalid("starts_in_past")


def _check_blocks(tx: Connection, vehicle: Vehicle, starts_at: int, ends_at: int) -> None:
    is_blocked, until = risk.blocked_until(tx, vehicle.id, starts_at, ends_at)
    if is_blocked:
        raise Conflict("blocked", registration=vehicle.registration, until=until)


def _check_driver(
    tx: Connection, scope: Scope, vehicle: Vehicle, person_id: int, starts_at: int, ends_at: int
) -> Person:
    """The person, if they may drive this car then and this scope may book for them."""
    person = people_service.get_person(tx, scope, person_id)
    if person_id != scope.person_id and not scope.may_manage(person.organisation_id):
        raise Forbidden()
    if not person.is_active:
        raise Forbidden("person_inactive")
    if person.organisation_id != vehicle.organisation_id:
        admitted = select(agreements.c.id).where(
            agreements.c.pool_id == vehicle.pool_id,
            agreements.c.organisation_id == person.organisation_id,
            agreements.c.starts_at <= starts_at,
            agreements.c.ends_at >= ends_at,
        )
        if tx.execute(admitted).first() is None:
            raise Forbidden("no_agreement")
    return person


def _own(tx: Connection, scope: Scope, reservation_id: int) -> Any:
    """The row, locked, if this scope may change it. Raises NotFound, Forbidden."""
    row = _locked(tx, scope, reservation_id)
    if not _may_change(scope, row):
        raise Forbidden()
    return row


def _locked(tx: Connection, scope: Scope, reservation_id: int) -> Any:
    """The row, locked, if this scope may see it. Raises NotFound."""
    query = (
        select(
            reservations,
            vehicles.c.organisation_id.label("vehicle_organisation_id"),
            vehicles.c.pool_id.label("vehicle_pool_id"),
        )
        .join(vehicles, vehicles.c.id == reservations.c.vehicle_id)
        .where(reservations.c.id == reservation_id, _visible(scope))
        .with_for_update(of=reservations)
    )
    row = tx.execute(query).first()
    if row is None:
        raise NotFound()
    return row


def _move_on(tx: Connection, now: int, row: Any, event: str, **values: Any) -> None:
    state = next_state(row.state, event)
    if state is None:
        raise Conflict("state_forbids", state=row.state)
    one = and_(reservations.c.id == row.id, reservations.c.state == row.state)
    changed = update(reservations).where(one).values(state=state.value, changed_at=now, **values)
    if tx.execute(changed).rowcount != 1:
        raise Conflict("state_forbids", state=row.state)
    risk.note_freed(tx, now, row.vehicle_id)
    authorisations.refresh(tx, now, row.vehicle_id)
