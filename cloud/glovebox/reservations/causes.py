"""What endangers a reservation, as questions to the tables: each cause tells (reservation, number of the
cause) for as long as it holds.

| cause | holds while | its number |
|---|---|---|
| `block` | a block touches it, older than the time to undo it | the block's |
| `late_car` | it starts soon and whoever has the car should be back | his reservation's |
| `silent_car` | it starts soon and its box, which may not know, is silent | when it was heard last |
| `ended_agreement` | no agreement opens the car to its body then | the car's |
| `broken_chain` | the car will not be where it starts: whoever should bring it there does not | where it is |
| `expired_licence` | the person's licence ends before it does: another car does not help | when it ends |
"""

from collections.abc import Callable
from typing import Any, Final, Literal, get_args

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, and_, bindparam, exists, or_, select

from glovebox.blocks.tables import blocks
from glovebox.boxes.tables import boxes
from glovebox.clock import DAY_S, HOUR_S, MINUTE_S
from glovebox.fleet.tables import agreements, vehicles
from glovebox.messages.service import UNDO_S
from glovebox.people.tables import people
from glovebox.reservations.places import BROKEN, is_broken, place_at
from glovebox.reservations.risk import AHEAD, touches
from glovebox.reservations.states import State
from glovebox.reservations.tables import rehousings, reservations, undos

Cause = Literal["block", "late_car", "silent_car", "broken_chain", "ended_agreement", "expired_licence"]
CAUSES: Final[tuple[Cause, ...]] = get_args(Cause)

LATE_GRACE_S: Final = 5 * MINUTE_S
LATE_NOTICE_S: Final = 30 * MINUTE_S
SILENT_S: Final = 6 * HOUR_S
# A box that knows the reservation needs no network; after a day without a sign of life it may be dead.
LOST_S: Final = DAY_S
SILENT_NOTICE_S: Final = 2 * HOUR_S
# Rows looked at in one transaction; the next look takes the rest.
AT_ONCE: Final = 50
# Kept from the index on starts, which holds all the past: the one on state and end holds what is ahead.
_SOON: Final = reservations.c.starts_at + 0
_NOW: Final = bindparam("now", type_=BigInteger())


def holds(tx: Connection, now: int, cause: Cause, reservation_id: int) -> bool:
    """Whether the cause, with whatever number, holds for this reservation."""
    return tx.execute(_HOLDS[cause], {"now": now, "reservation_id": reservation_id}).first() is not None


def find_new(tx: Connection, now: int, cause: Cause) -> list[tuple[int, int]]:
    """Those not answered yet, the soonest first, locked against other processes."""
    return [(row.id, row.cause_id) for row in tx.execute(_NEW[cause], {"now": now})]


def find_over(tx: Connection, now: int, cause: Cause) -> list[Any]:
    """Open answers whose cause holds no longer."""
    return list(tx.execute(_OVER[cause], {"now": now}).all())


def _holding(cause: Cause) -> Select[Any]:
    """(reservation_id, cause_id) of all reservations ahead for which the cause holds at `now`."""
    query, condition = _ASKED[cause]()
    return query.where(condition, reservations.c.state.in_(AHEAD), reservations.c.ends_at > _NOW)


def _new(cause: Cause) -> Select[Any]:
    found = _holding(cause).subquery()
    known = exists().where(
        rehousings.c.reservation_id == found.c.reservation_id,
        rehousings.c.cause == cause,
        rehousings.c.cause_id == found.c.cause_id,
    )
    return (
        select(reservations.c.id, found.c.cause_id)
        .join(found, found.c.reservation_id == reservations.c.id)
        .where(~known)
        .order_by(_SOON, reservations.c.id)
        .limit(AT_ONCE)
        .with_for_update(of=reservations, skip_locked=True)
    )


