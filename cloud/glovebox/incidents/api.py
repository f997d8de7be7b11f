"""`/api/v1/incidents`: what a person should look at, and what is done about it."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from glovebox.accounts.api import ViewerDep
from glovebox.accounts.cars import find_car
from glovebox.accounts.roles import Viewer
from glovebox.cloud import Cloud
from glovebox.dependencies import BodyId, CloudDep, Id, ReadTx, ScopeDep
from glovebox.errors import NotFound
from glovebox.incidents import acts, reports, service
from glovebox.incidents.resolutions import Step
from glovebox.incidents.schemas import Incident
from glovebox.scope import Scope

router = APIRouter(tags=["incidents"])


class StepIn(BaseModel):
    """What to do about it. `site_id`: where the car stands, for `place_confirmed`; empty: its home."""

    model_config = ConfigDict(json_schema_extra={"example": {"step": "talked", "note": "Badge prêté"}})
    step: Step
    note: str = Field(default="", max_length=300)
    site_id: BodyId | None = None


class DamageIn(BaseModel):
    """Damage or a defect, in the reporter's words."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"text": "Rétroviseur droit cassé", "may_drive": False}}
    )
    text: str = Field(min_length=1, max_length=300)
    may_drive: bool = True
    reservation_id: BodyId | None = None


@router.get("/incidents")
def list_incidents(
    tx: ReadTx,
    scope: ScopeDep,
    state: Literal["open", "closed", "all"] = "open",
    kind: Annotated[str, Query(max_length=24, pattern=r"^[a-z_]*$")] = "",
    vehicle_id: Id | None = None,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> list[Incident]:
    """Incidents of cars one manages, newest first; site staff see those of their cars, without names."""
    is_open = None if state == "all" else state == "open"
    return service.list_incidents(
        tx, scope, vehicle_id=vehicle_id, kind=kind, is_open=is_open, offset=offset, limit=limit
    )


@router.get("/incidents/{incident_id}")
def get_incident(incident_id: Id, tx: ReadTx, scope: ScopeDep, cloud: CloudDep) -> Incident:
    """One incident with the steps that are possible now, the proposed one first."""
    return acts.get_incident(tx, cloud.now(), scope, incident_id)


@router.post("/incidents/{incident_id}/steps")
async def take_step(incident_id: Id, asked: StepIn, scope: ScopeDep, cloud: CloudDep) -> Incident:
    """Does one of `steps`, or closes it by hand: `talked`, `checked`, `nothing`."""
    now = cloud.now()

    def job(tx: Connection) -> Incident:
        acts.take_step(tx, now, scope, incident_id, asked.step, note=asked.note, site_id=asked.site_id)
        return acts.get_incident(tx, now, scope, incident_id)

    return await cloud.writer.write(job)


@router.post("/incidents/{incident_id}/reopen")
async def reopen(incident_id: Id, scope: ScopeDep, cloud: CloudDep) -> Incident:
    """Takes one's own closing back, within 30 seconds, with what was done."""
    now = cloud.now()

    def job(tx: Connection) -> Incident:
        acts.reopen(tx, now, scope, incident_id)
        return acts.get_incident(tx, now, scope, incident_id)

    return await cloud.writer.write(job)


@router.post("/vehicles/{vehicle_id}/damage", status_code=201)
async def report_damage(
    vehicle_id: Id, asked: DamageIn, viewer: ViewerDep, cloud: CloudDep
) -> dict[str, int]:
    """Reports damage, as whoever has the car, had it last week, or looks after it; where it must not go, it
    is out of service at once. Answers the incident's id."""
    now, scope = cloud.now(), await run_in_threadpool(_reporting, cloud, viewer, vehicle_id)
    number = await cloud.writer.write(
        lambda tx: reports.report_damage(
            tx,
            now,
            scope,
            vehicle_id,
            asked.text,
            may_drive=asked.may_drive,
            reservation_id=asked.reservation_id,
        )
    )
    return {"id": number}


def _reporting(cloud: Cloud, viewer: Viewer, vehicle_id: int) -> Scope:
    """Site staff report for the cars they look after, everybody else as drivers."""
    try:
        with cloud.store.read() as tx:
            vehicle = find_car(tx, viewer, "commands", vehicle_id)
    except NotFound:
        return viewer.scope
    return viewer.scope_on("commands", vehicle.organisation_id, vehicle.pool_id)
