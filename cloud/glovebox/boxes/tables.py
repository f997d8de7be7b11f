"""Tables: boxes, their assignment to vehicles, claim tokens, commands, what boxes hold."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, LargeBinary, String, Table, text

from glovebox.store.schema import instant, key, metadata, reference, u32

boxes = Table(
    "boxes",
    metadata,
    key(),
    Column("box_id", LargeBinary(8), nullable=False, unique=True),
    Column("hardware_id", String(64), nullable=False, unique=True),
    instant("created_at"),
    Column("key_id", Integer, nullable=False),
    Column("next_key_id", Integer, nullable=False, server_default="0"),
    u32("counter", server_default="0"),
    Column("journal_epoch", Integer, nullable=False, server_default="0"),
    reference("vehicle_id", "vehicles.id", nullable=True, index=True),
    instant("assigned_at", server_default="0"),
    instant("heard_at", nullable=True),
    instant("used_at", server_default="0"),
    Column("state", LargeBinary(22)),
    Column("faults", LargeBinary(32)),
    Column("firmware", String(32), nullable=False, server_default=""),
    u32("held_version", server_default="0"),
    u32("sent_version", server_default="0"),
    u32("settings_version", server_default="0"),
    u32("store_epoch", server_default="0"),
    u32("links_lost", server_default="0"),
    Column("heartbeat_s", Integer, nullable=False, server_default="0"),
    Column("records_refused", Integer, nullable=False, server_default="0"),
    CheckConstraint("key_id BETWEEN 1 AND 255", name="key"),
    sqlite_autoincrement=True,
    comment="identity, and the hot columns of the link: one row is read and written once per envelope",
)

box_assignments = Table(
    "box_assignments",
    metadata,
    key(),
    reference("box_id", "boxes.id"),
    reference("vehicle_id", "vehicles.id"),
    instant("from_at"),
    instant("until_at", nullable=True),
    CheckConstraint("until_at IS NULL OR from_at < until_at", name="interval"),
)
Index("ix_box_assignments_box_id", box_assignments.c.box_id, box_assignments.c.from_at)
Index(
    "uq_box_assignments_box_now",
    box_assignments.c.box_id,
    unique=True,
    sqlite_where=text("until_at IS NULL"),
    postgresql_where=text("until_at IS NULL"),
)
Index(
    "uq_box_assignments_vehicle_now",
    box_assignments.c.vehicle_id,
    unique=True,
    sqlite_where=text("until_at IS NULL"),
    postgresql_where=text("until_at IS NULL"),
)

claim_tokens = Table(
    "claim_tokens",
    metadata,
    key(),
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
    reference("vehicle_id", "vehicles.id"),
    instant("created_at"),
    instant("expires_at"),
    instant("used_at", nullable=True),
)

commands = Table(
    "commands",
    metadata,
    key(),
    reference("vehicle_id", "vehicles.id", index=True),
    Column("kind", String(16), nullable=False),
    Column("role", String(16), nullable=False),
    reference("person_id", "people.id", nullable=True),
    Column("reason", String(200), nullable=False),
    u32("argument", server_default="0"),
    instant("created_at"),
    instant("expires_at"),
    instant("sent_at", nullable=True),
    instant("answered_at", nullable=True),
    Column("state", String(8), nullable=False),
    Column("refusal", Integer, nullable=False, server_default="0"),
    CheckConstraint("state IN ('queued', 'sent', 'done', 'refused', 'expired', 'unknown')", name="state"),
    sqlite_autoincrement=True,
)
Index("ix_commands_waiting", commands.c.state, commands.c.vehicle_id)

refused_envelopes = Table(
    "refused_envelopes",
    metadata,
    Column("reason", String(16), primary_key=True),
    Column("count", Integer, nullable=False),
    instant("last_at"),
    comment="damaged, foreign, replayed: counted, otherwise without effect",
)
