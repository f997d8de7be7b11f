"""Today: what a manager has to look after, computed anew each time by a fixed number of questions, whatever
the size of the fleet; and what people did with each line.

| line | while |
|---|---|
| `not_back` | the reservation is in use, `LATE_S` after its end |
| `departure_at_risk` | a departure within a day has no car that will surely be there |
| `ignition_off` | a session stands open, ignition off, `FORGOTTEN_S` after the car was taken |
| `battery_low`, `energy_low` | the car said so last |
| `fault` | a fault is set |
| `silent` | the box has not been heard for `SILENT_S` |
| `damage`, `place_unconfirmed`, `incident` | an incident is open |
| `approval` | a reservation waits for this very scope's answer |
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, or_, select, update

from glovebox.boxes import service as boxes
from glovebox.boxes.schemas import Live
from glovebox.boxes.tables import boxes as boxes_table
from glovebox.clock import DAY_S, MINUTE_S
from glovebox.errors import Forbidden, Invalid, NotFound
from glovebox.fleet.tables import sites, vehicles
from glovebox.incidents.tables import incidents
from glovebox.people.tables import people
from glovebox.records.tables import faults
from glovebox.reservations import risk
from glovebox.reservations.causes import LATE_GRACE_S, SILENT_S
from glovebox.reservations.tables import reservations
from glovebox.scope import Scope
from glovebox.today.schemas import KINDS, Kind, Line
from glovebox.today.tables import today_marks
from glovebox.words import fault_name

LATE_S: Final = LATE_GRACE_S
FORGOTTEN_S: Final = 20 * MINUTE_S
AHEAD_S: Final = DAY_S
BATTERY_LOW_MV: Final = 11_800
"""Below this the battery of a parked car is worth a word."""
FUEL_LOW_PERCENT: Final = 15
CHARGE_LOW_PERCENT: Final = 25
"""Charging takes hours, not minutes: the word comes earlier."""
# Nobody looks after more than this in a day; each kind is cut off there.
A_KIND: Final = 200
# Who took a line and did nothing for so long has forgotten it.
OWNED_S: Final = 3 * DAY_S
SNOOZE_LONGEST_S: Final = 14 * DAY_S


def is_battery_low(live: Live | None) -> bool:
    """True where the car's 12 V battery may not start it."""
    return live is not None and live.battery_mv is not None and live.battery_mv < BATTERY_LOW_MV


def is_energy_low(live: Live | None, energy: str) -> bool:
    """True where the next driver has to refuel or charge first."""
    if live is None or live.fuel_percent is None:
        return False
    return live.fuel_percent < (CHARGE_LOW_PERCENT if energy == "electric" else FUEL_LOW_PERCENT)


def list_lines(tx: Connection, now: int, scope: Scope) -> list[Line]:
    """All lines of cars this scope manages and of reservations it approves, worst first; put away ones too
    (`snoozed_until`)."""
    cars = _read_cars(tx, scope)
    found: list[Line] = []
    found += _reservation_lines(tx, now, scope)
    found += _car_lines(tx, now, cars)
    found += _fault_lines(tx, scope, cars)
    found += _incident_lines(tx, scope)
    found += _approval_lines(tx, scope)
    order = {kind: number for number, kind in enumerate(KINDS)}
    found.sort(key=lambda line: (order[line.kind], line.at or 0, line.registration))
    return _with_marks(tx, now, found)


def take(tx: Connection, now: int, scope: Scope, kind: Kind, subject_id: int) -> None:
    """This person takes it and looks after the line from now on. Raises NotFound where it is not there (any
    more), Forbidden for nobody."""
    if scope.person_id is None:
        raise Forbidden()
    _mark(tx, now, scope, kind, subject_id, owner_id=scope.person_id)


def release(tx: Connection, now: int, scope: Scope, kind: Kind, subject_id: int) -> None:
    """Nobody looks after it any more. Raises NotFound."""
    _mark(tx, now, scope, kind, subject_id, owner_id=None)


