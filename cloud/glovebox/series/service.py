"""Booking, changing and giving back a whole series; what one occurrence alone becomes is the reservations'
business.

Every occurrence stands for itself: those that can be had are booked, the others are told with why. One
changed by hand is an exception and is left alone when the series changes.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, insert, select, update

from glovebox.clock import DAY_S
from glovebox.errors import Conflict, Forbidden, GloveboxError, NotFound
from glovebox.fleet import service as fleet
from glovebox.fleet.schemas import Vehicle
from glovebox.messages.service import UNDO_S
from glovebox.people import service as people
from glovebox.people.schemas import Person
from glovebox.people.tables import people as people_table
from glovebox.policies.calendars import load_calendars
from glovebox.policies.checks import Asked, find_quota
from glovebox.policies.opening import Calendar
from glovebox.policies.resolution import Rulebook
from glovebox.reservations import asking, availability, ownership, risk, telling, undo
from glovebox.reservations import service as reservations_service
from glovebox.reservations.availability import Wanted
from glovebox.reservations.schemas import Offer, Reservation
from glovebox.reservations.states import GUARDED, State
from glovebox.reservations.tables import reservations, undos
from glovebox.reservations.transitions import lock_vehicles, refresh_vehicles
from glovebox.scope import SYSTEM, Scope
from glovebox.series.days import OCCURRENCES, check_minutes, check_rule, instants, list_days
from glovebox.series.schemas import Done, Looked, Preview, Rule, Series
from glovebox.series.tables import series
from glovebox.store.values import one_line

# Days for which another car is looked for; with more in the way another car for all of them is the answer.
OTHERS_FOR: Final = 20
SHOWN: Final = 100


def preview(tx: Connection, now: int, scope: Scope, vehicle_id: int, person_id: int, rule: Rule) -> Preview:
    """What can be had of a series, day by day. Nothing is held: booking asks again. Raises Invalid, NotFound,
    Forbidden where nothing at all could be booked."""
    vehicle, person, calendar = _load(tx, now, scope, vehicle_id, person_id, rule)
    days, free = list_days(rule, calendar)
    rulebook = Rulebook(tx, person.id)
    resolved = rulebook.of(vehicle.organisation_id, vehicle.pool_id)
    viewer = Scope(person.organisation_id, person.id, frozenset({"driver"}))
    planned: list[tuple[int, int]] = []
    looked: list[Looked] = []
    searches = 0
    for day in days:
        starts_at = ends_at = 0
        problem: GloveboxError | None
        instead: Offer | None = None
        try:
            starts_at, ends_at = instants(day, rule.starts_minute, rule.ends_minute, calendar)
            problem = _find_problem(tx, now, viewer, vehicle, starts_at, ends_at)
            if problem is None:
                asked = Asked(vehicle, vehicle.site_id, starts_at, ends_at)
                problem = find_quota(tx, now, resolved, asked, person, calendar, planned)
        except GloveboxError as error:
            problem = error
        if problem is None:
            planned.append((starts_at, ends_at))
        elif starts_at and searches < OTHERS_FOR:
            searches += 1
            instead = _find_other(tx, now, viewer, vehicle, starts_at, ends_at)
        looked.append(Looked(day, starts_at, ends_at, problem, instead))
    return Preview(looked, free if calendar.holidays else None)


def book(
    tx: Connection,
    now: int,
    scope: Scope,
    vehicle_id: int,
    person_id: int,
    rule: Rule,
    *,
    purpose: str = "",
    others: Mapping[date, int] | None = None,
) -> Done:
    """Books every occurrence that can be had; `others`: another car for some days. Raises as `preview`, and
    Conflict `series_nothing` where none can."""
    vehicle, person, calendar = _load(tx, now, scope, vehicle_id, person_id, rule)
    days, _free = list_days(rule, calendar)
    values = _values(rule) | {"person_id": person_id, "vehicle_id": vehicle_id, "purpose": one_line(purpose)}
    values |= {"organisation_id": person.organisation_id, "created_at": now, "changed_at": now}
    with tx.begin_nested():
        statement = insert(series).values(**values).returning(series.c.id)
        series_id = int(tx.execute(statement).scalar_one())

        home = vehicle.site_id  # where the person looks for it each time

        def one(day: date) -> int:
            when = instants(day, rule.starts_minute, rule.ends_minute, calendar)
            car = (others or {}).get(day, vehicle.id)
            place = (series_id, day.isoformat())
            return reservations_service.book(
                tx, now, scope, car, person_id, *when, purpose=purpose, from_site=home, series=place
            )

        made, refused = _each(tx, days, one)
        if not made:
            raise Conflict("series_nothing")
    _after(tx, now, scope, made, "series_booked")
    return Done(series_id, made, refused)


def change(
    tx: Connection,
    now: int,
    scope: Scope,
    series_id: int,
    *,
    from_day: date | None = None,
    starts_minute: int | None = None,
    ends_minute: int | None = None,
    vehicle_id: int | None = None,
) -> Done:
    """Moves all occurrences ahead (`from_day`: from then on) to another time of day or car; exceptions and
    those that cannot be moved stay as they are. Raises NotFound, Forbidden, Invalid, Conflict
    `series_nothing`."""
    row = _lock(tx, scope, series_id)
    calendar = _calendar(tx, fleet.get_vehicle(tx, SYSTEM, row.vehicle_id))
    starts = row.starts_minute if starts_minute is None else starts_minute
    ends = row.ends_minute if ends_minute is None else ends_minute
    if starts_minute is not None or ends_minute is not None:
        check_minutes(starts, ends)
    ahead = {
        date.fromisoformat(one.series_day): one
        for one in _list_ahead(tx, now, series_id, from_day)
        if not one.is_exception
    }

    def one(day: date) -> int:
        values: dict[str, Any] = {} if vehicle_id is None else {"vehicle_id": vehicle_id}
        if starts_minute is not None or ends_minute is not None:
            values["starts_at"], values["ends_at"] = instants(day, starts, ends, calendar)
        reservations_service.change(tx, now, scope, ahead[day].id, is_part=True, **values)
        return int(ahead[day].id)

    done, refused = _each(tx, ahead, one)
    if not done:
        if refused:
            raise refused[0][1]
        raise Conflict("series_nothing")
    tx.execute(update(series).where(series.c.id == series_id).values(changed_at=now))
    _after(tx, now, scope, done, "series_changed", {one.vehicle_id for one in ahead.values()})
    return Done(series_id, done, refused)


def cancel(tx: Connection, now: int, scope: Scope, series_id: int, *, from_day: date | None = None) -> Done:
    """Gives all occurrences ahead back (`from_day`: from then on), exceptions too. Raises NotFound,
    Forbidden, Conflict `series_nothing`."""
    _lock(tx, scope, series_id)
    ahead = {date.fromisoformat(one.series_day): one for one in _list_ahead(tx, now, series_id, from_day)}

    def one(day: date) -> int:
        reservations_service.cancel(tx, now, scope, ahead[day].id, is_part=True)
        return int(ahead[day].id)

    done, refused = _each(tx, ahead, one)
    if not done:
        raise Conflict("series_nothing")
    tx.execute(update(series).where(series.c.id == series_id).values(changed_at=now))
    _after(tx, now, scope, done, "series_cancelled")
    return Done(series_id, done, refused)


def take_back(tx: Connection, now: int, scope: Scope, series_id: int) -> None:
    """Undoes this person's last act on the whole series, all of it or nothing. Raises NotFound, Forbidden,
    and as undoing one reservation does."""
    row = _lock(tx, scope, series_id)
    numbers = _list_undoable(tx, scope, row)
    if not numbers:
        raise Forbidden()
    done_at, undone = undo.undo(tx, now, scope, numbers[0], also=numbers)
    for number in undone:
        telling.tell_undone(tx, now, scope, number, done_at)


def may_undo(tx: Connection, now: int, scope: Scope, series_id: int) -> bool:
    """True while this person could take back the last act on the whole series."""
    row = tx.execute(select(series).where(series.c.id == series_id)).one()
    if now >= row.changed_at + UNDO_S:
        return False
    numbers = _list_undoable(tx, scope, row)
    return bool(numbers) and all(undo.may_undo(tx, now, scope, number) for number in numbers)


def get_series(tx: Connection, scope: Scope, series_id: int) -> Series:
    """A series of one's own or of somebody one manages, with its occurrences. Raises NotFound."""
    row = tx.execute(_SERIES.where(series.c.id == series_id, _reachable(scope))).first()
    if row is None:
        raise NotFound()
    query = ownership.RESERVATIONS.where(reservations.c.series_id == series_id)
    rows = tx.execute(query.order_by(reservations.c.starts_at).limit(OCCURRENCES)).all()
    occurrences = [
        (date.fromisoformat(one.series_day), bool(one.is_exception), ownership.show(scope, one))
        for one in rows
    ]
    return _series(tx, row, occurrences)


