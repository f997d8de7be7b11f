"""Taking back what one has just done to a reservation: booked, changed or cancelled it.

The newest act on a reservation is kept for `UNDO_S` with how things stood before. What has happened since
(another's change, the car itself) is never undone with it.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.exc import DBAPIError

from glovebox.clock import DAY_S
from glovebox.errors import Conflict, Forbidden
from glovebox.messages.service import UNDO_S
from glovebox.reservations import chains, risk
from glovebox.reservations.states import GUARDED, State, next_state
from glovebox.reservations.tables import reservations, undos
from glovebox.reservations.transitions import lift_out, lock_vehicles, refresh_vehicles
from glovebox.scope import Scope
from glovebox.store import guard
from glovebox.store.plain import Plain

# An act already undone is known this long, so that a form sent twice is no error.
KEPT_S: Final = DAY_S
RESTORED: Final = (
    "vehicle_id",
    "starts_at",
    "ends_at",
    "state",
    "purpose",
    "approval_due_at",
    "start_site_id",
    "end_site_id",
    "is_exception",
)


_FORGET: Final = Plain("DELETE FROM undos WHERE reservation_id = ?")
_FORGET_OLD: Final = Plain("DELETE FROM undos WHERE made_at < ?")
_REMEMBER: Final = Plain(
    "INSERT INTO undos (reservation_id, made_by, made_at, state, was, vehicle_id, is_undone)"
    " SELECT id, ?, ?, state, ?, ?, 0 FROM reservations WHERE id = ?"
)


def remember(
    tx: Connection,
    now: int,
    scope: Scope,
    reservation_id: int,
    was: Any | None,
    *,
    together: Sequence[int] = (),
) -> None:
    """Keeps an act just done, with the row as it was (None: it has just been booked). What the server itself
    does is nobody's to undo. `together`: all reservations that it changed, undone with one another."""
    _FORGET.run(tx, (reservation_id,))
    if scope.person_id is None:
        return
    _FORGET_OLD.run(tx, (now - KEPT_S,))
    before = "" if was is None else json.dumps(_keep(was, together), ensure_ascii=False)
    vehicle_id = None if was is None else was.vehicle_id
    _REMEMBER.run(tx, (scope.person_id, now, before, vehicle_id, reservation_id))


def may_undo(tx: Connection, now: int, scope: Scope, reservation_id: int) -> bool:
    """True while this person could take back the last act on it."""
    return may_undo_all(tx, now, scope, [reservation_id])


def may_undo_all(tx: Connection, now: int, scope: Scope, numbers: Sequence[int]) -> bool:
    """The same of several at once: of all of them, and there are some."""
    acts = _find(tx, scope, numbers)
    if not numbers or len(acts) < len(numbers):
        return False
    if any(act.is_undone or now >= act.made_at + UNDO_S for act in acts.values()):
        return False
    stand = tx.execute(select(reservations).where(reservations.c.id.in_(numbers))).all()
    return all(_is_untouched(acts[one.id], one) for one in stand)


def find_booked(
    tx: Connection, now: int, scope: Scope, vehicle_id: int, person_id: int, starts_at: int, ends_at: int
) -> int | None:
    """The very booking that this person has just made, None where there is none: a button pressed twice sends
    its form twice, and the second must not tell that somebody else was faster."""
    just_made = (undos.c.was == "") & (undos.c.is_undone == 0) & (undos.c.made_at > now - UNDO_S)
    query = (
        select(reservations.c.id)
        .join(undos, undos.c.reservation_id == reservations.c.id)
        .where(just_made, scope.mine(undos.c.made_by), reservations.c.state.in_(GUARDED))
        .where(reservations.c.vehicle_id == vehicle_id, reservations.c.person_id == person_id)
        .where(reservations.c.starts_at == starts_at, reservations.c.ends_at == ends_at)
    )
    return tx.execute(query).scalar()


def is_just_done(tx: Connection, now: int, scope: Scope, together: Sequence[int]) -> bool:
    """True where the last act on all of these was one of this person's on just them, and can still be undone:
    the same form, sent twice."""
    wanted = sorted(together)
    found = _find(tx, scope, wanted)
    acts = [found.get(number) for number in wanted]
    return all(
        act is not None
        and not act.is_undone
        and now < act.made_at + UNDO_S
        and json.loads(act.was or "{}").get("together") == wanted
        for act in acts
    )


