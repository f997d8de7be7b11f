"""Tables: logins, their sessions, failures counted, roles. Tokens and counted subjects are stored as hashes
only."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Table,
)

from glovebox.scope import ROLES
from glovebox.store.schema import instant, key, metadata, reference

_ROLE_LIST = ", ".join(f"'{role}'" for role in ROLES)

accounts = Table(
    "accounts",
    metadata,
    Column("person_id", Integer, ForeignKey("people.id"), primary_key=True, autoincrement=False),
    Column("password_hash", String(200), nullable=False),
    Column("language", String(2), nullable=False, server_default=""),
    instant("password_set_at"),
    instant("password_ends_at", nullable=True),
    CheckConstraint("language IN ('', 'fr', 'en')", name="language"),
    comment="one login a person; without a row the person uses the badge only; language '': never chosen;"
    " password_ends_at: of a first password, which its owner has not chosen",
)

login_sessions = Table(
    "login_sessions",
    metadata,
    key(),
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
    reference("person_id", "people.id", index=True),
    instant("started_at"),
    instant("last_seen_at"),
    instant("ends_at", index=True),
    Column("browser", String(20), nullable=False, server_default=""),
    Column("system", String(20), nullable=False, server_default=""),
    CheckConstraint("started_at < ends_at", name="interval"),
    comment="ends at ends_at whatever happens, earlier when it is idle; browser, system: as it named itself",
)

login_failures = Table(
    "login_failures",
    metadata,
    key(),
    Column("subject", LargeBinary(32), nullable=False, index=True),
    instant("failed_at", index=True),
    comment="subject: hash of an account or an address; counting needs no names",
)

role_grants = Table(
    "role_grants",
    metadata,
    key(),
    reference("person_id", "people.id", index=True),
    Column("role", String(16), nullable=False),
    reference("organisation_id", "organisations.id", nullable=True),
    reference("pool_id", "pools.id", nullable=True),
    CheckConstraint(f"role IN ({_ROLE_LIST})", name="role"),
    CheckConstraint("(organisation_id IS NULL) <> (pool_id IS NULL)", name="one_holder"),
    comment="a role on an organisation or on a pool; every active person is a driver without a row",
)
