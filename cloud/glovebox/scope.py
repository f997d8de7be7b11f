"""The tenant wall: who asks, and which organisations' data they may read whole.

Every service function that reads or changes an organisation's data takes a `Scope` and filters by it; there
is no default.
"""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, false, or_, true

ROLES = ("driver", "approver", "manager", "site_staff", "prescriber", "installer", "administrator", "auditor")
"""Role names; the position is the role's code on the wire (field COMMAND)."""

ROLE_CODES = {name: code for code, name in enumerate(ROLES)}


@dataclass(frozen=True)
class Scope:
    """Who asks: `organisation_id` is the person's own; `managed_ids` are organisations whose people, cars and
    trips may be read and changed; `pool_ids` pools of which the cars and their trips may be, but nobody's
    personal data beyond who drives them; `approves_...` whose cars' reservations may be approved;
    `attends_...` whose cars are looked after on the spot: their incidents are seen, without names."""

    organisation_id: int | None
    person_id: int | None = None
    roles: frozenset[str] = field(default_factory=frozenset)
    managed_ids: frozenset[int] = field(default_factory=frozenset)
    pool_ids: frozenset[int] = field(default_factory=frozenset)
    is_system: bool = False
    approves_ids: frozenset[int] = field(default_factory=frozenset)
    approves_pool_ids: frozenset[int] = field(default_factory=frozenset)
    attends_ids: frozenset[int] = field(default_factory=frozenset)
    attends_pool_ids: frozenset[int] = field(default_factory=frozenset)

    def may_approve(self, organisation_id: int, pool_id: int) -> bool:
        """True where a reservation of a car of that organisation and pool may be approved or refused."""
        return self.is_system or organisation_id in self.approves_ids or pool_id in self.approves_pool_ids

    def approvable(self, organisation_column: Any, pool_column: Any) -> ColumnElement[bool]:
        """SQL condition: rows of cars whose reservations this scope may approve."""
        if self.is_system:
            return true()
        return or_(
            organisation_column.in_(sorted(self.approves_ids)),
            pool_column.in_(sorted(self.approves_pool_ids)),
        )

    def may_manage(self, organisation_id: int) -> bool:
        """True where that organisation's people may be read and changed."""
        return self.is_system or organisation_id in self.managed_ids

    def may_manage_car(self, organisation_id: int, pool_id: int) -> bool:
        """True where a car of that organisation and pool, its journal and its trips may be."""
        return self.may_manage(organisation_id) or pool_id in self.pool_ids

    def managed(self, column: Any) -> ColumnElement[bool]:
        """SQL condition: rows of organisations this scope manages."""
        return true() if self.is_system else column.in_(sorted(self.managed_ids))

    def managed_cars(self, organisation_column: Any, pool_column: Any) -> ColumnElement[bool]:
        """SQL condition: rows of cars this scope manages, by their organisation or by their pool."""
        if self.is_system:
            return true()
        return or_(self.managed(organisation_column), pool_column.in_(sorted(self.pool_ids)))

    def attended_cars(self, organisation_column: Any, pool_column: Any) -> ColumnElement[bool]:
        """SQL condition: rows of cars this scope manages or looks after on the spot."""
        return or_(
            self.managed_cars(organisation_column, pool_column),
            organisation_column.in_(sorted(self.attends_ids)),
            pool_column.in_(sorted(self.attends_pool_ids)),
        )

    def mine(self, person_column: Any) -> ColumnElement[bool]:
        """SQL condition: the person's own rows."""
        return false() if self.person_id is None else person_column == self.person_id


SYSTEM = Scope(organisation_id=None, is_system=True)
"""The server itself: timed rules, the link, the command line. Never built from a request."""
