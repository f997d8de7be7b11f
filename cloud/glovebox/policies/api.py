"""`/api/v1/policies`, `/api/v1/groups`, `/api/v1/sites/{id}/hours`, `/api/v1/approvals`: rules as data, and
reservations that wait. Lengths of time are seconds, hours of sites local minutes of the day."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from glovebox.audit import service as audit
from glovebox.dependencies import BodyId, CloudDep, Id, PartDep, ReadTx, ScopeDep
from glovebox.people.schemas import Person
from glovebox.policies import group_undo, groups, hours, service
from glovebox.policies.hours import CLOSURES_LIMIT
from glovebox.policies.schemas import NAMES, Closure, DayHours, Group, Policy, PoolRules, SiteHours
from glovebox.reservations import approval
from glovebox.reservations import service as reservations
from glovebox.reservations.schemas import Reservation

router = APIRouter(tags=["rules"])
Value = Annotated[int | None, Field(strict=True, ge=0, le=2**31 - 1)]
Text = Annotated[str, Field(max_length=80)]


class PolicyIn(BaseModel):
    """What a level is to say; null or absent: as the next wider level says. Without pool and group: all cars
    of the organisation."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"organisation_id": 1, "pool_id": 1, "buffer_s": 1_800}}
    )
    organisation_id: BodyId
    pool_id: BodyId | None = None
    group_id: BodyId | None = None
    buffer_s: Value = None
    lead_s: Value = None
    longest_s: Value = None
    horizon_s: Value = None
    open_bookings: Value = None
    week_s: Value = None
    needs_approval: Value = None
    approval_due_s: Value = None


class GroupIn(BaseModel):
    """A group to be made."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"organisation_id": 1, "name": "Astreinte", "priority": 5}}
    )
    organisation_id: BodyId
    name: Text
    priority: int = Field(strict=True, default=0, ge=0, le=groups.PRIORITY_LIMIT)


class GroupChange(BaseModel):
    """Another name or priority; absent: stays."""

    model_config = ConfigDict(json_schema_extra={"example": {"priority": 5}})
    name: Text | None = None
    priority: int | None = Field(strict=True, default=None, ge=0, le=groups.PRIORITY_LIMIT)


class Level(BaseModel):
    """A level of rules: as in `PolicyIn`."""

    model_config = ConfigDict(json_schema_extra={"example": {"organisation_id": 1, "pool_id": 1}})
    organisation_id: BodyId
    pool_id: BodyId | None = None
    group_id: BodyId | None = None


class PoolGroups(BaseModel):
    """The groups a pool is to be kept for; none: everybody."""

    model_config = ConfigDict(json_schema_extra={"example": {"group_ids": [2]}})
    group_ids: list[BodyId] = Field(max_length=100)


class ClosureIn(BaseModel):
    """Closed days, both included."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"first_day": "2026-08-10", "last_day": "2026-08-14", "name": "Été"}}
    )
    first_day: str = Field(max_length=10)
    last_day: str = Field(max_length=10)
    name: Text = ""


class HoursIn(BaseModel):
    """When a site is to be open, whole: what is absent is no longer laid down."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "hours": [{"weekday": 0, "opens_minute": 480, "closes_minute": 1_080}],
                "closures": [{"first_day": "2026-08-10", "last_day": "2026-08-14", "name": "Été"}],
                "holidays": "FR",
                "time_zone": "Europe/Paris",
            }
        }
    )
    hours: list[DayHours] = Field(default=[], max_length=7)
    closures: list[ClosureIn] = Field(default=[], max_length=CLOSURES_LIMIT)
    holidays: str = Field(default="", max_length=12)
    time_zone: str = Field(default="", max_length=64)


class Answer(BaseModel):
    """An approver's answer; a refusal needs a reason, which the person reads."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"is_approved": False, "reason": "Le train est plus rapide."}}
    )
    is_approved: bool
    reason: str = Field(default="", max_length=200)


@router.get("/policies")
def list_policies(tx: ReadTx, scope: ScopeDep, part: PartDep) -> list[Policy]:
    """What is laid down for cars this person manages. Of each value the most specific level holds: group and
    pool, pool, group, organisation, built in."""
    return part.of(service.list_policies(tx, scope))


