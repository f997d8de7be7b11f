"""Boxes: claim, assignment, live state, commands."""

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, insert, or_, select, update

from glovebox.boxes.schemas import Box, CarBox, Claimed, CommandKind, Live
from glovebox.boxes.tables import box_assignments, boxes, claim_tokens, commands
from glovebox.clock import MINUTE_S, Entropy, from_device_s
from glovebox.errors import Conflict, Forbidden, Invalid
from glovebox.fleet import service as fleet
from glovebox.fleet.schemas import Vehicle
from glovebox.fleet.tables import sites, vehicles
from glovebox.keys import Keyring
from glovebox.link import codes, wire
from glovebox.link.settings import EARLY_S
from glovebox.reservations import authorisations
from glovebox.reservations.states import State
from glovebox.reservations.tables import (
    authorisation_versions,
    newest_version,
    pool_versions,
    reservations,
)
from glovebox.scope import Scope
from glovebox.store.news import tell

CLAIM_VALID_S: Final = 15 * MINUTE_S
TOKEN_BYTES: Final = 20
COMMAND_LONGEST_S: Final = 15 * MINUTE_S
# For the workshop: the car starts without a badge until the day after.
GARAGE_DAYS: Final = 1
# Who may give which command; a driver's `open_for` and `lock` are checked against the reservation.
_MAY_COMMAND: Final[dict[str, frozenset[str]]] = {
    "open_for": frozenset(("manager", "site_staff", "administrator")),
    "lock": frozenset(("manager", "site_staff", "administrator")),
    "end_session": frozenset(("manager", "site_staff", "administrator")),
    "flash_lights": frozenset(("driver", "manager", "site_staff", "installer", "administrator")),
    "self_test": frozenset(("manager", "site_staff", "installer", "administrator")),
    "refresh": frozenset(("manager", "site_staff", "installer", "administrator")),
    "garage": frozenset(("manager", "site_staff", "administrator")),
    "track": frozenset(("manager", "administrator")),
}


def list_live(tx: Connection, vehicle_ids: Iterable[int] | None = None) -> dict[int, Live]:
    """What each car's box said last, by vehicle id; a car without a box is absent.
    `is_linked` is the hub's to say: see `Hub.linked`."""
    query = select(
        boxes.c.id,
        boxes.c.vehicle_id,
        boxes.c.heard_at,
        boxes.c.state,
        boxes.c.faults,
        boxes.c.held_version,
        newest_version().label("version"),
    )
    query = query.join(
        authorisation_versions, authorisation_versions.c.vehicle_id == boxes.c.vehicle_id, isouter=True
    ).join(pool_versions, pool_versions.c.pool_id == authorisation_versions.c.pool_id, isouter=True)
    query = query.where(boxes.c.vehicle_id.is_not(None))
    if vehicle_ids is not None:
        query = query.where(boxes.c.vehicle_id.in_(list(vehicle_ids)))
    return {row.vehicle_id: _live(row) for row in tx.execute(query)}


def list_boxes(tx: Connection, scope: Scope) -> list[Box]:
    """Boxes of managed cars; for the system also those in no car."""
    query = (
        select(boxes, vehicles.c.registration)
        .join(vehicles, vehicles.c.id == boxes.c.vehicle_id, isouter=True)
        .where(scope.managed_cars(vehicles.c.organisation_id, vehicles.c.pool_id))
        .order_by(boxes.c.id)
    )
    return [_box(row) for row in tx.execute(query).mappings()]


def list_car_boxes(tx: Connection, reach: ColumnElement[bool]) -> list[CarBox]:
    """Boxes in the cars of `reach`, a condition on `vehicles`, by site and registration."""
    query = (
        select(
            vehicles.c.id,
            vehicles.c.registration,
            sites.c.name,
            boxes.c.hardware_id,
            boxes.c.firmware,
            boxes.c.heard_at,
            boxes.c.records_refused,
            boxes.c.links_lost,
        )
        .join(vehicles, vehicles.c.id == boxes.c.vehicle_id)
        .join(sites, sites.c.id == vehicles.c.site_id)
        .where(reach)
        .order_by(sites.c.name, vehicles.c.registration)
    )
    return [CarBox(*row) for row in tx.execute(query)]


