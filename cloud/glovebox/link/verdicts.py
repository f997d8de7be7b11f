"""What the cloud says to a badge the box asks about: look again, or why not."""

from sqlalchemy import Connection, select

from glovebox.clock import DAY_S
from glovebox.keys import Keyring
from glovebox.link.codes import REFUSAL
from glovebox.link.settings import EARLY_S
from glovebox.people.hashes import find_badge
from glovebox.records.journal import Sender
from glovebox.reservations import authorisations as auth
from glovebox.reservations.states import GUARDED
from glovebox.reservations.tables import reservations

LOOK_AGAIN = 0


def judge(tx: Connection, now: int, keyring: Keyring, box: Sender, badge_hash: bytes) -> int:
    """0 if the badge may take the car now (its authorisation is in the set), else the code of the refusal."""
    known = find_badge(tx, keyring, box.box_id, (box.key_id,), badge_hash, vehicle_id=box.vehicle_id)
    if known is None or box.vehicle_id is None:
        return REFUSAL["unknown_badge"]
    if known.is_revoked:
        return REFUSAL["revoked"]
    for row in auth.read_badge(tx, box.vehicle_id, known.badge_id):
        early = EARLY_S if row.kind == auth.RESERVATION else 0
        if row.starts_at - early <= now < row.ends_at:
            return LOOK_AGAIN
    return _why_not(tx, now, known.person_id, box.vehicle_id)


def _why_not(tx: Connection, now: int, person_id: int, vehicle_id: int) -> int:
    mine = select(reservations).where(
        reservations.c.person_id == person_id,
        reservations.c.ends_at > now - DAY_S,
        reservations.c.starts_at < now + DAY_S,
    )
    here = elsewhere = None
    for row in tx.execute(mine.order_by(reservations.c.starts_at)):
        if row.vehicle_id == vehicle_id:
            is_over = row.ends_at <= now or row.state not in GUARDED
            here = REFUSAL["too_late"] if is_over else (here or REFUSAL["too_early"])
        elif row.state in GUARDED and row.starts_at - EARLY_S <= now < row.ends_at:
            elsewhere = REFUSAL["another_car"]
    if here == REFUSAL["too_early"] or (here and not elsewhere):
        return here
    if elsewhere:
        return elsewhere
    held = select(reservations.c.id).where(
        reservations.c.vehicle_id == vehicle_id,
        reservations.c.state.in_(GUARDED),
        reservations.c.starts_at <= now,
        reservations.c.ends_at > now,
    )
    return REFUSAL["held_by_another" if tx.execute(held).first() else "unknown_badge"]
