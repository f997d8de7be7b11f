"""Links are woken by what other processes wrote: a second server, the command line.

PostgreSQL tells by NOTIFY, from the transaction that changed something a box should hear; SQLite by `PRAGMA
data_version`, asked of the writer's own connection, on which it moves only when another process has
committed. Whatever may have been missed (a connection lost, a start) is found by comparing versions.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

import psycopg
from sqlalchemy import Connection, select, union

from glovebox.boxes.tables import boxes, commands
from glovebox.cloud import Cloud
from glovebox.errors import Busy
from glovebox.reservations.tables import authorisation_versions, newest_version, pool_versions
from glovebox.store.notify import CHANNEL, parse_payload

# A person at the command line waits for a car's answer; a look is a tenth of a millisecond.
LOOK_EVERY_S: Final = 0.25
# Versions are compared anyway now and then: a listener may be dead without knowing.
RESCAN_EVERY_S: Final = 60.0
RECONNECT_S: Final = 1.0

log = logging.getLogger("glovebox.waking")


async def run(cloud: Cloud) -> None:
    """Until cancelled. What fails is logged and tried again."""
    look = _listen if cloud.store.is_postgresql else _watch
    while True:
        try:
            await look(cloud)
        except Busy:
            log.info("the writer is busy; changes of other processes wait")
        except Exception as error:
            log.warning("no news of other processes: %s", error)
        await asyncio.sleep(RECONNECT_S)


async def rescan(cloud: Cloud) -> None:
    """Wakes the links of all cars whose box has not been told all."""
    if cloud.hub.linked():
        cloud.hub.wake(await asyncio.to_thread(_read_untold, cloud))


def list_untold(tx: Connection, now: int) -> list[int]:
    """Cars whose box has not been told all."""
    behind = (
        select(boxes.c.vehicle_id)
        .join(authorisation_versions, authorisation_versions.c.vehicle_id == boxes.c.vehicle_id)
        .join(pool_versions, pool_versions.c.pool_id == authorisation_versions.c.pool_id)
        .where(newest_version() != boxes.c.sent_version)
    )
    waiting = select(commands.c.vehicle_id).where(commands.c.state == "queued", commands.c.expires_at > now)
    return list(tx.execute(union(behind, waiting)).scalars())


def _read_untold(cloud: Cloud) -> list[int]:
    with cloud.store.read() as tx:
        return list_untold(tx, cloud.now())


async def _listen(cloud: Cloud) -> None:
    """One connection of its own, in no transaction. Raises psycopg.Error when it is lost."""
    positional, named = cloud.store.writing.dialect.create_connect_args(cloud.store.url)
    connect: Callable[..., Awaitable[Any]] = psycopg.AsyncConnection.connect
    connection = await connect(*positional, autocommit=True, **named)
    try:
        await connection.execute(f"LISTEN {CHANNEL}")
        while True:
            await rescan(cloud)
            async for notice in connection.notifies(timeout=RESCAN_EVERY_S):
                news = parse_payload(notice.payload, but_of=cloud.store.name)
                if news is None:
                    await rescan(cloud)
                else:
                    cloud.hub.publish(news)
    finally:
        await connection.close()


async def _watch(cloud: Cloud) -> None:
    """Two processes on one SQLite file: the server and a command."""
    seen, rested_s = -1, RESCAN_EVERY_S
    while True:
        version = await cloud.writer.write(_read_data_version, urgent=False)
        if version != seen or rested_s >= RESCAN_EVERY_S:
            seen, rested_s = version, 0.0
            await rescan(cloud)
        await asyncio.sleep(LOOK_EVERY_S)
        rested_s += LOOK_EVERY_S


def _read_data_version(tx: Connection) -> int:
    return int(tx.exec_driver_sql("PRAGMA data_version").scalar_one())
