"""An approver's answer to a reservation that waits for it."""

from typing import Any

from sqlalchemy import Connection, select

from glovebox.errors import Conflict, Forbidden, Invalid
from glovebox.fleet.tables import vehicles
from glovebox.reservations import asking, risk
from glovebox.reservations.ownership import RESERVATIONS, lock, show
from glovebox.reservations.schemas import Reservation
from glovebox.reservations.service import get_reservation
from glovebox.reservations.states import State
from glovebox.reservations.tables import reservations
from glovebox.reservations.transitions import move_on
from glovebox.scope import SYSTEM, Scope
from glovebox.store.values import one_line


def list_waiting(tx: Connection, scope: Scope, limit: int = 200) -> list[Reservation]:
    """Reservations that wait for this scope's answer, the most urgent first."""
    mine = scope.approvable(vehicles.c.organisation_id, vehicles.c.pool_id)
    query = RESERVATIONS.where(mine, reservations.c.state == State.PENDING, ~risk.is_offer())
    rows = tx.execute(query.order_by(reservations.c.approval_due_at, reservations.c.id).limit(limit))
    return [show(scope, row) for row in rows]


def approve(tx: Connection, now: int, scope: Scope, reservation_id: int) -> None:
    """Confirms a pending reservation. Raises NotFound, Forbidden, Conflict where it no longer waits."""
    row = _waiting(tx, scope, reservation_id)
    move_on(tx, now, row, "approve", decided_by=scope.person_id)
    asking.tell_answer(tx, now, "approval_given", get_reservation(tx, SYSTEM, reservation_id))


def refuse(tx: Connection, now: int, scope: Scope, reservation_id: int, reason: str) -> None:
    """Refuses a pending reservation: the car is free again, the reason stays with it. Raises as `approve`;
    Invalid without a reason."""
    row = _waiting(tx, scope, reservation_id)
    if not one_line(reason):
        raise Invalid("refusal_reason_missing")
    reason = one_line(reason)
    move_on(tx, now, row, "cancel", decided_by=scope.person_id, decision_reason=reason)
    refused = get_reservation(tx, SYSTEM, reservation_id)
    asking.tell_answer(tx, now, "approval_refused", refused, reason=reason)


def _waiting(tx: Connection, scope: Scope, reservation_id: int) -> Any:
    """The row, locked, if it waits and this scope may decide on it."""
    row = lock(tx, scope, reservation_id)
    if not scope.may_approve(row.vehicle_organisation_id, row.vehicle_pool_id):
        raise Forbidden("not_approver")
    is_offer = tx.execute(select(reservations.c.id).where(reservations.c.id == row.id, risk.is_offer()))
    if row.state != State.PENDING or is_offer.first() is not None:
        raise Conflict("not_waiting")
    return row
