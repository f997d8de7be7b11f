"""Booking, changing and giving back a whole series, in slices: the writer has a job of few days at a time, so
that cars and other people wait for none of them long.

Every day is told: what is not done yet stands in `series_refusals` as `series_interrupted` from the first job
on, and a slice takes its days from there; those done are removed, the others get the reason. Whatever stops
between two slices, each day is either booked or moved, or told with why not. One changed by hand is an
exception and is left alone when the series changes.

The acts take `run`, which does one job in the writer and returns its result, never in a job of another.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from glovebox.errors import Busy, Conflict, Forbidden, GloveboxError
from glovebox.fleet import service as fleet
from glovebox.people.tables import people
from glovebox.policies.readings import Readings
from glovebox.reservations import asking, risk, telling, undo
from glovebox.reservations import service as reservations_service
from glovebox.reservations.states import State
from glovebox.reservations.tables import reservations
from glovebox.reservations.transitions import lock_vehicles, refresh_vehicles
from glovebox.scope import SYSTEM, Scope
from glovebox.series import service
from glovebox.series.days import OCCURRENCES, check_minutes, instants, list_days
from glovebox.series.looking import calendar_of, load
from glovebox.series.schemas import Done, Rule
from glovebox.series.service import INTERRUPTED
from glovebox.series.tables import series, series_refusals
from glovebox.store.values import one_line

Run = Callable[[Callable[[Connection], Any]], Any]

# Days of one job: 6 to 8 ms of CPU on SQLite, 30 to 40 on a busy machine with PostgreSQL.
SLICE: Final = 3
_DETAILS_LIMIT: Final = 2_000


class _Todo(NamedTuple):
    """What is wanted of one day."""

    day: str
    vehicle_id: int
    starts_at: int
    ends_at: int


Act = Callable[[Connection, _Todo, Readings], int]


def book(
    run: Run,
    now: int,
    scope: Scope,
    vehicle_id: int,
    person_id: int,
    rule: Rule,
    *,
    purpose: str = "",
    others: Mapping[date, int] | None = None,
) -> Done:
    """Books every occurrence that can be had; `others`: another car for some days. Raises as
    `looking.preview`, and Conflict `series_nothing` where none can. The same form sent twice is one series:
    the second answer is the first one's."""

    def begin(tx: Connection) -> tuple[int, int | None]:
        vehicle, person, calendar = load(tx, now, scope, vehicle_id, person_id, rule)
        tx.execute(select(people.c.id).where(people.c.id == person_id).with_for_update(key_share=True)).all()
        made = service.find_made(tx, now, vehicle_id, person_id, rule, one_line(purpose))
        if made is not None:
            return made, None
        days, _free = list_days(rule, calendar)
        values = service.values_of(rule) | {"person_id": person_id, "vehicle_id": vehicle_id}
        values |= {"organisation_id": person.organisation_id, "purpose": one_line(purpose)}
        values |= {"created_at": now, "changed_at": now}
        series_id = int(tx.execute(insert(series).values(**values).returning(series.c.id)).scalar_one())

        def when(day: date) -> tuple[int, int]:
            return instants(day, rule.starts_minute, rule.ends_minute, calendar)

        cars = others or {}
        _plan(tx, now, series_id, [_wanted(day, cars.get(day, vehicle_id), when) for day in days])
        return series_id, vehicle.site_id  # where the person looks for it each time

    series_id, home = run(begin)
    if home is None:
        again: Done = run(lambda tx: service.list_made(tx, series_id))
        return again

    def one(tx: Connection, todo: _Todo, readings: Readings) -> int:
        where = (todo.vehicle_id, person_id, todo.starts_at, todo.ends_at)
        place = series_id, todo.day
        return reservations_service.book(
            tx, now, scope, *where, purpose=purpose, from_site=home, series=place, readings=readings
        )

    done = _work(run, now, series_id, one)

    def end(tx: Connection) -> Done:
        refused = service.list_refused(tx, series_id, made_at=now)
        if not done:
            tx.execute(delete(series_refusals).where(series_refusals.c.series_id == series_id))
            tx.execute(delete(series).where(series.c.id == series_id))
        else:
            _tell(tx, now, scope, done, "series_booked")
        return Done(series_id, done, refused)

    made: Done = run(end)
    if not done:
        raise Conflict("series_nothing")
    return made