def list_series(tx: Connection, now: int, scope: Scope, person_id: int) -> list[Series]:
    """A person's series that are not over, without their occurrences; one's own or of somebody one
    manages."""
    today = datetime.fromtimestamp(now - DAY_S, UTC).date().isoformat()
    mine = _SERIES.where(series.c.person_id == person_id, series.c.last_day >= today, _reachable(scope))
    rows = tx.execute(mine.order_by(series.c.first_day, series.c.id).limit(SHOWN)).all()
    return [_series(tx, row, []) for row in rows]


def _load(
    tx: Connection, now: int, scope: Scope, vehicle_id: int, person_id: int, rule: Rule
) -> tuple[Vehicle, Person, Calendar]:
    vehicle = fleet.get_vehicle(tx, scope, vehicle_id, now)
    person = people.get_person(tx, scope, person_id)
    if person_id != scope.person_id and not scope.may_manage(person.organisation_id):
        raise Forbidden()
    calendar = _calendar(tx, vehicle)
    check_rule(rule, calendar.day_of(now))
    return vehicle, person, calendar


def _calendar(tx: Connection, vehicle: Vehicle) -> Calendar:
    return load_calendars(tx, {vehicle.site_id})[vehicle.site_id]


def _find_problem(
    tx: Connection, now: int, viewer: Scope, vehicle: Vehicle, starts_at: int, ends_at: int
) -> GloveboxError | None:
    if ends_at <= now:
        return Conflict("over_already")
    wanted = Wanted(starts_at, ends_at, vehicle.site_id)
    found = availability.look(tx, now, viewer, wanted, person_id=viewer.person_id, only=vehicle.id)
    for offer in found.offers:
        if offer.vehicle_id == vehicle.id and offer.site_id != vehicle.site_id:
            return Conflict(
                "car_elsewhere",
                registration=vehicle.registration,
                site=offer.site_name,
                site_id=offer.site_id,
                wanted=vehicle.site_name,
            )
        if offer.vehicle_id == vehicle.id:
            return None
    for car, refusal in found.refused:
        if car.id == vehicle.id:
            return refusal
    is_blocked, until = risk.blocked_until(tx, vehicle.id, starts_at, ends_at)
    if is_blocked:
        return Conflict("blocked", registration=vehicle.registration, until=until)
    if vehicle.status != "in_service":
        return Conflict("not_in_service", registration=vehicle.registration)
    held = select(reservations.c.id).where(
        reservations.c.vehicle_id == vehicle.id,
        reservations.c.state.in_(GUARDED),
        reservations.c.starts_at < ends_at,
        reservations.c.ends_at > starts_at,
    )
    return Conflict("already_taken" if tx.execute(held.limit(1)).first() else "series_too_close")


