"""What the server does when a car will not be there for a reservation: another car of the same site at once,
else offers, else it tells at once. One answer for each reservation and cause, whoever asks how often.

| outcome | what was done | the driver |
|---|---|---|
| `moved` | the reservation has another car of its site | may take his first car back |
| `offered` | another site's car or another time is free; nothing is held | takes one with one tap |
| `told` | nothing else is free, or no car would help | calls, or cancels |
| `declined` | he went back to his first car | waits for it |
"""

from dataclasses import replace
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from glovebox.clock import HOUR_S
from glovebox.errors import Conflict, GloveboxError, NotFound
from glovebox.fleet import service as fleet
from glovebox.fleet.schemas import Vehicle
from glovebox.fleet.tables import vehicles
from glovebox.messages import service as messages
from glovebox.reservations import availability, chains, ownership, places, risk, service
from glovebox.reservations.availability import Wanted
from glovebox.reservations.causes import CAUSES, Cause, find_new, find_over, holds
from glovebox.reservations.facts import facts_of
from glovebox.reservations.schemas import Alternatives, Offer, Rehousing, Reservation, Slot
from glovebox.reservations.states import GUARDED
from glovebox.reservations.tables import freed_cars, rehousings, reservations
from glovebox.scope import SYSTEM, Scope

OFFERS_SHOWN: Final = 5
CANDIDATES: Final = 8
# Another time helps where it is the same half of the day.
LATER_S: Final = 4 * HOUR_S
FUEL_LEAST_PERCENT: Final = 20
# A car with a battery stands in for one with a tank only where it is known to be charged well.
CHARGE_LEAST_PERCENT: Final = 60


def rehouse(tx: Connection, now: int, reservation_id: int, cause: Cause, cause_id: int = 0) -> str:
    """Answers one cause of one reservation; returns the outcome, the former one where it is answered
    already. Raises NotFound, Conflict where the reservation waits for no car any more."""
    row = tx.execute(
        select(reservations).where(reservations.c.id == reservation_id).with_for_update()
    ).first()
    if row is None:
        raise NotFound()
    known = select(rehousings.c.outcome).where(
        rehousings.c.reservation_id == reservation_id,
        rehousings.c.cause == cause,
        rehousings.c.cause_id == cause_id,
    )
    former = tx.execute(known).scalar()
    if former is not None:
        return str(former)
    if row.state not in risk.AHEAD:
        raise Conflict("state_forbids", state=row.state)
    values = {"reservation_id": reservation_id, "cause": cause, "cause_id": cause_id, "outcome": "told"}
    statement = insert(rehousings).values(**values, vehicle_id=row.vehicle_id, found_at=now)
    rehousing_id = int(tx.execute(statement.returning(rehousings.c.id)).scalar_one())
    before = service.get_reservation(tx, SYSTEM, reservation_id)
    other = None if cause == "expired_licence" else _move(tx, now, row)
    if other is not None:
        outcome = "moved"
        _close(tx, now, reservation_id, rehousing_id, other)
    else:
        found = None if cause == "expired_licence" else _find(tx, now, row)
        outcome = "offered" if found is not None and (found.others or found.later) else "told"
        tx.execute(update(rehousings).where(rehousings.c.id == rehousing_id).values(outcome=outcome))
    risk.mark_vehicle(tx, now, other or row.vehicle_id)
    key = _key(reservation_id, cause, cause_id)
    kind = "licence_expired" if cause == "expired_licence" else f"rehouse_{outcome}"
    _tell(tx, now, before, kind, key, cause, other)
    return outcome


def apply_causes(tx: Connection, now: int) -> int:
    """The timed rule: answers what is new, closes what is over; returns how many reservations it looked
    after."""
    done = 0
    for cause in CAUSES:
        for row in find_over(tx, now, cause):
            _end(tx, now, row)
            done += 1
        for reservation_id, cause_id in find_new(tx, now, cause):
            rehouse(tx, now, reservation_id, cause, cause_id)
            done += 1
    return done


