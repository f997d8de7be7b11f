"""Read-only questions of the driver's pages that no service answers. Each names its bound; each obeys the
wall by its caller's scope."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection, func, select

from glovebox.boxes import service as boxes
from glovebox.boxes.schemas import Live
from glovebox.clock import DAY_S
from glovebox.cloud import Cloud
from glovebox.fleet.tables import vehicles
from glovebox.people.tables import badges, people
from glovebox.reservations.tables import reservations
from glovebox.trips.tables import trips

# A booking in use may run over; it holds its car for as long as somebody could still be under way.
OVERDUE_S: Final = 7 * DAY_S
CHANGEABLE: Final = ("pending", "confirmed", "in_use")
"""States in which a reservation can be moved or cut."""
# Bookings looked at for the usual site.
USUAL_OF_LAST: Final = 20


def read_live(tx: Connection, cloud: Cloud, vehicle_ids: Iterable[int] | None = None) -> dict[int, Live]:
    """What cars said last, with whether their link is open in this process."""
    linked = cloud.hub.linked()
    return {
        vehicle_id: replace(live, is_linked=vehicle_id in linked)
        for vehicle_id, live in boxes.list_live(tx, vehicle_ids).items()
    }


def has_badge(tx: Connection, person_id: int) -> bool:
    """True where the person has a badge that cars accept."""
    query = select(badges.c.id).where(badges.c.person_id == person_id, badges.c.revoked_at.is_(None)).limit(1)
    return tx.scalar(query) is not None


def usual_site(tx: Connection, person_id: int) -> int | None:
    """The site of most of the person's last bookings; for somebody without any that of most cars of the
    person's body, None where it has none."""
    site = func.coalesce(reservations.c.start_site_id, vehicles.c.site_id).label("site_id")
    recent = (
        select(site)
        .join(vehicles, reservations.c.vehicle_id == vehicles.c.id)
        .where(reservations.c.person_id == person_id)
        .order_by(reservations.c.starts_at.desc())
        .limit(USUAL_OF_LAST)
        .subquery()
    )
    own = (
        select(vehicles.c.site_id)
        .join(people, people.c.organisation_id == vehicles.c.organisation_id)
        .where(people.c.id == person_id, vehicles.c.status == "in_service")
        .subquery()
    )
    for found in (recent, own):
        column = found.c.site_id
        query = select(column).group_by(column).order_by(func.count().desc(), column).limit(1)
        site_id: int | None = tx.scalar(query)
        if site_id is not None:
            return site_id
    return None


@dataclass(frozen=True)
class TripOf:
    """A trip in short, below its booking."""

    id: int
    started_at: int
    ended_at: int | None
    distance_m: int | None


def trips_of(tx: Connection, reservation_ids: list[int]) -> dict[int, list[TripOf]]:
    """Trips made with these bookings, which the caller may see."""
    made: dict[int, list[TripOf]] = {}
    query = (
        select(trips.c.reservation_id, trips.c.id, trips.c.started_at, trips.c.ended_at, trips.c.distance_m)
        .where(trips.c.reservation_id.in_(reservation_ids))
        .order_by(trips.c.started_at)
    )
    for reservation_id, *values in tx.execute(query):
        made.setdefault(reservation_id, []).append(TripOf(*values))
    return made