def _find_other(
    tx: Connection, now: int, viewer: Scope, vehicle: Vehicle, starts_at: int, ends_at: int
) -> Offer | None:
    wanted = Wanted(starts_at, ends_at, vehicle.site_id)
    found = availability.look(tx, now, viewer, wanted, person_id=viewer.person_id)
    here = [one for one in found.offers if one.site_id == vehicle.site_id and one.vehicle_id != vehicle.id]
    return here[0] if here else None


def _each(
    tx: Connection, days: Iterable[date], act: Any
) -> tuple[list[int], list[tuple[date, GloveboxError]]]:
    """Does `act(day)` for each day on its own: what is refused leaves no trace."""
    done, refused = [], []
    for day in days:
        try:
            with tx.begin_nested():
                done.append(act(day))
        except GloveboxError as error:
            refused.append((day, error))
    return done, refused


def _after(
    tx: Connection,
    now: int,
    scope: Scope,
    numbers: Sequence[int],
    kind: str,
    cars_before: Iterable[int] = (),
) -> None:
    """Once for all of them: what the boxes hold, and one message to the person and to the approvers."""
    rows = tx.execute(select(reservations.c.vehicle_id).where(reservations.c.id.in_(numbers)).distinct())
    refresh_vehicles(tx, now, lock_vehicles(tx, {*rows.scalars(), *cars_before}))
    telling.tell_series(tx, now, scope, kind, numbers)
    for number in numbers:
        one = reservations_service.get_reservation(tx, SYSTEM, number)
        if one.state == State.PENDING:
            asking.ask_approvers(tx, now, one)
            return


