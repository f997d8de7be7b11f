"""Delivers the outbox while the server runs. Claimed in one transaction, sent without any, settled in
another: a process that ends in between leaves a message that is sent once more."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import Connection

from glovebox.cloud import Cloud
from glovebox.errors import Busy
from glovebox.messages import service
from glovebox.messages.carriers import make_carriers
from glovebox.messages.carrying import Carrier, Refused
from glovebox.messages.push import path_of
from glovebox.messages.schemas import Letter, Receipt
from glovebox.messages.wording import Written, write
from glovebox.web.i18n import Speech

# Real seconds between looks; what is due is decided by the cloud's own clock.
LOOK_EVERY_S: Final = 2.0

# Messages after which the booking stands: their mails link to its calendar file.
PROMISED: Final = ("booked_for_you", "changed_for_you", "approval_given", "rehouse_moved")

log = logging.getLogger("glovebox.messages")


async def run(cloud: Cloud, every_s: float = LOOK_EVERY_S) -> None:
    """Looks every two seconds (or `every_s`) until cancelled."""
    carriers = make_carriers(cloud.config, cloud.keyring)
    while True:
        try:
            while await deliver(cloud, carriers):
                pass
        except Busy:
            log.info("the writer is busy; messages wait")
        except Exception:
            log.exception("delivering messages failed")
        await asyncio.sleep(every_s)


async def deliver(cloud: Cloud, carriers: Mapping[str, Carrier]) -> int:
    """One round: claims what is due, sends it, settles it; returns how many were tried."""
    now = cloud.now()
    with cloud.store.read() as tx:
        if not service.is_any_due(tx, now):
            return 0
    letters = await cloud.writer.write(lambda tx: service.claim(tx, now, carriers.keys()), urgent=False)
    for letter in letters:
        refused: Refused | None = None
        receipts: Sequence[Receipt] = ()
        try:
            written = _write(cloud, letter)
            receipts = await asyncio.to_thread(carriers[letter.channel].send, cloud.now(), letter, written)
        except Refused as error:
            refused, receipts = error, error.receipts
            log.warning("message %s not taken: %s", letter.id, error)
        except Exception as error:  # a fault of ours with this one must not keep the others
            refused = Refused(type(error).__name__, is_final=False)
            log.exception("message %s could not be sent", letter.id)
        await _settle(cloud, letter, refused, receipts)
    return len(letters)


async def _settle(cloud: Cloud, letter: Letter, refused: Refused | None, receipts: Sequence[Receipt]) -> None:
    now = cloud.now()
    problem = None if refused is None else str(refused)
    is_final = refused is not None and refused.is_final
    later = 0 if refused is None else refused.retry_after_s

    def job(tx: Connection) -> None:
        service.settle(tx, now, letter, problem, is_final=is_final, retry_after_s=later, receipts=receipts)

    await cloud.writer.write(job, urgent=False)


def _write(cloud: Cloud, letter: Letter) -> Written:
    written = write(Speech(letter.language, cloud.now(), cloud.config.timezone), letter.kind, letter.facts)
    if not cloud.config.public_url or letter.channel == "push":  # a notification is tapped, not read
        return written
    address, path = cloud.config.public_url.rstrip("/"), path_of(letter)
    text = f"{written.text} {address}{path}"
    if letter.channel == "mail" and letter.kind in PROMISED:
        text += f"\niCalendar: {address}{path}/booking.ics"
    return written._replace(text=text)
