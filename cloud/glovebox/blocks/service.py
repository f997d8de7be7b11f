"""Takes a car out of service for a time and puts it back.

A block is not a promise: it is stored whatever is reserved under it. Those reservations are at risk from
that moment; availability offers the car to nobody.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, delete, insert, or_, select, update

from glovebox.audit import service as audit
from glovebox.blocks.schemas import KINDS, Block
from glovebox.blocks.tables import blocks
from glovebox.clock import DAY_S
from glovebox.errors import Conflict, Forbidden, Invalid, NotFound
from glovebox.fleet import service as fleet
from glovebox.fleet.schemas import Vehicle
from glovebox.fleet.tables import vehicles
from glovebox.reservations.risk import mark_vehicle, note_freed
from glovebox.reservations.transitions import lock_vehicles
from glovebox.scope import Scope
from glovebox.store.values import check_values

# A repair is planned a year ahead at most; a damage is found a week later at most.
FURTHEST_S: Final = 366 * DAY_S
EARLIEST_S: Final = 7 * DAY_S


def add_block(
    tx: Connection,
    now: int,
    scope: Scope,
    vehicle_id: int,
    kind: str,
    starts_at: int,
    ends_at: int | None = None,
    reason: str = "",
) -> int:
    """Takes the car out of service; returns the block's id. Reservations under it are at risk at once. The
    same block sent twice is one.
    Raises NotFound, Forbidden, Invalid (unknown kind, end before start, over, too far)."""
    vehicle = _managed(tx, scope, vehicle_id)
    if kind not in KINDS:
        raise Invalid("no_such_block_kind")
    _check_interval(now, starts_at, ends_at)
    values = {"kind": kind, "reason": " ".join(reason.split())}
    check_values(blocks, values)
    lock_vehicles(tx, [vehicle_id])
    same = select(blocks.c.id).where(
        blocks.c.vehicle_id == vehicle_id,
        blocks.c.starts_at == starts_at,
        blocks.c.ends_at.is_not_distinct_from(ends_at),
        *(blocks.c[name] == value for name, value in values.items()),
    )
    known = tx.execute(same.limit(1)).scalar()
    if known is not None:
        return int(known)
    statement = insert(blocks).values(
        vehicle_id=vehicle_id,
        starts_at=starts_at,
        ends_at=ends_at,
        created_at=now,
        created_by=scope.person_id,
        **values,
    )
    block_id = int(tx.execute(statement.returning(blocks.c.id)).scalar_one())
    audit.note(tx, now, scope, "block", filter_text=f"{vehicle.registration} {kind}")
    mark_vehicle(tx, now, vehicle_id)
    return block_id


def change_block(tx: Connection, now: int, scope: Scope, block_id: int, ends_at: int | None) -> None:
    """Shortens, extends or opens the end (None). Raises NotFound, Forbidden, Invalid, Conflict where it is
    over."""
    block = _own(tx, now, scope, block_id)
    if ends_at is not None and ends_at <= max(now, block.starts_at):
        raise Invalid("end_before_start" if ends_at <= block.starts_at else "over_already")
    _check_interval(now, block.starts_at, ends_at, is_new=False)
    tx.execute(update(blocks).where(blocks.c.id == block_id).values(ends_at=ends_at))
    _note_change(tx, now, scope, block)


def end_block(tx: Connection, now: int, scope: Scope, block_id: int) -> None:
    """Puts the car back into service now; a block that had not begun is gone. Raises NotFound, Forbidden,
    Conflict where it is over."""
    block = _own(tx, now, scope, block_id)
    one = blocks.c.id == block_id
    if block.starts_at < now:
        tx.execute(update(blocks).where(one).values(ends_at=now))
    else:
        tx.execute(delete(blocks).where(one))
    _note_change(tx, now, scope, block)


def keep_blocks(tx: Connection, numbers: Sequence[int]) -> list[dict[str, Any]]:
    """These blocks as they stand, for `resume_blocks`."""
    query = select(blocks).where(blocks.c.id.in_(numbers)).order_by(blocks.c.id)
    return [row._asdict() for row in tx.execute(query)]


def resume_blocks(
    tx: Connection, now: int, scope: Scope, vehicle_id: int, kept: Sequence[dict[str, Any]]
) -> None:
    """Takes back that these blocks of the car were ended; they are as they were when they were kept, gone
    ones too. Raises NotFound, Forbidden."""
    vehicle = _managed(tx, scope, vehicle_id)
    for was in kept:
        one = (blocks.c.id == was["id"]) & (blocks.c.vehicle_id == vehicle_id)
        if not tx.execute(update(blocks).where(one).values(ends_at=was["ends_at"])).rowcount:
            tx.execute(insert(blocks).values(**{name: was[name] for name in was if name != "id"}))
        audit.note(tx, now, scope, "block changed", filter_text=f"{vehicle.registration} {was['kind']}")
    if kept:
        mark_vehicle(tx, now, vehicle_id)


def list_blocks(
    tx: Connection,
    scope: Scope,
    vehicle_ids: Sequence[int],
    *,
    ends_after: int,
    starts_before: int | None = None,
) -> list[Block]:
    """Blocks of these cars (which the caller may see) that touch the interval, by start. The reason is
    shown to those who manage the car."""
    query = (
        select(blocks, vehicles.c.organisation_id, vehicles.c.pool_id)
        .join(vehicles, vehicles.c.id == blocks.c.vehicle_id)
        .where(blocks.c.vehicle_id.in_(vehicle_ids), _ends_after(ends_after))
    )
    if starts_before is not None:
        query = query.where(blocks.c.starts_at < starts_before)
    return [
        _block(row, shows_reason=scope.may_manage_car(row.organisation_id, row.pool_id))
        for row in tx.execute(query.order_by(blocks.c.starts_at, blocks.c.id))
    ]


def get_block(tx: Connection, scope: Scope, block_id: int) -> Block:
    """One block of a car this scope manages. Raises NotFound, Forbidden."""
    row = tx.execute(select(blocks).where(blocks.c.id == block_id)).first()
    if row is None:
        raise NotFound()
    _managed(tx, scope, row.vehicle_id)
    return _block(row, shows_reason=True)


def _managed(tx: Connection, scope: Scope, vehicle_id: int) -> Vehicle:
    vehicle = fleet.get_vehicle(tx, scope, vehicle_id)
    if not scope.may_manage_car(vehicle.organisation_id, vehicle.pool_id):
        raise Forbidden()
    return vehicle


def _own(tx: Connection, now: int, scope: Scope, block_id: int) -> Block:
    block = get_block(tx, scope, block_id)
    if block.ends_at is not None and block.ends_at <= now:
        raise Conflict("block_over")
    return block


def _note_change(tx: Connection, now: int, scope: Scope, block: Block) -> None:
    vehicle = fleet.get_vehicle(tx, scope, block.vehicle_id)
    audit.note(tx, now, scope, "block changed", filter_text=f"{vehicle.registration} {block.kind}")
    mark_vehicle(tx, now, block.vehicle_id)
    note_freed(tx, now, block.vehicle_id)


def _check_interval(now: int, starts_at: int, ends_at: int | None, *, is_new: bool = True) -> None:
    if ends_at is not None and ends_at <= starts_at:
        raise Invalid("end_before_start")
    if ends_at is not None and ends_at <= now:
        raise Invalid("over_already")
    if is_new and starts_at < now - EARLIEST_S:
        raise Invalid("starts_in_past")
    if max(starts_at, ends_at or 0) > now + FURTHEST_S:
        raise Invalid("too_far", days=FURTHEST_S // DAY_S)


def _ends_after(at: int) -> ColumnElement[bool]:
    return or_(blocks.c.ends_at.is_(None), blocks.c.ends_at > at)


def _block(row: Any, *, shows_reason: bool) -> Block:
    return Block(
        row.id,
        row.vehicle_id,
        row.kind,
        row.starts_at,
        row.ends_at,
        row.reason if shows_reason else "",
        row.created_at,
    )
