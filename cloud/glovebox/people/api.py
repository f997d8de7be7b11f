"""`/api/v1/people`: people of the managed organisations, their badges, rights and logins. Every list is noted
in the audit trail by count."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from glovebox.accounts import members
from glovebox.accounts.api import ViewerDep, give_first_password
from glovebox.audit import service as audit
from glovebox.dependencies import BodyId, BodyInstant, CloudDep, Id, ReadTx, ScopeDep
from glovebox.errors import NotFound
from glovebox.people import service, standing
from glovebox.people.schemas import Badge, FirstPassword, Person
from glovebox.people.standing import StandingRight

router = APIRouter(tags=["people"])
Name = Annotated[str, Field(min_length=1, max_length=80)]


class PersonDetails(BaseModel):
    """What is known of somebody, and may change. `licence_until`: the instant from which the licence is no
    longer valid; null: never checked, which forbids nothing."""

    email: str | None = Field(default=None, max_length=200)
    phone: str = Field(default="", max_length=40)
    department: str = Field(default="", max_length=120)
    language: Literal["fr", "en"] = "fr"
    licence_until: BodyInstant | None = None
    licence_categories: str = Field(default="B", max_length=40)


class PersonIn(PersonDetails):
    """Somebody to be added."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "organisation_id": 1,
                "staff_number": "1042",
                "given_name": "Anne",
                "family_name": "Morin",
                "phone": "+33612345678",
                "licence_categories": "B BE",
            }
        }
    )
    organisation_id: BodyId
    staff_number: str = Field(min_length=1, max_length=40)
    given_name: Name
    family_name: Name


class PersonChange(PersonDetails):
    """What is to change; absent: stays. Not `is_active`: may no longer log in nor book."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"phone": "+33612345678", "licence_until": 1_936_652_400}}
    )
    given_name: Name = ""
    family_name: Name = ""
    is_active: bool = True


class BadgeIn(BaseModel):
    """A badge's number in hexadecimal, as a reader shows it; stored encrypted and never told again."""

    model_config = ConfigDict(json_schema_extra={"example": {"uid": "04A1B2C3D4E5F6"}})
    uid: str = Field(min_length=1, max_length=40)


class RightIn(BaseModel):
    """Use of a pool's cars without reservation (`standing`), or to look after them (`service`)."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "pool_id": 1,
                "kind": "standing",
                "starts_at": 1_773_129_600,
                "ends_at": 1_804_665_600,
            }
        }
    )
    pool_id: BodyId
    kind: Literal["standing", "service"]
    starts_at: BodyInstant
    ends_at: BodyInstant


@router.get("/people")
def list_people(
    tx: ReadTx,
    scope: ScopeDep,
    cloud: CloudDep,
    search: Annotated[str, Query(max_length=200)] = "",
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[Person]:
    """People by family name; `search` in names, staff number and department."""
    found = service.list_people(tx, scope, search=search, offset=offset, limit=limit)
    others = sum(1 for person in found if person.id != scope.person_id)
    if others:
        now = cloud.now()
        cloud.writer.run(
            lambda wtx: audit.note(wtx, now, scope, "api.people", filter_text=search, people_count=others)
        )
    return found


@router.post("/people", status_code=201)
async def add_person(asked: PersonIn, viewer: ViewerDep, cloud: CloudDep) -> Person:
    """Adds somebody to an organisation one manages. 409 `staff_number_exists`."""
    now, values = cloud.now(), asked.model_dump()

    def job(tx: Connection) -> Person:
        return service.get_person(tx, viewer.scope, members.add(tx, now, viewer, **values))

    return await cloud.writer.write(job)


@router.get("/people/{person_id}")
def get_person(person_id: Id, tx: ReadTx, scope: ScopeDep, cloud: CloudDep) -> Person:
    """One person, or oneself. The reading is noted in the audit trail."""
    found = service.get_person(tx, scope, person_id)
    if person_id != scope.person_id:
        now, text = cloud.now(), found.staff_number
        cloud.writer.run(
            lambda wtx: audit.note(wtx, now, scope, "api.person", filter_text=text, people_count=1)
        )
    return found


@router.patch("/people/{person_id}")
async def change_person(person_id: Id, asked: PersonChange, viewer: ViewerDep, cloud: CloudDep) -> Person:
    """Changes what is known of a person one manages. Bookings made stay until cancelled."""
    now, values = cloud.now(), asked.model_dump(exclude_unset=True)
    if "is_active" in values:
        values["is_active"] = int(values["is_active"])

    def job(tx: Connection) -> Person:
        members.change(tx, now, viewer, person_id, **values)
        return service.get_person(tx, viewer.scope, person_id)

    return await cloud.writer.write(job)


@router.post("/people/{person_id}/first-password", status_code=201)
async def make_first_password(person_id: Id, viewer: ViewerDep, cloud: CloudDep) -> FirstPassword:
    """A password to be told once and changed by its owner; the person is logged out everywhere. Only an
    administrator gives one to somebody who has a role."""
    now = cloud.now()
    password = await give_first_password(cloud, viewer, now, person_id)
    return FirstPassword(password, now + members.FIRST_PASSWORD_S)


@router.delete("/people/{person_id}/sessions", status_code=204, response_class=Response)
async def end_sessions(person_id: Id, viewer: ViewerDep, cloud: CloudDep) -> None:
    """Logs a person one manages out everywhere."""
    now = cloud.now()
    await cloud.writer.write(lambda tx: members.end_sessions(tx, now, viewer, person_id))


@router.get("/people/{person_id}/badges")
def list_badges(person_id: Id, tx: ReadTx, scope: ScopeDep) -> list[Badge]:
    """A person's badges, without their UIDs."""
    return service.list_badges(tx, scope, person_id)


