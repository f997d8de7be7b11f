"""Joining the waiting list, leaving it, taking what it offers.

| from | event | to |
|---|---|---|
| `waiting` | a car is freed, two hours or more before the start | `booked` |
| `waiting` | a car is freed later than that: it is held for the person | `offered` |
| `offered` | take | `booked` |
| `waiting`, `offered` | leave | `left` |
| `waiting` | the start has come | `expired` |
| `offered` | nobody answered by `offer_until` | `expired` |
"""

from typing import Any, Final, get_args

from sqlalchemy import ColumnElement, Connection, func, insert, or_, select, update

from glovebox.clock import DAY_S
from glovebox.errors import Conflict, Forbidden, Invalid, NotFound
from glovebox.fleet import service as fleet
from glovebox.fleet.schemas import Energy
from glovebox.fleet.tables import sites
from glovebox.people import service as people_service
from glovebox.people.tables import people
from glovebox.policies.resolution import Rulebook
from glovebox.reservations import asking, availability, terms
from glovebox.reservations.availability import Wanted
from glovebox.reservations.ownership import get_reservation
from glovebox.reservations.states import State
from glovebox.reservations.tables import reservations
from glovebox.reservations.transitions import move_on
from glovebox.scope import SYSTEM, Scope
from glovebox.store.values import one_line
from glovebox.waiting.schemas import Wait
from glovebox.waiting.tables import waits

# Who waits for more than this at once does not know what he wants.
OPEN_PER_PERSON: Final = 5
HORIZON_S: Final = 366 * DAY_S
OPEN: Final = ("waiting", "offered")


def join(tx: Connection, now: int, scope: Scope, person_id: int, wanted: Wanted, *, purpose: str = "") -> int:
    """The person waits for such a car; returns the entry's id. Raises NotFound, Forbidden, Invalid (no site,
    begun already, too far ahead), Conflict `free_already`, `waiting_already`, `too_many_waits`."""
    person = people_service.get_person(tx, scope, person_id)
    if person_id != scope.person_id and not scope.may_manage(person.organisation_id):
        raise Forbidden()
    if not person.is_active:
        raise Forbidden("person_inactive")
    if wanted.from_site is None:
        raise Invalid("wait_needs_site")
    if wanted.energy not in (None, *get_args(Energy)):
        raise Invalid()
    fleet.get_site(tx, wanted.from_site)
    if wanted.starts_at <= now:
        raise Invalid("wait_begun")
    if wanted.starts_at > now + HORIZON_S:
        raise Invalid("wait_too_far")
    tx.execute(select(people.c.id).where(people.c.id == person_id).with_for_update(key_share=True)).all()
    mine = (waits.c.person_id == person_id) & waits.c.state.in_(OPEN)
    count = tx.execute(select(func.count()).where(mine)).scalar_one()
    if count >= OPEN_PER_PERSON:
        raise Conflict("too_many_waits", limit=OPEN_PER_PERSON)
    same = (waits.c.starts_at < wanted.ends_at) & (waits.c.ends_at > wanted.starts_at)
    if tx.execute(select(waits.c.id).where(mine, same).limit(1)).first() is not None:
        raise Conflict("waiting_already")
    found = availability.look(tx, now, viewer_of(person.organisation_id, person_id), wanted)
    if any(offer.site_id == wanted.from_site for offer in found.offers):
        raise Conflict("free_already")
    values = {
        "person_id": person_id,
        "organisation_id": person.organisation_id,
        "site_id": wanted.from_site,
        "to_site_id": wanted.to_site,
        "starts_at": wanted.starts_at,
        "ends_at": wanted.ends_at,
        "seats": wanted.seats,
        "energy": wanted.energy or "",
        "distance_m": wanted.distance_m,
        "purpose": one_line(purpose),
        "created_at": now,
        "created_by": scope.person_id,
        "looked_at": now,
    }
    return int(tx.execute(insert(waits).values(**values).returning(waits.c.id)).scalar_one())


