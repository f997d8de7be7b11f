"""Roles: what each permits, and on which organisations and pools a person holds them.

| capability | held by |
|---|---|
| `console` see vehicles, the timeline and sites | manager, site_staff, installer, administrator |
| `people` people, badges, who booked; book and cancel for them | manager, administrator |
| `commands` send a command, see incidents (staff: no names) | manager, site_staff, administrator |
| `boxes` claim tokens, boxes | installer, administrator |
| `approvals` approve or refuse reservations of cars | approver, manager |

Every active person is a driver of his own organisation without any grant. On a pool, `people` means who
books and drives its cars: the people and badges of an organisation need the role on the organisation.
"""

from dataclasses import dataclass, field
from typing import Final, Literal

from sqlalchemy import ColumnElement, Connection, delete, false, insert, or_, select

from glovebox.accounts.tables import role_grants
from glovebox.errors import Forbidden, Invalid
from glovebox.fleet.tables import vehicles
from glovebox.people.tables import people
from glovebox.scope import ROLES, Scope

Capability = Literal["console", "people", "commands", "boxes", "approvals"]

CAPABILITIES: Final[dict[Capability, frozenset[str]]] = {
    "console": frozenset({"manager", "site_staff", "installer", "administrator"}),
    "people": frozenset({"manager", "administrator"}),
    "commands": frozenset({"manager", "site_staff", "administrator"}),
    "boxes": frozenset({"installer", "administrator"}),
    "approvals": frozenset({"approver", "manager"}),
}


@dataclass(frozen=True)
class Grant:
    """One role on an organisation or on a pool."""

    role: str
    organisation_id: int | None
    pool_id: int | None


@dataclass(frozen=True)
class Viewer:
    """The person at the keyboard, as of this request."""

    person_id: int
    organisation_id: int
    given_name: str
    family_name: str
    language: str
    grants: tuple[Grant, ...] = field(default=())

    @property
    def name(self) -> str:
        """Given and family name."""
        return f"{self.given_name} {self.family_name}"

    def may(self, capability: Capability) -> bool:
        """True where some grant permits it somewhere."""
        return any(grant.role in CAPABILITIES[capability] for grant in self.grants)

    def require(self, capability: Capability) -> None:
        """Raises Forbidden where no grant permits it anywhere."""
        if not self.may(capability):
            raise Forbidden()

    def organisations(self, capability: Capability) -> frozenset[int]:
        """Organisations on which a grant permits it."""
        return frozenset(
            grant.organisation_id
            for grant in self.grants
            if grant.organisation_id is not None and grant.role in CAPABILITIES[capability]
        )

    def pools(self, capability: Capability) -> frozenset[int]:
        """Pools on which a grant itself permits it (those of `organisations` not counted)."""
        return frozenset(
            grant.pool_id
            for grant in self.grants
            if grant.pool_id is not None and grant.role in CAPABILITIES[capability]
        )

    def holds(self, capability: Capability, organisation_id: int, pool_id: int) -> bool:
        """True where a grant permits it on this organisation's cars or on this pool's."""
        return organisation_id in self.organisations(capability) or pool_id in self.pools(capability)

    def vehicles(self, capability: Capability) -> ColumnElement[bool]:
        """SQL condition on `vehicles`: those on which a grant permits it."""
        organisation_ids, pool_ids = self.organisations(capability), self.pools(capability)
        if not organisation_ids and not pool_ids:
            return false()
        return or_(
            vehicles.c.organisation_id.in_(sorted(organisation_ids)), vehicles.c.pool_id.in_(sorted(pool_ids))
        )

    def scope_on(self, capability: Capability, organisation_id: int, pool_id: int) -> Scope:
        """The scope for one act on one car that a grant on its organisation or its pool permits; it reaches
        that pool's cars, with the roles that permit the act there and no others. Raises Forbidden."""
        roles = {
            grant.role
            for grant in self.grants
            if grant.role in CAPABILITIES[capability]
            and (grant.organisation_id == organisation_id or grant.pool_id == pool_id)
        }
        if not roles:
            raise Forbidden()
        return Scope(
            organisation_id=self.organisation_id,
            person_id=self.person_id,
            roles=frozenset(roles),
            pool_ids=frozenset({pool_id}),
        )

    def sees_person(self, person_organisation_id: int, car_organisation_id: int, car_pool_id: int) -> bool:
        """True where this viewer may read who booked a car: people of an organisation he manages, and
        drivers of the cars of a pool he manages."""
        return person_organisation_id in self.organisations("people") or self.holds(
            "people", car_organisation_id, car_pool_id
        )

    @property
    def scope(self) -> Scope:
        """What services ask for: the roles held, the organisations whose people may be read, and the pools
        whose cars are managed."""
        return Scope(
            organisation_id=self.organisation_id,
            person_id=self.person_id,
            roles=frozenset({"driver", *(grant.role for grant in self.grants)}),
            managed_ids=self.organisations("people"),
            pool_ids=self.pools("people"),
            approves_ids=self.organisations("approvals"),
            approves_pool_ids=self.pools("approvals"),
            attends_ids=self.organisations("commands"),
            attends_pool_ids=self.pools("commands"),
        )


def read_grants(tx: Connection, person_id: int) -> tuple[Grant, ...]:
    """The person's grants, oldest first."""
    rows = tx.execute(
        select(role_grants.c.role, role_grants.c.organisation_id, role_grants.c.pool_id)
        .where(role_grants.c.person_id == person_id)
        .order_by(role_grants.c.id)
    )
    return tuple(Grant(*row) for row in rows)


def grant_role(
    tx: Connection,
    person_id: int,
    role: str,
    *,
    organisation_id: int | None = None,
    pool_id: int | None = None,
) -> None:
    """Gives a role on one organisation or one pool; giving it twice changes nothing. Raises Invalid."""
    if role not in ROLES or (organisation_id is None) == (pool_id is None):
        raise Invalid("role")
    revoke_role(tx, person_id, role, organisation_id=organisation_id, pool_id=pool_id)
    tx.execute(
        insert(role_grants).values(
            person_id=person_id, role=role, organisation_id=organisation_id, pool_id=pool_id
        )
    )


def revoke_role(
    tx: Connection,
    person_id: int,
    role: str,
    *,
    organisation_id: int | None = None,
    pool_id: int | None = None,
) -> None:
    """Takes a role back; taking what nobody has changes nothing."""
    tx.execute(
        delete(role_grants).where(
            role_grants.c.person_id == person_id,
            role_grants.c.role == role,
            role_grants.c.organisation_id.is_not_distinct_from(organisation_id),
            role_grants.c.pool_id.is_not_distinct_from(pool_id),
        )
    )


def read_viewer(tx: Connection, person_id: int, language: str) -> Viewer | None:
    """The person with his grants, or None where he is unknown or no longer active."""
    row = tx.execute(
        select(people.c.organisation_id, people.c.given_name, people.c.family_name).where(
            people.c.id == person_id, people.c.is_active == 1
        )
    ).one_or_none()
    if row is None:
        return None
    grants = read_grants(tx, person_id)
    return Viewer(person_id, row.organisation_id, row.given_name, row.family_name, language, grants)
