"""`/api/v1/vehicles`, `/api/v1/sites`: the fleet this person may drive or manages."""

from dataclasses import asdict, replace
from typing import Any

from fastapi import APIRouter

from glovebox.boxes import service as boxes
from glovebox.boxes.schemas import Live
from glovebox.dependencies import CloudDep, Id, PartDep, ReadTx, ScopeDep
from glovebox.errors import NotFound
from glovebox.fleet import service
from glovebox.fleet.schemas import Site, Vehicle

router = APIRouter(tags=["fleet"])


@router.get("/sites")
def list_sites(tx: ReadTx, _scope: ScopeDep, part: PartDep) -> list[Site]:
    """All sites, with position (1e-7 degrees), radius (m) and opening hours (local minutes of the day)."""
    return part.of(service.list_sites(tx))


@router.get("/vehicles")
def list_vehicles(
    tx: ReadTx, scope: ScopeDep, cloud: CloudDep, part: PartDep, site_id: Id | None = None
) -> list[Vehicle]:
    """Cars this person may drive or manages."""
    return part.of(service.list_vehicles(tx, scope, cloud.now(), site_id=site_id))


@router.get("/vehicles/{vehicle_id}")
def get_vehicle(vehicle_id: Id, tx: ReadTx, scope: ScopeDep, cloud: CloudDep) -> Vehicle:
    """One car."""
    return service.get_vehicle(tx, scope, vehicle_id, cloud.now())


@router.get("/vehicles/{vehicle_id}/live")
def get_live(vehicle_id: Id, tx: ReadTx, scope: ScopeDep, cloud: CloudDep) -> dict[str, Any]:
    """What the car's box said last; `heard_at` null and `state` null where it has said nothing. 404 without
    a box or for a car this person does not manage."""
    vehicle = service.get_vehicle(tx, scope, vehicle_id, cloud.now())
    live: Live | None = boxes.list_live(tx, [vehicle_id]).get(vehicle_id)
    if live is None or not scope.may_manage_car(vehicle.organisation_id, vehicle.pool_id):
        raise NotFound()
    live = replace(live, is_linked=vehicle_id in cloud.hub.linked())
    return {**asdict(live), "modes": sorted(live.modes), "knows_all": live.knows_all}
