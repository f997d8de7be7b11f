"""A person's private calendar feed: an address that nobody can guess, made and revoked by the person."""

import hashlib
from typing import Final, NamedTuple

from sqlalchemy import Connection, delete, func, insert, select

from glovebox.accounts.tables import accounts
from glovebox.clock import DAY_S
from glovebox.errors import Forbidden, NotFound
from glovebox.feeds.tables import calendar_feeds
from glovebox.people.tables import people
from glovebox.reservations import service as reservations
from glovebox.reservations.schemas import Reservation
from glovebox.scope import Scope

# What a calendar shows: the last month, and as far ahead as anybody books.
PAST_S: Final = 31 * DAY_S
AHEAD_S: Final = 366 * DAY_S
# Two bookings each working day of a year; a calendar with more is slow, not fuller.
EVENTS: Final = 500
LONGEST_TOKEN: Final = 64


class Reader(NamedTuple):
    """Whose feed it is, and the language it speaks."""

    scope: Scope
    language: str


def make(tx: Connection, now: int, scope: Scope, token: str) -> None:
    """Makes the person's feed; a former one ends. Raises Forbidden for nobody."""
    if scope.person_id is None:
        raise Forbidden()
    revoke(tx, scope)
    values = {"person_id": scope.person_id, "token_hash": _hash(token), "made_at": now}
    tx.execute(insert(calendar_feeds).values(**values))


def revoke(tx: Connection, scope: Scope) -> None:
    """Ends the person's feed, if there is one."""
    tx.execute(delete(calendar_feeds).where(scope.mine(calendar_feeds.c.person_id)))


def made_at(tx: Connection, scope: Scope) -> int | None:
    """When the person's feed was made, None where there is none."""
    query = select(calendar_feeds.c.made_at).where(scope.mine(calendar_feeds.c.person_id))
    return tx.execute(query).scalar()


def find_reader(tx: Connection, token: str) -> Reader:
    """Who reads by this token: as this person, and nothing but the person's own. Raises NotFound, also
    where the person is no longer active."""
    if len(token) > LONGEST_TOKEN:
        raise NotFound()
    language = func.coalesce(func.nullif(accounts.c.language, ""), people.c.language)
    row = tx.execute(
        select(people.c.id, people.c.organisation_id, language.label("language"))
        .join(calendar_feeds, calendar_feeds.c.person_id == people.c.id)
        .join(accounts, accounts.c.person_id == people.c.id, isouter=True)
        .where(calendar_feeds.c.token_hash == _hash(token), people.c.is_active == 1)
    ).first()
    if row is None:
        raise NotFound()
    return Reader(Scope(row.organisation_id, row.id, frozenset({"driver"})), row.language)


def list_events(tx: Connection, now: int, scope: Scope, limit: int = EVENTS) -> list[Reservation]:
    """The person's bookings that a calendar shows, given back ones too: that is how they vanish there."""
    return reservations.list_reservations(
        tx,
        scope,
        person_id=scope.person_id,
        ends_after=now - PAST_S,
        starts_before=now + AHEAD_S,
        limit=limit,
    )


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
