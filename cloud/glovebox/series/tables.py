"""Tables: series of reservations. An occurrence is a row of `reservations` with `series_id` and
`series_day`."""

from sqlalchemy import CheckConstraint, Column, Integer, String, Table

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
