"""The last change of a group, its people or its being there, taken back within the time to undo."""

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select

from glovebox.errors import Conflict, Forbidden, NotFound
from glovebox.messages.service import UNDO_S
from glovebox.policies.groups import get_group
from glovebox.policies.service import last_change, note_change, take_back
from glovebox.policies.tables import group_members, groups, policies
from glovebox.scope import Scope

# Kept with each of the last changes; larger groups are changed back by hand.
MEMBERS_KEPT: Final = 700


def remember(tx: Connection, now: int, scope: Scope, group_id: int) -> None:
    """Keeps a group as it stands, before it is changed."""
    before = _read(tx, group_id)
    if before is not None and len(before["members"]) <= MEMBERS_KEPT:
        note_change(tx, now, scope, _subject(group_id), {**before, "by": scope.person_id})


def change(tx: Connection, now: int, scope: Scope, group_id: int, job: Callable[[Connection], None]) -> None:
    """Does the change, so that it can be taken back. Raises NotFound, and as the job."""
    get_group(tx, scope, group_id)
    remember(tx, now, scope, group_id)
    job(tx)


def may_undo(tx: Connection, now: int, scope: Scope, group_id: int) -> bool:
    """True while something could be taken back; whose it was is looked at by `undo`."""
    changed_at = last_change(tx, _subject(group_id))
    return scope.person_id is not None and changed_at is not None and now < changed_at + UNDO_S


def undo(tx: Connection, now: int, scope: Scope, group_id: int) -> None:
    """Puts the group back as it stood before its last change, also one that was removed. Raises NotFound,
    Forbidden where another made it, Conflict `undo_over`; `group_exists` where another has the name now."""
    if last_change(tx, _subject(group_id)) is None:
        raise NotFound()
    if not may_undo(tx, now, scope, group_id):
        raise Conflict("undo_over", seconds=UNDO_S)
    before = take_back(tx, _subject(group_id))
    if not scope.may_manage(before["group"]["organisation_id"]):
        raise NotFound()
    if before["by"] != scope.person_id:
        raise Forbidden()
    _check_name(tx, group_id, before["group"])
    tx.execute(delete(group_members).where(group_members.c.group_id == group_id))
    known = tx.execute(select(groups.c.id).where(groups.c.id == group_id)).first()
    if known is None:
        tx.execute(insert(groups).values(**before["group"]))
        # Their own numbers may be another rule's by now.
        rules = [{name: row[name] for name in row if name != "id"} for row in before["policies"]]
        if rules:
            tx.execute(insert(policies), rules)
    else:
        tx.execute(groups.update().where(groups.c.id == group_id).values(**before["group"]))
    members = [{"group_id": group_id, "person_id": number} for number in before["members"]]
    if members:
        tx.execute(insert(group_members), members)


def _check_name(tx: Connection, group_id: int, group: dict[str, Any]) -> None:
    others = select(groups.c.id).where(
        groups.c.organisation_id == group["organisation_id"],
        groups.c.name == group["name"],
        groups.c.id != group_id,
    )
    if tx.execute(others).first():
        raise Conflict("group_exists", name=group["name"])


def _subject(group_id: int) -> str:
    return f"group.{group_id}"


def _read(tx: Connection, group_id: int) -> dict[str, Any] | None:
    group = tx.execute(select(groups).where(groups.c.id == group_id)).mappings().first()
    if group is None:
        return None
    inside = select(group_members.c.person_id).where(group_members.c.group_id == group_id)
    rules = tx.execute(select(policies).where(policies.c.group_id == group_id)).mappings().all()
    return {
        "group": dict(group),
        "members": sorted(tx.execute(inside).scalars()),
        "policies": [dict(row) for row in rules],
    }
