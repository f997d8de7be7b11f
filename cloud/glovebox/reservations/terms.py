"""The terms on which a car is promised: to whom and when it may be at all, the rules it must obey, whether an
approver is asked and until when, and what is told where it cannot be had."""

from functools import partial
from typing import Final, NamedTuple

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError

from glovebox.clock import HOUR_S
from glovebox.errors import Conflict, Forbidden, Invalid
from glovebox.fleet.schemas import Vehicle
from glovebox.fleet.tables import agreements, vehicles
from glovebox.people import service as people_service
from glovebox.people.schemas import Person
from glovebox.policies import checks
from glovebox.policies.schemas import Rules
from glovebox.reservations import availability, chains, risk
from glovebox.reservations.held import too_close
from glovebox.reservations.schemas import AlreadyTaken, Offer, Slot, TooClose
from glovebox.reservations.states import GUARDED, State
from glovebox.reservations.tables import reservations
from glovebox.scope import SYSTEM, Scope
from glovebox.store import guard

# A car wanted at once stands this long for an approver who has yet to hear of it.
APPROVAL_AT_LEAST_S: Final = HOUR_S
# "From nine", typed at half past nine, is meant.
LATEST_START_S: Final = 12 * HOUR_S
SHORTEST_S: Final = 60


class Terms(NamedTuple):
    """State of a reservation as it is promised, and until when an approver may answer (None: nobody is
    asked)."""

    state: State
    approval_due_at: int | None


def check_interval(now: int, starts_at: int, ends_at: int) -> None:
    """Raises Invalid: too short, over, or begun long ago."""
    if ends_at - starts_at < SHORTEST_S:
        raise Invalid("end_before_start")
    if ends_at <= now:
        raise Invalid("over_already")
    if starts_at < now - LATEST_START_S:
        raise Invalid("starts_in_past")


def check_car(tx: Connection, asked: checks.Asked, person_id: int | None) -> None:
    """Whether the car itself can be had for more than it is promised for already: under a block a promise may
    be shortened. Raises Conflict: in the workshop, kept for those who were there first, blocked then."""
    vehicle, was, starts_at, ends_at = asked.vehicle, asked.was, asked.starts_at, asked.ends_at
    if not (asked.is_other_car or starts_at < was.starts_at or ends_at > was.ends_at):
        return
    if vehicle.status != "in_service" and asked.is_other_car:
        raise Conflict("not_in_service", registration=vehicle.registration)
    if not asked.by_server and risk.held_back(tx, starts_at, ends_at, person_id, vehicle.id):
        raise Conflict("waiting_first", registration=vehicle.registration)
    is_blocked, until = risk.blocked_until(tx, vehicle.id, starts_at, ends_at)
    if is_blocked:
        zone_name = checks.zone_of(tx, vehicle.site_id)
        raise Conflict("blocked", registration=vehicle.registration, until=until, time_zone=zone_name)


def check_driver(
    tx: Connection, scope: Scope, vehicle: Vehicle, person_id: int, starts_at: int, ends_at: int
) -> Person:
    """The person, if they may drive this car then and this scope may book for them. Raises NotFound,
    Forbidden."""
    person = people_service.get_person(tx, scope, person_id)
    if person_id != scope.person_id and not scope.may_manage(person.organisation_id):
        raise Forbidden()
    if not person.is_active:
        raise Forbidden("person_inactive")
    if person.organisation_id != vehicle.organisation_id:
        admitted = select(agreements.c.id).where(
            agreements.c.pool_id == vehicle.pool_id,
            agreements.c.organisation_id == person.organisation_id,
            agreements.c.starts_at <= starts_at,
            agreements.c.ends_at >= ends_at,
        )
        if tx.execute(admitted).first() is None:
            raise Forbidden("no_agreement")
    return person


