"""`/api/v1/people`: people of the managed organisations. Every list is noted in the audit trail by count."""

from typing import Annotated

from fastapi import APIRouter, Query

from glovebox.audit import service as audit
from glovebox.dependencies import CloudDep, Id, ReadTx, ScopeDep
from glovebox.people import service
from glovebox.people.schemas import Badge, Person

router = APIRouter(tags=["people"])


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


@router.get("/people/{person_id}/badges")
def list_badges(person_id: Id, tx: ReadTx, scope: ScopeDep) -> list[Badge]:
    """A person's badges, without their UIDs."""
    return service.list_badges(tx, scope, person_id)
