"""Reservations that the clock moves on: pending ones that nobody answered, no-shows, those that ended without
word from the car.

A no-show is released only if the box was heard after `starts_at + no_show_s` and reported no session for
it. Silence is an incident.
"""

from typing import Any, Final

from sqlalchemy import Connection, func, select

from glovebox.boxes.tables import boxes
from glovebox.clock import from_device_s
from glovebox.fleet import service as fleet
from glovebox.incidents.service import open_incident
from glovebox.link.settings import NO_SHOW_S
from glovebox.link.wire import parse_state
from glovebox.reservations import asking, risk
from glovebox.reservations.service import get_reservation
from glovebox.reservations.states import State
from glovebox.reservations.tables import reservations
from glovebox.reservations.transitions import try_move
from glovebox.scope import SYSTEM

# Rows moved on in one transaction; the next look takes the rest.
AT_ONCE: Final = 100


def apply_due(tx: Connection, now: int) -> int:
    """Claims and applies what is due, in this one transaction; returns how many reservations moved on."""
    return _lapse_pending(tx, now) + _release_no_shows(tx, now) + _lapse_silent(tx, now)


def _lapse_pending(tx: Connection, now: int) -> int:
    due_at = func.coalesce(reservations.c.approval_due_at, reservations.c.starts_at)
    due = select(reservations).where(reservations.c.state == State.PENDING, due_at <= now, ~risk.is_offer())
    moved = 0
    for row in _claim(tx, due):
        if try_move(tx, now, row, "lapse"):
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
            moved += try_move(tx, now, row, "release")
    return moved


def _lapse_silent(tx: Connection, now: int) -> int:
    due = select(reservations).where(reservations.c.state == State.CONFIRMED, reservations.c.ends_at <= now)
    moved = 0
    for row in _claim(tx, due):
        if not try_move(tx, now, row, "lapse"):
            continue
        moved += 1
        if tx.execute(select(boxes.c.id).where(boxes.c.vehicle_id == row.vehicle_id)).first() is not None:
            facts = {"reservation_id": row.id, "person_id": row.person_id}
            open_incident(tx, now, "silent_reservation", row.vehicle_id, **facts)
        elif row.end_site_id is not None:  # no journal will ever tell: the promise is all there is
            fleet.move_vehicle(tx, row.vehicle_id, row.end_site_id)
    return moved


def _claim(tx: Connection, due: Any) -> list[Any]:
    """The rows, locked where several processes serve. By their ends, which the index of states has: by
    their starts SQLite would read all of the past, each second."""
    limited = due.order_by(reservations.c.ends_at).limit(AT_ONCE)
    return list(tx.execute(limited.with_for_update(of=reservations, skip_locked=True)).all())