def settle(tx: Connection, now: int, scope: Scope, asked: checks.Asked, person: Person) -> Terms:
    """The terms for a new or changed reservation. Raises what `policies.checks.check` does, what `check_car`
    does, and TooClose: the rules first, which hold for other cars too, and about which the driver can do
    something.

    A change that goes beyond what was approved asks the approver again; the server's own (rehousing) does
    not."""
    vehicle, was = asked.vehicle, asked.was
    rules = checks.check(tx, now, asked, person).rules
    check_car(tx, asked, person.id)
    if rules.buffer_s:
        _check_buffer(tx, now, scope, asked, person, rules.buffer_s)
    state = State.CONFIRMED if was is None else State(was.state)
    is_more = asked.is_other_place or asked.starts_at < was.starts_at or asked.ends_at > was.ends_at
    may_decide = scope.may_approve(vehicle.organisation_id, vehicle.pool_id) and not scope.is_system
    is_asked = rules.needs_approval and is_more and not may_decide and not (scope.is_system and was)
    if is_asked and state != State.IN_USE:
        return Terms(State.PENDING, approval_due_at(now, rules, asked.starts_at, asked.ends_at))
    due_at = was.approval_due_at if was is not None and state == State.PENDING else None
    if due_at is not None:
        due_at = min(due_at, approval_due_at(now, rules, asked.starts_at, asked.ends_at))
    return Terms(state, due_at)


def approval_due_at(now: int, rules: Rules, starts_at: int, ends_at: int) -> int:
    """When an unanswered reservation lapses: after the approver's time, at the start at the latest, but not
    within an hour; never after the end."""
    return min(now + rules.approval_due_s, max(starts_at, now + APPROVAL_AT_LEAST_S), ends_at)


def _check_buffer(
    tx: Connection, now: int, scope: Scope, asked: checks.Asked, person: Person, buffer_s: int
) -> None:
    """Raises TooClose. The car's row is locked: two bookings at once do not both come close."""
    if not (asked.is_other_start or asked.is_other_end):
        return
    vehicle_id = asked.vehicle.id
    locked = select(vehicles.c.id).where(vehicles.c.id == vehicle_id)
    tx.execute(locked.with_for_update(key_share=True)).all()
    near = (
        reservations.c.vehicle_id == vehicle_id,
        reservations.c.state.in_(GUARDED),
        reservations.c.id != (0 if asked.was is None else asked.was.id),
    )
    before = tx.execute(
        select(func.max(reservations.c.ends_at)).where(
            *near,
            reservations.c.ends_at <= asked.starts_at,
            reservations.c.ends_at > asked.starts_at - buffer_s,
        )
    ).scalar()
    after = tx.execute(
        select(func.min(reservations.c.starts_at)).where(
            *near,
            reservations.c.ends_at > asked.ends_at,
            reservations.c.starts_at >= asked.ends_at,
            reservations.c.starts_at < asked.ends_at + buffer_s,
        )
    ).scalar()
    before = before if asked.is_other_start else None
    after = after if asked.is_other_end else None
    if before is None and after is None:
        return
    code, would_do = too_close(before, after, buffer_s)
    others, slot = _instead(tx, now, scope, asked, person, buffer_s)
    raise TooClose(code, others, slot, time_zone=checks.zone_of(tx, asked.vehicle.site_id), **would_do)


def _instead(
    tx: Connection, now: int, scope: Scope, asked: checks.Asked, person: Person | None, buffer_s: int
) -> tuple[list[Offer], Slot | None]:
    """Other cars at that time, this car at another: both for the person who will drive. Of a series nothing
    is looked for: its pages do, outside the writer."""
    if asked.is_part:
        return [], None
    viewer = scope if scope.organisation_id is not None or scope.is_system else SYSTEM
    vehicle_id, starts_at, ends_at = asked.vehicle.id, asked.starts_at, asked.ends_at
    person_id = None if person is None else person.id
    others = availability.others_at_site(
        tx, now, viewer, vehicle_id, starts_at, ends_at, person_id, asked.was
    )
    may_take = partial(chains.may_take, tx, vehicle_id, asked.vehicle.site_id, asked.end_site_id)
    first, length_s = max(starts_at, now), ends_at - starts_at
    return others, availability.next_free(tx, vehicle_id, first, length_s, buffer_s, may_take)


def taken(
    tx: Connection, now: int, scope: Scope, asked: checks.Asked, person: Person | None, error: DBAPIError
) -> Exception:
    """The refusal with what is free instead, or the error itself where it is another one."""
    if not guard.is_overlap(error):
        return error
    vehicle = asked.vehicle
    rulebook = asked.readings.rulebook(tx, None if person is None else person.id)
    buffer_s = rulebook.of(vehicle.organisation_id, vehicle.pool_id).rules.buffer_s
    return AlreadyTaken(*_instead(tx, now, scope, asked, person, buffer_s))
