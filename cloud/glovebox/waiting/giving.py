"""What the clock does with the waiting list: gives freed cars, in order, and ends what is over.

A car goes to the first in the list whom it fits: groups with the higher priority first, then who has waited
longer. Two hours or more before the start it is booked; after that it is held for the person a while, as a
pending promise, and offered.
"""

from typing import Any, Final

from sqlalchemy import Connection, and_, bindparam, exists, func, or_, select, update

from glovebox.clock import HOUR_S, MINUTE_S
from glovebox.errors import GloveboxError
from glovebox.fleet import service as fleet
from glovebox.fleet.tables import vehicles
from glovebox.messages import service as messages
from glovebox.policies.checks import zone_of
from glovebox.policies.tables import group_members, groups
from glovebox.reservations import authorisations, availability, places, risk, service
from glovebox.reservations.ownership import get_reservation
from glovebox.reservations.states import GUARDED, State, next_state
from glovebox.reservations.tables import freed_cars, reservations
from glovebox.reservations.transitions import try_move
from glovebox.scope import SYSTEM
from glovebox.waiting.service import viewer_of, wanted_of
from glovebox.waiting.tables import waits

# Until then nobody has to watch his messages; after it a car that is not wanted any more stands unused.
BOOKS_UNTIL_S: Final = 2 * HOUR_S
HELD_S: Final = 15 * MINUTE_S
# A car may come to fit without being given back: a rule relaxed, one more car, a trip that leaves it here.
LOOK_AGAIN_S: Final = 5 * MINUTE_S
# Entries tried for one car, and closed, in one transaction.
AT_ONCE: Final = 100


# Made once: they are asked every second.
_OFFERS_OVER: Final = (
    select(waits, reservations.c.state.label("promise"))
    .join(reservations, reservations.c.id == waits.c.reservation_id)
    .where(
        waits.c.state == "offered",
        or_(waits.c.offer_until <= bindparam("now"), reservations.c.state != State.PENDING),
    )
    .order_by(waits.c.id)
    .limit(AT_ONCE)
    .with_for_update(of=waits, skip_locked=True)
)
_BEGUN: Final = (
    select(waits)
    .where(waits.c.state == "waiting", waits.c.starts_at <= bindparam("now"))
    .order_by(waits.c.id)
    .limit(AT_ONCE)
    .with_for_update(skip_locked=True)
)
_NEXT_SITE: Final = (
    select(waits.c.site_id)
    .where(waits.c.state == "waiting", waits.c.looked_at <= bindparam("by"))
    .order_by(waits.c.looked_at, waits.c.id)
    .limit(1)
)


def end_due(tx: Connection, now: int) -> int:
    """Ends offers that nobody took and entries whose start has come; returns how many."""
    ended = 0
    for row in tx.execute(_OFFERS_OVER, {"now": now}).all():
        held = tx.execute(
            select(reservations).where(reservations.c.id == row.reservation_id).with_for_update()
        ).one()
        is_missed = held.state == State.PENDING and try_move(tx, now, held, "lapse")
        _close(tx, row.id, "expired" if is_missed else "left")
        if is_missed:
            _tell(tx, now, row, "wait_missed", held.id)
        ended += 1
    for row in tx.execute(_BEGUN, {"now": now}).all():
        _close(tx, row.id, "expired")
        _tell(tx, now, row, "wait_in_vain", None)
        ended += 1
    return ended


def give(tx: Connection, now: int, freed: list[int]) -> int:
    """Tries these freed cars, and those of one site that was not looked at for a while, for those who wait;
    returns how many got one."""
    return sum(_give_car(tx, now, number) for number in sorted({*freed, *_list_due(tx, now)}))


def _list_due(tx: Connection, now: int) -> list[int]:
    """Cars that may stand at the site whose list was looked at longest ago, if that is long ago; but none
    that was just given back and may be taken back."""
    site_id = tx.execute(_NEXT_SITE, {"by": now - LOOK_AGAIN_S}).scalar()
    if site_id is None:
        return []
    here = (waits.c.state == "waiting") & (waits.c.site_id == site_id)
    tx.execute(update(waits).where(here).values(looked_at=now))
    coming = select(reservations.c.vehicle_id).where(
        reservations.c.end_site_id == site_id, reservations.c.state.in_(GUARDED)
    )
    query = select(vehicles.c.id).where(
        vehicles.c.status == "in_service",
        or_(vehicles.c.site_id == site_id, vehicles.c.id.in_(coming)),
        vehicles.c.id.not_in(select(freed_cars.c.vehicle_id)),
    )
    return list(tx.execute(query).scalars())


