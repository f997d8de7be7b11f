"""What the boxes of a pool's cars should hold of its rights (standing use, service): kept once a pool, so
that one new agent on 10,000 cars is one row.

A log in which the newest change of each right of each badge stands, with the version that made it. A car's
set is this and the car's own reservations; see `glovebox.reservations.authorisations`.
"""

from typing import Any, Final

from sqlalchemy import Connection, Select, and_, bindparam, delete, func, insert, select, update

from glovebox.clock import DAY_S, WEEK_S
from glovebox.people.tables import badges, people, standing_rights
from glovebox.reservations.rows import RIGHT_BIT, SERVICE, STANDING, TOMBSTONE_S, Row
from glovebox.reservations.tables import authorisation_versions, pool_authorisations, pool_versions
from glovebox.store.cache import cache_of
from glovebox.store.news import tell
from glovebox.store.plain import Plain

HORIZON_S: Final = 30 * DAY_S
# Rights of one pool; with `authorisations.ROOM` these are the 10,000 a box has room for.
ROOM: Final = 9_000
# Pools computed anew in one look of the timed rules.
STALE_AT_ONCE: Final = 4
# Kept by one connection, 20 MB; a deployment with more rights reads some of them anew now and then.
_CACHED_ROWS: Final = 50_000


def watch(tx: Connection, pool_id: int) -> int:
    """The version of a pool's rights, which changes no more until this transaction ends: a car's next
    version is above it, and the pool's next is above the car's."""
    _MAKE.run(tx, (pool_id,))
    return int(tx.execute(_WATCHED, {"pool": pool_id}).scalar_one())


def refresh_pool(tx: Connection, now: int, pool_id: int, person_id: int | None = None) -> None:
    """Computes a pool's rights again, or one person's in it, and tells all its boxes if anything changed."""
    _MAKE.run(tx, (pool_id,))
    mine = pool_versions.c.pool_id == pool_id
    version = int(tx.execute(select(pool_versions.c.version).where(mine).with_for_update()).scalar_one())
    is_whole = person_id is None or not _has_room(tx, pool_id, person_id)
    only = None if is_whole else person_id
    wanted = _wanted(tx, now, pool_id, only)
    held = _held(tx, pool_id, only)
    put = [row for key, row in wanted.items() if held.get(key) != (row, False)]
    removed = [row for key, (row, is_removed) in held.items() if key not in wanted and not is_removed]
    if put or removed:
        told = select(func.max(authorisation_versions.c.version)).where(
            authorisation_versions.c.pool_id == pool_id
        )
        version = max(version, int(tx.execute(told).scalar() or 0)) + 1
        _store(tx, pool_id, version, put, removed)
        tx.execute(update(pool_versions).where(mine).values(version=version))
        tell(tx, "authorisations", 0, pool_id)
    if is_whole:
        tx.execute(update(pool_versions).where(mine).values(refreshed_at=now))


def refresh_stale(tx: Connection, now: int) -> None:
    """Pools computed more than a day ago, for the horizon has moved on, and those marked; old removals are
    forgotten. Some at a time."""
    for pool_id in tx.execute(_STALE, {"by": now - DAY_S}).scalars().all():
        _drop_tombstones(tx, now, pool_id)
        refresh_pool(tx, now, pool_id)


def read_all(tx: Connection, pool_id: int, version: int) -> list[tuple[int, bool, Row, bytes]]:
    """(version, is_removed, row, sealed UID) of a pool's log, the newest first, as it is at `version`. Read
    once a version and connection: thousands of boxes are told the same."""
    cache = cache_of(tx).setdefault("rights", {})
    known = cache.get(pool_id)
    if known is not None and known[0] == version:
        return known[1]  # type: ignore[no-any-return]
    query = _ROWS.where(pool_authorisations.c.pool_id == pool_id)
    newest = query.order_by(pool_authorisations.c.version.desc())
    rows = [(row[-1], bool(row.is_removed), _row(row), row.uid_sealed) for row in tx.execute(newest)]
    if len(rows) + sum(len(others) for _, others in cache.values()) > _CACHED_ROWS:
        cache.clear()
    cache[pool_id] = (version, rows)
    return rows


