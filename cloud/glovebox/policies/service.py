"""Laying down rules: read, changed and put back as they were."""

import json
from dataclasses import asdict, fields, replace
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, or_, select

from glovebox.errors import Conflict, Forbidden, Invalid, NotFound
from glovebox.fleet import service as fleet
from glovebox.fleet.tables import agreements, organisations, pools
from glovebox.policies.resolution import Rulebook, resolve
from glovebox.policies.schemas import LIMITS, NAMES, Policy, Resolved
from glovebox.policies.tables import groups, policies, rule_changes
from glovebox.scope import Scope

# Of each subject so many steps back; older ones are dropped.
CHANGES_KEPT: Final = 20
_COLUMNS: Final = [policies.c[one.name] for one in fields(Policy)]


def list_policies(tx: Connection, scope: Scope) -> list[Policy]:
    """What is laid down for cars this scope manages, the widest levels first."""
    query = select(*_COLUMNS).where(
        or_(scope.managed(policies.c.organisation_id), policies.c.pool_id.in_(sorted(scope.pool_ids)))
    )
    order = (policies.c.organisation_id, policies.c.pool_id, policies.c.group_id)
    found = [Policy(*row) for row in tx.execute(query.order_by(*order))]
    return sorted(found, key=lambda one: (one.organisation_id, one.pool_id or 0, one.group_id or 0))


def get_policy(
    tx: Connection,
    scope: Scope,
    organisation_id: int,
    pool_id: int | None = None,
    group_id: int | None = None,
) -> Policy:
    """What one level says; all None where nothing is laid down. Raises NotFound."""
    wanted = Policy(organisation_id, pool_id, group_id)
    _check_level(tx, scope, wanted)
    row = tx.execute(select(*_COLUMNS).where(policies.c.level == level_of(wanted))).first()
    return wanted if row is None else Policy(*row)


def inherited(tx: Connection, policy: Policy) -> Resolved:
    """What would hold at a level if it said nothing itself."""
    others = [
        other
        for other in (Policy(*row) for row in tx.execute(select(*_COLUMNS)))
        if level_of(other) != level_of(policy)
    ]
    group_ids = [] if policy.group_id is None else [policy.group_id]
    return resolve(others, policy.organisation_id, policy.pool_id or 0, group_ids)


def rules_for(tx: Connection, scope: Scope, pool_id: int, now: int) -> Resolved:
    """What holds for whoever asks and a car of this pool. Raises NotFound, also behind the wall."""
    for pool in fleet.list_pools(tx, scope, now):
        if pool.id == pool_id:
            return Rulebook(tx, scope.person_id).of(pool.organisation_id, pool_id)
    raise NotFound()


def set_policy(tx: Connection, now: int, scope: Scope, policy: Policy) -> None:
    """Lays down what a level says from now on; a level that says nothing is forgotten. Bookings made stay.
    Raises NotFound, Forbidden, Invalid for a value out of its limits."""
    before = get_policy(tx, scope, policy.organisation_id, policy.pool_id, policy.group_id)
    for name in NAMES:
        value, (least, largest) = getattr(policy, name), LIMITS[name]
        if value is not None and not least <= value <= largest:
            raise Invalid("rule_out_of_range", rule=f"@rule.{name}", least=least, largest=largest, name=name)
    if policy != before:
        note_change(tx, now, scope, level_of(policy), asdict(before))
        _store(tx, policy)


def _store(tx: Connection, policy: Policy) -> None:
    tx.execute(delete(policies).where(policies.c.level == level_of(policy)))
    if any(getattr(policy, name) is not None for name in NAMES):
        tx.execute(insert(policies).values(level=level_of(policy), **asdict(policy)))


def undo_policy(tx: Connection, scope: Scope, policy: Policy) -> None:
    """Puts back what the level said before its last change. Raises NotFound, Forbidden, Conflict where
    nothing is left to put back."""
    _check_level(tx, scope, policy)
    _store(tx, replace(policy, **take_back(tx, level_of(policy))))


def level_of(policy: Policy) -> str:
    """The level's key in the table."""
    return f"{policy.organisation_id}.{policy.pool_id or 0}.{policy.group_id or 0}"


def note_change(tx: Connection, now: int, scope: Scope, subject: str, before: dict[str, Any]) -> None:
    """Keeps what stood there, so that it can be put back."""
    values = {"subject": subject, "changed_at": now, "changed_by": scope.person_id}
    tx.execute(insert(rule_changes).values(before=json.dumps(before), **values))
    ids = select(rule_changes.c.id).where(rule_changes.c.subject == subject)
    old = tx.execute(ids.order_by(rule_changes.c.id.desc()).offset(CHANGES_KEPT)).scalars().all()
    tx.execute(delete(rule_changes).where(rule_changes.c.id.in_(old)))


def last_change(tx: Connection, subject: str) -> int | None:
    """When a subject was changed last; None where nothing can be put back."""
    query = select(rule_changes.c.changed_at).where(rule_changes.c.subject == subject)
    return tx.execute(query.order_by(rule_changes.c.id.desc()).limit(1)).scalar()


def take_back(tx: Connection, subject: str) -> dict[str, Any]:
    """What stood there before the last change, which is forgotten. Raises Conflict."""
    query = select(rule_changes.c.id, rule_changes.c.before).where(rule_changes.c.subject == subject)
    row = tx.execute(query.order_by(rule_changes.c.id.desc()).limit(1)).first()
    if row is None:
        raise Conflict("nothing_to_undo")
    tx.execute(delete(rule_changes).where(rule_changes.c.id == row.id))
    before: dict[str, Any] = json.loads(row.before)
    return before


def _check_level(tx: Connection, scope: Scope, policy: Policy) -> None:
    """Raises NotFound for a level that is none, Forbidden for one this scope does not manage."""
    if policy.pool_id is None:
        owner = select(organisations.c.id).where(organisations.c.id == policy.organisation_id)
        may = scope.may_manage(policy.organisation_id)
    else:
        owner = select(pools.c.organisation_id).where(pools.c.id == policy.pool_id)
        may = scope.may_manage_car(policy.organisation_id, policy.pool_id)
    if tx.execute(owner).scalar() != policy.organisation_id:
        raise NotFound()
    if not may:
        raise Forbidden()
    if policy.group_id is not None and not admits_group(tx, policy.organisation_id, policy.group_id):
        raise NotFound()


def admits_group(tx: Connection, organisation_id: int, group_id: int) -> bool:
    """True for a group of the organisation, or of one that an agreement admits to its cars."""
    admitted = (
        select(agreements.c.organisation_id)
        .join(pools, pools.c.id == agreements.c.pool_id)
        .where(pools.c.organisation_id == organisation_id)
    )
    one = select(groups.c.id).where(
        groups.c.id == group_id,
        or_(groups.c.organisation_id == organisation_id, groups.c.organisation_id.in_(admitted)),
    )
    return tx.execute(one).first() is not None