@router.put("/policies")
async def set_policy(asked: PolicyIn, scope: ScopeDep, cloud: CloudDep) -> Policy:
    """Lays down what one level says from now on; without any value the level is forgotten. 422
    `rule_out_of_range` names the limits."""
    now, policy = cloud.now(), Policy(**asked.model_dump())

    def job(tx: Connection) -> Policy:
        service.set_policy(tx, now, scope, policy)
        return service.get_policy(tx, scope, policy.organisation_id, policy.pool_id, policy.group_id)

    return await cloud.writer.write(job)


@router.post("/policies/undo")
async def undo_policy(asked: Level, scope: ScopeDep, cloud: CloudDep) -> Policy:
    """Puts back what a level said before its last change. 409 `nothing_to_undo`."""
    level = Policy(asked.organisation_id, asked.pool_id, asked.group_id)

    def job(tx: Connection) -> Policy:
        service.undo_policy(tx, scope, level)
        return service.get_policy(tx, scope, level.organisation_id, level.pool_id, level.group_id)

    return await cloud.writer.write(job)


@router.get("/pools/{pool_id}/rules")
def get_rules(pool_id: Id, tx: ReadTx, scope: ScopeDep, cloud: CloudDep) -> PoolRules:
    """What holds for this person and this pool's cars, and at which level each value is laid down."""
    held = service.rules_for(tx, scope, pool_id, cloud.now())
    return PoolRules(pool_id, held.rules, {name: held.origin(name) for name in NAMES})


@router.put("/pools/{pool_id}/groups", status_code=204, response_class=Response)
async def keep_pool(pool_id: Id, asked: PoolGroups, scope: ScopeDep, cloud: CloudDep) -> None:
    """Keeps a pool for these groups, or opens it to everybody."""
    await cloud.writer.write(lambda tx: groups.keep_pool(tx, scope, pool_id, set(asked.group_ids)))


@router.get("/groups")
def list_groups(tx: ReadTx, scope: ScopeDep, part: PartDep) -> list[Group]:
    """Groups of the organisations this person manages."""
    return part.of(groups.list_groups(tx, scope))


@router.post("/groups", status_code=201)
async def add_group(asked: GroupIn, scope: ScopeDep, cloud: CloudDep) -> Group:
    """Makes a group. 409 `group_exists`."""

    def job(tx: Connection) -> Group:
        values = (asked.organisation_id, asked.name, asked.priority)
        return groups.get_group(tx, scope, groups.add_group(tx, scope, *values))

    return await cloud.writer.write(job)


@router.patch("/groups/{group_id}")
async def change_group(group_id: Id, asked: GroupChange, scope: ScopeDep, cloud: CloudDep) -> Group:
    """Another name or priority. 409 `group_exists`."""
    now = cloud.now()

    def job(tx: Connection) -> Group:
        held = groups.get_group(tx, scope, group_id)
        name = held.name if asked.name is None else asked.name
        priority = held.priority if asked.priority is None else asked.priority
        values = (group_id, name, priority)
        group_undo.change(tx, now, scope, group_id, lambda tx: groups.change_group(tx, scope, *values))
        return groups.get_group(tx, scope, group_id)

    return await cloud.writer.write(job)


@router.post("/groups/{group_id}/undo")
async def undo_group(group_id: Id, scope: ScopeDep, cloud: CloudDep) -> Group:
    """The group as it stood before one's own last change to it or its people, also one that was removed. 409
    `undo_over` after 30 seconds."""
    now = cloud.now()

    def job(tx: Connection) -> Group:
        group_undo.undo(tx, now, scope, group_id)
        return groups.get_group(tx, scope, group_id)

    return await cloud.writer.write(job)


@router.delete("/groups/{group_id}", status_code=204, response_class=Response)
async def remove_group(group_id: Id, scope: ScopeDep, cloud: CloudDep) -> None:
    """Forgets a group and its rules. 409 `group_in_use` while a pool is kept for it."""
    now = cloud.now()
    await cloud.writer.write(
        lambda tx: group_undo.change(
            tx, now, scope, group_id, lambda tx: groups.remove_group(tx, scope, group_id)
        )
    )


