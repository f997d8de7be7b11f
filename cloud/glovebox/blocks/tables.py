"""Table: blocks of vehicles."""

from sqlalchemy import CheckConstraint, Column, Index, String, Table

from glovebox.store.schema import instant, key, metadata, reference

blocks = Table(
    "blocks",
    metadata,
    key(),
    reference("vehicle_id", "vehicles.id"),
    Column("kind", String(8), nullable=False),
    instant("starts_at"),
    instant("ends_at", nullable=True),
    Column("reason", String(200), nullable=False, server_default=""),
    instant("created_at"),
    reference("created_by", "people.id", nullable=True),
    CheckConstraint("kind IN ('workshop', 'damage')", name="kind"),
    CheckConstraint("ends_at IS NULL OR starts_at < ends_at", name="interval"),
    comment="a car in the workshop or damaged; ends_at NULL: nobody knows until when",
)
Index("ix_blocks_vehicle", blocks.c.vehicle_id, blocks.c.ends_at)
