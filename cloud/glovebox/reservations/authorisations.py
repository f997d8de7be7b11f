"""What each car's box should hold: reservations of the next 90 days, standing rights, service; with a
version that rises.

The set is kept as rows, so that a delta is a query: every row carries the version that last changed it, and
a removed one stays as a tombstone. Box-specific hashes are made when it is sent; here a badge is its row's
id.
"""

from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, and_, delete, insert, or_, select, update

from glovebox.boxes.tables import boxes
from glovebox.clock import DAY_S, HOUR_S, WEEK_S
from glovebox.fleet.tables import vehicles
from glovebox.people.tables import badges, people, standing_rights
from glovebox.reservations.states import State
from glovebox.reservations.tables import authorisation_versions, authorisations, reservations
from glovebox.store.news import tell

RESERVATION_HORIZON_S: Final = 90 * DAY_S
STANDING_HORIZON_S: Final = 30 * DAY_S
# A reservation that has just ended stays, so that the box can say "too late" and not "unknown".
KEPT_AFTER_END_S: Final = HOUR_S
# Kept past its end for boxes that stay away.
TOMBSTONE_S: Final = 30 * DAY_S
# Computed anew in one transaction of the timed rules.
STALE_AT_ONCE: Final = 50
# What a box has room for.
CAPACITY: Final = 10_000

RESERVATION: Final = 1
STANDING: Final = 2
SERVICE: Final = 3
RIGHT_BIT: Final = 0x8000_0000


class Row(NamedTuple):
    """One authorisation as the cloud keeps it; times in seconds since 1970."""

    badge_id: int
    authorisation_id: int
    starts_at: int
    ends_at: int
    kind: int
    flags: int
    place: int


def refresh(tx: Connection, now: int, vehicle_id: int) -> int:
    """Computes one car's set again and tells its box; returns the version, higher than before if anything
    changed.
    A car without a box has none (0): the set is made when a box is assigned."""
    if tx.execute(select(boxes.c.id).where(boxes.c.vehicle_id == vehicle_id)).first() is None:
        return 0
    wanted = {(row.badge_id, row.authorisation_id): row for row in _wanted(tx, now, vehicle_id)}
    held = _held(tx, vehicle_id)
    version_row = tx.execute(
        select(authorisation_versions.c.version).where(authorisation_versions.c.vehicle_id == vehicle_id)
    ).scalar()
    put = [row for key, row in wanted.items() if held.get(key) != (row, False)]
    removed = [row for key, (row, is_removed) in held.items() if key not in wanted and not is_removed]
    if version_row is not None and not put and not removed:
        _touch(tx, now, vehicle_id)
        return int(version_row)
    version = int(version_row or 0) + 1
    _store_version(tx, now, vehicle_id, version, is_new=version_row is None)
    _store_rows(tx, vehicle_id, version, put, removed)
    tell(tx, "authorisations", vehicle_id)
    return version


def refresh_person(tx: Connection, now: int, person_id: int) -> None:
    """`refresh` for every car this person has reserved or has a right to."""
    booked = select(reservations.c.vehicle_id).where(
        reservations.c.person_id == person_id, reservations.c.ends_at > now - KEPT_AFTER_END_S
    )
    entitled = select(standing_rights.c.pool_id).where(
        standing_rights.c.person_id == person_id, standing_rights.c.ends_at > now
    )
    query = select(vehicles.c.id).where(or_(vehicles.c.id.in_(booked), vehicles.c.pool_id.in_(entitled)))
    for vehicle_id in tx.execute(query.order_by(vehicles.c.id)).scalars().all():
        refresh(tx, now, vehicle_id)


def refresh_pool(tx: Connection, now: int, pool_id: int) -> None:
    """`refresh` for every car of a pool."""
    for vehicle_id in tx.execute(select(vehicles.c.id).where(vehicles.c.pool_id == pool_id)).scalars().all():
        refresh(tx, now, vehicle_id)


def list_stale(tx: Connection, now: int) -> list[int]:
    """Cars whose set was computed more than a day ago: horizons have moved on. Some of them at a time."""
    query = select(authorisation_versions.c.vehicle_id).where(
        authorisation_versions.c.refreshed_at <= now - DAY_S
    )
    return list(tx.execute(query.limit(STALE_AT_ONCE)).scalars())


def read_set(tx: Connection, vehicle_id: int) -> list[tuple[Row, bytes]]:
    """The whole set, each with the badge's sealed UID; in no particular order."""
    query = _ROWS.where(authorisations.c.vehicle_id == vehicle_id, authorisations.c.is_removed == 0)
    return [(Row(*row[:7]), row.uid_sealed) for row in tx.execute(query)]


