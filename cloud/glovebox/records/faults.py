"""Faults of boxes: set and cleared by journal records, held in step with the list that a box sends."""

from sqlalchemy import ColumnElement, Connection, and_, insert, select, update

from glovebox.records.tables import faults


def set_fault(tx: Connection, vehicle_id: int, box_pk: int, code: int, detail: int, at: int) -> None:
    """A fault began at `at`; one known already keeps the earlier time."""
    active = _active(vehicle_id, code)
    row = tx.execute(select(faults.c.id, faults.c.set_at).where(active)).first()
    if row is None:
        values = {"vehicle_id": vehicle_id, "box_id": box_pk, "code": code, "detail": detail, "set_at": at}
        tx.execute(insert(faults).values(**values))
    else:
        change = update(faults).where(faults.c.id == row.id)
        tx.execute(change.values(detail=detail, set_at=min(at, row.set_at)))


def clear_fault(tx: Connection, vehicle_id: int, code: int, at: int) -> None:
    """A fault is over. Nothing happens if it was not known."""
    tx.execute(update(faults).where(_active(vehicle_id, code)).values(cleared_at=at))


def reconcile(tx: Connection, vehicle_id: int, box_pk: int, codes: bytes, at: int) -> None:
    """Makes the active faults those the box lists: what journals have not told yet begins now, what it no
    longer lists ends now."""
    active = and_(faults.c.vehicle_id == vehicle_id, faults.c.cleared_at.is_(None))
    known = set(tx.execute(select(faults.c.code).where(active)).scalars())
    for code in sorted(set(codes) - known):
        set_fault(tx, vehicle_id, box_pk, code, 0, at)
    for code in sorted(known - set(codes)):
        clear_fault(tx, vehicle_id, code, at)


def _active(vehicle_id: int, code: int) -> ColumnElement[bool]:
    return and_(faults.c.vehicle_id == vehicle_id, faults.c.code == code, faults.c.cleared_at.is_(None))
