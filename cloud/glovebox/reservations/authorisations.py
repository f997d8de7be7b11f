"""What each car's box should hold: reservations of the next 90 days, and the rights of the car's pool; with a
version that rises.

Two logs make a set: the car's own, of its reservations, and its pool's (`glovebox.reservations.rights`),
which is written once however many cars it has. In both every row carries the version that last changed it,
and a removed one stays as a tombstone, so that an answer is a query from a box's version on. Versions of both
are one line of numbers: each change is above all that it could follow on, so one number says where a box
stands. Box-specific hashes are made when it is sent; here a badge is its row's id.
"""

from typing import Any, Final

from sqlalchemy import Connection, and_, bindparam, delete, func, insert, or_, select, update

from glovebox.clock import DAY_S, HOUR_S
from glovebox.fleet.tables import vehicles
from glovebox.people.tables import badges, people, standing_rights
from glovebox.reservations import rights
from glovebox.reservations.rows import RESERVATION, RIGHT_BIT, SERVICE, STANDING, TOMBSTONE_S, Row
from glovebox.reservations.states import State
from glovebox.reservations.tables import authorisation_versions, authorisations, pool_versions, reservations
from glovebox.store.news import tell
from glovebox.store.plain import Plain

__all__ = ["RESERVATION", "RIGHT_BIT", "SERVICE", "STANDING", "Row"]

RESERVATION_HORIZON_S: Final = 90 * DAY_S
# A reservation that has just ended stays, so that the box can say "too late" and not "unknown".
KEPT_AFTER_END_S: Final = HOUR_S
# Computed anew in one transaction of the timed rules.
STALE_AT_ONCE: Final = 50
# Badges times reservations of one car; 26 a month are usual.
ROOM: Final = 1_000


def refresh(tx: Connection, now: int, vehicle_id: int) -> int:
    """Computes one car's reservations again and tells its box; returns the version of its whole set, higher
    than before if anything changed.
    A car without a box has none (0): the set is made when a box is assigned."""
    if _HAS_BOX.run(tx, (vehicle_id,)).fetchone() is None:
        return 0
    return _refresh(tx, now, vehicle_id, 0, is_new_box=False)


def start_over(tx: Connection, now: int, vehicle_id: int, above_version: int) -> int:
    """Another box in the car: its set gets a version above any that this box ever held, and no delta leads
    there."""
    return _refresh(tx, now, vehicle_id, above_version, is_new_box=True)


def refresh_person(tx: Connection, now: int, person_id: int) -> None:
    """`refresh` for every car this person has reserved, and for the pools the person has a right to."""
    entitled = select(standing_rights.c.pool_id).distinct().where(standing_rights.c.person_id == person_id)
    for pool_id in tx.execute(entitled.order_by(standing_rights.c.pool_id)).scalars().all():
        rights.refresh_pool(tx, now, pool_id, person_id)
    booked = _booked_cars(person_id).where(reservations.c.ends_at > now - KEPT_AFTER_END_S)
    for vehicle_id in tx.execute(booked.order_by(reservations.c.vehicle_id)).scalars().all():
        refresh(tx, now, vehicle_id)


def mark_person(tx: Connection, person_id: int) -> None:
    """The same, by the timed rules a second later: where the person's own row has changed."""
    entitled = select(standing_rights.c.pool_id).where(standing_rights.c.person_id == person_id)
    marked = update(pool_versions).where(pool_versions.c.pool_id.in_(entitled))
    tx.execute(marked.values(refreshed_at=0))
    cars = authorisation_versions.c.vehicle_id.in_(_booked_cars(person_id))
    tx.execute(update(authorisation_versions).where(cars).values(refreshed_at=0))


def mark_vehicle(tx: Connection, vehicle_id: int) -> None:
    """`refresh` by the timed rules a second later: the car's home or its pool has changed."""
    mine = authorisation_versions.c.vehicle_id == vehicle_id
    tx.execute(update(authorisation_versions).where(mine).values(refreshed_at=0))


def refresh_stale(tx: Connection, now: int) -> None:
    """Pools and cars whose set was computed more than a day ago, for horizons have moved on, and those
    marked. Some of them at a time."""
    rights.refresh_stale(tx, now)
    for vehicle_id in sorted(tx.execute(_STALE, {"by": now - DAY_S}).scalars()):
        _drop_tombstones(tx, now, vehicle_id)
        if not refresh(tx, now, vehicle_id):
            _touch(tx, now, vehicle_id)  # its box has been taken out


def read_version(tx: Connection, vehicle_id: int) -> int:
    """The version of a car's set, 0 without one."""
    head = _HEAD.run(tx, (vehicle_id,)).fetchone()
    return 0 if head is None else max(head[0], head[2])


