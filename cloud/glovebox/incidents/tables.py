"""Table: incidents."""

from sqlalchemy import Column, Index, Integer, String, Table, Text

from glovebox.store.schema import instant, key, metadata, reference

incidents = Table(
    "incidents",
    metadata,
    key(),
    Column("kind", String(24), nullable=False),
    reference("organisation_id", "organisations.id"),
    reference("vehicle_id", "vehicles.id", nullable=True, index=True),
    reference("reservation_id", "reservations.id", nullable=True),
    reference("trip_id", "trips.id", nullable=True),
    reference("person_id", "people.id", nullable=True),
    Column("detail", String(300), nullable=False, server_default=""),
    instant("opened_at"),
    instant("closed_at", nullable=True),
    Column("closing_note", String(300), nullable=False, server_default=""),
    Column("resolution", String(20), nullable=False, server_default=""),
    Column("closed_by", Integer),  # a reference would need the table rebuilt on SQLite
    instant("asked_at", nullable=True),
    Column("was", Text, nullable=False, server_default=""),
    comment="closed_by NULL: the server, by the fact that explains it; asked_at: when the driver was asked;"
    " was: the blocks that `repaired` ended, as they were, JSON",
)
Index("ix_incidents_open", incidents.c.closed_at, incidents.c.opened_at)
