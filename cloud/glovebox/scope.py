"""The tenant wall: who asks, and which organisations' data they may read whole.

Every service function that reads or changes an organisation's data takes a `Scope` and filters by it; there
is no default.
"""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, true

ROLES = ("driver", "approver", "manager", "site_staff", "prescriber", "installer", "administrator", "auditor")
"""Role names; the position is the role's code on the wire (field COMMAND)."""

ROLE_CODES = {name: code for code, name in enumerate(ROLES)}


@dataclass(frozen=True)
class Scope:
    """Who asks: `organisation_id` is the person's own; `managed_ids` those whose people and trips they may
    read."""

    organisation_id: int | None
    person_id: int | None = None
    roles: frozenset[str] = field(default_factory=frozenset)
    managed_ids: frozenset[int] = field(default_factory=frozenset)
    is_system: bool = False

    def may_manage(self, organisation_id: int) -> bool:
        """True where people and trips of that organisation may be read and changed."""
        return self.is_system or organisation_id in self.managed_ids

    def managed(self, column: Any) -> ColumnElement[bool]:
        """SQL condition: rows of organisations this scope manages."""
        return true() if self.is_system else column.in_(sorted(self.managed_ids))

    def managed_or_mine(self, organisation_column: Any, person_column: Any) -> ColumnElement[bool]:
        """SQL condition: rows of managed organisations, and the person's own."""
        if self.is_system:
            return true()
        condition: ColumnElement[bool] = organisation_column.in_(sorted(self.managed_ids))
        return condition if self.person_id is None else condition | (person_column == self.person_id)


SYSTEM = Scope(organisation_id=None, is_system=True)
"""The server itself: timed rules, the link, the command line. Never built from a request."""
