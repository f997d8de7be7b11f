"""What happens by the clock: the server itself applies it, each rule in one transaction of its own. No cron
to forget."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection

from glovebox.boxes.service import expire_commands
from glovebox.cloud import Cloud
from glovebox.errors import Busy
from glovebox.link.exchange import store_refused
from glovebox.reservations import authorisations
from glovebox.reservations.rehousing import apply_causes, give_freed
from glovebox.reservations.timed import apply_due
from glovebox.waiting import giving

# Real seconds between looks; what is due is decided by the cloud's own clock.
LOOK_EVERY_S: Final = 1.0

log = logging.getLogger("glovebox.rules")


async def run(cloud: Cloud, every_s: float = LOOK_EVERY_S) -> None:
    """Looks every second (or `every_s`) until cancelled. A rule that fails is logged and tried again."""
    while True:
        try:
            await cloud.writer.write(_job(cloud.now()), urgent=False)
            await store_counts(cloud)
        except Busy:
            log.info("the writer is busy; timed rules wait")
        except Exception:
            log.exception("a timed rule failed")
        await asyncio.sleep(every_s)


async def store_counts(cloud: Cloud) -> None:
    """Writes out how many envelopes were refused since the last time."""
    counts = cloud.exchange.take_refused()
    if counts:
        now = cloud.now()
        await cloud.writer.write(lambda tx: store_refused(tx, now, counts), urgent=False)


def apply_rules(tx: Connection, now: int) -> None:
    """All rules due at `now`: no-shows, lapsed reservations, cars that will not be there, freed cars for
    those at risk and then for the waiting list, expired commands, horizons that moved on."""
    authorisations.refresh_stale(tx, now)  # first, as it locks whole pools
    giving.end_due(tx, now)
    apply_due(tx, now)
    apply_causes(tx, now)
    giving.give(tx, now, give_freed(tx, now))
    expire_commands(tx, now)


def _job(now: int) -> Callable[[Connection], None]:
    return lambda tx: apply_rules(tx, now)