def leave(tx: Connection, now: int, scope: Scope, wait_id: int) -> None:
    """The person waits no more; a car held for him is free again. Raises NotFound, Conflict where it is over
    already."""
    row = _lock(tx, scope, wait_id)
    if row.state not in OPEN:
        raise Conflict("wait_over")
    if row.state == "offered":
        held = _held(tx, row)
        if held.state == State.PENDING:
            move_on(tx, now, held, "cancel")
    tx.execute(update(waits).where(waits.c.id == wait_id).values(state="left", offer_until=None))


def take(tx: Connection, now: int, scope: Scope, wait_id: int) -> int:
    """Takes the car that is held; returns the reservation's id. Where the rules ask for an approver, one is
    asked now. Raises NotFound, Conflict where nothing is held any more."""
    row = _lock(tx, scope, wait_id)
    if row.state != "offered" or row.offer_until <= now:
        raise Conflict("wait_over")
    held = _held(tx, row)
    if held.state != State.PENDING:
        raise Conflict("wait_over")
    tx.execute(update(waits).where(waits.c.id == wait_id).values(state="booked", offer_until=None))
    car = fleet.get_vehicle(tx, SYSTEM, held.vehicle_id)
    rules = Rulebook(tx, row.person_id).of(car.organisation_id, car.pool_id).rules
    if rules.needs_approval:
        due_at = terms.approval_due_at(now, rules, held.starts_at, held.ends_at)
        one = update(reservations).where(reservations.c.id == held.id)
        tx.execute(one.values(approval_due_at=due_at, changed_at=now))
        asking.ask_approvers(tx, now, get_reservation(tx, SYSTEM, held.id))
    else:
        move_on(tx, now, held, "approve", approval_due_at=None)
    return int(held.id)


def list_waits(
    tx: Connection, scope: Scope, *, person_id: int | None = None, with_closed: bool = False, limit: int = 200
) -> list[Wait]:
    """Entries of one's own and of the people one manages, the soonest first; those that still wait."""
    query = _WAITS.where(_visible(scope))
    if person_id is not None:
        query = query.where(waits.c.person_id == person_id)
    if not with_closed:
        query = query.where(waits.c.state.in_(OPEN))
    rows = tx.execute(query.order_by(waits.c.starts_at, waits.c.id).limit(limit))
    return [_wait(row) for row in rows]


def get_wait(tx: Connection, scope: Scope, wait_id: int) -> Wait:
    """One entry. Raises NotFound."""
    row = tx.execute(_WAITS.where(_visible(scope), waits.c.id == wait_id)).first()
    if row is None:
        raise NotFound()
    return _wait(row)


def viewer_of(organisation_id: int, person_id: int) -> Scope:
    """Who waits, as he would book himself."""
    return Scope(organisation_id, person_id, frozenset({"driver"}))


def wanted_of(row: Any) -> Wanted:
    """What an entry waits for."""
    return Wanted(
        row.starts_at, row.ends_at, row.site_id, row.to_site_id, row.seats, row.energy or None, row.distance_m
    )


_WAITS: Final = (
    select(waits, people.c.given_name, people.c.family_name, sites.c.name.label("site_name"))
    .join(people, people.c.id == waits.c.person_id)
    .join(sites, sites.c.id == waits.c.site_id)
)


def _visible(scope: Scope) -> ColumnElement[bool]:
    return or_(scope.mine(waits.c.person_id), scope.managed(waits.c.organisation_id))


def _lock(tx: Connection, scope: Scope, wait_id: int) -> Any:
    query = select(waits).where(waits.c.id == wait_id, _visible(scope)).with_for_update()
    row = tx.execute(query).first()
    if row is None:
        raise NotFound()
    return row


def _held(tx: Connection, row: Any) -> Any:
    query = select(reservations).where(reservations.c.id == row.reservation_id).with_for_update()
    return tx.execute(query).one()


def _wait(row: Any) -> Wait:
    plain = {name: getattr(row, name) for name in Wait.__dataclass_fields__ if name != "person_name"}
    return Wait(**plain, person_name=f"{row.given_name} {row.family_name}")