def _list_ahead(tx: Connection, now: int, series_id: int, from_day: date | None) -> list[Any]:
    query = select(reservations).where(
        reservations.c.series_id == series_id,
        reservations.c.state.in_(risk.AHEAD),
        reservations.c.starts_at > now,
    )
    if from_day is not None:
        query = query.where(reservations.c.series_day >= from_day.isoformat())
    return list(tx.execute(query.order_by(reservations.c.id)).all())


def _list_undoable(tx: Connection, scope: Scope, row: Any) -> list[int]:
    query = (
        select(undos.c.reservation_id)
        .join(reservations, reservations.c.id == undos.c.reservation_id)
        .where(
            reservations.c.series_id == row.id,
            undos.c.made_at == row.changed_at,
            scope.mine(undos.c.made_by),
        )
    )
    return list(tx.execute(query.order_by(undos.c.reservation_id)).scalars())


def _reachable(scope: Scope) -> ColumnElement[bool]:
    return scope.mine(series.c.person_id) | scope.managed(series.c.organisation_id)


def _lock(tx: Connection, scope: Scope, series_id: int) -> Any:
    query = select(series).where(series.c.id == series_id, _reachable(scope)).with_for_update()
    row = tx.execute(query).first()
    if row is None:
        raise NotFound()
    return row


_SERIES: Final = select(series, people_table.c.given_name, people_table.c.family_name).join(
    people_table, people_table.c.id == series.c.person_id, isouter=True
)


def _values(rule: Rule) -> dict[str, Any]:
    return {
        "weekdays": "".join(str(day) for day in sorted(rule.weekdays)),
        "every_weeks": rule.every_weeks,
        "first_day": rule.first_day.isoformat(),
        "last_day": rule.last_day.isoformat(),
        "starts_minute": rule.starts_minute,
        "ends_minute": rule.ends_minute,
        "skips_holidays": int(rule.skips_holidays),
        "but_days": " ".join(day.isoformat() for day in sorted(rule.but)),
    }


def _series(tx: Connection, row: Any, occurrences: list[tuple[date, bool, Reservation]]) -> Series:
    rule = Rule(
        frozenset(map(int, row.weekdays)),
        date.fromisoformat(row.first_day),
        date.fromisoformat(row.last_day),
        row.starts_minute,
        row.ends_minute,
        row.every_weeks,
        bool(row.skips_holidays),
        frozenset(map(date.fromisoformat, row.but_days.split())),
    )
    name = f"{row.given_name} {row.family_name}" if row.person_id is not None else ""
    calendar = _calendar(tx, fleet.get_vehicle(tx, SYSTEM, row.vehicle_id))
    booked = {day for day, _is_exception, _one in occurrences}
    missing = [day for day in list_days(rule, calendar)[0] if day not in booked] if booked else []
    return Series(
        row.id,
        row.organisation_id,
        row.person_id,
        name,
        row.vehicle_id,
        rule,
        row.purpose,
        calendar.zone.key,
        occurrences,
        missing,
    )