def read_delta(tx: Connection, vehicle_id: int, base: int) -> list[tuple[bool, Row, bytes]] | None:
    """(is_removed, row, sealed UID) of everything changed after version `base`; None where tombstones that
    old are gone."""
    query = select(authorisation_versions.c.oldest_base).where(
        authorisation_versions.c.vehicle_id == vehicle_id
    )
    oldest = tx.execute(query).scalar()
    if oldest is None or base < oldest:
        return None
    changed = _ROWS.where(authorisations.c.vehicle_id == vehicle_id, authorisations.c.version > base)
    return [(bool(row.is_removed), Row(*row[:7]), row.uid_sealed) for row in tx.execute(changed)]


def drop_tombstones(tx: Connection, now: int, vehicle_id: int) -> None:
    """Forgets removals of what has been over for long: a box that missed one holds an entry that lets
    nobody in."""
    gone = and_(authorisations.c.vehicle_id == vehicle_id, authorisations.c.is_removed == 1)
    tx.execute(delete(authorisations).where(gone, authorisations.c.ends_at < now - TOMBSTONE_S))


def start_over(tx: Connection, now: int, vehicle_id: int, above_version: int) -> int:
    """Another box in the car: its set gets a version above any that this box ever held, and no delta leads
    there."""
    query = select(authorisation_versions.c.version).where(authorisation_versions.c.vehicle_id == vehicle_id)
    known = tx.execute(query).scalar()
    version = max(int(known or 0), above_version) + 1
    _store_version(tx, now, vehicle_id, version, is_new=known is None)
    tx.execute(
        update(authorisation_versions)
        .where(authorisation_versions.c.vehicle_id == vehicle_id)
        .values(oldest_base=version)
    )
    return refresh(tx, now, vehicle_id)


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


def _wanted(tx: Connection, now: int, vehicle_id: int) -> list[Row]:
    usable = and_(badges.c.revoked_at.is_(None), people.c.is_active == 1)
    booked = (
        select(
            badges.c.id,
            reservations.c.id,
            reservations.c.starts_at,
            reservations.c.ends_at,
            reservations.c.end_site_id,
        )
        .join(people, people.c.id == reservations.c.person_id)
        .join(badges, badges.c.person_id == people.c.id)
        .where(
            reservations.c.vehicle_id == vehicle_id,
            reservations.c.state.in_((State.CONFIRMED, State.IN_USE)),
            reservations.c.ends_at > now - KEPT_AFTER_END_S,
            reservations.c.starts_at < now + RESERVATION_HORIZON_S,
            or_(people.c.licence_until.is_(None), people.c.licence_until > reservations.c.starts_at),
            usable,
        )
    )
    home = tx.execute(select(vehicles.c.site_id).where(vehicles.c.id == vehicle_id)).scalar_one()
    # A reservation ends where it is told, else at home: the next one counts on finding the car there.
    rows = [
        Row(badge, number, start, end, RESERVATION, 0, place or home)
        for badge, number, start, end, place in tx.execute(booked)
    ]
    # In whole weeks, so that the moving horizon changes a box's set once a week and not once a day.
    horizon = (now + STANDING_HORIZON_S) // WEEK_S * WEEK_S
    entitled = (
        select(
            badges.c.id,
            standing_rights.c.id,
            standing_rights.c.starts_at,
            standing_rights.c.ends_at,
            standing_rights.c.kind,
        )
        .join(vehicles, vehicles.c.pool_id == standing_rights.c.pool_id)
        .join(people, people.c.id == standing_rights.c.person_id)
        .join(badges, badges.c.person_id == people.c.id)
        .where(
            vehicles.c.id == vehicle_id,
            standing_rights.c.ends_at > now,
            standing_rights.c.starts_at < horizon,
            usable,
        )
    )
    for badge, number, start, end, kind in tx.execute(entitled):
        code = SERVICE if kind == "service" else STANDING
        rows.append(Row(badge, RIGHT_BIT | number, start, min(end, horizon), code, 0, 0))
    rows.sort(key=lambda row: (row.kind == STANDING, row.starts_at))
    return rows[:CAPACITY]


def _held(tx: Connection, vehicle_id: int) -> dict[tuple[int, int], tuple[Row, bool]]:
    rows: Any = tx.execute(_ROWS.where(authorisations.c.vehicle_id == vehicle_id))
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


def _store_version(tx: Connection, now: int, vehicle_id: int, version: int, is_new: bool) -> None:
    if is_new:
        values = {"vehicle_id": vehicle_id, "version": version, "oldest_base": 1, "refreshed_at": now}
        tx.execute(insert(authorisation_versions).values(**values))
    else:
        tx.execute(
            update(authorisation_versions)
            .where(authorisation_versions.c.vehicle_id == vehicle_id)
            .values(version=version, refreshed_at=now)
        )


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
    numbers = sorted({row.authorisation_id for row in put if row.kind == RESERVATION})
    for start in range(0, len(numbers), 500):
        some = numbers[start : start + 500]
        tx.execute(update(reservations).where(reservations.c.id.in_(some)).values(known_version=version))
