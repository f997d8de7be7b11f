"""Tables: series of reservations. An occurrence is a row of `reservations` with `series_id` and
`series_day`."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Integer, PrimaryKeyConstraint, String, Table

from glovebox.store.schema import instant, key, metadata, reference

series = Table(
    "series",
    metadata,
    key(),
    reference("organisation_id", "organisations.id"),
    reference("person_id", "people.id", nullable=True, index=True),
    reference("vehicle_id", "vehicles.id"),
    Column("weekdays", String(7), nullable=False),
    Column("every_weeks", Integer, nullable=False),
    Column("first_day", String(10), nullable=False),
    Column("last_day", String(10), nullable=False),
    Column("starts_minute", Integer, nullable=False),
    Column("ends_minute", Integer, nullable=False),
    Column("skips_holidays", Integer, nullable=False),
    Column("but_days", String(700), nullable=False, server_default=""),
    Column("purpose", String(200), nullable=False, server_default=""),
    instant("created_at"),
    instant("changed_at"),
    CheckConstraint("starts_minute < ends_minute", name="interval"),
    sqlite_autoincrement=True,
    comment="as asked for first, in local time of the car's site; weekdays: digits, 0 is Monday; changed_at:"
    " the last act on several occurrences at once",
)

series_refusals = Table(
    "series_refusals",
    metadata,
    Column("series_id", Integer, ForeignKey("series.id"), nullable=False),
    Column("day", String(10), nullable=False),
    reference("vehicle_id", "vehicles.id"),
    instant("starts_at"),
    instant("ends_at"),
    Column("code", String(40), nullable=False),
    Column("details", String(2000), nullable=False, server_default="{}"),
    instant("made_at"),
    PrimaryKeyConstraint("series_id", "day"),
    comment="days that the last act on them could not book or move, what was wanted and why not; details:"
    " JSON; series_interrupted: not reached yet, or never",
)
