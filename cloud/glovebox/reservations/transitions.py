"""Moving a reservation on by the table of states."""

from typing import Any

from sqlalchemy import Connection, update

from glovebox.errors import Conflict
from glovebox.reservations import authorisations, risk
from glovebox.reservations.states import next_state
from glovebox.reservations.tables import reservations


def try_move(tx: Connection, now: int, row: Any, event: str, **values: Any) -> bool:
    """Moves the row on, with further `values`; False where the table has no such change, or it was another
    state's by now."""
    state = next_state(row.state, event)
    if state is None:
        return False
    one = (reservations.c.id == row.id) & (reservations.c.state == row.state)
    changed = update(reservations).where(one).values(state=state.value, changed_at=now, **values)
    if tx.execute(changed).rowcount != 1:
        return False
    risk.note_freed(tx, now, row.vehicle_id)
    authorisations.refresh(tx, now, row.vehicle_id)
    return True


def move_on(tx: Connection, now: int, row: Any, event: str, **values: Any) -> None:
    """As `try_move`. Raises Conflict where it cannot be."""
    if not try_move(tx, now, row, event, **values):
        raise Conflict("state_forbids", state=row.state)
