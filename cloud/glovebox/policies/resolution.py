"""Which rule holds: of each value what the most specific level says.

| from | for |
|---|---|
| `group_pool` | one group's people with one pool's cars |
| `pool` | everybody with one pool's cars |
| `group` | one group's people with all cars of the organisation |
| `organisation` | everybody with all cars of the organisation |
| `built_in` | everybody, where nobody has laid down anything |

Levels belong to the organisation that owns the cars; groups may be another's. Of two groups of one person on
the same level the one with the higher priority decides, then the older one.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, select

from glovebox.policies.schemas import BUILT_IN, NAMES, Policy, Resolved, Rules
from glovebox.policies.tables import group_members, groups, policies, pool_groups


def resolve(
    found: Iterable[Policy], organisation_id: int, pool_id: int, group_ids: Sequence[int]
) -> Resolved:
    """The rules for a car of this pool and a person of these groups (the deciding one first)."""
    rank = {group_id: len(group_ids) - index for index, group_id in enumerate(group_ids)}
    fitting = [
        policy
        for policy in found
        if policy.organisation_id == organisation_id
        and policy.pool_id in (None, pool_id)
        and (policy.group_id is None or policy.group_id in rank)
    ]
    fitting.sort(key=lambda policy: (policy.pool_id is not None, rank.get(policy.group_id or 0, 0)))
    sources: dict[str, Policy | None] = dict.fromkeys(NAMES)
    for policy in fitting:
        sources.update({name: policy for name in NAMES if getattr(policy, name) is not None})
    values = {name: getattr(source or BUILT_IN, name) for name, source in sources.items()}
    return Resolved(Rules(**values), sources)


class Rulebook:
    """All rules as they stand in this transaction, for one person (None: for nobody in particular)."""

    def __init__(self, tx: Connection, person_id: int | None) -> None:
        """Reads four small tables."""
        columns = [policies.c[name] for name in Policy.__dataclass_fields__]
        self._policies = [Policy(*row) for row in tx.execute(select(*columns))]
        self._known: dict[int, Resolved] = {}
        self._kept: dict[int, set[int]] = {}
        for pool_id, group_id in tx.execute(select(pool_groups.c.pool_id, pool_groups.c.group_id)):
            self._kept.setdefault(pool_id, set()).add(group_id)
        member = (
            select(groups.c.id)
            .join(group_members, group_members.c.group_id == groups.c.id)
            .where(group_members.c.person_id == person_id)
            .order_by(groups.c.priority.desc(), groups.c.id)
        )
        self.group_ids: list[int] = [] if person_id is None else list(tx.execute(member).scalars())

    def of(self, organisation_id: int, pool_id: int) -> Resolved:
        """The rules for a car of this pool."""
        if pool_id not in self._known:
            self._known[pool_id] = resolve(self._policies, organisation_id, pool_id, self.group_ids)
        return self._known[pool_id]

    def admits(self, pool_id: int) -> bool:
        """False for a pool that is kept for groups of which the person is in none."""
        kept = self._kept.get(pool_id)
        return kept is None or not kept.isdisjoint(self.group_ids)
