"""What keeps a car from being there for a reservation, asked of the tables: a block over its time.

Below the services, so that booking, availability and blocks share it.
"""

from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, or_, select, update

from glovebox.blocks.tables import blocks
from glovebox.reservations.states import State
from glovebox.reservations.tables import reservations

AHEAD: Final = (State.PENDING, State.CONFIRMED)
"""States in which a reservation still waits for its car."""


def blocked_until(tx: Connection, vehicle_id: int, starts_at: int, ends_at: int) -> tuple[bool, int | None]:
    """Whether a block of the car touches [starts_at, ends_at), and until when it cannot be had then (None:
    nobody knows)."""
    ends = tx.execute(_touching(starts_at, ends_at).where(blocks.c.vehicle_id == vehicle_id)).scalars().all()
    known = [end for end in ends if end is not None]
    return bool(ends), max(known) if len(known) == len(ends) and known else None


def blocked_vehicles(tx: Connection, starts_at: int, ends_at: int) -> set[int]:
    """Cars with a block that touches [starts_at, ends_at)."""
    query = _touching(starts_at, ends_at).with_only_columns(blocks.c.vehicle_id).distinct()
    return set(tx.execute(query).scalars())


def list_blocked(tx: Connection, vehicle_id: int, after: int) -> list[tuple[int, int | None]]:
    """Intervals after `after` in which the car is blocked, by start."""
    query = select(blocks.c.starts_at, blocks.c.ends_at).where(
        blocks.c.vehicle_id == vehicle_id, or_(blocks.c.ends_at.is_(None), blocks.c.ends_at > after)
    )
    return [(row.starts_at, row.ends_at) for row in tx.execute(query.order_by(blocks.c.starts_at))]


def is_under_block() -> ColumnElement[bool]:
    """SQL condition on `reservations`: a block of its car touches it."""
    return exists().where(touches())


def touches() -> ColumnElement[bool]:
    """SQL condition that joins `reservations` to the blocks that touch them."""
    return and_(
        blocks.c.vehicle_id == reservations.c.vehicle_id,
        blocks.c.starts_at < reservations.c.ends_at,
        or_(blocks.c.ends_at.is_(None), blocks.c.ends_at > reservations.c.starts_at),
    )


def mark_vehicle(tx: Connection, now: int, vehicle_id: int) -> None:
    """Renews `is_at_risk` of the car's reservations ahead, after its blocks changed."""
    ahead = and_(
        reservations.c.vehicle_id == vehicle_id,
        reservations.c.ends_at > now,
        reservations.c.state.in_(AHEAD),
    )
    blocked = is_under_block()
    for is_at_risk, condition in ((1, blocked), (0, ~blocked)):
        stale = and_(ahead, condition, reservations.c.is_at_risk != is_at_risk)
        tx.execute(update(reservations).where(stale).values(is_at_risk=is_at_risk))


def _touching(starts_at: int, ends_at: int) -> Select[Any]:
    return select(blocks.c.ends_at).where(
        blocks.c.starts_at < ends_at, or_(blocks.c.ends_at.is_(None), blocks.c.ends_at > starts_at)
    )