def change(
    run: Run,
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
    `series_nothing`, and the first refusal where none can be moved."""

    def begin(tx: Connection) -> dict[str, int]:
        row = service.lock(tx, scope, series_id)
        minutes = None
        if starts_minute is not None or ends_minute is not None:
            minutes = (
                row.starts_minute if starts_minute is None else starts_minute,
                row.ends_minute if ends_minute is None else ends_minute,
            )
            check_minutes(*minutes)
        if vehicle_id is not None:
            fleet.get_vehicle(tx, scope, vehicle_id, now)
        return _plan_change(tx, now, row, from_day, minutes, vehicle_id)

    numbers: dict[str, int] = run(begin)
    if not numbers:
        raise Conflict("series_nothing")

    def one(tx: Connection, todo: _Todo, readings: Readings) -> int:
        wanted = todo._asdict()
        number = numbers[wanted.pop("day")]
        reservations_service.change(tx, now, scope, number, **wanted, is_part=True, readings=readings)
        return number

    done = _work(run, now, series_id, one)

    def end(tx: Connection) -> Done:
        if done:
            _tell(tx, now, scope, done, "series_changed")
        return Done(series_id, done, service.list_refused(tx, series_id, made_at=now))

    made: Done = run(end)
    if not done:
        raise made.refused[0][1]
    return made


def cancel(run: Run, now: int, scope: Scope, series_id: int, *, from_day: date | None = None) -> Done:
    """Gives all occurrences ahead back (`from_day`: from then on), exceptions too. What it does not reach is
    still booked. Raises NotFound, Forbidden, Conflict `series_nothing`."""

    def begin(tx: Connection) -> list[int]:
        service.lock(tx, scope, series_id)
        ahead = service.list_ahead(tx, now, series_id, from_day)
        days = [one.series_day for one in ahead]
        gone = (series_refusals.c.series_id == series_id) & series_refusals.c.day.in_(days)
        tx.execute(delete(series_refusals).where(gone))
        return [one.id for one in ahead]

    numbers = run(begin)
    done: list[int] = []
    refused: list[tuple[date, GloveboxError]] = []
    for first in range(0, len(numbers), SLICE):
        some = numbers[first : first + SLICE]
        try:
            given, kept = run(partial(_cancel_some, now=now, scope=scope, series_id=series_id, numbers=some))
        except Busy:
            break
        done += given
        refused += kept
    if not done:
        raise Conflict("series_nothing")
    run(lambda tx: _tell(tx, now, scope, done, "series_cancelled"))
    return Done(series_id, done, refused)


def take_back(tx: Connection, now: int, scope: Scope, series_id: int) -> None:
    """Undoes this person's last act on the whole series, all of it or nothing: in one job, some statements
    for all days. Raises NotFound, Forbidden, and as undoing one reservation does."""
    row = service.lock(tx, scope, series_id)
    numbers = service.list_undoable(tx, scope, row)
    if not numbers:
        raise Forbidden()
    done_at, undone = undo.undo(tx, now, scope, numbers[0], also=numbers)
    mine = (series_refusals.c.series_id == series_id) & (series_refusals.c.made_at == done_at)
    if row.created_at != done_at:  # what was never booked stays told
        tx.execute(delete(series_refusals).where(mine))
    telling.tell_all_undone(tx, now, scope, undone, done_at)


def _wanted(
    day: date, vehicle_id: int, when: Callable[[date], tuple[int, int]]
) -> tuple[_Todo, GloveboxError | None]:
    try:
        return _Todo(day.isoformat(), vehicle_id, *when(day)), None
    except GloveboxError as error:
        return _Todo(day.isoformat(), vehicle_id, 0, 0), error


def _plan_change(
    tx: Connection,
    now: int,
    row: Any,
    from_day: date | None,
    minutes: tuple[int, int] | None,
    vehicle_id: int | None,
) -> dict[str, int]:
    """Plans the days ahead of a series for another time of day (`minutes`) or car; None keeps it. Returns
    their reservations by day, without the exceptions."""
    calendar = calendar_of(tx, fleet.get_vehicle(tx, SYSTEM, row.vehicle_id))
    listed = service.list_ahead(tx, now, row.id, from_day)
    ahead = {one.series_day: one for one in listed if not one.is_exception}

    def when(day: date) -> tuple[int, int]:
        one = ahead[day.isoformat()]
        return (one.starts_at, one.ends_at) if minutes is None else instants(day, *minutes, calendar)

    wanted = [
        _wanted(date.fromisoformat(day), vehicle_id or one.vehicle_id, when) for day, one in ahead.items()
    ]
    _plan(tx, now, row.id, wanted)
    return {day: one.id for day, one in ahead.items()}


def _plan(
    tx: Connection, now: int, series_id: int, wanted: Sequence[tuple[_Todo, GloveboxError | None]]
) -> None:
    """Notes all days as not done, in place of what was told of them before."""
    mine = series_refusals.c.series_id == series_id
    tx.execute(
        delete(series_refusals).where(mine, series_refusals.c.day.in_([todo.day for todo, _error in wanted]))
    )
    rows = [
        {"series_id": series_id, "made_at": now, **todo._asdict(), **_why(error or Busy(INTERRUPTED))}
        for todo, error in wanted
    ]
    if rows:
        tx.execute(insert(series_refusals), rows)


def _why(error: GloveboxError) -> dict[str, str]:
    """A refusal as it is stored: what it says in words, without the cars that were free at that moment."""
    plain = {
        name: value for name, value in error.values.items() if isinstance(value, str | int | bool | None)
    }
    details = json.dumps(plain)
    return {"code": error.code, "details": details if len(details) <= _DETAILS_LIMIT else "{}"}


def _work(run: Run, now: int, series_id: int, act: Act) -> list[int]:
    """Does what is planned, slice by slice; returns the reservations done. A writer that takes no more jobs
    ends it: the rest stays told as not reached."""
    done: list[int] = []
    for _ in range(OCCURRENCES // SLICE + 1):
        try:
            made, is_more = run(lambda tx: _do_some(tx, now, series_id, act))
        except Busy:
            break
        done += made
        if not is_more:
            break
    return done


def _do_some(tx: Connection, now: int, series_id: int, act: Act) -> tuple[list[int], bool]:
    """One slice: each day on its own, what is refused leaves no trace but the reason."""
    row = series_refusals
    mine = (row.c.series_id == series_id) & (row.c.made_at == now)
    left = select(row.c.day, row.c.vehicle_id, row.c.starts_at, row.c.ends_at).where(
        mine, row.c.code == INTERRUPTED
    )
    some = [_Todo(*one) for one in tx.execute(left.order_by(row.c.day).limit(SLICE).with_for_update())]
    before = _cars_of(tx, series_id, [todo.day for todo in some])
    readings = Readings()
    done: list[int] = []
    for todo in some:
        this = mine & (row.c.day == todo.day)
        try:
            with tx.begin_nested():
                done.append(act(tx, todo, readings))
                tx.execute(delete(row).where(this))
        except GloveboxError as error:
            tx.execute(update(row).where(this).values(**_why(error)))
    if done:
        tx.execute(update(series).where(series.c.id == series_id).values(changed_at=now))
        refresh_vehicles(tx, now, lock_vehicles(tx, {*before, *_cars(tx, done)}))
    return done, len(some) == SLICE


def _cancel_some(
    tx: Connection, now: int, scope: Scope, series_id: int, numbers: Sequence[int]
) -> tuple[list[int], list[tuple[date, GloveboxError]]]:
    named = select(reservations.c.id, reservations.c.series_day).where(reservations.c.id.in_(numbers))
    days = {row.id: row.series_day for row in tx.execute(named)}
    done, refused = [], []
    for number in numbers:
        try:
            with tx.begin_nested():
                reservations_service.cancel(tx, now, scope, number, is_part=True)
        except GloveboxError as error:
            refused.append((date.fromisoformat(days[number]), error))
        else:
            done.append(number)
    if done:
        tx.execute(update(series).where(series.c.id == series_id).values(changed_at=now))
        refresh_vehicles(tx, now, lock_vehicles(tx, _cars(tx, done)))
    return done, refused


def _cars(tx: Connection, numbers: Iterable[int]) -> set[int]:
    query = select(reservations.c.vehicle_id).where(reservations.c.id.in_(list(numbers)))
    return set(tx.execute(query).scalars())


def _cars_of(tx: Connection, series_id: int, days: Sequence[str]) -> set[int]:
    query = select(reservations.c.vehicle_id).where(
        reservations.c.series_id == series_id,
        reservations.c.series_day.in_(days),
        reservations.c.state.in_(risk.AHEAD),
    )
    return set(tx.execute(query).scalars())


def _tell(tx: Connection, now: int, scope: Scope, numbers: Sequence[int], kind: str) -> None:
    """One message for all of them, to the person and to the approvers."""
    telling.tell_series(tx, now, scope, kind, numbers)
    pending = (reservations.c.id.in_(numbers)) & (reservations.c.state == State.PENDING)
    first = tx.execute(select(reservations.c.id).where(pending).order_by(reservations.c.id).limit(1)).scalar()
    if first is not None and kind != "series_cancelled":
        asking.ask_approvers(tx, now, reservations_service.get_reservation(tx, SYSTEM, first))
