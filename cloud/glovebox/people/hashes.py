"""Whose badge a box means by its 8-byte hash. The hash differs from box to box, so badges are tried, the
likely ones first."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection, Select, select

from glovebox.keys import Keyring, KeyringError
from glovebox.people.tables import badges, people
from glovebox.reservations.tables import (
    authorisation_versions,
    authorisations,
    pool_authorisations,
    reservations,
)


class Known(NamedTuple):
    """A badge found by its hash."""

    badge_id: int
    person_id: int
    is_revoked: bool


def find_badge(
    tx: Connection,
    keyring: Keyring,
    box_id: bytes,
    key_ids: Iterable[int],
    badge_hash: bytes,
    *,
    vehicle_id: int | None,
    reservation_id: int | None = None,
) -> Known | None:
    """The badge of that hash, or None. Tries the reservation's person, then who may use the car, then
    everybody (a few milliseconds a thousand badges: only for strangers)."""
    if not any(badge_hash):
        return None
    base = select(
        badges.c.id, badges.c.person_id, badges.c.revoked_at, badges.c.uid_sealed, people.c.is_active
    )
    base = base.join(people, people.c.id == badges.c.person_id)
    likely: list[Select[tuple[int, int, int | None, bytes, int]]] = []
    if reservation_id is not None:
        owner = select(reservations.c.person_id).where(reservations.c.id == reservation_id)
        likely.append(base.where(badges.c.person_id.in_(owner)))
    if vehicle_id is not None:
        booked = select(authorisations.c.badge_id).where(authorisations.c.vehicle_id == vehicle_id)
        entitled = (
            select(pool_authorisations.c.badge_id)
            .join(authorisation_versions, authorisation_versions.c.pool_id == pool_authorisations.c.pool_id)
            .where(authorisation_versions.c.vehicle_id == vehicle_id)
        )
        likely += [base.where(badges.c.id.in_(some)) for some in (booked, entitled)]
    likely.append(base)
    tried: set[int] = set()
    generations = tuple(dict.fromkeys(key_ids))
    for query in likely:
        for row in tx.execute(query):
            if row.id in tried:
                continue
            tried.add(row.id)
            try:
                uid = keyring.open_uid(row.uid_sealed)
            except KeyringError:
                continue
            if any(keyring.badge_hash(box_id, key_id, uid) == badge_hash for key_id in generations):
                return Known(row.id, row.person_id, row.revoked_at is not None or not row.is_active)
    return None