_MAKE: Final = Plain(
    "INSERT INTO pool_versions (pool_id, version, oldest_base, refreshed_at) VALUES (?, 0, 0, 0)"
    " ON CONFLICT DO NOTHING"
)
_STALE: Final = (
    select(pool_versions.c.pool_id)
    .where(pool_versions.c.refreshed_at <= bindparam("by"))
    .order_by(pool_versions.c.refreshed_at)
    .limit(STALE_AT_ONCE)
)
_WATCHED: Final = (
    select(pool_versions.c.version)
    .where(pool_versions.c.pool_id == bindparam("pool"))
    .with_for_update(read=True)
)
_ROWS: Final = select(
    pool_authorisations.c.badge_id,
    pool_authorisations.c.authorisation_id,
    pool_authorisations.c.starts_at,
    pool_authorisations.c.ends_at,
    pool_authorisations.c.kind,
    pool_authorisations.c.is_removed,
    badges.c.uid_sealed,
    pool_authorisations.c.version,
).join(badges, badges.c.id == pool_authorisations.c.badge_id)


def _row(row: Any) -> Row:
    return Row(*row[:5])


def _has_room(tx: Connection, pool_id: int, person_id: int) -> bool:
    """True if one person's rights can change without any other's coming in or falling out."""
    in_force = select(func.count()).where(
        pool_authorisations.c.pool_id == pool_id, pool_authorisations.c.is_removed == 0
    )
    mine = (
        select(func.count())
        .select_from(standing_rights)
        .join(badges, badges.c.person_id == standing_rights.c.person_id)
        .where(standing_rights.c.pool_id == pool_id, standing_rights.c.person_id == person_id)
    )
    return int(tx.execute(in_force).scalar_one()) + int(tx.execute(mine).scalar_one()) < ROOM


def _wanted(tx: Connection, now: int, pool_id: int, person_id: int | None) -> dict[tuple[int, int], Row]:
    # In whole weeks, so that the moving horizon changes a box's set once a week and not once a day.
    horizon = (now + HORIZON_S) // WEEK_S * WEEK_S
    entitled = (
        select(
            badges.c.id,
            standing_rights.c.id,
            standing_rights.c.starts_at,
            standing_rights.c.ends_at,
            standing_rights.c.kind,
        )
        .join(people, people.c.id == standing_rights.c.person_id)
        .join(badges, badges.c.person_id == people.c.id)
        .where(
            standing_rights.c.pool_id == pool_id,
            standing_rights.c.ends_at > now,
            standing_rights.c.starts_at < horizon,
            badges.c.revoked_at.is_(None),
            people.c.is_active == 1,
        )
    )
    rows = [
        Row(badge, RIGHT_BIT | number, start, min(end, horizon), SERVICE if kind == "service" else STANDING)
        for badge, number, start, end, kind in tx.execute(_of(entitled, person_id))
    ]
    rows.sort(key=lambda row: (row.kind == STANDING, row.starts_at, row.authorisation_id, row.badge_id))
    return {(row.badge_id, row.authorisation_id): row for row in rows[:ROOM]}


def _held(tx: Connection, pool_id: int, person_id: int | None) -> dict[tuple[int, int], tuple[Row, bool]]:
    query = _of(_ROWS.where(pool_authorisations.c.pool_id == pool_id), person_id)
    return {
        (row.badge_id, row.authorisation_id): (_row(row), bool(row.is_removed)) for row in tx.execute(query)
    }


def _of(query: Select[Any], person_id: int | None) -> Select[Any]:
    return query if person_id is None else query.where(badges.c.person_id == person_id)


def _store(tx: Connection, pool_id: int, version: int, put: list[Row], removed: list[Row]) -> None:
    _DELETE.run_many(tx, [(pool_id, row.badge_id, row.authorisation_id) for row in (*put, *removed)])
    values = [
        {
            "pool_id": pool_id,
            "badge_id": row.badge_id,
            "authorisation_id": row.authorisation_id,
            "starts_at": row.starts_at,
            "ends_at": row.ends_at,
            "kind": row.kind,
            "version": version,
            "is_removed": is_removed,
        }
        for rows, is_removed in ((put, 0), (removed, 1))
        for row in rows
    ]
    tx.execute(insert(pool_authorisations), values)


_DELETE: Final = Plain(
    "DELETE FROM pool_authorisations WHERE pool_id = ? AND badge_id = ? AND authorisation_id = ?"
)


def _drop_tombstones(tx: Connection, now: int, pool_id: int) -> None:
    """Forgets removals of what has been over for long; a box that may have missed one takes a full set."""
    old = and_(
        pool_authorisations.c.pool_id == pool_id,
        pool_authorisations.c.is_removed == 1,
        pool_authorisations.c.ends_at < now - TOMBSTONE_S,
    )
    newest = tx.execute(select(func.max(pool_authorisations.c.version)).where(old)).scalar()
    if newest is None:
        return
    tx.execute(delete(pool_authorisations).where(old))
    behind = and_(pool_versions.c.pool_id == pool_id, pool_versions.c.oldest_base < newest)
    tx.execute(update(pool_versions).where(behind).values(oldest_base=newest))
