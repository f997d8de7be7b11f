"""Moving a reservation on by the table of states, or several at once to other cars."""

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Connection, bindparam, select, update

from glovebox.errors import Conflict
from glovebox.fleet.tables import vehicles
from glovebox.reservations import authorisations, risk
from glovebox.reservations.states import GUARDED, State, next_state
from glovebox.reservations.tables import reservations


def try_move(tx: Connection, now: int, row: Any, event: str, *, is_part: bool = False, **values: Any) -> bool:
    """Moves the row on, with further `values`; False where the table has no such change, or it was another
    state's by now. `is_part`: its caller refreshes the car (`refresh_vehicles`)."""
    state = next_state(row.state, event)
    if state is None:
        return False
    if state not in GUARDED:
        lock_vehicles(tx, [row.vehicle_id])
    one = (reservations.c.id == row.id) & (reservations.c.state == row.state)
    changed = update(reservations).where(one).values(state=state.value, changed_at=now, **values)
    if tx.execute(changed).rowcount != 1:
        return False
    if not is_part:
        risk.note_freed(tx, now, row.vehicle_id)
        authorisations.refresh(tx, now, row.vehicle_id)
    return True


def move_on(tx: Connection, now: int, row: Any, event: str, *, is_part: bool = False, **values: Any) -> None:
    """As `try_move`. Raises Conflict where it cannot be."""
    if not try_move(tx, now, row, event, is_part=is_part, **values):
        raise Conflict("state_forbids", state=row.state)


# Made once: each change of a promise asks it.
_LOCK: Final = (
    select(vehicles.c.id)
    .where(vehicles.c.id.in_(bindparam("cars", expanding=True)))
    .order_by(vehicles.c.id)
    .with_for_update(key_share=True)
)


def lock_vehicles(tx: Connection, vehicle_ids: Iterable[int]) -> list[int]:
    """Locks these cars' rows, always in ascending order, so that no two wait for each other; returns the
    ids. Who frees a car locks it first, as who books it does: a booking then waits, and reads after it for
    whom the car is kept."""
    return list(tx.execute(_LOCK, {"cars": sorted(set(vehicle_ids))}).scalars())


def lift_out(tx: Connection, rows: Iterable[Any]) -> None:
    """Takes reservations out of their cars for this transaction, where the guard does not count them; each is
    then placed with one UPDATE of car and state. Raises Conflict where the table of states has no such
    change."""
    numbers: dict[str, list[int]] = {}
    for row in rows:
        if next_state(row.state, "rearrange") is None:
            raise Conflict("state_forbids", state=row.state)
        numbers.setdefault(row.state, []).append(row.id)
    for state, some in numbers.items():
        mine = reservations.c.id.in_(some) & (reservations.c.state == state)
        if tx.execute(update(reservations).where(mine).values(state=State.MOVING)).rowcount != len(some):
            raise Conflict("state_forbids", state=state)


def refresh_vehicles(tx: Connection, now: int, vehicle_ids: Iterable[int]) -> None:
    """After promises of these cars have changed: what is at risk, what was freed, what their boxes hold."""
    for vehicle_id in sorted(set(vehicle_ids)):
        risk.mark_vehicle(tx, now, vehicle_id)
        risk.note_freed(tx, now, vehicle_id)
        authorisations.refresh(tx, now, vehicle_id)
