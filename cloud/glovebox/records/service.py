"""Journals and faults as the console shows them."""

from sqlalchemy import Connection

from glovebox.records.schemas import Fault, Line
from glovebox.scope import Scope


def list_lines(
    tx: Connection,
    scope: Scope,
    vehicle_id: int,
    *,
    kinds: list[str] | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[Line]:
    """A car's journal, newest first, each line ready to be said. Raises NotFound, Forbidden outside the
    managed organisations."""
    raise NotImplementedError


def list_faults(
    tx: Connection, scope: Scope, *, vehicle_id: int | None = None, active_only: bool = True, limit: int = 100
) -> list[Fault]:
    """Faults of managed organisations' cars, newest first."""
    raise NotImplementedError
