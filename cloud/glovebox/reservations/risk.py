"""What keeps a car from being there for a reservation, asked of the tables.

Below the services, so that booking, availability and blocks share it.
"""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    Update,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
    update,
)

from glovebox.blocks.tables import blocks
from glovebox.boxes.tables import boxes
from glovebox.fleet.tables import agreements, vehicles
from glovebox.reservations.places import place_at
from glovebox.reservations.states import State
from glovebox.reservations.tables import freed_cars, rehousings, reservations
from glovebox.store.plain import Plain
from glovebox.waiting.tables import waits

AHEAD: Final = (State.PENDING, State.CONFIRMED)
"""States in which a reservation still waits for its car."""


def blocked_until(tx: Connection, vehicle_id: int, starts_at: int, ends_at: int) -> tuple[bool, int | None]:
    """Whether a block of the car touches [starts_at, ends_at), and until when it cannot be had then (None:
    nobody knows)."""
    asked = {"car": vehicle_id, "first": starts_at, "last": ends_at}
    ends = tx.execute(_BLOCK_ENDS, asked).scalars().all()
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


def touches() -> ColumnElement[bool]:
    """SQL condition that joins `reservations` to the blocks that touch them."""
    return and_(
        blocks.c.vehicle_id == reservations.c.vehicle_id,
        blocks.c.starts_at < reservations.c.ends_at,
        or_(blocks.c.ends_at.is_(None), blocks.c.ends_at > reservations.c.starts_at),
    )


def mark_vehicle(tx: Connection, now: int, vehicle_id: int) -> None:
    """Renews `is_at_risk` of the car's reservations ahead: under a block, or the server's answer to
    another cause is still open."""
    for statement in _MARKS:
        tx.execute(statement, {"car": vehicle_id, "now": now})


def note_freed(tx: Connection, now: int, vehicle_id: int) -> None:
    """The car was given back: once that cannot be undone any more the timed rule gives it to those at risk
    of its site, then to the waiting list. Writes nothing where nobody is at risk or waits."""
    if tx.execute(_ANY_WAITS).scalar():
        _FREE.run(tx, (vehicle_id, now))


_ANY_WAITS: Final = select(
    or_(exists().where(rehousings.c.closed_at.is_(None)), exists().where(waits.c.state == "waiting"))
)
# One statement: a sync of another process may free the same car at this moment.
_FREE: Final = Plain(
    "INSERT INTO freed_cars (vehicle_id, freed_at) VALUES (?, ?)"
    " ON CONFLICT (vehicle_id) DO UPDATE SET freed_at = excluded.freed_at"
)


# Nearly always there is none, and then nothing more is asked.
_ANY_FREED: Final = select(freed_cars.c.vehicle_id).limit(1)


def needs_car() -> ColumnElement[bool]:
    """SQL condition that joins `rehousings` to `reservations`: its car will not be there, and another one
    would help."""
    return and_(
        rehousings.c.reservation_id == reservations.c.id,
        rehousings.c.closed_at.is_(None),
        rehousings.c.outcome.in_(("offered", "told")),
        rehousings.c.cause != "expired_licence",
        reservations.c.state.in_(AHEAD),
    )


