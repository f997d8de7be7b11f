"""Table: who looked at or changed whose data."""

from sqlalchemy import Column, Integer, String, Table

from glovebox.store.schema import instant, key, metadata, reference

audit_lines = Table(
    "audit_lines",
    metadata,
    key(),
    instant("at", index=True),
    reference("person_id", "people.id", nullable=True),
    Column("actor", String(80), nullable=False),
    Column("action", String(60), nullable=False),
    Column("filter", String(300), nullable=False, server_default=""),
    Column("people_count", Integer, nullable=False, server_default="0"),
)
