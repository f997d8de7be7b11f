"""Groups of people for whom rules differ, and pools kept for them."""

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from glovebox.errors import Conflict, Forbidden, Invalid, NotFound
from glovebox.fleet.tables import pools
from glovebox.people import service as people_service
from glovebox.people.schemas import Person
from glovebox.people.tables import people
from glovebox.policies.schemas import Group
from glovebox.policies.service import admits_group
from glovebox.policies.tables import group_members, groups, policies, pool_groups
from glovebox.scope import Scope
from glovebox.store.values import check_values

PRIORITY_LIMIT = 100


def list_groups(tx: Connection, scope: Scope) -> list[Group]:
    """Groups of the organisations this scope manages, by organisation, priority and name."""
    return _read(tx, scope.managed(groups.c.organisation_id))


def list_admitted(tx: Connection, scope: Scope, organisation_id: int) -> list[Group]:
    """Groups for which rules on this organisation's cars can be laid down: its own, and those of bodies
    that an agreement admits. Raises Forbidden."""
    _check_manager(scope, organisation_id)
    return [one for one in _read(tx, groups.c.id > 0) if admits_group(tx, organisation_id, one.id)]


def get_group(tx: Connection, scope: Scope, group_id: int) -> Group:
    """One of `list_groups`. Raises NotFound."""
    for group in _read(tx, scope.managed(groups.c.organisation_id) & (groups.c.id == group_id)):
        return group
    raise NotFound()


def _read(tx: Connection, condition: object) -> list[Group]:
    count = select(group_members.c.group_id, func.count().label("members")).group_by(group_members.c.group_id)
    counted = count.subquery()
    query = (
        select(groups, func.coalesce(counted.c.members, 0).label("members"))
        .join(counted, counted.c.group_id == groups.c.id, isouter=True)
        .where(condition)  # type: ignore[arg-type]
        .order_by(groups.c.organisation_id, groups.c.priority.desc(), groups.c.name)
    )
    kept: dict[int, list[int]] = {}
    for pool_id, group_id in tx.execute(select(pool_groups.c.pool_id, pool_groups.c.group_id)):
        kept.setdefault(group_id, []).append(pool_id)
    return [
        Group(
            row.id,
            row.organisation_id,
            row.name,
            row.priority,
            row.members,
            tuple(sorted(kept.get(row.id, ()))),
        )
        for row in tx.execute(query)
    ]


def add_group(tx: Connection, scope: Scope, organisation_id: int, name: str, priority: int = 0) -> int:
    """A new group of an organisation's people. Raises Forbidden, Invalid, Conflict for a name it has."""
    _check_manager(scope, organisation_id)
    values = {"name": name, "priority": _check_priority(priority)}
    check_values(groups, values)
    try:
        with tx.begin_nested():
            new = insert(groups).values(organisation_id=organisation_id, **values).returning(groups.c.id)
            return int(tx.execute(new).scalar_one())
    except IntegrityError as error:
        raise Conflict("group_exists", name=name) from error


def change_group(tx: Connection, scope: Scope, group_id: int, name: str, priority: int) -> None:
    """Another name or priority. Raises NotFound, Invalid, Conflict."""
    get_group(tx, scope, group_id)
    values = {"name": name, "priority": _check_priority(priority)}
    check_values(groups, values)
    try:
        with tx.begin_nested():
            tx.execute(update(groups).where(groups.c.id == group_id).values(**values))
    except IntegrityError as error:
        raise Conflict("group_exists", name=name) from error


def remove_group(tx: Connection, scope: Scope, group_id: int) -> None:
    """Forgets a group, who was in it and its rules. Raises NotFound; Conflict while a pool is kept for it,
    for the pool would open to all."""
    group = get_group(tx, scope, group_id)
    if group.pool_ids:
        raise Conflict("group_in_use", name=group.name)
    tx.execute(delete(policies).where(policies.c.group_id == group_id))
    tx.execute(delete(group_members).where(group_members.c.group_id == group_id))
    tx.execute(delete(groups).where(groups.c.id == group_id))


def list_members(tx: Connection, scope: Scope, group_id: int, limit: int = 1_000) -> list[Person]:
    """The group's people by family name. Raises NotFound."""
    get_group(tx, scope, group_id)
    query = (
        select(group_members.c.person_id)
        .join(people, people.c.id == group_members.c.person_id)
        .where(group_members.c.group_id == group_id)
        .order_by(people.c.family_name, people.c.given_name, people.c.id)
        .limit(limit)
    )
    ids = tx.execute(query).scalars().all()
    return [people_service.get_person(tx, scope, person_id) for person_id in ids]


def add_member(tx: Connection, scope: Scope, group_id: int, person_id: int) -> None:
    """Puts a person of the same organisation into the group; twice changes nothing. Raises NotFound,
    Invalid for somebody of another body."""
    group = get_group(tx, scope, group_id)
    person = people_service.require_manager(tx, scope, person_id)
    if person.organisation_id != group.organisation_id:
        raise Invalid("member_elsewhere", organisation=person.organisation_name)
    remove_member(tx, scope, group_id, person_id)
    tx.execute(insert(group_members).values(group_id=group_id, person_id=person_id))


def remove_member(tx: Connection, scope: Scope, group_id: int, person_id: int) -> None:
    """Takes a person out; taking out nobody changes nothing. Raises NotFound."""
    get_group(tx, scope, group_id)
    tx.execute(
        delete(group_members).where(
            group_members.c.group_id == group_id, group_members.c.person_id == person_id
        )
    )


def keep_pool(tx: Connection, scope: Scope, pool_id: int, group_ids: set[int]) -> None:
    """Keeps a pool for these groups; none: it is for everybody again. Bookings made stay.
    Raises NotFound, Forbidden."""
    owner = tx.execute(select(pools.c.organisation_id).where(pools.c.id == pool_id)).scalar()
    if owner is None:
        raise NotFound()
    if not scope.may_manage_car(owner, pool_id):
        raise Forbidden() if scope.organisation_id == owner else NotFound()
    if not all(admits_group(tx, owner, group_id) for group_id in group_ids):
        raise NotFound()
    tx.execute(delete(pool_groups).where(pool_groups.c.pool_id == pool_id))
    rows = [{"pool_id": pool_id, "group_id": group_id} for group_id in sorted(group_ids)]
    if rows:
        tx.execute(insert(pool_groups), rows)


def groups_of_pool(tx: Connection, pool_id: int) -> set[int]:
    """The groups for which a pool is kept; empty: everybody's."""
    query = select(pool_groups.c.group_id).where(pool_groups.c.pool_id == pool_id)
    return set(tx.execute(query).scalars())


def _check_manager(scope: Scope, organisation_id: int) -> None:
    if not scope.may_manage(organisation_id):
        raise Forbidden()


def _check_priority(priority: int) -> int:
    if not 0 <= priority <= PRIORITY_LIMIT:
        raise Invalid("rule_out_of_range", rule="@rule.priority", least=0, largest=PRIORITY_LIMIT)
    return priority
