"""What is known of a vehicle, changed by whoever manages it."""

from typing import Any

from sqlalchemy import Connection, func, select

from glovebox.audit import service as audit
from glovebox.errors import Conflict, Forbidden, Invalid
from glovebox.fleet import service
from glovebox.fleet.schemas import ENERGIES, STATUSES
from glovebox.reservations.tables import reservations
from glovebox.scope import Scope


def edit_vehicle(tx: Connection, now: int, scope: Scope, vehicle_id: int, changes: dict[str, Any]) -> None:
    """Stores what differs, and notes which columns. `site_id`: where its bay is, wherever a trip has left it.
    A car with bookings ahead is not retired: they would have no car. Raises NotFound, Forbidden, Invalid,
    Conflict (`bookings_ahead`, `registration_exists`)."""
    vehicle = service.get_vehicle(tx, scope, vehicle_id)
    if not scope.may_manage_car(vehicle.organisation_id, vehicle.pool_id):
        raise Forbidden()
    known = {name: getattr(vehicle, name) for name in changes}
    if "site_id" in changes:
        service.get_site(tx, changes["site_id"])
        known["site_id"] = vehicle.home_site_id or vehicle.site_id
    values = {name: value for name, value in changes.items() if value != known[name]}
    if values.get("energy", "petrol") not in ENERGIES or values.get("status", "retired") not in STATUSES:
        raise Invalid("not_found_here")
    if values.get("status") == "retired":
        ahead = select(func.count()).where(
            reservations.c.vehicle_id == vehicle_id,
            reservations.c.ends_at > now,
            reservations.c.state.in_(("pending", "confirmed", "in_use")),
        )
        count = tx.execute(ahead).scalar_one()
        if count:
            raise Conflict("bookings_ahead", count=count)
    if not values:
        return
    changed = " ".join(sorted(values))
    if "site_id" in values:
        # Said by a person: it is at home there, bay and all.
        values["home_site_id"] = None
    service.change_vehicle(tx, scope, vehicle_id, **values)
    audit.note(tx, now, scope, "vehicle changed", filter_text=f"{vehicle.registration} {changed}")