def read_set(tx: Connection, vehicle_id: int) -> list[tuple[Row, bytes]]:
    """The whole set, each with the badge's sealed UID; in no particular order."""
    head = _HEAD.run(tx, (vehicle_id,)).fetchone()
    if head is None:
        return []
    query = _ROWS.where(authorisations.c.vehicle_id == vehicle_id, authorisations.c.is_removed == 0)
    own = [(Row(*row[:7]), row.uid_sealed) for row in tx.execute(query)]
    pools = rights.read_all(tx, head[4], head[2])
    return own + [(row, sealed) for _, is_removed, row, sealed in pools if not is_removed]


def read_delta(tx: Connection, vehicle_id: int, base: int) -> list[tuple[bool, Row, bytes]] | None:
    """(is_removed, row, sealed UID) of everything changed after version `base`; None where tombstones that
    old are gone."""
    head = _HEAD.run(tx, (vehicle_id,)).fetchone()
    if head is None or base < max(head[1], head[3]):
        return None
    delta: list[tuple[bool, Row, bytes]] = []
    if head[0] > base:
        changed = _ROWS.where(authorisations.c.vehicle_id == vehicle_id, authorisations.c.version > base)
        delta += [(bool(row.is_removed), Row(*row[:7]), row.uid_sealed) for row in tx.execute(changed)]
    if head[2] > base:
        for version, is_removed, row, sealed in rights.read_all(tx, head[4], head[2]):
            if version <= base:
                break
            delta.append((is_removed, row, sealed))
    return delta


def read_badge(tx: Connection, vehicle_id: int, badge_id: int) -> list[Row]:
    """What one badge has of a car's set."""
    return [
        Row(badge_id, *row)
        for row in _OF_BADGE.run(tx, (vehicle_id, badge_id, vehicle_id, badge_id)).fetchall()
    ]


# version and oldest base of the car's log, the same of its pool's, the pool.
_HEAD: Final = Plain("""
    SELECT a.version, a.oldest_base, COALESCE(p.version, 0), COALESCE(p.oldest_base, 0), a.pool_id
    FROM authorisation_versions a LEFT JOIN pool_versions p ON p.pool_id = a.pool_id
    WHERE a.vehicle_id = ?""")
_OF_BADGE: Final = Plain("""
    SELECT authorisation_id, starts_at, ends_at, kind FROM authorisations
    WHERE vehicle_id = ? AND badge_id = ? AND is_removed = 0
    UNION ALL
    SELECT r.authorisation_id, r.starts_at, r.ends_at, r.kind
    FROM authorisation_versions a JOIN pool_authorisations r ON r.pool_id = a.pool_id
    WHERE a.vehicle_id = ? AND r.badge_id = ? AND r.is_removed = 0""")
_MAKE: Final = Plain(
    "INSERT INTO authorisation_versions (vehicle_id, version, oldest_base, refreshed_at, pool_id)"
    " VALUES (?, 0, 0, 0, 0) ON CONFLICT DO NOTHING"
)
_ROWS: Final = select(
    authorisations.c.badge_id,
    authorisations.c.authorisation_id,
    authorisations.c.starts_at,
    authorisations.c.ends_at,
    authorisations.c.kind,
    authorisations.c.flags,
    authorisations.c.place,
    authorisations.c.is_removed,
    badges.c.uid_sealed,
).join(badges, badges.c.id == authorisations.c.badge_id)
_OF_CAR: Final = _ROWS.where(authorisations.c.vehicle_id == bindparam("car"))
# Made once: each change of a promise asks them.
_HAS_BOX: Final = Plain("SELECT 1 FROM boxes WHERE vehicle_id = ?")
_CAR: Final = select(vehicles.c.pool_id, vehicles.c.site_id).where(vehicles.c.id == bindparam("car"))
_KNOWN: Final = (
    select(authorisation_versions)
    .where(authorisation_versions.c.vehicle_id == bindparam("car"))
    .with_for_update()
)
_STALE: Final = (
    select(authorisation_versions.c.vehicle_id)
    .where(authorisation_versions.c.refreshed_at <= bindparam("by"))
    .order_by(authorisation_versions.c.refreshed_at)
    .limit(STALE_AT_ONCE)
)
_BOOKED: Final = (
    select(
        badges.c.id,
        reservations.c.id,
        reservations.c.starts_at,
        reservations.c.ends_at,
        func.coalesce(reservations.c.end_site_id, reservations.c.start_site_id),
    )
    .join(people, people.c.id == reservations.c.person_id)
    .join(badges, badges.c.person_id == people.c.id)
    .where(
        reservations.c.vehicle_id == bindparam("car"),
        reservations.c.state.in_((State.CONFIRMED, State.IN_USE)),
        reservations.c.ends_at > bindparam("after"),
        reservations.c.starts_at < bindparam("before"),
        or_(people.c.licence_until.is_(None), people.c.licence_until > reservations.c.starts_at),
        badges.c.revoked_at.is_(None),
        people.c.is_active == 1,
    )
    .order_by(reservations.c.starts_at, reservations.c.id, badges.c.id)
    .limit(ROOM)
)


