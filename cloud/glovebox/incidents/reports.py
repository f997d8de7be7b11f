"""Damage reported by whoever stands beside the car."""

from typing import Final

from sqlalchemy import Connection, select

from glovebox.blocks import service as blocks
from glovebox.clock import DAY_S, HOUR_S
from glovebox.errors import Forbidden, Invalid, NotFound
from glovebox.fleet import service as fleet
from glovebox.incidents.service import clean, open_incident
from glovebox.incidents.tables import incidents
from glovebox.reservations.ownership import get_reservation
from glovebox.reservations.tables import reservations
from glovebox.scope import SYSTEM, Scope

# A driver walks round the car before he takes it, and may remember a scratch the week after.
BEFORE_S: Final = HOUR_S
AFTER_S: Final = 7 * DAY_S


def may_report(tx: Connection, now: int, scope: Scope, vehicle_id: int) -> bool:
    """True for those who look after the car, and for whoever has it, is about to, or had it last week."""
    vehicle = fleet.get_vehicle(tx, scope, vehicle_id)
    if scope.may_manage_car(vehicle.organisation_id, vehicle.pool_id):
        return True
    had = select(reservations.c.id).where(
        reservations.c.vehicle_id == vehicle_id,
        scope.mine(reservations.c.person_id),
        reservations.c.state.in_(("confirmed", "in_use", "completed")),
        reservations.c.starts_at <= now + BEFORE_S,
        reservations.c.ends_at >= now - AFTER_S,
    )
    return tx.execute(had.limit(1)).first() is not None


def report_damage(
    tx: Connection,
    now: int,
    scope: Scope,
    vehicle_id: int,
    text: str,
    *,
    may_drive: bool,
    reservation_id: int | None = None,
) -> int:
    """Opens an incident; where the car must not go it is out of service from now on, and what is reserved is
    at risk. The same words of the same person are one report. `reservation_id`: on whose occasion it was
    found. Returns the incident's id. Raises NotFound (also for another car's reservation), Forbidden, Invalid
    without a word."""
    if not may_report(tx, now, scope, vehicle_id):
        raise Forbidden()
    text = clean(text)
    if not text:
        raise Invalid("damage_text_missing")
    if reservation_id is not None and get_reservation(tx, scope, reservation_id).vehicle_id != vehicle_id:
        raise NotFound()
    known = tx.execute(
        select(incidents.c.id).where(
            incidents.c.vehicle_id == vehicle_id,
            incidents.c.kind == "damage",
            incidents.c.closed_at.is_(None),
            incidents.c.person_id.is_not_distinct_from(scope.person_id),
            incidents.c.detail == text,
        )
    ).scalar()
    if known is None:
        known = open_incident(
            tx,
            now,
            "damage",
            vehicle_id,
            reservation_id=reservation_id,
            person_id=scope.person_id,
            detail=text,
        )
    standing = blocks.list_blocks(tx, SYSTEM, [vehicle_id], ends_after=now, starts_before=now + 1)
    if not may_drive and not any(one.kind == "damage" for one in standing):
        # Whoever reports need not be allowed to plan the workshop: safety comes first.
        blocks.add_block(tx, now, SYSTEM, vehicle_id, "damage", now, None, text[:200])
    return int(known)
