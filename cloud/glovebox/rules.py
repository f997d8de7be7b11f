"""What happens by the clock: the server itself applies it. No cron to forget."""

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
from glovebox.reservations.timed import lapse_pending, lapse_silent, release_no_shows
from glovebox.waiting import giving

# Real seconds between looks; what is due is decided by the cloud's own clock.
LOOK_EVERY_S: Final = 1.0

log = logging.getLogger("glovebox.rules")


async def run(cloud: Cloud, every_s: float = LOOK_EVERY_S) -> None:
    """Looks every second (or `every_s`) until cancelled. A rule that fails is logged and tried again."""
    while True:
        try:
            await look(cloud)
            await store_counts(cloud)
        except Busy:
            log.info("the writer is busy; timed rules wait")
        except Exception:
            log.exception("counting what was refused failed")
        await asyncio.sleep(every_s)


async def look(cloud: Cloud) -> None:
    """Applies what is due, in one transaction; where a rule fails, each in one of its own, so that it is no
    obstacle to the others. Raises Busy."""
    try:
        await _write(cloud, apply_rules)
    except Busy:
        raise
    except Exception:
        for rule in RULES:
            await _write_alone(cloud, rule)


async def store_counts(cloud: Cloud) -> None:
    """Writes out how many envelopes were refused since the last time."""
    counts = cloud.exchange.take_refused()
    if counts:
        now = cloud.now()
        await cloud.writer.write(lambda tx: store_refused(tx, now, counts), urgent=False)


def _give(tx: Connection, now: int) -> None:
    """Freed cars, to those at risk and then to the waiting list."""
    giving.give(tx, now, give_freed(tx, now))


Rule = Callable[[Connection, int], object]
RULES: Final[tuple[Rule, ...]] = (
    authorisations.refresh_stale,  # horizons that moved on; first, as it locks whole pools
    giving.end_due,
    lapse_pending,
    release_no_shows,
    lapse_silent,
    apply_causes,
    _give,
    expire_commands,
)


def apply_rules(tx: Connection, now: int) -> None:
    """All rules due at `now`, in one transaction. Raises what the first that fails does."""
    for rule in RULES:
        rule(tx, now)


async def _write(cloud: Cloud, rule: Rule) -> None:
    now = cloud.now()
    await cloud.writer.write(lambda tx: rule(tx, now), urgent=False)


async def _write_alone(cloud: Cloud, rule: Rule) -> None:
    try:
        await _write(cloud, rule)
    except Busy:
        raise
    except Exception:
        log.exception("a timed rule failed: %s", rule.__qualname__)
