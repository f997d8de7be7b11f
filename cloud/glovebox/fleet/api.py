"""`/api/v1/vehicles`, `/api/v1/sites`, `/api/v1/pools`: the fleet this person may drive or manages."""

from dataclasses import asdict, replace
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from glovebox.boxes import service as boxes
from glovebox.boxes.schemas import Live
from glovebox.dependencies import BodyId, CloudDep, Id, PartDep, ReadTx, ScopeDep
from glovebox.errors import NotFound
from glovebox.fleet import editing, service, wifi
from glovebox.fleet.schemas import Energy, Pool, Site, Status, Vehicle
from glovebox.fleet.wifi import AccessPoint

router = APIRouter(tags=["fleet"])
Count = Annotated[int, Field(strict=True, ge=0, le=10**6)]


class VehicleChange(BaseModel):
    """What is to change of a car; absent: stays. `site_id`: where its bay is. Null: no longer known."""

    model_config = ConfigDict(json_schema_extra={"example": {"bay": "14", "licence_category": "BE"}})
    registration: str = Field(default="", min_length=1, max_length=20)
    make: str = Field(default="", min_length=1, max_length=60)
    model: str = Field(default="", min_length=1, max_length=60)
    energy: Energy = "petrol"
    seats: Count = 5
    bay: str = Field(default="", max_length=20)
    site_id: BodyId = 1
    status: Status = "in_service"
    licence_category: str = Field(default="B", max_length=3)
    battery_wh: Count | None = None
    consumption_wh_per_km: Count | None = None
    charge_w: Count | None = None


class AccessPointIn(BaseModel):
    """The address printed on it, in six pairs of hexadecimal digits."""

    model_config = ConfigDict(json_schema_extra={"example": {"bssid": "24:6F:28:00:00:01"}})
    bssid: str = Field(min_length=1, max_length=40)


@router.get("/pools")
def list_pools(tx: ReadTx, scope: ScopeDep, cloud: CloudDep, part: PartDep) -> list[Pool]:
    """Pools from which this person may drive, and those managed."""
    return part.of(service.list_pools(tx, scope, cloud.now()))


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


@router.patch("/vehicles/{vehicle_id}")
async def change_vehicle(vehicle_id: Id, asked: VehicleChange, scope: ScopeDep, cloud: CloudDep) -> Vehicle:
    """Changes what is known of a car one manages. 409 `bookings_ahead` where it is to be retired,
    `registration_exists` where another has that plate."""
    now, changes = cloud.now(), asked.model_dump(exclude_unset=True)

    def job(tx: Connection) -> Vehicle:
        editing.edit_vehicle(tx, now, scope, vehicle_id, changes)
        return service.get_vehicle(tx, scope, vehicle_id)

    return await cloud.writer.write(job)


@router.get("/sites/{site_id}/wifi")
def list_wifi(site_id: Id, tx: ReadTx, scope: ScopeDep, part: PartDep) -> list[AccessPoint]:
    """Access points that prove a site where satellites do not reach."""
    return part.of(wifi.list_wifi(tx, scope, site_id))


@router.post("/sites/{site_id}/wifi", status_code=201)
async def add_wifi(site_id: Id, asked: AccessPointIn, scope: ScopeDep, cloud: CloudDep) -> AccessPoint:
    """Adds one; boxes learn it at their next contact. 409 where the site has it, or has enough."""

    def job(tx: Connection) -> AccessPoint:
        number = wifi.add_wifi(tx, scope, site_id, asked.bssid)
        return next(one for one in wifi.list_wifi(tx, scope, site_id) if one.id == number)

    return await cloud.writer.write(job)


@router.delete("/sites/{site_id}/wifi/{wifi_id}", status_code=204, response_class=Response)
async def remove_wifi(site_id: Id, wifi_id: Id, scope: ScopeDep, cloud: CloudDep) -> None:
    """Removes one."""
    await cloud.writer.write(lambda tx: wifi.remove_wifi(tx, scope, site_id, wifi_id))


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
