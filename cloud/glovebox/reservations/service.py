"""Reservations: promises of a car for a half-open interval [starts_at, ends_at), in seconds since 1970.

The database forbids overlaps; nothing here checks first and inserts then. A refusal says what is free
instead.
"""

from sqlalchemy import Connection

from glovebox.reservations.schemas import Reservation
from glovebox.scope import Scope


def book(
    tx: Connection,
    now: int,
    scope: Scope,
    vehicle_id: int,
    person_id: int,
    starts_at: int,
    ends_at: int,
    *,
    purpose: str = "",
    end_site_id: int | None = None,
    needs_approval: bool = False,
) -> int:
    """Promises the car to the person; returns the reservation's id. A manager may book for others of the
    organisation.
    Raises Invalid (ended, too long, end before start), NotFound, Forbidden (licence, pool), AlreadyTaken
    with what is free instead."""
    raise NotImplementedError


def cancel(tx: Connection, now: int, scope: Scope, reservation_id: int) -> None:
    """Gives the car back before use. Raises NotFound, Forbidden, Conflict where it is in use or over."""
    raise NotImplementedError


def change(
    tx: Connection,
    now: int,
    scope: Scope,
    reservation_id: int,
    *,
    starts_at: int | None = None,
    ends_at: int | None = None,
    vehicle_id: int | None = None,
    purpose: str | None = None,
) -> None:
    """Moves a reservation in time or to another car (while in use: only its end). Raises as `book` and
    `cancel` do."""
    raise NotImplementedError


def approve(tx: Connection, now: int, scope: Scope, reservation_id: int) -> None:
    """Confirms a pending reservation. Raises NotFound, Forbidden, Conflict."""
    raise NotImplementedError


def list_reservations(
    tx: Connection,
    scope: Scope,
    *,
    starts_before: int | None = None,
    ends_after: int | None = None,
    vehicle_ids: list[int] | None = None,
    person_id: int | None = None,
    states: list[str] | None = None,
    offset: int = 0,
    limit: int = 200,
    newest_first: bool = False,
) -> list[Reservation]:
    """Reservations touching (ends_after, starts_before) of cars this scope may use, by start. Behind the
    wall the person is hidden."""
    raise NotImplementedError


def get_reservation(tx: Connection, scope: Scope, reservation_id: int) -> Reservation:
    """One reservation. Raises NotFound."""
    raise NotImplementedError
