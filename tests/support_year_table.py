"""What became of everybody in the fleet's year, in numbers, and who could have been told sooner."""

from collections import Counter

from glovebox.blocks.tables import blocks
from glovebox.messages.service import UNDO_S
from glovebox.messages.tables import messages
from glovebox.reservations.causes import LATE_GRACE_S, SILENT_S
from glovebox.reservations.tables import rehousings, reservations
from sqlalchemy import func, select
from support_cloud import DAY
from support_fleet_year import MINUTE, SOON_S, START

_GIVEN = (
    select(func.count())
    .where(messages.c.kind == "rehouse_moved", messages.c.message_key.like("%-moved"))
    .select_from(messages)
)


def make_table(town, tx):
    """Counts of all bookings whose start lies in the time lived through."""
    begun = {number: wish for number, wish in town.wanted.items() if wish.starts_at <= town.depot.now}
    rows = tx.execute(select(reservations.c.id, reservations.c.state)).all()
    states = Counter(row.state for row in rows if row.id in begun)
    answers, told = _answers(tx, begun)
    last = {row.reservation_id: row.outcome for row in answers}
    outcomes = Counter(last.values())
    standing = {number: why for number, (_at, why) in town.standing.items() if number in begun}
    late = Counter(_why_late(tx, begun, row) for row in _told_late(begun, answers, told))
    result = {
        "days": (town.until - START) // DAY,
        **{name: town.counts[name] for name in ("asked for", "broke", "fell silent", "came back late")},
        "refused when asked for": dict(town.refused),
        "booked": len(town.wanted),
        "due": len(begun),
        "ended as": dict(states),
        "drove": len(town.drove & set(begun)),
        "concerned": len(last),
        "moved": outcomes["moved"],
        "offered": outcomes["offered"],
        "told": outcomes["told"],
        "took an offer": town.counts["took an offer"],
        "given a freed car": tx.execute(_GIVEN).scalar(),
        "freed and withheld": town.counts["freed and withheld from those at risk"],
        "told before the start": sum(told[number] < begun[number].starts_at for number in last),
        "told after it, because": dict(late),
        "told over 15 min after it": sum(told[n] > begun[n].starts_at + 15 * MINUTE for n in last),
        "concerned and drove": len(set(last) & town.drove),
        "left standing": len(standing),
        "standing, told before the start": sum(told.get(n, 2**40) < begun[n].starts_at for n in standing),
        "standing, told at the car": sum(told.get(n, 0) >= begun[n].starts_at for n in standing),
        "standing, never told": dict(Counter(why for n, why in standing.items() if n not in told)),
        "standing though known": _count_untold(tx, begun, standing, told),
        "causes": dict(Counter(row.cause for row in answers)),
    }
    return result


def _answers(tx, begun):
    """The answers to these bookings by time; booking -> when its driver was told first."""
    rows = tx.execute(select(rehousings).order_by(rehousings.c.found_at, rehousings.c.id)).all()
    at_risk = messages.c.message_key.like("rehouse-%")
    query = select(messages.c.reservation_id, func.min(messages.c.due_at)).where(at_risk)
    told = {row[0]: row[1] for row in tx.execute(query.group_by(messages.c.reservation_id))}
    return [row for row in rows if row.reservation_id in begun], told


def _told_late(begun, answers, told):
    """The first answer to each of those who were told at the car."""
    first = {row.reservation_id: row for row in reversed(answers)}
    return [row for number, row in first.items() if told[number] >= begun[number].starts_at]


def _why_late(tx, begun, row):
    """Why nobody could know it before the start; "known" where somebody could."""
    start = begun[row.reservation_id].starts_at
    if row.cause == "late_car":
        before = select(reservations.c.ends_at).where(reservations.c.id == row.cause_id)
        known_at = tx.execute(before).scalar() + LATE_GRACE_S
    elif row.cause == "block":
        made = select(blocks.c.created_at).where(blocks.c.id == row.cause_id)
        known_at = tx.execute(made).scalar() + UNDO_S
    elif row.cause == "silent_car":
        known_at = row.cause_id + SILENT_S
    else:
        return row.cause
    return row.cause if known_at >= start else f"{row.cause}, known"


def _count_untold(tx, begun, standing, told):
    """Those left standing whom nobody told, though what kept the car was known while they waited."""
    untold = 0
    for number, why in standing.items():
        if number in told:
            continue
        row = tx.execute(select(reservations).where(reservations.c.id == number)).one()
        if why == "broken":
            known = select(blocks.c.id).where(
                blocks.c.vehicle_id == row.vehicle_id,
                blocks.c.created_at < begun[number].ends_at - SOON_S,
                blocks.c.ends_at > begun[number].starts_at,
            )
            untold += tx.execute(known).first() is not None
        elif why == "late":
            untold += 1
    return untold
