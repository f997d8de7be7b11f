"""Where a promise begins and ends, so that each car is where the next person looks for it.

Asked with the car's row locked: two one-way bookings at once do not both leave it elsewhere.
"""

from dataclasses import replace
from typing import Any, NamedTuple

from sqlalchemy import Connection

from glovebox.errors import Conflict
from glovebox.fleet import service as fleet
from glovebox.fleet.schemas import Vehicle
from glovebox.policies.checks import zone_of
from glovebox.reservations import places
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


def keep(tx: Connection, vehicle: Vehicle, row: Any, starts_at: int, ends_at: int) -> Placed:
    """The same for a reservation that changes. In its own car it still begins where it was promised; in
    another it begins where that one stands then. What only gives time back is never refused, nor is the
    journey under way."""
    is_more = starts_at < row.starts_at or ends_at > row.ends_at
    is_same = vehicle.id == row.vehicle_id
    if is_same and (row.state == "in_use" or not is_more):
        start = row.start_site_id or vehicle.site_id
        name = vehicle.site_name if start == vehicle.site_id else fleet.get_site(tx, start).name
        return Placed(replace(vehicle, site_id=start, site_name=name), row.end_site_id)
    from_site = row.start_site_id if is_same else None
    return settle(tx, vehicle, starts_at, ends_at, from_site=from_site, to_site=row.end_site_id, but=row.id)


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


def is_whole(tx: Connection, row: Any) -> bool:
    """Whether this promise begins where its car will be, and leaves it where the next one begins."""
    if row.start_site_id is None:
        return True
    place = places.read_place(tx, row.vehicle_id, row.starts_at, row.id)
    after = places.next_start(tx, row.vehicle_id, row.ends_at, row.id)
    fits_after = row.end_site_id is None or after is None or after.site_id == row.end_site_id
    return place == row.start_site_id and fits_after
