"""What the system does about an incident when a manager says so, and how that is taken back."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, select, update

from glovebox.blocks import service as blocks
from glovebox.boxes import service as boxes
from glovebox.boxes.tables import boxes as boxes_table
from glovebox.errors import Conflict, Forbidden, Invalid
from glovebox.fleet import service as fleet
from glovebox.incidents import service
from glovebox.incidents.resolutions import BY_HAND, LEAVE_OPEN, PROPOSED, Step
from glovebox.incidents.schemas import Incident
from glovebox.incidents.tables import incidents
from glovebox.messages import service as messages
from glovebox.policies.checks import zone_of
from glovebox.reservations import service as reservations
from glovebox.reservations.tables import reservations as reservations_table
from glovebox.scope import SYSTEM, Scope
from glovebox.trips.tables import trips


def get_incident(tx: Connection, now: int, scope: Scope, incident_id: int) -> Incident:
    """As `service.get_incident`, with the steps that are possible now."""
    one = service.get_incident(tx, scope, incident_id)
    return replace(one, steps=tuple(list_steps(tx, now, scope, one)))


def list_steps(tx: Connection, now: int, scope: Scope, one: Incident) -> list[Step]:
    """Steps that help with this incident and are possible now, the proposed one first; none where it is
    closed. Closing by hand is always possible besides."""
    if one.closed_at is not None or not service.may_manage(tx, scope, one.id):
        return []
    return [step for step in PROPOSED.get(one.kind, ()) if _POSSIBLE[step](tx, now, scope, one)]


def take_step(
    tx: Connection,
    now: int,
    scope: Scope,
    incident_id: int,
    step: Step,
    *,
    note: str = "",
    site_id: int | None = None,
) -> None:
    """Does what the step says and closes the incident where the table says so. Raises NotFound, Forbidden
    where it may be seen only, Conflict (closed already, step not possible now), Invalid (no such step), and
    what the act itself raises."""
    one = _get_managed(tx, scope, incident_id)
    locked = select(incidents.c.closed_at).where(incidents.c.id == incident_id).with_for_update()
    if tx.execute(locked).scalar_one() is not None:
        raise Conflict("incident_closed")
    if step not in (*PROPOSED.get(one.kind, ()), *BY_HAND):
        raise Invalid("no_such_step")
    if step not in BY_HAND:
        if not _POSSIBLE[step](tx, now, scope, one):
            raise Conflict("step_impossible")
        _DO[step](tx, now, scope, one, site_id)
    if step not in LEAVE_OPEN:
        service.close_incident(tx, now, scope, incident_id, note, step)


def reopen(tx: Connection, now: int, scope: Scope, incident_id: int) -> None:
    """Takes one's own closing back within the time to undo, and what the system did with it. Raises NotFound,
    Forbidden where another closed it, Conflict `undo_over`, and as `reservations.take_back`."""
    one = _get_managed(tx, scope, incident_id)
    row = tx.execute(select(incidents).where(incidents.c.id == incident_id).with_for_update()).one()
    if row.closed_at is None:
        return
    if scope.person_id is None or row.closed_by != scope.person_id:
        raise Forbidden()
    if now >= row.closed_at + messages.UNDO_S:
        raise Conflict("undo_over", seconds=messages.UNDO_S)
    if row.resolution in ("car_changed", "reservation_ended"):
        assert one.reservation_id is not None
        reservations.take_back(tx, now, scope, one.reservation_id)
    if row.resolution == "repaired" and one.vehicle_id is not None:
        blocks.resume_blocks(tx, now, scope, one.vehicle_id, json.loads(row.was or "[]"))
    if row.resolution == "place_confirmed":
        tx.execute(update(trips).where(trips.c.id == one.trip_id).values(end_site_id=None))
        if one.vehicle_id is not None and one.detail.isdigit():
            fleet.move_vehicle(tx, one.vehicle_id, int(one.detail))
    values = {"closed_at": None, "closed_by": None, "closing_note": "", "resolution": "", "was": ""}
    tx.execute(update(incidents).where(incidents.c.id == incident_id).values(**values))


def _get_managed(tx: Connection, scope: Scope, incident_id: int) -> Incident:
    one = service.get_incident(tx, scope, incident_id)
    if not service.may_manage(tx, scope, incident_id):
        raise Forbidden()
    return one


def may_reopen(now: int, scope: Scope, one: Incident, closed_by: int | None) -> bool:
    """True while this person could take the closing back."""
    is_mine = scope.person_id is not None and closed_by == scope.person_id
    return is_mine and one.closed_at is not None and now < one.closed_at + messages.UNDO_S


def closed_by(tx: Connection, incident_id: int) -> int | None:
    """Who closed it; None for the server."""
    found = tx.execute(select(incidents.c.closed_by).where(incidents.c.id == incident_id)).scalar()
    return None if found is None else int(found)


def find_driver(tx: Connection, one: Incident) -> int | None:
    """Whom to ask: whom it is about, else who had the car last before it."""
    if one.person_id is not None:
        return one.person_id
    last = select(trips.c.person_id).where(
        trips.c.vehicle_id == one.vehicle_id,
        trips.c.started_at <= one.opened_at,
        trips.c.person_id.is_not(None),
    )
    if one.trip_id is not None:
        last = last.where(trips.c.id == one.trip_id)
    found = tx.execute(last.order_by(trips.c.started_at.desc()).limit(1)).scalar()
    return None if found is None else int(found)


# -- whether a step is possible now


def _may_ask(tx: Connection, _now: int, scope: Scope, one: Incident) -> bool:
    if one.asked_at is not None:
        return False
    driver = find_driver(tx, one)
    return driver is not None and driver != scope.person_id


def _may_take_out(tx: Connection, now: int, scope: Scope, one: Incident) -> bool:
    return one.vehicle_id is not None and not _damage_blocks(tx, now, scope, one.vehicle_id)


def _may_put_back(_tx: Connection, _now: int, _scope: Scope, one: Incident) -> bool:
    return one.vehicle_id is not None


def _has_box(tx: Connection, _now: int, _scope: Scope, one: Incident) -> bool:
    return (
        tx.execute(select(boxes_table.c.id).where(boxes_table.c.vehicle_id == one.vehicle_id)).first()
        is not None
    )


def _may_change_car(tx: Connection, now: int, _scope: Scope, one: Incident) -> bool:
    row = _reservation(tx, one)
    is_ahead = row is not None and row.state in ("pending", "confirmed") and row.ends_at > now
    return bool(is_ahead and row.vehicle_id != one.vehicle_id)


def _may_end(tx: Connection, _now: int, _scope: Scope, one: Incident) -> bool:
    row = _reservation(tx, one)
    return row is not None and row.state in ("pending", "confirmed")


def _has_trip(_tx: Connection, _now: int, _scope: Scope, one: Incident) -> bool:
    return one.trip_id is not None


_POSSIBLE: Final[dict[Step, Callable[[Connection, int, Scope, Incident], bool]]] = {
    "ask_driver": _may_ask,
    "take_out": _may_take_out,
    "self_test": _has_box,
    "car_changed": _may_change_car,
    "reservation_ended": _may_end,
    "place_confirmed": _has_trip,
    "repaired": _may_put_back,
}


def _reservation(tx: Connection, one: Incident) -> Any:
    query = select(reservations_table).where(reservations_table.c.id == one.reservation_id)
    return tx.execute(query).first()


def _damage_blocks(tx: Connection, now: int, scope: Scope, vehicle_id: int) -> list[int]:
    found = blocks.list_blocks(tx, scope, [vehicle_id], ends_after=now)
    return [one.id for one in found if one.kind == "damage"]


# -- what a step does


def _ask_driver(tx: Connection, now: int, _scope: Scope, one: Incident, _site_id: int | None) -> None:
    driver = find_driver(tx, one)
    assert driver is not None
    assert one.vehicle_id is not None
    vehicle = fleet.get_vehicle(tx, SYSTEM, one.vehicle_id)
    facts = {
        "car": f"{vehicle.registration} {vehicle.make} {vehicle.model}",
        "incident": f"@incident.{one.kind}",
        "at": one.opened_at,
        "time_zone": zone_of(tx, vehicle.site_id),
    }
    key = f"incident-{one.id}"
    messages.put(tx, now, driver, "incident_asked", key, facts, reservation_id=one.reservation_id)
    tx.execute(update(incidents).where(incidents.c.id == one.id).values(asked_at=now))


def _take_out(tx: Connection, now: int, scope: Scope, one: Incident, _site_id: int | None) -> None:
    assert one.vehicle_id is not None
    blocks.add_block(tx, now, scope, one.vehicle_id, "damage", now, None, one.detail[:200])


def _put_back(tx: Connection, now: int, scope: Scope, one: Incident, _site_id: int | None) -> None:
    assert one.vehicle_id is not None
    ended = _damage_blocks(tx, now, scope, one.vehicle_id)
    was = json.dumps(blocks.keep_blocks(tx, ended), ensure_ascii=False)
    tx.execute(update(incidents).where(incidents.c.id == one.id).values(was=was))
    for block_id in ended:
        blocks.end_block(tx, now, scope, block_id)


def _self_test(tx: Connection, now: int, scope: Scope, one: Incident, _site_id: int | None) -> None:
    assert one.vehicle_id is not None
    boxes.add_command(tx, now, scope, one.vehicle_id, "self_test", f"incident {one.id}")


def _change_car(tx: Connection, now: int, scope: Scope, one: Incident, _site_id: int | None) -> None:
    assert one.reservation_id is not None
    reservations.change(tx, now, scope, one.reservation_id, vehicle_id=one.vehicle_id)


def _end_reservation(tx: Connection, now: int, scope: Scope, one: Incident, _site_id: int | None) -> None:
    assert one.reservation_id is not None
    reservations.cancel(tx, now, scope, one.reservation_id)


def _confirm_place(tx: Connection, _now: int, _scope: Scope, one: Incident, site_id: int | None) -> None:
    assert one.vehicle_id is not None
    site_id = site_id or fleet.get_vehicle(tx, SYSTEM, one.vehicle_id).site_id
    fleet.get_site(tx, site_id)
    before = fleet.get_vehicle(tx, SYSTEM, one.vehicle_id).site_id
    tx.execute(update(incidents).where(incidents.c.id == one.id).values(detail=str(before)))
    fleet.move_vehicle(tx, one.vehicle_id, site_id)
    tx.execute(update(trips).where(trips.c.id == one.trip_id).values(end_site_id=site_id))


_DO: Final[dict[Step, Callable[[Connection, int, Scope, Incident, int | None], None]]] = {
    "ask_driver": _ask_driver,
    "take_out": _take_out,
    "self_test": _self_test,
    "car_changed": _change_car,
    "reservation_ended": _end_reservation,
    "place_confirmed": _confirm_place,
    "repaired": _put_back,
}