def undo(
    tx: Connection, now: int, scope: Scope, reservation_id: int, *, also: Sequence[int] = ()
) -> tuple[int, list[int]]:
    """Puts the reservation, and those that the act changed with it (a swap's other, and `also`), back as
    they were before this person's last act; returns when that was and which. Done twice it is done once
    (then none of them). Raises Forbidden where the act was another's, Conflict `undo_over`, `undo_changed`
    (something happened to it since), `undo_taken` (the car is promised to another by now)."""
    row = _find(tx, scope, [reservation_id]).get(reservation_id)
    if row is None:
        raise Forbidden()
    together = [*json.loads(row.was or "{}").get("together", ()), *also]
    numbers = {reservation_id, *together}
    kept = _find(tx, scope, sorted(numbers))
    locked = select(reservations).where(reservations.c.id.in_(numbers)).order_by(reservations.c.id)
    stand = tx.execute(locked.with_for_update()).all()
    if row.is_undone:
        return row.made_at, []
    if now >= row.made_at + UNDO_S:
        raise Conflict("undo_over", seconds=UNDO_S)
    before = {}
    for one in stand:
        act = kept.get(one.id)
        if act is None or act.made_at != row.made_at or not _is_untouched(act, one):
            raise Conflict("undo_changed")
        was = json.loads(act.was) if act.was else {"state": State.CANCELLED.value}
        was.pop("together", None)
        if was["state"] != one.state and not _may_become(one.state, was["state"]):
            raise Conflict("undo_changed")
        before[one.id] = was
    cars = lock_vehicles(
        tx,
        [car for one in stand for car in (one.vehicle_id, before[one.id].get("vehicle_id", one.vehicle_id))],
    )
    try:
        with tx.begin_nested():
            lift_out(tx, [one for one in stand if {one.state, before[one.id]["state"]} <= set(risk.AHEAD)])
            _put_back(tx, now, before)
            _check_chains(tx, before)
    except DBAPIError as error:
        if not guard.is_overlap(error):
            raise
        raise Conflict("undo_taken") from error
    tx.execute(update(undos).where(undos.c.reservation_id.in_(before)).values(is_undone=1))
    refresh_vehicles(tx, now, cars)
    return row.made_at, list(before)


def _put_back(tx: Connection, now: int, before: dict[int, dict[str, Any]]) -> None:
    """All rows as they were, in one statement for those of which the same is known."""
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for number, was in before.items():
        alike.setdefault(tuple(was), []).append(
            {"number": number, **{f"was_{name}": was[name] for name in was}}
        )
    for names, rows in alike.items():
        values: dict[str, Any] = {name: bindparam(f"was_{name}") for name in names}
        back = update(reservations).where(reservations.c.id == bindparam("number"))
        tx.execute(back.values(**values, changed_at=now, known_version=0), rows)


def _check_chains(tx: Connection, before: dict[int, dict[str, Any]]) -> None:
    """Raises Conflict where a promise that is back would begin where its car is not, or leave it where the
    next one does not begin."""
    if chains.is_any_broken(tx, list(before)):
        raise Conflict("undo_taken")


def _keep(was: Any, together: Sequence[int]) -> dict[str, Any]:
    values = {name: getattr(was, name) for name in RESTORED}
    return values | {"together": sorted(together)} if together else values


def _find(tx: Connection, scope: Scope, numbers: Sequence[int]) -> dict[int, Any]:
    """The person's own acts, by reservation; none where the last one was another's or long ago."""
    mine = undos.c.reservation_id.in_(numbers) & scope.mine(undos.c.made_by)
    return {row.reservation_id: row for row in tx.execute(select(undos).where(mine))}


def _is_untouched(row: Any, one: Any) -> bool:
    return bool(one.changed_at == row.made_at and one.state == row.state)


def _may_become(state: str, wanted: str) -> bool:
    """Whether the table of states has this way back."""
    return wanted in [next_state(state, event) for event in ("cancel", "restore", "restore_pending")]