def list_alternatives(tx: Connection, now: int, scope: Scope, reservation_id: int) -> Alternatives:
    """What is free instead of this reservation's car, for its person or who manages it. Raises NotFound."""
    one = service.get_reservation(tx, scope, reservation_id)
    if one.person_id is None or one.state not in risk.AHEAD:
        raise NotFound()
    row = tx.execute(select(reservations).where(reservations.c.id == reservation_id)).one()
    return _find(tx, now, row)


def take(
    tx: Connection, now: int, scope: Scope, reservation_id: int, vehicle_id: int, starts_at: int, ends_at: int
) -> None:
    """The driver takes an offer. Raises as `service.change`: one that is gone says what is free instead."""
    service.change(
        tx, now, scope, reservation_id, vehicle_id=vehicle_id, starts_at=starts_at, ends_at=ends_at
    )
    left = (rehousings.c.reservation_id == reservation_id) & (rehousings.c.vehicle_id != vehicle_id)
    open_rows = left & rehousings.c.closed_at.is_(None) & (rehousings.c.cause != "expired_licence")
    tx.execute(update(rehousings).where(open_rows).values(closed_at=now, other_vehicle_id=vehicle_id))
    risk.mark_vehicle(tx, now, vehicle_id)


def go_back(tx: Connection, now: int, scope: Scope, reservation_id: int) -> None:
    """The driver takes his first car back, whatever made it uncertain. Raises NotFound, and as
    `service.change`: under a block it stays out of reach, and it may be promised to another by now."""
    row = tx.execute(_moved(reservation_id).with_for_update()).first()
    if row is None:
        raise NotFound()
    service.change(tx, now, scope, reservation_id, vehicle_id=row.vehicle_id)
    values = {"outcome": "declined", "closed_at": None, "other_vehicle_id": None}
    tx.execute(update(rehousings).where(rehousings.c.id == row.id).values(**values))
    risk.mark_vehicle(tx, now, row.vehicle_id)


def find_move(tx: Connection, scope: Scope, reservation_id: int) -> Vehicle | None:
    """The car the driver had before the server gave this reservation another, if it did."""
    one = service.get_reservation(tx, scope, reservation_id)
    row = tx.execute(_moved(reservation_id)).first()
    if row is None or row.other_vehicle_id != one.vehicle_id or one.state not in risk.AHEAD:
        return None
    return fleet.get_vehicle(tx, SYSTEM, row.vehicle_id)


def list_rehousings(
    tx: Connection, now: int, scope: Scope, *, open_only: bool = True, limit: int = 100
) -> list[Rehousing]:
    """Answers for reservations of cars or people one manages: still at risk first, the soonest first."""
    columns = [
        rehousings.c[name] for name in ("id", "reservation_id", "cause", "outcome", "found_at", "closed_at")
    ]
    query = (
        select(*columns)
        .join(reservations, reservations.c.id == rehousings.c.reservation_id)
        .join(vehicles, vehicles.c.id == reservations.c.vehicle_id)
        .where(ownership.manages(scope), reservations.c.ends_at > now)
        .order_by(rehousings.c.closed_at.is_not(None), reservations.c.starts_at, rehousings.c.id)
    )
    if open_only:
        query = query.where(rehousings.c.closed_at.is_(None), reservations.c.state.in_(risk.AHEAD))
    rows = tx.execute(query.limit(limit)).all()
    their = ownership.RESERVATIONS.where(reservations.c.id.in_([row.reservation_id for row in rows]))
    found = {row.id: ownership.show(scope, row) for row in tx.execute(their)}
    return [
        Rehousing(
            row.id,
            found[row.reservation_id],
            row.cause,
            row.outcome,
            row.found_at,
            row.closed_at,
        )
        for row in rows
    ]


def _moved(reservation_id: int) -> Any:
    moved = (rehousings.c.reservation_id == reservation_id) & (rehousings.c.outcome == "moved")
    return select(rehousings).where(moved).order_by(rehousings.c.id.desc()).limit(1)


def _viewer(row: Any) -> Scope:
    """The cars this person may drive: whom the server moves sees no other."""
    return Scope(row.organisation_id, row.person_id, frozenset({"driver"}))


def _lost(tx: Connection, row: Any) -> Vehicle:
    """The car that will not be there, where it was promised to stand."""
    vehicle = fleet.get_vehicle(tx, SYSTEM, row.vehicle_id)
    return replace(vehicle, site_id=row.start_site_id or vehicle.site_id)