def _over(cause: Cause) -> Select[Any]:
    found = _holding(cause).subquery()
    still = exists().where(
        found.c.reservation_id == rehousings.c.reservation_id, found.c.cause_id == rehousings.c.cause_id
    )
    query = select(rehousings).where(rehousings.c.cause == cause, rehousings.c.closed_at.is_(None), ~still)
    return query.order_by(rehousings.c.id).limit(AT_ONCE).with_for_update(of=rehousings, skip_locked=True)


def _select(cause_id: Any) -> Select[Any]:
    return select(reservations.c.id.label("reservation_id"), cause_id.label("cause_id")).select_from(
        reservations
    )


_Question = tuple[Select[Any], ColumnElement[bool]]


def _block() -> _Question:
    alive = or_(blocks.c.ends_at.is_(None), blocks.c.ends_at > _NOW)
    return _select(blocks.c.id).join(blocks, touches()), and_(blocks.c.created_at <= _NOW - UNDO_S, alive)


def _late_car() -> _Question:
    before = reservations.alias("before")
    query = _select(before.c.id).join(before, before.c.vehicle_id == reservations.c.vehicle_id)
    return query, and_(
        before.c.state == State.IN_USE,
        before.c.ends_at <= reservations.c.starts_at,
        before.c.ends_at <= _NOW - LATE_GRACE_S,
        _NOW + LATE_NOTICE_S >= _SOON,
    )


def _silent_car() -> _Question:
    query = _select(boxes.c.heard_at).join(boxes, boxes.c.vehicle_id == reservations.c.vehicle_id)
    knows = and_(reservations.c.known_version > 0, boxes.c.held_version >= reservations.c.known_version)
    return query, and_(
        boxes.c.heard_at <= _NOW - SILENT_S,
        or_(~knows, boxes.c.heard_at <= _NOW - LOST_S),
        _NOW + SILENT_NOTICE_S >= _SOON,
    )


def _broken_chain() -> _Question:
    place = place_at(reservations.c.vehicle_id, vehicles.c.site_id, reservations.c.starts_at)
    query = _select(place).join(vehicles, vehicles.c.id == reservations.c.vehicle_id)
    may_be_undone = exists().where(
        undos.c.vehicle_id == reservations.c.vehicle_id,
        undos.c.made_at > _NOW - UNDO_S,
        undos.c.is_undone == 0,
    )
    is_answered = exists().where(
        rehousings.c.reservation_id == reservations.c.id,
        rehousings.c.cause == BROKEN,
        rehousings.c.closed_at.is_(None),
    )
    return query, and_(is_broken(), or_(is_answered, ~may_be_undone))


def _ended_agreement() -> _Question:
    query = _select(vehicles.c.id).join(vehicles, vehicles.c.id == reservations.c.vehicle_id)
    admits = exists().where(
        agreements.c.pool_id == vehicles.c.pool_id,
        agreements.c.organisation_id == reservations.c.organisation_id,
        agreements.c.starts_at <= reservations.c.starts_at,
        agreements.c.ends_at >= reservations.c.ends_at,
    )
    return query, and_(vehicles.c.organisation_id != reservations.c.organisation_id, ~admits)


def _expired_licence() -> _Question:
    query = _select(people.c.licence_until).join(people, people.c.id == reservations.c.person_id)
    return query, people.c.licence_until < reservations.c.ends_at


_ASKED: Final[dict[Cause, Callable[[], _Question]]] = {
    "block": _block,
    "late_car": _late_car,
    "silent_car": _silent_car,
    "broken_chain": _broken_chain,
    "ended_agreement": _ended_agreement,
    "expired_licence": _expired_licence,
}

# Made once: they are asked every second, and to build one takes ten times what the database needs for it.
_NEW: Final = {cause: _new(cause) for cause in CAUSES}
_OVER: Final = {cause: _over(cause) for cause in CAUSES}
_HOLDS: Final = {
    cause: _holding(cause).where(reservations.c.id == bindparam("reservation_id")).limit(1)
    for cause in CAUSES
}
