"""A car on which somebody holds a role."""

from sqlalchemy import Connection

from glovebox.accounts.roles import Capability, Viewer
from glovebox.errors import NotFound
from glovebox.fleet import service as fleet
from glovebox.fleet.schemas import Vehicle
from glovebox.fleet.tables import vehicles


def find_car(tx: Connection, viewer: Viewer, capability: Capability, vehicle_id: int) -> Vehicle:
    """The car, retired ones too. Raises NotFound where no grant permits that there."""
    reach = viewer.vehicles(capability)
    row = tx.execute(fleet.VEHICLES.where(reach, vehicles.c.id == vehicle_id)).mappings().one_or_none()
    if row is None:
        raise NotFound()
    return fleet.read_vehicle(row)
