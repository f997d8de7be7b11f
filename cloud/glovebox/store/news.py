"""What a transaction changed that somebody waits for. Told inside the transaction, heard only after its
commit."""

from typing import Final, Literal, NamedTuple

from sqlalchemy import Connection

Topic = Literal["authorisations", "command", "settings", "state", "keys"]
FOR_BOXES: Final = frozenset(("authorisations", "command", "settings"))
"""Topics for which a box's link is woken."""
TOLD: Final = "glovebox_told"
"""Where a transaction on PostgreSQL keeps what other processes should hear."""


class News(NamedTuple):
    """`vehicle_id` whose box (or whose page) should look again; 0 means every vehicle, of one pool where
    `pool_id` is given."""

    topic: Topic
    vehicle_id: int
    pool_id: int = 0


def tell(tx: Connection, topic: Topic, vehicle_id: int, pool_id: int = 0) -> None:
    """Notes news for after the commit. Outside the writer (command line, tests) nobody in this process
    listens; other processes hear of it on PostgreSQL by `glovebox.store.notify`."""
    news = News(topic, vehicle_id, pool_id)
    tx.info.setdefault("glovebox_news", {})[news] = None
    if topic in FOR_BOXES and tx.dialect.name == "postgresql":
        tx.info.setdefault(TOLD, {})[news] = None


def take(tx: Connection) -> list[News]:
    """The news told on this connection since the last call, in order, each once."""
    news = list(tx.info.get("glovebox_news", ()))
    tx.info["glovebox_news"] = {}
    return news
