"""What a transaction changed that somebody waits for. Told inside the transaction, heard only after its
commit."""

from typing import Literal, NamedTuple

from sqlalchemy import Connection

Topic = Literal["authorisations", "command", "settings", "state", "keys"]


class News(NamedTuple):
    """`vehicle_id` whose box (or whose page) should look again; 0 means every vehicle, of one pool where
    `pool_id` is given."""

    topic: Topic
    vehicle_id: int
    pool_id: int = 0


def tell(tx: Connection, topic: Topic, vehicle_id: int, pool_id: int = 0) -> None:
    """Notes news for after the commit. Outside the writer (command line, tests) nobody listens and nothing
    happens."""
    tx.info.setdefault("glovebox_news", {})[News(topic, vehicle_id, pool_id)] = None


def take(tx: Connection) -> list[News]:
    """The news told on this connection since the last call, in order, each once."""
    news = list(tx.info.get("glovebox_news", ()))
    tx.info["glovebox_news"] = {}
    return news
