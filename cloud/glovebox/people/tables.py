"""Tables: people, badges, standing rights."""

from sqlalchemy import CheckConstraint, Column, Integer, LargeBinary, String, Table, UniqueConstraint

from glovebox.store.schema import instant, key, metadata, reference

people = Table(
    "people",
    metadata,
    key(),
    reference("organisation_id", "organisations.id", index=True),
    Column("staff_number", String(40), nullable=False),
    Column("given_name", String(80), nullable=False),
    Column("family_name", String(80), nullable=False),
    Column("email", String(200)),
    Column("phone", String(20), nullable=False, server_default=""),
    Column("department", String(120), nullable=False, server_default=""),
    Column("language", String(2), nullable=False, server_default="fr"),
    instant("licence_until", nullable=True),
    Column("licence_categories", String(40), nullable=False, server_default="B"),
    Column("is_active", Integer, nullable=False, server_default="1"),
    instant("created_at"),
    UniqueConstraint("organisation_id", "staff_number"),
    CheckConstraint("language IN ('fr', 'en')", name="language"),
    sqlite_autoincrement=True,
    comment="licence_until NULL: never checked, which forbids nothing",
)

badges = Table(
    "badges",
    metadata,
    key(),
    reference("person_id", "people.id", index=True),
    Column("uid_sealed", LargeBinary, nullable=False),
    Column("uid_lookup", LargeBinary(32), nullable=False, unique=True),
    Column("uid_tail", String(4), nullable=False),
    instant("added_at"),
    instant("revoked_at", nullable=True),
    sqlite_autoincrement=True,
    comment="uid_sealed: AES-GCM under the key file; uid_tail: last byte in hex, to tell two apart",
)

standing_rights = Table(
    "standing_rights",
    metadata,
    key(),
    reference("person_id", "people.id", index=True),
    reference("pool_id", "pools.id", index=True),
    Column("kind", String(10), nullable=False),
    instant("starts_at"),
    instant("ends_at"),
    CheckConstraint("kind IN ('standing', 'service')", name="kind"),
    CheckConstraint("starts_at < ends_at", name="interval"),
    sqlite_autoincrement=True,
    comment="use of a pool's cars without a reservation, or for service",
)
