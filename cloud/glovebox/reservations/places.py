"""Where a car is at a time: where the last promise before it will have left it, else where it stands now.

A promise that is brought back to where it starts moves nothing. One whose own car will not be where it
starts (an open answer to `broken_chain`) moves nothing either: what follows it counts on it in vain.
"""

from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, bindparam, exists, func, or_, select

from glovebox.fleet.tables import vehicles
from glovebox.reservations.states import GUARDED
from glovebox.reservations.tables import rehousings, reservations

BROKEN: Final = "broken_chain"


def place_at(vehicle: Any, site: Any, at: Any, but: Any = 0) -> ColumnElement[Any]:
    """SQL: the site where the car `vehicle`, now at `site`, is at `at`, reservation `but` left aside."""
    one = reservations.alias("earlier")
    earlier = (
        select(one.c.end_site_id)
        .where(
            one.c.vehicle_id == vehicle,
            one.c.end_site_id.is_not(None),
            one.c.state.in_(GUARDED),
            one.c.starts_at < at,
            one.c.id != but,
            ~_is_lost(one),
        )
        .order_by(one.c.starts_at.desc())
        .limit(1)
    )
    return func.coalesce(earlier.scalar_subquery(), site)


def _is_lost(one: Any) -> ColumnElement[bool]:
    return exists().where(
        rehousings.c.reservation_id == one.c.id,
        rehousings.c.cause == BROKEN,
        rehousings.c.closed_at.is_(None),
    )


# Made once: a booking asks it, and to build it takes longer than the database needs.
_PLACE: Final = select(place_at(vehicles.c.id, vehicles.c.site_id, bindparam("at"), bindparam("but"))).where(
    vehicles.c.id == bindparam("vehicle_id")
)


def read_places(tx: Connection, at: int) -> dict[int, int]:
    """vehicle -> site of all cars that a promise before `at` moves. The others are where they stand."""
    moved = select(reservations.c.vehicle_id).where(
        reservations.c.end_site_id.is_not(None),
        reservations.c.state.in_(GUARDED),
        reservations.c.starts_at < at,
    )
    query = select(vehicles.c.id, place_at(vehicles.c.id, vehicles.c.site_id, at)).where(
        vehicles.c.id.in_(moved)
    )
    return {row[0]: row[1] for row in tx.execute(query)}


def read_place(tx: Connection, vehicle_id: int, at: int, but: int = 0) -> int:
    """The site where one car is at `at`, reservation `but` left aside."""
    return int(tx.execute(_PLACE, {"vehicle_id": vehicle_id, "at": at, "but": but}).scalar_one())


def list_moves(tx: Connection, vehicle_id: int, before: int) -> list[tuple[int, int]]:
    """(start, site) of the promises that leave a car elsewhere, by start: what `place_at` looks through."""
    one = reservations
    moves = select(one.c.starts_at, one.c.end_site_id).where(
        one.c.vehicle_id == vehicle_id,
        one.c.end_site_id.is_not(None),
        one.c.state.in_(GUARDED),
        one.c.starts_at < before,
        ~_is_lost(one),
    )
    return [(row[0], row[1]) for row in tx.execute(moves.order_by(one.c.starts_at))]


class Next(NamedTuple):
    """The first later promise of a car that says where it starts."""

    starts_at: int
    site_id: int


def next_start(tx: Connection, vehicle_id: int, after: int, but: int = 0) -> Next | None:
    """Who counts on finding the car somewhere after `after`; None where nobody does."""
    query = (
        select(reservations.c.starts_at, reservations.c.start_site_id)
        .where(
            reservations.c.vehicle_id == vehicle_id,
            reservations.c.start_site_id.is_not(None),
            reservations.c.state.in_(GUARDED),
            reservations.c.starts_at >= after,
            reservations.c.ends_at > after,
            reservations.c.id != but,
        )
        .order_by(reservations.c.starts_at)
    )
    row = tx.execute(query.limit(1)).first()
    return None if row is None else Next(row.starts_at, row.start_site_id)


def read_next_starts(tx: Connection, after: int) -> dict[int, Next]:
    """`next_start` of all cars whose next promise after `after` says where it starts."""
    query = (
        select(reservations.c.vehicle_id, reservations.c.starts_at, reservations.c.start_site_id)
        .where(
            reservations.c.start_site_id.is_not(None),
            reservations.c.state.in_(GUARDED),
            reservations.c.ends_at > after,
            reservations.c.starts_at >= after,
        )
        .order_by(reservations.c.starts_at.desc())
    )
    return {row.vehicle_id: Next(row.starts_at, row.start_site_id) for row in tx.execute(query)}


def is_broken() -> ColumnElement[bool]:
    """SQL condition on `reservations` joined to `vehicles`: the car will not be where the promise starts."""
    place = place_at(reservations.c.vehicle_id, vehicles.c.site_id, reservations.c.starts_at)
    moving = reservations.alias("moving")
    moved = select(moving.c.vehicle_id).where(moving.c.end_site_id.is_not(None), moving.c.state.in_(GUARDED))
    # The first condition spares the others nearly all rows.
    may_be = or_(reservations.c.start_site_id != vehicles.c.site_id, reservations.c.vehicle_id.in_(moved))
    return and_(reservations.c.start_site_id.is_not(None), may_be, reservations.c.start_site_id != place)
