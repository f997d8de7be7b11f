"""What a connection remembers of rows it has read. Emptied by every rollback: what was read before it may
never have been."""

from typing import Any, Final

from sqlalchemy import Connection

_NAME: Final = "glovebox_cache"


def cache_of(tx: Connection) -> dict[Any, Any]:
    """This connection's, to read and to fill. Keys hold the version of what they stand for: other processes
    write too."""
    found: dict[Any, Any] = tx.info.setdefault(_NAME, {})
    return found


def forget(tx: Connection, *_savepoint: object) -> None:
    """Empties it: a listener for rollbacks."""
    tx.info.pop(_NAME, None)
