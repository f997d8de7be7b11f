"""What lies around a promise: how far it can grow, and who waits for its car after it."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, func, select, update

from glovebox.clock import DAY_S
from glovebox.errors import Conflict, Invalid
from glovebox.fleet.schemas import Vehicle
from glovebox.fleet.tables import organisations
from glovebox.policies.resolution import Rulebook
from glovebox.reservations import risk
from glovebox.reservations.ownership import lock_own
from glovebox.reservations.schemas import Reservation, Slot
from glovebox.reservations.states import GUARDED, State
from glovebox.reservations.tables import reservations
from glovebox.scope import Scope

# Who comes tomorrow is not made to wait by somebody late today.
WAITING_WITHIN_S: Final = DAY_S
WAITING_SHOWN: Final = 3
# Who is later than that does not come late: the car is missing.
LATE_MOST_MINUTES: Final = 1_440


@dataclass(frozen=True)
class Room:
    """How far one promise of a car can grow: up to its neighbours and the car's blocks. None: nothing is
    there."""

    earliest_start: int | None
    latest_end: int | None

    def fit(self, starts_at: int, ends_at: int) -> tuple[int, int] | None:
        """The part of [starts_at, ends_at) that lies within, None where nothing does."""
        first = starts_at if self.earliest_start is None else max(starts_at, self.earliest_start)
        last = ends_at if self.latest_end is None else min(ends_at, self.latest_end)
        return (first, last) if first < last else None


@dataclass(frozen=True)
class Waiting:
    """Whoever has the car next, as anybody may know it: when, and of which body. Never the person."""

    starts_at: int
    ends_at: int
    organisation_name: str


def room_around(tx: Connection, reservation: Reservation, vehicle: Vehicle) -> Room:
    """How far this reservation can grow in its car, the rules' gap to other promises kept."""
    rulebook = Rulebook(tx, reservation.person_id)
    buffer_s = rulebook.of(vehicle.organisation_id, vehicle.pool_id).rules.buffer_s
    others = (
        reservations.c.vehicle_id == reservation.vehicle_id,
        reservations.c.state.in_(GUARDED),
        reservations.c.id != reservation.id,
    )
    before = tx.execute(
        select(func.max(reservations.c.ends_at)).where(
            *others, reservations.c.ends_at <= reservation.starts_at
        )
    ).scalar()
    after = tx.execute(
        select(func.min(reservations.c.starts_at)).where(
            *others, reservations.c.starts_at >= reservation.ends_at
        )
    ).scalar()
    starts = [] if before is None else [int(before) + buffer_s]
    ends = [] if after is None else [int(after) - buffer_s]
    for begins_at, ends_at in risk.list_blocked(tx, reservation.vehicle_id, 0):
        if ends_at is not None and ends_at <= reservation.starts_at:
            starts.append(ends_at)
        elif begins_at >= reservation.ends_at:
            ends.append(begins_at)
    return Room(max(starts, default=None), min(ends, default=None))


def list_behind(tx: Connection, reservation: Reservation) -> list[Waiting]:
    """The next promises of the car within a day after this one, by start. Interval and organisation show
    across the wall, so whoever may see this reservation may see these."""
    query = (
        select(reservations.c.starts_at, reservations.c.ends_at, organisations.c.name)
        .join(organisations, organisations.c.id == reservations.c.organisation_id)
        .where(
            reservations.c.vehicle_id == reservation.vehicle_id,
            reservations.c.state.in_(GUARDED),
            reservations.c.id != reservation.id,
            reservations.c.starts_at >= reservation.ends_at,
            reservations.c.starts_at < reservation.ends_at + WAITING_WITHIN_S,
        )
        .order_by(reservations.c.starts_at)
        .limit(WAITING_SHOWN)
    )
    return [Waiting(*row) for row in tx.execute(query)]


def free_slot(reservation: Reservation, room: Room, starts_at: int, ends_at: int) -> Slot | None:
    """What of the wished interval this car can give to this reservation, None where that is no change or
    nothing at all."""
    fitting = room.fit(starts_at, ends_at)
    if fitting is None or fitting in ((reservation.starts_at, reservation.ends_at), (starts_at, ends_at)):
        return None
    return Slot(reservation.vehicle_id, *fitting)


def say_late(tx: Connection, now: int, scope: Scope, reservation_id: int, minutes: int) -> None:
    """Keeps what the driver (or who looks after him) says: the car comes back about that much later. The
    promise stays as it is. Raises NotFound, Forbidden, Conflict unless somebody has the car or is about to,
    Invalid for less than a minute or more than a day."""
    row = lock_own(tx, scope, reservation_id)
    if row.state not in (State.CONFIRMED, State.IN_USE):
        raise Conflict("state_forbids", state=row.state)
    if not 1 <= minutes <= LATE_MOST_MINUTES:
        raise Invalid("number_out_of_range", column="minutes", least=1, largest=LATE_MOST_MINUTES)
    values = {"late_minutes": minutes, "late_said_at": now, "late_said_by": scope.person_id}
    tx.execute(update(reservations).where(reservations.c.id == reservation_id).values(**values))
