"""News for other processes on PostgreSQL: told by the transaction that makes them, heard only once it is
committed. Nothing is told that no box waits for: each NOTIFY takes a lock at the commit."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection

from glovebox.store.news import TOLD, News

CHANNEL: Final = "glovebox"
# PostgreSQL takes 8,000 bytes; more news than fit are told as "look yourselves".
PAYLOAD_LIMIT: Final = 7_000
_MARKS: Final = "glovebox_told_before"


def notify(tx: Connection, sender: str) -> None:
    """Just before the commit."""
    told = tx.info.pop(TOLD, None)
    tx.info.pop(_MARKS, None)
    if told:
        tx.exec_driver_sql("SELECT pg_notify(%s, %s)", (CHANNEL, pack_payload(sender, told)))


def forget(tx: Connection) -> None:
    """A listener for rollbacks."""
    tx.info.pop(TOLD, None)
    tx.info.pop(_MARKS, None)


def mark(tx: Connection, _name: str) -> None:
    """A listener for savepoints (they have no name yet): how much had been told."""
    tx.info.setdefault(_MARKS, []).append(len(tx.info.get(TOLD, ())))


def keep(tx: Connection, _savepoint: str, _context: object) -> None:
    """A listener for the good ends of savepoints, the inner before the outer."""
    _take_mark(tx)


def cut_back(tx: Connection, _savepoint: str, _context: object) -> None:
    """A listener for rollbacks to savepoints: what was told since is news no more."""
    count = _take_mark(tx)
    if told := tx.info.get(TOLD):
        tx.info[TOLD] = dict.fromkeys(list(told)[:count])


def _take_mark(tx: Connection) -> int:
    """0 on a connection that replaced a lost one: nothing of its transaction is left to be told."""
    marks = tx.info.get(_MARKS)
    return int(marks.pop()) if marks else 0


def pack_payload(sender: str, told: Iterable[News]) -> str:
    """`sender`, then `v12` for a car, `p3` for a pool."""
    words = dict.fromkeys(f"p{news.pool_id}" if news.pool_id else f"v{news.vehicle_id}" for news in told)
    payload = " ".join((sender, *words))
    return payload if len(payload) <= PAYLOAD_LIMIT else sender


def parse_payload(payload: str, but_of: str) -> list[News] | None:
    """What a payload tells, nothing of one's own; None: look yourself, for they were too many, or another
    release speaks otherwise."""
    sender, *told = payload.split(" ")
    if sender == but_of:
        return []
    if not told or not all(word[:1] in ("v", "p") and word[1:].isdecimal() for word in told):
        return None
    return [
        News("authorisations", 0, int(word[1:])) if word[0] == "p" else News("authorisations", int(word[1:]))
        for word in told
    ]
