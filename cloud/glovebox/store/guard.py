"""Forbids two promises of one vehicle at one time, in the database itself: triggers on SQLite, an exclusion
constraint on PostgreSQL.

`install` belongs to the migration, `check` runs after every migration and at every start. Never rebuild the
table `reservations` (Alembic batch mode, sqlite-utils transform): a rebuild drops triggers without a word,
and `check` is what would tell.
"""

from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from glovebox.reservations.states import GUARDED

NAME: Final = "reservations_no_overlap"
_GUARDED: Final = ", ".join(f"'{state}'" for state in GUARDED)


def _trigger(event: str, own_row: str) -> str:
    return f"""CREATE TRIGGER {NAME}_{event.lower()} BEFORE {event} ON reservations
WHEN NEW.state IN ({_GUARDED})
BEGIN
  SELECT RAISE(ABORT, '{NAME}') WHERE typeof(NEW.starts_at) <> 'integer' OR typeof(NEW.ends_at) <> 'integer';
  SELECT RAISE(ABORT, '{NAME}') WHERE EXISTS (
    SELECT 1 FROM reservations AS other
    WHERE other.vehicle_id = NEW.vehicle_id AND other.ends_at > NEW.starts_at AND other.starts_at <
    NEW.ends_at AND other.state IN ({_GUARDED}){own_row});
END"""


# A trigger on every UPDATE, whatever the columns: one on `UPDATE OF` some of them lets a swap of ids through.
TRIGGERS: Final = {
    f"{NAME}_insert": _trigger("INSERT", ""),
    f"{NAME}_update": _trigger("UPDATE", " AND other.id <> OLD.id"),
}
CONSTRAINT: Final = (
    f"ALTER TABLE reservations ADD CONSTRAINT {NAME} EXCLUDE USING gist "
    f"(vehicle_id WITH =, int8range(starts_at, ends_at) WITH &&) WHERE (state IN ({_GUARDED}))"
)


class GuardMissing(RuntimeError):
    """The database would accept overlapping promises. The server does not start."""


def install(tx: Connection) -> None:
    """Adds the guard. PostgreSQL needs the extension btree_gist, which a database owner may create since
    version 13."""
    if tx.dialect.name == "sqlite":
        for statement in TRIGGERS.values():
            tx.exec_driver_sql(statement)
    else:
        tx.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS btree_gist")
        tx.exec_driver_sql(CONSTRAINT)


def check(tx: Connection) -> None:
    """Raises GuardMissing unless the guard is there, whole, as this code means it, and no overlap is
    stored."""
    if tx.dialect.name == "sqlite":
        rows = tx.exec_driver_sql(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'reservations'"
        )
        found = {row[0]: row[1] for row in rows}
        missing = [name for name, sql in TRIGGERS.items() if found.get(name) != sql]
    else:
        missing = _missing_on_postgresql(tx)
    if missing:
        raise GuardMissing(f"missing or changed: {', '.join(missing)}; do not take bookings on this database")
    overlap = tx.exec_driver_sql(
        f"""SELECT one.id, other.id FROM reservations AS one JOIN reservations AS other ON other.vehicle_id
        = one.vehicle_id AND other.id > one.id AND other.starts_at < one.ends_at AND other.ends_at >
        one.starts_at WHERE one.state IN ({_GUARDED}) AND other.state IN ({_GUARDED}) LIMIT 1"""
    ).first()
    if overlap:
        raise GuardMissing(f"reservations {overlap[0]} and {overlap[1]} overlap")


def _missing_on_postgresql(tx: Connection) -> list[str]:
    definition = tx.exec_driver_sql(
        f"""SELECT pg_get_constraintdef(oid) FROM pg_constraint
        WHERE conname = '{NAME}' AND contype = 'x' AND convalidated AND conrelid = 'reservations'::regclass"""
    ).scalar()
    wanted = ("EXCLUDE USING gist", "vehicle_id WITH =", "int8range(starts_at, ends_at) WITH &&", *GUARDED)
    return [] if definition and all(part in definition for part in wanted) else [NAME]


def is_overlap(error: DBAPIError) -> bool:
    """True if the guard refused: SQLite's RAISE, PostgreSQL's exclusion violation (23P01)."""
    return getattr(error.orig, "sqlstate", None) == "23P01" or NAME in str(error.orig)