def _move(tx: Connection, now: int, row: Any) -> int | None:
    """Another car of the same site that fits, taken at once; its id. All rules hold as for a change by
    hand."""
    lost = _lost(tx, row)
    wanted = Wanted(row.starts_at, row.ends_at, lost.site_id, row.end_site_id, lost.seats)
    overdue, needs_box = risk.overdue_vehicles(tx, now), risk.has_box(tx, lost.id)
    here = [
        offer
        for offer in availability.look(tx, now, _viewer(row), wanted, was=row, by_server=True).offers
        if offer.site_id == lost.site_id
        and offer.vehicle_id not in overdue
        and (offer.has_box or not needs_box)  # a badge would not open it
        and _fits(lost, offer)
    ]
    here.sort(key=lambda offer: (offer.energy != lost.energy, offer.seats, offer.registration))
    for offer in here[:CANDIDATES]:
        try:
            with tx.begin_nested():
                service.change(tx, now, SYSTEM, row.id, vehicle_id=offer.vehicle_id)
        except GloveboxError:  # a rule forbids it, or it was taken at this moment
            continue
        return offer.vehicle_id
    return None


def _fits(lost: Vehicle, offer: Offer) -> bool:
    if offer.vehicle_id == lost.id or offer.silent_for_s is not None:
        return False
    if offer.energy == "electric" and lost.energy != "electric":
        return offer.fuel_percent is not None and offer.fuel_percent >= CHARGE_LEAST_PERCENT
    return offer.fuel_percent is None or offer.fuel_percent >= FUEL_LEAST_PERCENT


def _find(tx: Connection, now: int, row: Any) -> Alternatives:
    lost = _lost(tx, row)
    if row.ends_at <= now:
        return Alternatives([], [])
    viewer, overdue = _viewer(row), risk.overdue_vehicles(tx, now)
    wanted = Wanted(row.starts_at, row.ends_at, lost.site_id, row.end_site_id)
    free = availability.look(tx, now, viewer, wanted, was=row).offers
    drivable = risk.drivable(tx, row.organisation_id, row.starts_at, row.ends_at)
    others = [
        offer
        for offer in free
        if offer.vehicle_id != lost.id
        and offer.vehicle_id in drivable
        and offer.silent_for_s is None
        and offer.vehicle_id not in overdue
    ]
    return Alternatives(others[:OFFERS_SHOWN], _find_later(tx, now, row, lost, drivable)[:OFFERS_SHOWN])


def _find_later(tx: Connection, now: int, row: Any, lost: Vehicle, drivable: set[int]) -> list[Slot]:
    """Other cars of the site, as long, some hours later, where no rule forbids it; the soonest first."""
    viewer, duration_s = _viewer(row), row.ends_at - row.starts_at
    wanted = Wanted(row.starts_at, row.ends_at, lost.site_id, row.end_site_id, lost.seats)
    first = max(row.starts_at, now)
    coming = select(reservations.c.vehicle_id).where(
        reservations.c.end_site_id == lost.site_id, reservations.c.state.in_(GUARDED)
    )
    come = set(tx.execute(coming).scalars())
    cars = [
        replace(car, site_id=lost.site_id)
        for car in fleet.list_vehicles(tx, viewer, now)
        if (car.site_id == lost.site_id or car.id in come)
        and car.status == "in_service"
        and car.seats >= lost.seats
        and car.id in drivable - {lost.id}
    ]
    permits = availability.Permits(tx, now, cars, row.person_id, wanted, row)
    later = []
    for car in cars:
        may_take = partial(chains.may_take, tx, car.id, lost.site_id, row.end_site_id)
        slot = availability.next_free(tx, car.id, first, duration_s, permits.buffer_s(car), may_take)
        is_soon = slot is not None and first < slot.starts_at <= first + LATER_S
        if slot is not None and is_soon and not permits.find_refusal(car, slot.starts_at, slot.ends_at):
            later.append(slot)
    return sorted(later, key=lambda slot: (slot.starts_at, slot.vehicle_id))


