"""Where a promise begins and ends, so that each car is where the next person looks for it.

Asked with the car's row locked: two one-way bookings at once do not both leave it elsewhere.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from glovebox.errors import Conflict
from glovebox.fleet import service as fleet
from glovebox.fleet.schemas import Vehicle
from glovebox.fleet.tables import vehicles
from glovebox.policies.checks import zone_of
from glovebox.reservations import places
from glovebox.reservations.states import GUARDED
from glovebox.reservations.tables import reservations
from glovebox.reservations.transitions import lock_vehicles


class Placed(NamedTuple):
    """The car as it stands at the start, and where it is brought back (None: there)."""

    vehicle: Vehicle
    to_site: int | None

    @property
    def end_site_id(self) -> int:
        """Where it stands after it."""
        return self.vehicle.site_id if self.to_site is None else self.to_site


def settle(
    tx: Connection,
    vehicle: Vehicle,
    starts_at: int,
    ends_at: int,
    *,
    from_site: int | None = None,
    to_site: int | None = None,
    but: int = 0,
) -> Placed:
    """Where the promise begins and ends; `but`: the reservation it is made from. Raises NotFound for a site
    that is none, Conflict `car_elsewhere`, `counted_on_elsewhere`: a later promise counts on finding the car
    somewhere else."""
    lock_vehicles(tx, [vehicle.id])
    place = places.read_place(tx, vehicle.id, starts_at, but)
    if from_site not in (None, place):
        assert from_site is not None
        raise Conflict(
            "car_elsewhere",
            registration=vehicle.registration,
            site=fleet.get_site(tx, place).name,
            site_id=place,
            wanted=fleet.get_site(tx, from_site).name,
        )
    if place != vehicle.site_id:
        vehicle = replace(vehicle, site_id=place, site_name=fleet.get_site(tx, place).name, bay="")
    if to_site in (None, place):
        return Placed(vehicle, None)
    assert to_site is not None
    fleet.get_site(tx, to_site)
    after = places.next_start(tx, vehicle.id, ends_at, but)
    if after is not None and after.site_id != to_site:
        raise counted_on_elsewhere(tx, vehicle, after)
    return Placed(vehicle, to_site)


def keep(
    tx: Connection, vehicle: Vehicle, row: Any, starts_at: int, ends_at: int, to_site: int | None = None
) -> Placed:
    """The same for a reservation that changes. In its own car it still begins where it was promised; in
    another it begins where that one stands then. It is brought back as before, or to `to_site`. What only
    gives time back is never refused, nor is the journey under way: whom it leaves without the car is
    rehoused."""
    end_site = row.end_site_id if to_site is None else fleet.get_site(tx, to_site).id
    is_more = starts_at < row.starts_at or ends_at > row.ends_at
    is_same = vehicle.id == row.vehicle_id
    is_kept = not is_more and end_site == row.end_site_id
    if is_same and (row.state == "in_use" or is_kept):
        start = row.start_site_id or vehicle.site_id
        name = vehicle.site_name if start == vehicle.site_id else fleet.get_site(tx, start).name
        stands = replace(vehicle, site_id=start, site_name=name)
        return Placed(stands, None if end_site == start else end_site)
    from_site = row.start_site_id if is_same else None
    placed = settle(tx, vehicle, starts_at, ends_at, from_site=from_site, to_site=end_site, but=row.id)
    if is_same and row.end_site_id is not None and placed.to_site is None:
        after = places.next_start(tx, vehicle.id, ends_at, row.id)
        if after is not None and after.site_id != placed.end_site_id:
            raise counted_on_elsewhere(tx, vehicle, after)
    return placed


def may_take(
    tx: Connection, vehicle_id: int, site_id: int, to_site: int | None, starts_at: int, ends_at: int
) -> bool:
    """Whether the car stands at the site when a new promise would begin, and nobody counts on it elsewhere
    once it was brought to where that ends: what `settle` asks of one that is made."""
    if places.read_place(tx, vehicle_id, starts_at) != site_id:
        return False
    if to_site in (None, site_id):
        return True
    after = places.next_start(tx, vehicle_id, ends_at)
    return after is None or after.site_id == to_site


def counted_on_elsewhere(tx: Connection, vehicle: Vehicle, after: places.Next) -> Conflict:
    """The refusal of a trip that would leave the car where the next person does not look for it."""
    return Conflict(
        "counted_on_elsewhere",
        registration=vehicle.registration,
        site=fleet.get_site(tx, after.site_id).name,
        site_id=after.site_id,
        at=after.starts_at,
        time_zone=zone_of(tx, after.site_id),
    )


def is_any_broken(tx: Connection, numbers: Sequence[int]) -> bool:
    """Whether one of these promises begins where its car will not be, or leaves it where the next one does
    not begin."""
    mine = reservations.c.id.in_(numbers) & reservations.c.state.in_(GUARDED)
    begins = (
        select(reservations.c.id)
        .join(vehicles, vehicles.c.id == reservations.c.vehicle_id)
        .where(mine, places.is_broken())
    )
    if tx.execute(begins.limit(1)).first() is not None:
        return True
    for row in tx.execute(select(reservations).where(mine, reservations.c.end_site_id.is_not(None))):
        after = places.next_start(tx, row.vehicle_id, row.ends_at, row.id)
        if after is not None and after.site_id != row.end_site_id:
            return True
    return False
