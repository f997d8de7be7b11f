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
    Column("slot", LargeBinary(64), nullable=False),
    Column("verdict", Integer, nullable=False),
    PrimaryKeyConstraint("box_id", "epoch", "ring", "sequence"),
    sqlite_with_rowid=False,
    comment="at: as the box knew it (trust 0: reception); verdict: 0 verified, 1 damaged, 2 after a gap",
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
    Column("cause", String(12), nullable=False),
    instant("found_at"),
    reference("incident_id", "incidents.id", nullable=True),
    comment="cause: unexplained, until a signed record of the box says dropped",
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
