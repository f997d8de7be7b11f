"""Who is told of a reservation that waits for approval: approvers when it is asked, the person when it is
answered or lapses."""

from typing import Any, Final

from sqlalchemy import Connection, or_, select

from glovebox.accounts.tables import role_grants
from glovebox.fleet.tables import vehicles
from glovebox.messages import service as messages
from glovebox.people.tables import people
from glovebox.reservations.facts import facts_of
from glovebox.reservations.schemas import Reservation

# More approvers than this for one pool decide nothing faster.
TOLD_AT_MOST: Final = 20


def ask_approvers(tx: Connection, now: int, one: Reservation) -> None:
    """Tells those who may answer: the pool's or organisation's approvers, its managers where there is none.
    It waits as long as the booking can be taken back."""
    for role in ("approver", "manager"):
        found = _list_holders(tx, one.vehicle_id, role)
        for person_id in found:
            _put(tx, now, person_id, "approval_asked", one, wait_s=messages.UNDO_S, person=one.person_name)
        if found:
            return


def tell_answer(tx: Connection, now: int, kind: str, one: Reservation, **more: Any) -> None:
    """Tells the person: `approval_given`, `approval_refused` with its `reason`, `approval_lapsed`."""
    if one.person_id is not None:
        _put(tx, now, one.person_id, kind, one, **more)


def _list_holders(tx: Connection, vehicle_id: int, role: str) -> list[int]:
    query = (
        select(role_grants.c.person_id)
        .join(people, people.c.id == role_grants.c.person_id)
        .join(vehicles, vehicles.c.id == vehicle_id)
        .where(
            role_grants.c.role == role,
            people.c.is_active == 1,
            or_(
                role_grants.c.organisation_id == vehicles.c.organisation_id,
                role_grants.c.pool_id == vehicles.c.pool_id,
            ),
        )
        .distinct()
        .order_by(role_grants.c.person_id)
    )
    return list(tx.execute(query.limit(TOLD_AT_MOST)).scalars())


def _put(
    tx: Connection, now: int, person_id: int, kind: str, one: Reservation, *, wait_s: int = 0, **more: Any
) -> None:
    facts = facts_of(tx, one) | more
    key = f"{kind}-{one.id}-{person_id}-{now}"
    messages.put(tx, now, person_id, kind, key, facts, reservation_id=one.id, wait_s=wait_s)