def _refresh(tx: Connection, now: int, vehicle_id: int, above_version: int, *, is_new_box: bool) -> int:
    """Locks the pool's version against change and the car's row for itself, in this order: two processes
    that change one set do so one after the other, with rising versions."""
    car = tx.execute(_CAR, {"car": vehicle_id}).one()
    rights_version = rights.watch(tx, car.pool_id)
    _MAKE.run(tx, (vehicle_id,))
    mine = authorisation_versions.c.vehicle_id == vehicle_id
    known = tx.execute(_KNOWN, {"car": vehicle_id}).one()
    starts_over = is_new_box or known.pool_id != car.pool_id
    if starts_over and known.pool_id:
        above_version = max(above_version, rights.watch(tx, known.pool_id))  # what its box was told until now
    wanted = _wanted(tx, now, vehicle_id, car.site_id)
    held = _held(tx, vehicle_id)
    put = [row for key, row in wanted.items() if held.get(key) != (row, False)]
    removed = [row for key, (row, is_removed) in held.items() if key not in wanted and not is_removed]
    if not (starts_over or put or removed):
        _touch(tx, now, vehicle_id)
        return max(int(known.version), rights_version)
    version = max(int(known.version), rights_version, above_version) + 1
    values = {"version": version, "refreshed_at": now, "pool_id": car.pool_id}
    if starts_over:
        values["oldest_base"] = version
    tx.execute(update(authorisation_versions).where(mine).values(**values))
    _store_rows(tx, vehicle_id, version, put, removed)
    tell(tx, "authorisations", vehicle_id)
    return version


def _booked_cars(person_id: int) -> Any:
    return select(reservations.c.vehicle_id).distinct().where(reservations.c.person_id == person_id)


def _wanted(tx: Connection, now: int, vehicle_id: int, home: int) -> dict[tuple[int, int], Row]:
    when = {"after": now - KEPT_AFTER_END_S, "before": now + RESERVATION_HORIZON_S}
    booked = tx.execute(_BOOKED, {"car": vehicle_id, **when})
    # A reservation ends where it is told, else where it began: the next one counts on finding the car there.
    return {
        (badge, number): Row(badge, number, start, end, RESERVATION, 0, place or home)
        for badge, number, start, end, place in booked
    }


def _held(tx: Connection, vehicle_id: int) -> dict[tuple[int, int], tuple[Row, bool]]:
    rows: Any = tx.execute(_OF_CAR, {"car": vehicle_id})
    return {(row.badge_id, row.authorisation_id): (Row(*row[:7]), bool(row.is_removed)) for row in rows}


def _touch(tx: Connection, now: int, vehicle_id: int) -> None:
    tx.execute(
        update(authorisation_versions)
        .where(
            authorisation_versions.c.vehicle_id == vehicle_id,
            authorisation_versions.c.refreshed_at < now - HOUR_S,
        )
        .values(refreshed_at=now)
    )


def _drop_tombstones(tx: Connection, now: int, vehicle_id: int) -> None:
    """Forgets removals of what has been over for long; a box that may have missed one takes a full set."""
    old = and_(
        authorisations.c.vehicle_id == vehicle_id,
        authorisations.c.is_removed == 1,
        authorisations.c.ends_at < now - TOMBSTONE_S,
    )
    newest = tx.execute(select(func.max(authorisations.c.version)).where(old)).scalar()
    if newest is None:
        return
    tx.execute(delete(authorisations).where(old))
    behind = and_(
        authorisation_versions.c.vehicle_id == vehicle_id, authorisation_versions.c.oldest_base < newest
    )
    tx.execute(update(authorisation_versions).where(behind).values(oldest_base=newest))


def _store_rows(tx: Connection, vehicle_id: int, version: int, put: list[Row], removed: list[Row]) -> None:
    here = authorisations.c.vehicle_id == vehicle_id
    for row in (*put, *removed):
        one = and_(
            here,
            authorisations.c.badge_id == row.badge_id,
            authorisations.c.authorisation_id == row.authorisation_id,
        )
        tx.execute(delete(authorisations).where(one))
    values = [
        {"vehicle_id": vehicle_id, "version": version, "is_removed": int(is_removed), **row._asdict()}
        for rows, is_removed in ((put, False), (removed, True))
        for row in rows
    ]
    if values:
        tx.execute(insert(authorisations), values)
    numbers = sorted({row.authorisation_id for row in put})
    for start in range(0, len(numbers), 500):
        some = numbers[start : start + 500]
        tx.execute(update(reservations).where(reservations.c.id.in_(some)).values(known_version=version))
