"""Who may see, manage and change a reservation: as conditions of a query, for one row, and with the row
locked."""

from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, func, or_, select

from glovebox.boxes.tables import boxes
from glovebox.errors import Forbidden, NotFound
from glovebox.fleet.tables import agreements, organisations, sites, vehicles
from glovebox.people.tables import people
from glovebox.reservations import risk
from glovebox.reservations.schemas import Reservation
from glovebox.reservations.states import State
from glovebox.reservations.tables import reservations
from glovebox.scope import Scope

_end_sites = sites.alias("end_sites")
RESERVATIONS: Final = (
    select(
        reservations,
        vehicles.c.registration,
        vehicles.c.make,
        vehicles.c.model,
        func.coalesce(reservations.c.start_site_id, vehicles.c.site_id).label("site_id"),
        vehicles.c.organisation_id.label("vehicle_organisation_id"),
        vehicles.c.pool_id.label("vehicle_pool_id"),
        sites.c.name.label("site_name"),
        _end_sites.c.name.label("end_site_name"),
        organisations.c.name.label("organisation_name"),
        people.c.given_name,
        people.c.family_name,
        risk.is_offer().label("is_offer"),
        boxes.c.id.label("box_id"),
        boxes.c.held_version,
        boxes.c.heard_at,
    )
    .join(vehicles, vehicles.c.id == reservations.c.vehicle_id)
    .join(sites, sites.c.id == func.coalesce(reservations.c.start_site_id, vehicles.c.site_id))
    .join(_end_sites, _end_sites.c.id == reservations.c.end_site_id, isouter=True)
    .join(organisations, organisations.c.id == reservations.c.organisation_id)
    .join(people, people.c.id == reservations.c.person_id, isouter=True)
    .join(boxes, boxes.c.vehicle_id == reservations.c.vehicle_id, isouter=True)
)


def visible(scope: Scope) -> ColumnElement[bool]:
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


def may_change(scope: Scope, row: Any) -> bool:
    """The same of one row, and the person's own."""
    is_mine = scope.person_id is not None and row.person_id == scope.person_id
    manages_car = scope.may_manage_car(row.vehicle_organisation_id, row.vehicle_pool_id)
    return is_mine or manages_car or scope.may_manage(row.organisation_id)


def show(scope: Scope, row: Any) -> Reservation:
    """A row of `RESERVATIONS` as this scope may know it."""
    may_approve = scope.may_approve(row.vehicle_organisation_id, row.vehicle_pool_id)
    shows_person = may_change(scope, row) or (may_approve and row.state == State.PENDING)
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
        end_site_name=row.end_site_name or "",
        is_offer=bool(row.is_offer),
        is_at_risk=bool(row.is_at_risk),
        created_at=row.created_at,
        changed_at=row.changed_at,
        car_knows=bool(known and held is not None and held >= known),
        car_heard_at=row.heard_at,
        car_has_box=row.box_id is not None,
        approval_due_at=row.approval_due_at if row.state == State.PENDING else None,
        decision_reason=row.decision_reason if shows_person else "",
        series_id=row.series_id if shows_person else None,
        late_minutes=row.late_minutes,
        late_said_at=row.late_said_at,
        late_said_by=row.late_said_by if shows_person else None,
    )


def get_reservation(tx: Connection, scope: Scope, reservation_id: int) -> Reservation:
    """One reservation. Raises NotFound."""
    row = tx.execute(RESERVATIONS.where(visible(scope), reservations.c.id == reservation_id)).first()
    if row is None:
        raise NotFound()
    return show(scope, row)


def lock_own(tx: Connection, scope: Scope, reservation_id: int) -> Any:
    """The row, locked, if this scope may change it. Raises NotFound, Forbidden."""
    row = lock(tx, scope, reservation_id)
    if not may_change(scope, row):
        raise Forbidden()
    return row


def lock(tx: Connection, scope: Scope, reservation_id: int) -> Any:
    """The row, locked, if this scope may see it. Raises NotFound."""
    query = (
        select(
            reservations,
            vehicles.c.organisation_id.label("vehicle_organisation_id"),
            vehicles.c.pool_id.label("vehicle_pool_id"),
        )
        .join(vehicles, vehicles.c.id == reservations.c.vehicle_id)
        .where(reservations.c.id == reservation_id, visible(scope))
        .with_for_update(of=reservations)
    )
    row = tx.execute(query).first()
    if row is None:
        raise NotFound()
    return row
