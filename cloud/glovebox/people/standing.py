"""Use of a pool's cars without reservation, or for service: given and ended by whoever manages both the
person and the pool."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Select, delete, select, update

from glovebox.audit import service as audit
from glovebox.clock import DAY_S
from glovebox.errors import Conflict, Forbidden, Invalid, NotFound
from glovebox.fleet.tables import pools
from glovebox.people import service
from glovebox.people.tables import people, standing_rights
from glovebox.reservations import rights
from glovebox.scope import Scope

KINDS: Final = ("standing", "service")
LONGEST_S: Final = 5 * 366 * DAY_S
"""Somebody should look at it again every few years."""


@dataclass(frozen=True)
class StandingRight:
    """Somebody may take a pool's cars without reserving (`standing`), or for service."""

    id: int
    person_id: int
    pool_id: int
    pool_name: str
    kind: str
    starts_at: int
    ends_at: int


def list_rights(tx: Connection, now: int, scope: Scope, person_id: int) -> list[StandingRight]:
    """A person's rights that are not over, the first to begin first. Raises NotFound, Forbidden."""
    service.require_manager(tx, scope, person_id)
    return _list(tx, _RIGHTS.where(standing_rights.c.person_id == person_id, standing_rights.c.ends_at > now))


def list_of_pool(
    tx: Connection, now: int, scope: Scope, pool_id: int, *, offset: int = 0, limit: int = 50
) -> list[StandingRight]:
    """Rights on a pool that are not over, of the people one manages. Raises NotFound, Forbidden."""
    _check_pool(tx, scope, pool_id)
    query = _RIGHTS.join(people, people.c.id == standing_rights.c.person_id).where(
        standing_rights.c.pool_id == pool_id,
        standing_rights.c.ends_at > now,
        scope.managed(people.c.organisation_id),
    )
    return _list(tx, query.offset(offset).limit(limit))


_RIGHTS: Final = (
    select(standing_rights, pools.c.name.label("pool_name"))
    .join(pools, pools.c.id == standing_rights.c.pool_id)
    .order_by(standing_rights.c.starts_at, standing_rights.c.id)
)


def _list(tx: Connection, query: Select[Any]) -> list[StandingRight]:
    names = StandingRight.__dataclass_fields__
    return [StandingRight(**{name: row[name] for name in names}) for row in tx.execute(query).mappings()]


def grant_right(
    tx: Connection,
    now: int,
    scope: Scope,
    person_id: int,
    pool_id: int,
    kind: str,
    starts_at: int,
    ends_at: int,
) -> int:
    """Gives the right; returns its id. Raises NotFound, Forbidden, Invalid (kind, interval), Conflict where
    the person has it for some of that time."""
    person = service.require_manager(tx, scope, person_id)
    _check_pool(tx, scope, pool_id)
    if kind not in KINDS:
        raise Invalid("no_such_right")
    if ends_at <= starts_at:
        raise Invalid("end_before_start")
    if ends_at <= now:
        raise Invalid("over_already")
    if ends_at > now + LONGEST_S:
        raise Invalid("too_far", days=LONGEST_S // DAY_S)
    same = select(standing_rights.c.id).where(
        standing_rights.c.person_id == person_id,
        standing_rights.c.pool_id == pool_id,
        standing_rights.c.kind == kind,
        standing_rights.c.starts_at < ends_at,
        standing_rights.c.ends_at > starts_at,
    )
    if tx.execute(same).first() is not None:
        raise Conflict("right_exists")
    audit.note(tx, now, scope, "right given", filter_text=f"{person.staff_number} {kind}", people_count=1)
    return service.add_standing_right(tx, now, person_id, pool_id, kind, starts_at, ends_at)


def end_right(tx: Connection, now: int, scope: Scope, right_id: int) -> None:
    """Ends it now: cars forget it at their next contact. Raises NotFound, Forbidden."""
    one = standing_rights.c.id == right_id
    row = tx.execute(select(standing_rights).where(one)).first()
    if row is None:
        raise NotFound()
    person = service.require_manager(tx, scope, row.person_id)
    _check_pool(tx, scope, row.pool_id)
    if row.starts_at < now:
        tx.execute(update(standing_rights).where(one, standing_rights.c.ends_at > now).values(ends_at=now))
    else:
        tx.execute(delete(standing_rights).where(one))
    audit.note(tx, now, scope, "right ended", filter_text=f"{person.staff_number} {row.kind}", people_count=1)
    rights.refresh_pool(tx, now, row.pool_id, row.person_id)


def _check_pool(tx: Connection, scope: Scope, pool_id: int) -> None:
    owner = tx.execute(select(pools.c.organisation_id).where(pools.c.id == pool_id)).scalar()
    if owner is None:
        raise NotFound()
    if not scope.may_manage_car(owner, pool_id):
        raise Forbidden() if scope.organisation_id == owner else NotFound()
