"""The audit trail: one line per request that shows or changes another's data."""

from sqlalchemy import Connection, insert

from glovebox.audit.tables import audit_lines
from glovebox.scope import Scope


def note(
    tx: Connection,
    now: int,
    scope: Scope,
    action: str,
    *,
    actor: str = "",
    filter_text: str = "",
    people_count: int = 0,
) -> None:
    """Writes who did what, with which filter, and how many people it showed."""
    tx.execute(
        insert(audit_lines).values(
            at=now,
            person_id=scope.person_id,
            actor=actor or ("system" if scope.is_system else "person"),
            action=action[:60],
            filter="".join(filter(str.isprintable, filter_text))[:300],
            people_count=people_count,
        )
    )
