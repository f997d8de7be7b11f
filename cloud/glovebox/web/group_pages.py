"""Console: groups of people for whom rules differ."""

from collections.abc import Callable

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import Response

from glovebox.errors import Conflict, Forbidden, Invalid
from glovebox.fleet import service as fleet
from glovebox.people import service as people
from glovebox.policies import group_undo, groups
from glovebox.web.page import Id, Page, PageRoute, PeoplePage
from glovebox.web.vehicle_pages import note_people

router = APIRouter(prefix="/console/groups", route_class=PageRoute, include_in_schema=False)

FOUND_SHOWN = 12


@router.get("")
def list_groups(page: PeoplePage) -> Response:
    """Groups of the organisations one manages, and the form for another."""
    return _groups(page, "")


def _groups(page: Page, problem: str) -> Response:
    scope = page.viewer.scope
    with page.cloud.store.read() as tx:
        found = groups.list_groups(tx, scope)
        bodies = [one for one in fleet.list_organisations(tx) if one.id in scope.managed_ids]
        pools = {pool.id: pool.name for pool in fleet.list_pools(tx, scope, page.now)}
        removed = page.number("removed")
        may_undo = removed is not None and group_undo.may_undo(tx, page.now, scope, removed)
    return page.render(
        "console/groups.html",
        422 if problem else 200,
        groups=found,
        organisations=bodies,
        names={one.id: one.name for one in bodies},
        pools=pools,
        removed=removed if may_undo else None,
        problem=problem,
    )


@router.post("")
def add_group(page: PeoplePage) -> Response:
    """Adds a group."""
    organisation_id, name = page.number("organisation"), page.text("name")
    scope = page.viewer.scope
    if organisation_id is None or not scope.may_manage(organisation_id):
        raise Forbidden()
    try:
        priority = page.number("priority") or 0
        group_id = page.cloud.writer.run(
            lambda tx: groups.add_group(tx, scope, organisation_id, name, priority)
        )
    except (Invalid, Conflict) as error:
        return _groups(page, page.refuse(error))
    return page.go(f"/console/groups/{group_id}", "group_added")


@router.get("/{group_id}")
def show_group(group_id: Id, page: PeoplePage) -> Response:
    """One group: its people, and whom to add."""
    return _group(page, group_id, "")


def _group(page: Page, group_id: int, problem: str) -> Response:
    scope, search = page.viewer.scope, page.text("q")[:60]
    with page.cloud.store.read() as tx:
        group = groups.get_group(tx, scope, group_id)
        members = groups.list_members(tx, scope, group_id)
        inside = {person.id for person in members}
        may_undo = group_undo.may_undo(tx, page.now, scope, group_id)
        found = people.list_people(tx, scope, search=search, limit=50) if search else []
    offered = [one for one in found if one.id not in inside and one.organisation_id == group.organisation_id][
        :FOUND_SHOWN
    ]
    note_people(page, "group", group.name, {*inside, *(one.id for one in offered)})
    return page.render(
        "console/group.html",
        422 if problem else 200,
        group=group,
        members=members,
        search=search,
        offered=offered,
        may_undo=may_undo,
        problem=problem,
    )


@router.post("/{group_id}")
def change_group(group_id: Id, page: PeoplePage) -> Response:
    """Another name or priority."""
    name, scope = page.text("name"), page.viewer.scope
    try:
        priority = page.number("priority") or 0
    except Invalid as error:
        return _group(page, group_id, page.refuse(error))
    return _do(page, group_id, lambda tx: groups.change_group(tx, scope, group_id, name, priority))


@router.post("/{group_id}/undo")
def undo_change(group_id: Id, page: PeoplePage) -> Response:
    """The group as it stood before its last change, also one that was removed."""
    scope, now = page.viewer.scope, page.now
    page.cloud.writer.run(lambda tx: group_undo.undo(tx, now, scope, group_id))
    return page.go(f"/console/groups/{group_id}", "undone")


@router.post("/{group_id}/members")
def change_members(group_id: Id, page: PeoplePage) -> Response:
    """Puts somebody in or takes somebody out."""
    person_id, scope = page.number("person"), page.viewer.scope
    if person_id is None:
        raise Invalid("not_found_here")
    change = groups.remove_member if page.text("out") else groups.add_member
    return _do(page, group_id, lambda tx: change(tx, scope, group_id, person_id))


@router.post("/{group_id}/remove")
def remove_group(group_id: Id, page: PeoplePage) -> Response:
    """Forgets an empty group."""
    scope, now = page.viewer.scope, page.now
    try:
        page.cloud.writer.run(
            lambda tx: group_undo.change(
                tx, now, scope, group_id, lambda tx: groups.remove_group(tx, scope, group_id)
            )
        )
    except Conflict as error:
        return _group(page, group_id, page.refuse(error))
    return page.go(f"/console/groups?removed={group_id}", "group_removed")


def _do(page: Page, group_id: int, job: Callable[[Connection], None]) -> Response:
    scope, now = page.viewer.scope, page.now
    try:
        page.cloud.writer.run(lambda tx: group_undo.change(tx, now, scope, group_id, job))
    except (Invalid, Conflict) as error:
        return _group(page, group_id, page.refuse(error))
    return page.go(f"/console/groups/{group_id}", "rules_stored")