@router.get("/groups/{group_id}/members")
async def list_members(group_id: Id, scope: ScopeDep, cloud: CloudDep, part: PartDep) -> list[Person]:
    """The group's people. The reading is noted in the audit trail."""
    now = cloud.now()

    def job(tx: Connection) -> list[Person]:
        found = part.of(groups.list_members(tx, scope, group_id, part.end))
        audit.note(tx, now, scope, "api group", filter_text=str(group_id), people_count=len(found))
        return found

    return await cloud.writer.write(job)


@router.put("/groups/{group_id}/members/{person_id}", status_code=204, response_class=Response)
async def add_member(group_id: Id, person_id: Id, scope: ScopeDep, cloud: CloudDep) -> None:
    """Puts a person of the same body into the group."""
    now = cloud.now()
    await cloud.writer.write(
        lambda tx: group_undo.change(
            tx, now, scope, group_id, lambda tx: groups.add_member(tx, scope, group_id, person_id)
        )
    )


@router.delete("/groups/{group_id}/members/{person_id}", status_code=204, response_class=Response)
async def remove_member(group_id: Id, person_id: Id, scope: ScopeDep, cloud: CloudDep) -> None:
    """Takes a person out of the group."""
    now = cloud.now()
    await cloud.writer.write(
        lambda tx: group_undo.change(
            tx, now, scope, group_id, lambda tx: groups.remove_member(tx, scope, group_id, person_id)
        )
    )


@router.get("/sites/{site_id}/hours")
def get_hours(site_id: Id, tx: ReadTx, _scope: ScopeDep) -> SiteHours:
    """When cars can be fetched from a site and brought back."""
    return hours.get_hours(tx, site_id)


@router.put("/sites/{site_id}/hours")
async def set_hours(site_id: Id, asked: HoursIn, scope: ScopeDep, cloud: CloudDep) -> SiteHours:
    """Lays down when a site is open from now on. Bookings made stay."""
    now = cloud.now()
    closures = tuple(Closure(one.first_day, one.last_day, one.name) for one in asked.closures)
    wanted = SiteHours(site_id, tuple(asked.hours), closures, asked.holidays, asked.time_zone)

    def job(tx: Connection) -> SiteHours:
        hours.set_hours(tx, now, scope, wanted)
        return hours.get_hours(tx, site_id)

    return await cloud.writer.write(job)


@router.post("/sites/{site_id}/hours/undo")
async def undo_hours(site_id: Id, scope: ScopeDep, cloud: CloudDep) -> SiteHours:
    """Puts back what stood before the last change. 409 `nothing_to_undo`."""

    def job(tx: Connection) -> SiteHours:
        hours.undo_hours(tx, scope, site_id)
        return hours.get_hours(tx, site_id)

    return await cloud.writer.write(job)


@router.get("/approvals")
async def list_waiting(scope: ScopeDep, cloud: CloudDep, part: PartDep) -> list[Reservation]:
    """Reservations that wait for this person's answer, the most urgent first. The reading is noted in the
    audit trail."""
    now = cloud.now()

    def job(tx: Connection) -> list[Reservation]:
        found = part.of(approval.list_waiting(tx, scope, part.end))
        if found:
            audit.note(tx, now, scope, "api approvals", filter_text="", people_count=len(found))
        return found

    return await cloud.writer.write(job)


@router.post("/approvals/{reservation_id}")
async def answer(reservation_id: Id, asked: Answer, scope: ScopeDep, cloud: CloudDep) -> Reservation:
    """Approves or refuses a waiting reservation. 409 `not_waiting` where it was answered, given back or
    lapsed."""
    now = cloud.now()

    def job(tx: Connection) -> Reservation:
        if asked.is_approved:
            approval.approve(tx, now, scope, reservation_id)
        else:
            approval.refuse(tx, now, scope, reservation_id, asked.reason)
        return reservations.get_reservation(tx, scope, reservation_id)

    return await cloud.writer.write(job)
