"""Series as they stand: read, listed, locked; see `glovebox.series.acts` for what is done to them."""

import json
from datetime import UTC, date, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, exists, select

from glovebox.clock import DAY_S
from glovebox.errors import Conflict, GloveboxError, NotFound
from glovebox.fleet import service as fleet
from glovebox.messages.service import UNDO_S
from glovebox.people.tables import people as people_table
from glovebox.reservations import ownership, risk, undo
from glovebox.reservations.schemas import Reservation
from glovebox.reservations.states import GUARDED
from glovebox.reservations.tables import reservations, undos
from glovebox.scope import SYSTEM, Scope
from glovebox.series.days import OCCURRENCES
from glovebox.series.looking import calendar_of
from glovebox.series.schemas import Done, Refused, Rule, Series
from glovebox.series.tables import series, series_refusals

INTERRUPTED: Final = "series_interrupted"
"""The code of a day that is not done yet, or was never reached."""
SHOWN: Final = 100


def may_undo(tx: Connection, now: int, scope: Scope, series_id: int) -> bool:
    """True while this person could take back the last act on the whole series."""
    row = tx.execute(select(series).where(series.c.id == series_id)).one()
    if now >= row.changed_at + UNDO_S:
        return False
    return undo.may_undo_all(tx, now, scope, list_undoable(tx, scope, row))


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


def list_refused(
    tx: Connection, series_id: int, *, made_at: int | None = None
) -> list[tuple[date, GloveboxError]]:
    """Days that could not be had or moved and why, by day; `made_at`: of that act alone."""
    return [(one.day, one.problem) for one in _read_refused(tx, series_id, made_at)]


def find_made(
    tx: Connection, now: int, vehicle_id: int, person_id: int, rule: Rule, purpose: str
) -> int | None:
    """The very series that has just been made, or is being made, for this person; None where there is none:
    a button pressed twice sends its form twice."""
    wanted = values_of(rule) | {"vehicle_id": vehicle_id, "person_id": person_id, "purpose": purpose}
    stands = exists().where(reservations.c.series_id == series.c.id, reservations.c.state.in_(GUARDED))
    being_made = exists().where(
        series_refusals.c.series_id == series.c.id, series_refusals.c.code == INTERRUPTED
    )
    query = select(series.c.id).where(
        *(series.c[name] == value for name, value in wanted.items()),
        series.c.created_at > now - UNDO_S,
        stands | being_made,
    )
    return tx.execute(query.limit(1)).scalar()


def list_made(tx: Connection, series_id: int) -> Done:
    """What has come of a series by now."""
    mine = select(reservations.c.id).where(reservations.c.series_id == series_id)
    numbers = list(tx.execute(mine.order_by(reservations.c.id)).scalars())
    return Done(series_id, numbers, list_refused(tx, series_id))


def list_ahead(tx: Connection, now: int, series_id: int, from_day: date | None) -> list[Any]:
    """Rows of the occurrences that still wait for their car (`from_day`: from then on)."""
    query = select(reservations).where(
        reservations.c.series_id == series_id,
        reservations.c.state.in_(risk.AHEAD),
        reservations.c.starts_at > now,
    )
    if from_day is not None:
        query = query.where(reservations.c.series_day >= from_day.isoformat())
    return list(tx.execute(query.order_by(reservations.c.id)).all())


def list_undoable(tx: Connection, scope: Scope, row: Any) -> list[int]:
    """Occurrences that this person's last act on the whole series changed."""
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


def lock(tx: Connection, scope: Scope, series_id: int) -> Any:
    """The row, locked. Raises NotFound."""
    query = select(series).where(series.c.id == series_id, _reachable(scope)).with_for_update()
    row = tx.execute(query).first()
    if row is None:
        raise NotFound()
    return row


_SERIES: Final = select(series, people_table.c.given_name, people_table.c.family_name).join(
    people_table, people_table.c.id == series.c.person_id, isouter=True
)


def values_of(rule: Rule) -> dict[str, Any]:
    """A rule as it is stored."""
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
    calendar = calendar_of(tx, fleet.get_vehicle(tx, SYSTEM, row.vehicle_id))
    by_hand = {day for day, is_exception, _one in occurrences if is_exception}
    refused = _read_refused(tx, row.id, None) if occurrences else []
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
        [one for one in refused if one.day not in by_hand],
    )


def _read_refused(tx: Connection, series_id: int, made_at: int | None) -> list[Refused]:
    mine = series_refusals.c.series_id == series_id
    query = select(series_refusals).where(
        mine if made_at is None else mine & (series_refusals.c.made_at == made_at)
    )
    return [
        Refused(
            date.fromisoformat(one.day),
            one.vehicle_id,
            one.starts_at,
            one.ends_at,
            Conflict(one.code, **json.loads(one.details)),
        )
        for one in tx.execute(query.order_by(series_refusals.c.day).limit(OCCURRENCES))
    ]