def _give_car(tx: Connection, now: int, vehicle_id: int) -> int:
    """The car, to those whom it fits, in the order of the list."""
    given = 0
    if vehicle_id in risk.overdue_vehicles(tx, now):
        return given
    for row in _list_candidates(tx, now, vehicle_id):
        viewer = viewer_of(row.organisation_id, row.person_id)
        wanted = wanted_of(row)
        offers = availability.look(tx, now, viewer, wanted, only=vehicle_id).offers
        if not offers or offers[0].site_id != row.site_id or offers[0].silent_for_s is not None:
            continue
        try:
            with tx.begin_nested():
                _give(tx, now, row, vehicle_id)
        except GloveboxError:  # taken at this moment
            continue
        given += 1
    return given


def _list_candidates(tx: Connection, now: int, vehicle_id: int) -> list[Any]:
    """Entries for which nobody has the car then, and whose person has none, in order, locked."""
    then = and_(
        reservations.c.state.in_(GUARDED),
        reservations.c.starts_at < waits.c.ends_at,
        reservations.c.ends_at > waits.c.starts_at,
    )
    taken = exists().where(then, reservations.c.vehicle_id == vehicle_id)
    has_car = exists().where(then, reservations.c.person_id == waits.c.person_id)
    site_id = select(vehicles.c.site_id).where(vehicles.c.id == vehicle_id).scalar_subquery()
    fits = exists().where(
        vehicles.c.id == vehicle_id,
        vehicles.c.seats >= waits.c.seats,
        waits.c.energy.in_(("", vehicles.c.energy)),
    )
    priority = (
        select(func.coalesce(func.max(groups.c.priority), 0))
        .join(group_members, group_members.c.group_id == groups.c.id)
        .where(group_members.c.person_id == waits.c.person_id)
        .scalar_subquery()
    )
    query = (
        select(waits)
        .where(
            waits.c.state == "waiting",
            waits.c.starts_at > now,
            waits.c.site_id == places.place_at(vehicle_id, site_id, waits.c.starts_at),
            fits,
            ~taken,
            ~has_car,
        )
        .order_by(priority.desc(), waits.c.id)
        .limit(AT_ONCE)
    )
    return list(tx.execute(query.with_for_update(of=waits)).all())


def _give(tx: Connection, now: int, row: Any, vehicle_id: int) -> None:
    viewer = viewer_of(row.organisation_id, row.person_id)
    reservation_id = service.book(
        tx, now, viewer, vehicle_id, row.person_id, row.starts_at, row.ends_at,
        purpose=row.purpose, from_site=row.site_id, to_site=row.to_site_id,
    )  # fmt: skip
    one = update(waits).where(waits.c.id == row.id)
    if row.starts_at - now >= BOOKS_UNTIL_S:
        tx.execute(one.values(state="booked", reservation_id=reservation_id))
        _tell(tx, now, row, "wait_booked", reservation_id)
        return
    until = min(now + HELD_S, row.starts_at)
    state = get_reservation(tx, SYSTEM, reservation_id).state
    assert state == State.PENDING or next_state(state, "ask") == State.PENDING
    held = update(reservations).where(reservations.c.id == reservation_id)
    tx.execute(held.values(state=State.PENDING.value, approval_due_at=until))
    messages.drop_kind(tx, now, reservation_id, "approval_asked")  # once it is taken
    authorisations.refresh(tx, now, vehicle_id)
    tx.execute(one.values(state="offered", reservation_id=reservation_id, offer_until=until))
    _tell(tx, now, row, "wait_offered", reservation_id, until=until)


def _close(tx: Connection, wait_id: int, state: str) -> None:
    tx.execute(update(waits).where(waits.c.id == wait_id).values(state=state, offer_until=None))


def _tell(tx: Connection, now: int, row: Any, kind: str, reservation_id: int | None, **more: int) -> None:
    facts: dict[str, Any] = {"starts_at": row.starts_at, "ends_at": row.ends_at, **more}
    facts |= {"place": fleet.get_site(tx, row.site_id).name, "time_zone": zone_of(tx, row.site_id)}
    if reservation_id is not None:
        one = get_reservation(tx, SYSTEM, reservation_id)
        facts |= {"reservation_id": one.id, "car": f"{one.registration} {one.vehicle_name}"}
    key = f"{kind}-{row.id}"
    messages.put(tx, now, row.person_id, kind, key, facts, reservation_id=reservation_id)