def add_claim_token(
    tx: Connection, now: int, scope: Scope, keyring: Keyring, entropy: Entropy, vehicle_id: int
) -> str:
    """A single-use token, valid 15 minutes, by which an installer's tool claims a box for this car.
    Raises NotFound, Forbidden."""
    vehicle = fleet.get_vehicle(tx, scope, vehicle_id)
    if not scope.may_manage_car(vehicle.organisation_id, vehicle.pool_id):
        raise Forbidden()
    token = entropy(TOKEN_BYTES).hex()
    values = {"vehicle_id": vehicle_id, "created_at": now, "expires_at": now + CLAIM_VALID_S}
    tx.execute(insert(claim_tokens).values(token_hash=keyring.token_hash(token), **values))
    return token


def claim(
    tx: Connection, now: int, keyring: Keyring, entropy: Entropy, token: str, hardware_id: str
) -> Claimed:
    """Uses the token up and makes the box of that hardware (a new one, or the known one with new keys) the
    car's box.
    Raises Forbidden for a token that is unknown, used or too old: the three look alike on purpose."""
    row = tx.execute(
        select(claim_tokens).where(
            claim_tokens.c.token_hash == keyring.token_hash(token),
            claim_tokens.c.used_at.is_(None),
            claim_tokens.c.expires_at > now,
        )
    ).first()
    if row is None:
        raise Forbidden("claim_token_refused")
    if not 1 <= len(hardware_id) <= 64 or not hardware_id.isprintable():
        raise Invalid("hardware_id")
    used = update(claim_tokens).where(claim_tokens.c.id == row.id, claim_tokens.c.used_at.is_(None))
    if tx.execute(used.values(used_at=now)).rowcount != 1:
        raise Forbidden("claim_token_refused")
    box = tx.execute(select(boxes).where(boxes.c.hardware_id == hardware_id)).first()
    if box is None:
        values = {"hardware_id": hardware_id, "created_at": now, "key_id": 1, "journal_epoch": 1}
        box_id = entropy(8)
        box_pk = int(
            tx.execute(insert(boxes).values(box_id=box_id, **values).returning(boxes.c.id)).scalar_one()
        )
        key_id, epoch, held = 1, 1, 0
    else:
        box_pk, box_id, held = box.id, box.box_id, max(box.held_version, box.sent_version)
        key_id, epoch = max(box.key_id, box.next_key_id) + 1, box.journal_epoch + 1
        if key_id > 255:
            raise Conflict("key_generations_used_up")
        tx.execute(update(boxes).where(boxes.c.id == box_pk).values(next_key_id=key_id, journal_epoch=epoch))
    assign(tx, now, box_pk, row.vehicle_id, held)
    return Claimed(box_pk, bytes(box_id), key_id, epoch, row.vehicle_id)


def assign(tx: Connection, now: int, box_pk: int, vehicle_id: int, held_version: int = 0) -> None:
    """Puts a box into a car, ending what either had before. `held_version`: the newest set that this box
    may still hold."""
    current = select(box_assignments).where(box_assignments.c.until_at.is_(None))
    mine = or_(box_assignments.c.box_id == box_pk, box_assignments.c.vehicle_id == vehicle_id)
    for row in tx.execute(current.where(mine)).all():
        if row.box_id == box_pk and row.vehicle_id == vehicle_id:
            authorisations.start_over(tx, now, vehicle_id, held_version)
            return
        ended = update(box_assignments).where(box_assignments.c.id == row.id)
        tx.execute(ended.values(until_at=max(now, row.from_at + 1)))
        tx.execute(update(boxes).where(boxes.c.id == row.box_id).values(vehicle_id=None))
    tx.execute(insert(box_assignments).values(box_id=box_pk, vehicle_id=vehicle_id, from_at=now))
    values = {
        "vehicle_id": vehicle_id,
        "assigned_at": now,
        "held_version": 0,
        "sent_version": 0,
        "state": None,
    }
    tx.execute(update(boxes).where(boxes.c.id == box_pk).values(**values))
    authorisations.start_over(tx, now, vehicle_id, held_version)