def held_back(
    tx: Connection, starts_at: int, ends_at: int, person_id: int | None, vehicle_id: int | None = None
) -> set[int]:
    """Cars (or this one) just given back, for which somebody else is at risk or waits at that time: they come
    before all others."""
    if tx.execute(_ANY_FREED).first() is None:
        return set()
    who = 0 if person_id is None else person_id
    of_those = vehicles.c.id == freed_cars.c.vehicle_id
    lost = vehicles.alias("lost")
    at_risk = (
        select(freed_cars.c.vehicle_id)
        .select_from(freed_cars.join(vehicles, of_those), rehousings)
        .join(reservations, needs_car())
        .join(lost, lost.c.id == reservations.c.vehicle_id)
        .where(
            reservations.c.starts_at < ends_at,
            reservations.c.ends_at > starts_at,
            reservations.c.person_id != who,
            lost.c.id != vehicles.c.id,
            lost.c.seats <= vehicles.c.seats,
            func.coalesce(reservations.c.start_site_id, lost.c.site_id)
            == place_at(vehicles.c.id, vehicles.c.site_id, reservations.c.starts_at),
        )
    )
    on_the_list = (
        select(freed_cars.c.vehicle_id)
        .join(vehicles, of_those)
        .join(waits, waits.c.site_id == place_at(vehicles.c.id, vehicles.c.site_id, waits.c.starts_at))
        .where(
            waits.c.state == "waiting",
            waits.c.starts_at < ends_at,
            waits.c.ends_at > starts_at,
            waits.c.seats <= vehicles.c.seats,
            waits.c.energy.in_(("", vehicles.c.energy)),
            waits.c.person_id != who,
        )
    )
    if vehicle_id is not None:
        at_risk, on_the_list = (
            query.where(freed_cars.c.vehicle_id == vehicle_id) for query in (at_risk, on_the_list)
        )
    return {number for query in (at_risk, on_the_list) for number in tx.execute(query.distinct()).scalars()}


def is_offer() -> ColumnElement[bool]:
    """SQL condition: the reservation holds a car for somebody of the waiting list, who has yet to take it."""
    return exists().where(waits.c.reservation_id == reservations.c.id, waits.c.state == "offered")


def overdue_vehicles(tx: Connection, now: int) -> set[int]:
    """Cars that somebody still has who should be back."""
    late = (reservations.c.state == State.IN_USE) & (reservations.c.ends_at <= now)
    return set(tx.execute(select(reservations.c.vehicle_id).where(late)).scalars())


def drivable(tx: Connection, organisation_id: int, starts_at: int, ends_at: int) -> set[int]:
    """Cars that are the organisation's own, or that an agreement opens to it for all of [starts_at,
    ends_at)."""
    pools = select(agreements.c.pool_id).where(
        agreements.c.organisation_id == organisation_id,
        agreements.c.starts_at <= starts_at,
        agreements.c.ends_at >= ends_at,
    )
    own = vehicles.c.organisation_id == organisation_id
    return set(tx.execute(select(vehicles.c.id).where(or_(own, vehicles.c.pool_id.in_(pools)))).scalars())


def has_box(tx: Connection, vehicle_id: int) -> bool:
    """Whether a badge opens the car."""
    return tx.execute(select(boxes.c.id).where(boxes.c.vehicle_id == vehicle_id)).first() is not None


def _lasting(now: Any) -> ColumnElement[bool]:
    return or_(blocks.c.ends_at.is_(None), blocks.c.ends_at > now)


def _has_open_answer() -> ColumnElement[bool]:
    return exists().where(rehousings.c.reservation_id == reservations.c.id, rehousings.c.closed_at.is_(None))


def _touching(starts_at: Any, ends_at: Any) -> Select[Any]:
    return select(blocks.c.ends_at).where(
        blocks.c.starts_at < ends_at, or_(blocks.c.ends_at.is_(None), blocks.c.ends_at > starts_at)
    )


def _marks() -> list[Update]:
    now = bindparam("now", type_=BigInteger())
    ahead = and_(
        reservations.c.vehicle_id == bindparam("car"),
        reservations.c.ends_at > now,
        reservations.c.state.in_(AHEAD),
    )
    blocked = or_(exists().where(touches(), _lasting(now)), _has_open_answer())
    return [
        update(reservations)
        .where(ahead, condition, reservations.c.is_at_risk != is_at_risk)
        .values(is_at_risk=is_at_risk)
        for is_at_risk, condition in ((1, blocked), (0, ~blocked))
    ]


# Made once: each change of a promise asks them.
_MARKS: Final = _marks()
_BLOCK_ENDS: Final = _touching(bindparam("first"), bindparam("last")).where(
    blocks.c.vehicle_id == bindparam("car")
)
