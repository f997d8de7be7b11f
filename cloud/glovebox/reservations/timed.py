"""Reservations that the clock moves on: pending ones that nobody answered, no-shows, those that ended without
word from the car.

A no-show is released only if the box was heard after `starts_at + no_show_s` and reported no session for
it. Silence is an incident.
"""

from typing import Any, Final

from sqlalchemy import Connection, func, select, update

from glovebox.boxes.tables import boxes
from glovebox.clock import from_device_s
from glovebox.incidents.service import open_incident
from glovebox.link.settings import NO_SHOW_S
from glovebox.link.wire import parse_state
from glovebox.reservations import asking, authorisations, risk
from glovebox.reservations.service import get_reservation
from glovebox.reservations.states import State, next_state
from glovebox.reservations.tables import reservations
from glovebox.scope import SYSTEM

# Rows moved on in one transaction; the next look takes the rest.
AT_ONCE: Final = 100


def apply_due(tx: Connection, now: int) -> int:
    """Claims and applies what is due, in this one transaction; returns how many reservations moved on."""
    return _lapse_pending(tx, now) + _release_no_shows(tx, now) + _lapse_silent(tx, now)


def _lapse_pending(tx: Connection, now: int) -> int:
    due_at = func.coalesce(reservations.c.approval_due_at, reservations.c.starts_at)
    due = select(reservations).where(reservations.c.state == State.PENDING, due_at <= now)
    moved = 0
    for row in _claim(tx, due):
        if _move_on(tx, now, row, "lapse"):
            moved += 1
            asking.tell_answer(tx, now, "approval_lapsed", get_reservation(tx, SYSTEM, row.id))
    return moved


def _release_no_shows(tx: Connection, now: int) -> int:
    due = (
        select(reservations, boxes.c.state.label("said"))
        .join(boxes, boxes.c.vehicle_id == reservations.c.vehicle_id)
        .where(
            reservations.c.state == State.CONFIRMED,
            reservations.c.starts_at <= now - NO_SHOW_S,
            boxes.c.heard_at > reservations.c.starts_at + NO_SHOW_S,
            boxes.c.state.is_not(None),
        )
    )
    moved = 0
    for row in _claim(tx, due):
        said = parse_state(row.said)
        is_recent = said.trust > 0 and from_device_s(said.at_s) > row.starts_at + NO_SHOW_S
        if is_recent and said.authorisation_id != row.id:
            moved += _move_on(tx, now, row, "release")
    return moved


def _lapse_silent(tx: Connection, now: int) -> int:
    due = select(reservations).where(reservations.c.state == State.CONFIRMED, reservations.c.ends_at <= now)
    moved = 0
    for row in _claim(tx, due):
        if not _move_on(tx, now, row, "lapse"):
            continue
        moved += 1
        if tx.execute(select(boxes.c.id).where(boxes.c.vehicle_id == row.vehicle_id)).first() is not None:
            facts = {"reservation_id": row.id, "person_id": row.person_id}
            open_incident(tx, now, "silent_reservation", row.vehicle_id, **facts)
    return moved


def _claim(tx: Connection, due: Any) -> list[Any]:
    """The rows, locked where several processes serve."""
    limited = due.order_by(reservations.c.starts_at).limit(AT_ONCE)
    return list(tx.execute(limited.with_for_update(of=reservations, skip_locked=True)).all())


def _move_on(tx: Connection, now: int, row: Any, event: str) -> int:
    state = next_state(row.state, event)
    if state is None:
        return 0
    one = (reservations.c.id == row.id) & (reservations.c.state == row.state)
    changed = tx.execute(update(reservations).where(one).values(state=state.value, changed_at=now)).rowcount
    if changed:
        risk.note_freed(tx, now, row.vehicle_id)
        authorisations.refresh(tx, now, row.vehicle_id)
    return int(changed)