def add_command(
    tx: Connection,
    now: int,
    scope: Scope,
    vehicle_id: int,
    kind: CommandKind,
    reason: str,
    *,
    argument: int = 0,
    expires_in_s: int = 60,
) -> int:
    """Queues a command for a car's box; told at once over an open link, dropped when it expires.
    `open_for`, `lock`: argument = reservation id, a driver for the own reservation. Others need a role.
    Raises NotFound, Forbidden, Invalid (no reason), Conflict (no box)."""
    vehicle = fleet.get_vehicle(tx, scope, vehicle_id)
    role = _commanding_role(tx, now, scope, vehicle, kind, argument)
    if kind == "track" and not reason.strip():
        raise Invalid("reason_missing")
    if tx.execute(select(boxes.c.id).where(boxes.c.vehicle_id == vehicle_id)).first() is None:
        raise Conflict("no_box")
    values = {
        "vehicle_id": vehicle_id,
        "kind": kind,
        "role": role,
        "person_id": scope.person_id,
        "reason": "".join(filter(str.isprintable, reason))[:200],
        "argument": argument,
        "created_at": now,
        "expires_at": now + min(max(expires_in_s, 1), COMMAND_LONGEST_S),
        "state": "queued",
    }
    command_id = int(tx.execute(insert(commands).values(**values).returning(commands.c.id)).scalar_one())
    tell(tx, "command", vehicle_id)
    return command_id


def expire_commands(tx: Connection, now: int) -> int:
    """Marks what nobody fetched or answered in time; returns how many."""
    late = update(commands).where(
        commands.c.state.in_(("queued", "sent")), commands.c.expires_at + MINUTE_S <= now
    )
    return int(tx.execute(late.values(state="expired", answered_at=now)).rowcount)


def _commanding_role(
    tx: Connection, now: int, scope: Scope, vehicle: Vehicle, kind: str, argument: int
) -> str:
    if kind not in _MAY_COMMAND:
        raise Invalid("no_such_command")
    if scope.is_system:
        return "administrator"
    if kind in ("open_for", "lock") and scope.person_id is not None:
        states = (State.CONFIRMED, State.IN_USE) if kind == "open_for" else (State.IN_USE,)
        mine = select(reservations.c.id).where(
            reservations.c.id == argument,
            reservations.c.vehicle_id == vehicle.id,
            reservations.c.person_id == scope.person_id,
            reservations.c.state.in_(states),
            reservations.c.starts_at - EARLY_S <= now,
            or_(reservations.c.ends_at > now, reservations.c.state == State.IN_USE),
        )
        if tx.execute(mine).first() is not None:
            return "driver"
    roles = scope.roles & _MAY_COMMAND[kind]
    if not scope.may_manage_car(vehicle.organisation_id, vehicle.pool_id):
        roles &= {"driver"}  # other roles count on cars this scope manages only
    if not roles:
        raise Forbidden()
    return min(roles, key=lambda name: name == "driver")


def _live(row: Any) -> Live:
    head = {
        "vehicle_id": row.vehicle_id,
        "box_pk": row.id,
        "is_linked": False,
        "heard_at": row.heard_at,
        "fault_codes": tuple(row.faults or b""),
        "held_version": row.held_version,
        "wanted_version": row.version or 0,
    }
    if row.state is None:
        return Live(**head)
    said = wire.parse_state(row.state)
    inputs = {
        name: bool(said.inputs >> bit & 1) if said.known >> bit & 1 else None
        for bit, name in enumerate(codes.INPUT_BIT)
    }
    return Live(
        **head,
        state=codes.STATE[said.state] if said.state < len(codes.STATE) else None,
        state_at=from_device_s(said.at_s) if said.trust else None,
        modes=frozenset(codes.names_of_bits(said.modes, codes.MODE_BIT)),
        kl15_on=inputs["ignition"],
        door_open=inputs["door_open"],
        key_in_holder=inputs["key_in_holder"],
        is_inhibited=inputs["contact_inhibit"],
        is_still=inputs["still"],
        is_locked=inputs["locked"],
        battery_mv=said.battery_mv or None,
        fuel_percent=said.fuel_percent if said.fuel_percent <= 100 else None,
        odometer_m=None if said.odometer_hm == wire.UNKNOWN_U32 else said.odometer_hm * 100,
        authorisation_id=said.authorisation_id or None,
        site_id=said.place if 0 < said.place < 0xFFFF else None,
        is_elsewhere=said.place == 0xFFFF,
    )


def _box(row: Any) -> Box:
    names = (
        "id",
        "hardware_id",
        "vehicle_id",
        "registration",
        "key_id",
        "firmware",
        "heard_at",
        "records_refused",
    )
    return Box(box_id=row["box_id"].hex(), **{name: row[name] for name in names})