@router.post("/people/{person_id}/badges", status_code=201)
async def add_badge(person_id: Id, asked: BadgeIn, viewer: ViewerDep, cloud: CloudDep) -> Badge:
    """Gives a person a badge; cars learn it at their next contact. 409 `badge_exists`."""
    now, keyring, entropy = cloud.now(), cloud.keyring, cloud.entropy

    def job(tx: Connection) -> Badge:
        members.note_badge(tx, now, viewer, "badge added", person_id)
        number = service.add_badge(tx, now, keyring, entropy, person_id, service.parse_uid(asked.uid))
        return next(one for one in service.list_badges(tx, viewer.scope, person_id) if one.id == number)

    return await cloud.writer.write(job)


@router.delete("/people/{person_id}/badges/{badge_id}", status_code=204, response_class=Response)
async def revoke_badge(person_id: Id, badge_id: Id, viewer: ViewerDep, cloud: CloudDep) -> None:
    """Withdraws a badge; an open session is not touched."""
    now = cloud.now()

    def job(tx: Connection) -> None:
        members.note_badge(tx, now, viewer, "badge revoked", person_id)
        if badge_id not in {one.id for one in service.list_badges(tx, viewer.scope, person_id)}:
            raise NotFound()
        service.revoke_badge(tx, now, viewer.scope, badge_id)

    await cloud.writer.write(job)


@router.get("/people/{person_id}/rights")
def list_rights(person_id: Id, tx: ReadTx, scope: ScopeDep, cloud: CloudDep) -> list[StandingRight]:
    """A person's rights to use pools' cars without reservation that are not over."""
    return standing.list_rights(tx, cloud.now(), scope, person_id)


@router.post("/people/{person_id}/rights", status_code=201)
async def grant_right(person_id: Id, asked: RightIn, scope: ScopeDep, cloud: CloudDep) -> StandingRight:
    """Gives one; cars learn it at their next contact. 409 `right_exists`."""
    now = cloud.now()

    def job(tx: Connection) -> StandingRight:
        number = standing.grant_right(tx, now, scope, person_id, **asked.model_dump())
        return next(one for one in standing.list_rights(tx, now, scope, person_id) if one.id == number)

    return await cloud.writer.write(job)


@router.delete("/people/{person_id}/rights/{right_id}", status_code=204, response_class=Response)
async def end_right(person_id: Id, right_id: Id, scope: ScopeDep, cloud: CloudDep) -> None:
    """Ends one now."""
    now = cloud.now()

    def job(tx: Connection) -> None:
        if right_id not in {one.id for one in standing.list_rights(tx, now, scope, person_id)}:
            raise NotFound()
        standing.end_right(tx, now, scope, right_id)

    await cloud.writer.write(job)


@router.get("/pools/{pool_id}/rights")
def list_rights_of_pool(
    pool_id: Id,
    tx: ReadTx,
    scope: ScopeDep,
    cloud: CloudDep,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> list[StandingRight]:
    """Who may use a pool's cars without reservation, of the people one manages."""
    return standing.list_of_pool(tx, cloud.now(), scope, pool_id, offset=offset, limit=limit)