def snooze(tx: Connection, now: int, scope: Scope, kind: Kind, subject_id: int, until: int | None) -> None:
    """Puts the line away until then, for all who see it; None brings it back. Raises NotFound, Invalid for a
    time over or further than two weeks away."""
    if until is not None and until <= now:
        raise Invalid("over_already")
    if until is not None and until > now + SNOOZE_LONGEST_S:
        raise Invalid("too_far", days=SNOOZE_LONGEST_S // DAY_S)
    _mark(tx, now, scope, kind, subject_id, snoozed_until=until)


def _mark(tx: Connection, now: int, scope: Scope, kind: Kind, subject_id: int, **values: int | None) -> None:
    lines = list_lines(tx, now, scope)
    line = next((one for one in lines if (one.kind, one.subject_id) == (kind, subject_id)), None)
    if line is None:
        raise NotFound()
    if "snoozed_until" in values:
        values["newest"] = line.newest
    forgotten = today_marks.c.marked_at < now - OWNED_S
    awake = or_(today_marks.c.snoozed_until.is_(None), today_marks.c.snoozed_until <= now)
    tx.execute(delete(today_marks).where(forgotten, awake))
    one = (today_marks.c.kind == kind) & (today_marks.c.subject_id == subject_id)
    if tx.execute(update(today_marks).where(one).values(marked_at=now, **values)).rowcount:
        return
    row = {"kind": kind, "subject_id": subject_id, "vehicle_id": line.vehicle_id, "marked_at": now}
    tx.execute(insert(today_marks).values(**row, **values))


def _with_marks(tx: Connection, now: int, lines: list[Line]) -> list[Line]:
    if not lines:
        return []
    cars = {line.vehicle_id for line in lines}
    query = select(today_marks, people.c.given_name, people.c.family_name).join(
        people, people.c.id == today_marks.c.owner_id, isouter=True
    )
    marks = {(row.kind, row.subject_id): row for row in tx.execute(query) if row.vehicle_id in cars}
    return [_marked(now, line, marks.get((line.kind, line.subject_id))) for line in lines]


def _marked(now: int, line: Line, mark: Any) -> Line:
    if mark is None:
        return line
    is_asleep = mark.snoozed_until is not None and mark.snoozed_until > now and line.newest <= mark.newest
    is_owned = mark.owner_id is not None and mark.marked_at > now - OWNED_S
    return replace(
        line,
        owner_id=mark.owner_id if is_owned else None,
        owner_name=f"{mark.given_name} {mark.family_name}" if is_owned else "",
        snoozed_until=mark.snoozed_until if is_asleep else None,
    )


# -- the lines


def _read_cars(tx: Connection, scope: Scope) -> dict[int, Any]:
    managed = scope.managed_cars(vehicles.c.organisation_id, vehicles.c.pool_id)
    query = (
        select(*_CAR, vehicles.c.energy, vehicles.c.status, boxes_table.c.used_at)
        .join(sites, sites.c.id == vehicles.c.site_id)
        .join(boxes_table, boxes_table.c.vehicle_id == vehicles.c.id, isouter=True)
        .where(managed, vehicles.c.status != "retired")
    )
    return {row.vehicle_id: row for row in tx.execute(query)}


_CAR: Final = (
    vehicles.c.id.label("vehicle_id"),
    vehicles.c.registration,
    vehicles.c.make,
    vehicles.c.model,
    vehicles.c.site_id,
    sites.c.name.label("site_name"),
)


def _line(kind: Kind, row: Any, subject_id: int, at: int | None, **more: Any) -> Line:
    name = f"{row.make} {row.model}"
    where = (row.vehicle_id, row.registration, name, row.site_id, row.site_name)
    return Line(kind, subject_id, *where, at, **more)


def _person(row: Any) -> dict[str, Any]:
    if row.person_id is None:
        return {}
    return {"person_id": row.person_id, "person_name": f"{row.given_name} {row.family_name}"}


def _promises() -> Any:
    return (
        select(
            *_CAR,
            reservations.c.id,
            reservations.c.starts_at,
            reservations.c.ends_at,
            reservations.c.state,
            reservations.c.approval_due_at,
            reservations.c.late_minutes,
            reservations.c.person_id,
            people.c.given_name,
            people.c.family_name,
        )
        .join(vehicles, vehicles.c.id == reservations.c.vehicle_id)
        .join(sites, sites.c.id == vehicles.c.site_id)
        .join(people, people.c.id == reservations.c.person_id, isouter=True)
    )


def _reservation_lines(tx: Connection, now: int, scope: Scope) -> Iterator[Line]:
    managed = scope.managed_cars(vehicles.c.organisation_id, vehicles.c.pool_id)
    is_said = (reservations.c.late_minutes > 0) & (reservations.c.ends_at <= now + LATE_S)
    late = (reservations.c.state == "in_use") & (is_said | (reservations.c.ends_at <= now - LATE_S))
    for row in tx.execute(_promises().where(managed, late).order_by(reservations.c.ends_at).limit(A_KIND)):
        number = row.late_minutes or None
        yield _line("not_back", row, row.id, row.ends_at, number=number, **_person(row))
    # Kept from the index on starts, which holds all the past: the one on state and end is smaller.
    soon = reservations.c.starts_at + 0 <= now + AHEAD_S
    at_risk = (
        reservations.c.state.in_(("pending", "confirmed"))
        & (reservations.c.ends_at > now)
        & (reservations.c.is_at_risk == 1)
        & soon
    )
    for row in tx.execute(_promises().where(managed, at_risk).limit(A_KIND)):
        yield _line("departure_at_risk", row, row.id, row.starts_at, **_person(row))


def _approval_lines(tx: Connection, scope: Scope) -> Iterator[Line]:
    mine = scope.approvable(vehicles.c.organisation_id, vehicles.c.pool_id)
    waiting = _promises().where(mine, reservations.c.state == "pending", ~risk.is_offer()).limit(A_KIND)
    for row in tx.execute(waiting):
        yield _line("approval", row, row.id, row.approval_due_at or row.starts_at, **_person(row))


def _car_lines(tx: Connection, now: int, cars: dict[int, Any]) -> Iterator[Line]:
    for vehicle_id, live in boxes.list_live(tx).items():
        row = cars.get(vehicle_id)
        if row is None:
            continue
        for kind, tell in _CAR_KINDS.items():
            found = tell(now, row, live)
            if found is not None:
                yield _line(kind, row, vehicle_id, **found)


def _ignition_off(now: int, row: Any, live: Live) -> dict[str, Any] | None:
    is_open = live.state == "open" and live.kl15_on is False and not _is_silent(now, live)
    return {"at": row.used_at} if is_open and row.used_at <= now - FORGOTTEN_S else None


def _battery(_now: int, _row: Any, live: Live) -> dict[str, Any] | None:
    return {"at": live.state_at, "number": live.battery_mv} if is_battery_low(live) else None


def _energy(_now: int, row: Any, live: Live) -> dict[str, Any] | None:
    if not is_energy_low(live, row.energy):
        return None
    return {
        "at": live.state_at,
        "number": live.fuel_percent,
        "code": "electric" if row.energy == "electric" else "",
    }


def _silent(now: int, row: Any, live: Live) -> dict[str, Any] | None:
    is_expected = row.status == "in_service"  # in the workshop the battery may be off
    return {"at": live.heard_at} if is_expected and _is_silent(now, live) else None


def _is_silent(now: int, live: Live) -> bool:
    return live.heard_at is None or live.heard_at <= now - SILENT_S


_CAR_KINDS: Final[dict[Kind, Callable[[int, Any, Live], dict[str, Any] | None]]] = {
    "ignition_off": _ignition_off,
    "battery_low": _battery,
    "energy_low": _energy,
    "silent": _silent,
}


def _fault_lines(tx: Connection, scope: Scope, cars: dict[int, Any]) -> Iterator[Line]:
    """One line a car, told by its oldest fault; put away, it is back with the next one."""
    managed = scope.managed_cars(vehicles.c.organisation_id, vehicles.c.pool_id)
    query = (
        select(faults.c.id, faults.c.vehicle_id, faults.c.code, faults.c.set_at)
        .join(vehicles, vehicles.c.id == faults.c.vehicle_id)
        .where(managed, faults.c.cleared_at.is_(None))
        .order_by(faults.c.set_at)
    )
    of_car: dict[int, list[Any]] = {}
    for row in tx.execute(query):
        of_car.setdefault(row.vehicle_id, []).append(row)
    for vehicle_id, rows in of_car.items():
        if vehicle_id in cars:
            newest = max(row.id for row in rows)
            more = {"number": len(rows), "code": fault_name(rows[0].code), "newest": newest}
            yield _line("fault", cars[vehicle_id], vehicle_id, rows[0].set_at, **more)


def _incident_lines(tx: Connection, scope: Scope) -> Iterator[Line]:
    query = (
        select(
            *_CAR,
            incidents.c.id,
            incidents.c.kind,
            incidents.c.opened_at,
            incidents.c.detail,
            incidents.c.person_id,
            people.c.given_name,
            people.c.family_name,
        )
        .join(vehicles, vehicles.c.id == incidents.c.vehicle_id)
        .join(sites, sites.c.id == vehicles.c.site_id)
        .join(people, people.c.id == incidents.c.person_id, isouter=True)
        .where(
            scope.managed_cars(incidents.c.organisation_id, vehicles.c.pool_id),
            incidents.c.closed_at.is_(None),
        )
        .order_by(incidents.c.opened_at.desc())
        .limit(A_KIND)
    )
    for row in tx.execute(query):
        kind: Kind = "incident"
        if row.kind == "damage":
            kind = "damage"
        elif row.kind == "place_unconfirmed":
            kind = "place_unconfirmed"
        said = {"code": row.kind, "detail": row.detail if kind == "damage" else ""}
        yield _line(kind, row, row.id, row.opened_at, **said, **_person(row))
