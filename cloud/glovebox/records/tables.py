"""Tables: the boxes' journals, where each chain stands, gaps told, faults."""

from sqlalchemy import Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, String, Table

from glovebox.store.schema import instant, key, metadata, reference, u32

records = Table(
    "records",
    metadata,
    reference("box_id", "boxes.id"),
    u32("epoch"),
    Column("ring", Integer, nullable=False),
    u32("sequence"),
    reference("vehicle_id", "vehicles.id", nullable=True),
    Column("kind", Integer, nullable=False),
    Column("trust", Integer, nullable=False),
    Column("boot", Integer, nullable=False),
    instant("at"),
    instant("received_at"),
    Column("payload", LargeBinary(36), nullable=False),
    Column("mac", LargeBinary(16), nullable=False),
    PrimaryKeyConstraint("box_id", "epoch", "ring", "sequence"),
    sqlite_with_rowid=False,
    comment="at: seconds since 1970 as the box knew it; with trust 0 the time of reception",
)
Index("ix_records_vehicle", records.c.vehicle_id, records.c.at)

ring_heads = Table(
    "ring_heads",
    metadata,
    reference("box_id", "boxes.id"),
    u32("epoch"),
    Column("ring", Integer, nullable=False),
    u32("sequence"),
    Column("mac", LargeBinary(16), nullable=False),
    Column("key_id", Integer, nullable=False),
    u32("store_epoch"),
    PrimaryKeyConstraint("box_id", "epoch", "ring"),
    sqlite_with_rowid=False,
    comment="the last record stored of each ring; the next one's mac chains over this mac",
)

ring_gaps = Table(
    "ring_gaps",
    metadata,
    key(),
    reference("box_id", "boxes.id"),
    u32("epoch"),
    Column("ring", Integer, nullable=False),
    u32("first"),
    u32("last"),
    Column("cause", String(10), nullable=False),
    instant("found_at"),
    comment="cause: dropped (told by the box, signed) or restored (this store came back from a backup)",
)

faults = Table(
    "faults",
    metadata,
    key(),
    reference("vehicle_id", "vehicles.id", index=True),
    reference("box_id", "boxes.id"),
    Column("code", Integer, nullable=False),
    u32("detail", server_default="0"),
    instant("set_at"),
    instant("cleared_at", nullable=True),
)
Index("ix_faults_active", faults.c.cleared_at, faults.c.vehicle_id)

store_facts = Table(
    "store_facts",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", String(200), nullable=False),
    comment="facts about this store itself: store_epoch",
)
