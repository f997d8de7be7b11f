"""What is free: cars for an interval, gaps of one car."""

from sqlalchemy import Connection

from glovebox.reservations.schemas import Offer, Slot
from glovebox.scope import Scope


def search(
    tx: Connection,
    now: int,
    scope: Scope,
    starts_at: int,
    ends_at: int,
    *,
    site_id: int | None = None,
    seats: int = 1,
    energy: str | None = None,
    limit: int = 100,
) -> list[Offer]:
    """Cars in service that this scope may drive and nobody holds in [starts_at, ends_at); the named site
    first, cars silent for long last. Raises Invalid for an empty interval."""
    raise NotImplementedError


def next_free(tx: Connection, vehicle_id: int, starts_at: int, duration_s: int) -> Slot | None:
    """The first gap of at least `duration_s` at or after `starts_at`, within 30 days."""
    raise NotImplementedError