def _close(tx: Connection, now: int, reservation_id: int, rehousing_id: int, vehicle_id: int) -> None:
    """The car that was lost endangers nobody any more; a licence still does."""
    left = (rehousings.c.reservation_id == reservation_id) & rehousings.c.closed_at.is_(None)
    tx.execute(
        update(rehousings)
        .where(left, rehousings.c.cause != "expired_licence")
        .values(closed_at=now, other_vehicle_id=vehicle_id)
    )
    tx.execute(update(rehousings).where(rehousings.c.id == rehousing_id).values(outcome="moved"))


def _end(tx: Connection, now: int, row: Any) -> None:
    """The cause is over. Whoever still waits for that car is told so, unless something else keeps it."""
    tx.execute(update(rehousings).where(rehousings.c.id == row.id).values(closed_at=now))
    vehicle_id = service.get_reservation(tx, SYSTEM, row.reservation_id).vehicle_id
    risk.mark_vehicle(tx, now, vehicle_id)
    one = service.get_reservation(tx, SYSTEM, row.reservation_id)
    if one.is_at_risk or holds(tx, now, row.cause, one.id):
        return
    if one.state in risk.AHEAD and one.vehicle_id == row.vehicle_id and one.ends_at > now:
        key = f"{_key(one.id, row.cause, row.cause_id)}-over"
        _tell(tx, now, one, "risk_over", key, row.cause)


_FREED_FOR_GOOD: Final = (
    select(freed_cars.c.vehicle_id)
    .where(freed_cars.c.freed_at <= bindparam("by"))
    .limit(CANDIDATES)
    .with_for_update(skip_locked=True)
)


def give_freed(tx: Connection, now: int) -> list[int]:
    """Cars that were given back, for good, go to those at risk where they will stand, the soonest first.
    Returns these cars: whoever has got none of them may come next."""
    freed = list(tx.execute(_FREED_FOR_GOOD, {"by": now - messages.UNDO_S}).scalars())
    if not freed:
        return []
    tx.execute(delete(freed_cars).where(freed_cars.c.vehicle_id.in_(freed)))
    given = vehicles.alias("given")
    will_stand = places.place_at(given.c.id, given.c.site_id, reservations.c.starts_at)
    waiting = (
        select(rehousings)
        .join(reservations, risk.needs_car())
        .join(vehicles, vehicles.c.id == reservations.c.vehicle_id)
        .join(given, given.c.id.in_(freed))
        .where(
            reservations.c.ends_at > now,
            func.coalesce(reservations.c.start_site_id, vehicles.c.site_id) == will_stand,
        )
        .order_by(reservations.c.starts_at, rehousings.c.id)
        .with_for_update(of=rehousings, skip_locked=True)
    )
    moved: set[int] = set()
    for answer in dict.fromkeys(tx.execute(waiting).all()):  # more than one of the cars may help
        if answer.reservation_id in moved:
            continue
        row = tx.execute(
            select(reservations).where(reservations.c.id == answer.reservation_id).with_for_update()
        ).one()
        before = service.get_reservation(tx, SYSTEM, row.id)
        other = _move(tx, now, row) if row.state in risk.AHEAD else None
        if other is not None:
            moved.add(row.id)
            _close(tx, now, row.id, answer.id, other)
            risk.mark_vehicle(tx, now, other)
            key = f"{_key(row.id, answer.cause, answer.cause_id)}-moved"
            _tell(tx, now, before, "rehouse_moved", key, answer.cause, other)
    return freed


def _key(reservation_id: int, cause: str, cause_id: int) -> str:
    return f"rehouse-{reservation_id}-{cause}-{cause_id}"


def _tell(
    tx: Connection, now: int, one: Reservation, kind: str, key: str, cause: str, other_id: int | None = None
) -> None:
    if one.person_id is None:
        return
    facts = facts_of(tx, one) | {"cause": f"@cause.{cause}"}
    if other_id is not None:
        other = fleet.get_vehicle(tx, SYSTEM, other_id)
        facts["other_car"] = f"{other.registration} {other.make} {other.model}"
        facts["place"] = f"{other.site_name}, {other.bay}" if other.bay else other.site_name
    messages.put(tx, now, one.person_id, kind, key, facts, reservation_id=one.id)
