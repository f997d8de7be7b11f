"""Reservations that the clock moves on: pending ones that nobody answered, no-shows, those that ended without
word from the car.

A no-show is released only if the box was heard after `starts_at + no_show_s` and reported no session, not
even of somebody who is late: then the car was not there to be taken. Silence is an incident.
"""

from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, select

from glovebox.boxes.tables import boxes
from glovebox.clock import MINUTE_S, from_device_s
from glovebox.fleet import service as fleet
from glovebox.incidents.service import open_incident
from glovebox.link.codes import STATE
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
# Of a short reservation a box that was heard in its last quarter of an hour has told what there was to tell:
# even a dozing one speaks so often.
HEARD_BEFORE_END_S: Final = 15 * MINUTE_S
_NO_SESSION: Final = (STATE.index("parked"), STATE.index("asking"))


def lapse_pending(tx: Connection, now: int) -> int:
    """Pending reservations that nobody answered in time; returns how many moved on."""
    moved = 0
    for row in tx.execute(_UNANSWERED, {"now": now}).all():
        if try_move(tx, now, row, "lapse"):
            moved += 1
            asking.tell_answer(tx, now, "approval_lapsed", get_reservation(tx, SYSTEM, row.id))
    return moved


def release_no_shows(tx: Connection, now: int) -> int:
    """No-shows, by what the car's box has said since; returns how many moved on."""
    # All are looked at: cars in somebody's hands stay due for hours, and must not keep the others from it.
    gone = [row.id for row in tx.execute(_NOT_BEGUN, {"by": now - NO_SHOW_S}) if _is_no_show(row)][:AT_ONCE]
    if not gone:
        return 0
    claimed = _claim(select(reservations).where(reservations.c.id.in_(gone)))
    return sum(try_move(tx, now, row, "release") for row in tx.execute(claimed).all())


def _is_no_show(row: Any) -> bool:
    said = parse_state(row.said)
    is_recent = said.trust > 0 and from_device_s(said.at_s) > row.starts_at + NO_SHOW_S
    return is_recent and said.state in _NO_SESSION


def lapse_silent(tx: Connection, now: int) -> int:
    """Reservations that ended without having begun; returns how many moved on."""
    moved = 0
    for row in tx.execute(_SILENT, {"now": now}).all():
        if not try_move(tx, now, row, "lapse"):
            continue
        moved += 1
        box = tx.execute(select(boxes.c.heard_at).where(boxes.c.vehicle_id == row.vehicle_id)).first()
        if box is not None:
            due_at = min(row.starts_at + NO_SHOW_S, row.ends_at - HEARD_BEFORE_END_S)
            if box.heard_at is None or box.heard_at <= due_at:
                facts = {"reservation_id": row.id, "person_id": row.person_id}
                open_incident(tx, now, "silent_reservation", row.vehicle_id, **facts)
        elif row.end_site_id is not None:  # no journal will ever tell: the promise is all there is
            fleet.move_vehicle(tx, row.vehicle_id, row.end_site_id)
    return moved


def _claim(due: Any) -> Any:
    """The rows, locked where several processes serve. By their ends, which the index of states has: by
    their starts SQLite would read all of the past, each second."""
    limited = due.order_by(reservations.c.ends_at).limit(AT_ONCE)
    return limited.with_for_update(of=reservations, skip_locked=True)


# Made once: they are asked every second.
_UNANSWERED: Final = _claim(
    select(reservations).where(
        reservations.c.state == State.PENDING,
        func.coalesce(reservations.c.approval_due_at, reservations.c.starts_at) <= bindparam("now"),
        ~risk.is_offer(),
    )
)
_NOT_BEGUN: Final = (
    select(reservations.c.id, reservations.c.starts_at, boxes.c.state.label("said"))
    .join(boxes, boxes.c.vehicle_id == reservations.c.vehicle_id)
    .where(
        reservations.c.state == State.CONFIRMED,
        reservations.c.starts_at <= bindparam("by"),
        boxes.c.heard_at > reservations.c.starts_at + NO_SHOW_S,
        boxes.c.state.is_not(None),
    )
)
_SILENT: Final = _claim(
    select(reservations).where(
        reservations.c.state == State.CONFIRMED, reservations.c.ends_at <= bindparam("now")
    )
)
