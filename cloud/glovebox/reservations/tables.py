"""Tables: reservations (promises) and the authorisations computed from them for each vehicle's box."""

from sqlalchemy import (
    BigInteger,
    Case,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
    case,
)

from glovebox.reservations.states import STATES
from glovebox.store.schema import instant, key, metadata, reference, u32

_STATE_LIST = ", ".join(f"'{state}'" for state in STATES)

reservations = Table(
    "reservations",
    metadata,
    key(),
    reference("vehicle_id", "vehicles.id"),
    reference("organisation_id", "organisations.id", index=True),
    reference("person_id", "people.id", nullable=True),
    instant("starts_at"),
    instant("ends_at"),
    Column("state", String(10), nullable=False),
    Column("purpose", String(200), nullable=False, server_default=""),
    reference("end_site_id", "sites.id", nullable=True),
    Column("is_at_risk", Integer, nullable=False, server_default="0"),
    instant("created_at"),
    reference("created_by", "people.id", nullable=True),
    instant("changed_at"),
    u32("known_version", server_default="0"),
    instant("approval_due_at", nullable=True),
    Column("decided_by", Integer),  # a reference would need the table rebuilt on SQLite
    Column("decision_reason", String(200), nullable=False, server_default=""),
    Column("series_id", Integer),
    Column("series_day", String(10)),
    Column("is_exception", Integer, nullable=False, server_default="0"),
    Column("start_site_id", Integer),  # where the car was promised to stand; end_site_id NULL: back there
    Column(
        "late_minutes", Integer, nullable=False, server_default="0"
    ),  # as the driver said last; 0: nothing
    instant("late_said_at", nullable=True),
    Column("late_said_by", Integer),
    CheckConstraint("starts_at < ends_at", name="interval"),
    CheckConstraint(f"state IN ({_STATE_LIST})", name="state"),
    sqlite_autoincrement=True,
    comment="known_version: version of the car's authorisations that first held it as it is; 0: none yet",
)
Index("ix_reservations_vehicle", reservations.c.vehicle_id, reservations.c.ends_at)
Index("ix_reservations_person", reservations.c.person_id, reservations.c.starts_at)
Index("ix_reservations_state", reservations.c.state, reservations.c.ends_at)
Index("ix_reservations_starts", reservations.c.starts_at)
_OF_SERIES = reservations.c.series_id.is_not(None)
Index(
    "ix_reservations_series",
    reservations.c.series_id,
    sqlite_where=_OF_SERIES,
    postgresql_where=_OF_SERIES,
)
_ONE_WAY = reservations.c.end_site_id.is_not(None)
Index(
    "ix_reservations_one_way",
    reservations.c.vehicle_id,
    reservations.c.starts_at,
    sqlite_where=_ONE_WAY,
    postgresql_where=_ONE_WAY,
)

rehousings = Table(
    "rehousings",
    metadata,
    key(),
    reference("reservation_id", "reservations.id"),
    Column("cause", String(16), nullable=False),
    Column("cause_id", BigInteger, nullable=False),
    reference("vehicle_id", "vehicles.id"),
    reference("other_vehicle_id", "vehicles.id", nullable=True),
    instant("found_at"),
    Column("outcome", String(8), nullable=False),
    instant("closed_at", nullable=True),
    UniqueConstraint("reservation_id", "cause", "cause_id"),
    CheckConstraint("outcome IN ('moved', 'offered', 'told', 'declined')", name="outcome"),
    comment="what the server did for a reservation whose car will not be there; open: it is at risk",
)
Index("ix_rehousings_open", rehousings.c.closed_at, rehousings.c.reservation_id)

freed_cars = Table(
    "freed_cars",
    metadata,
    Column("vehicle_id", Integer, ForeignKey("vehicles.id"), primary_key=True, autoincrement=False),
    instant("freed_at"),
    comment="cars given back while somebody of their site is at risk; taken by the timed rule",
)

undos = Table(
    "undos",
    metadata,
    Column("reservation_id", Integer, ForeignKey("reservations.id"), primary_key=True, autoincrement=False),
    reference("made_by", "people.id"),
    instant("made_at"),
    Column("state", String(10), nullable=False),
    Column("was", String(1000), nullable=False),
    Column("is_undone", Integer, nullable=False, server_default="0"),
    Column("vehicle_id", Integer),  # its car before the act
    comment="a reservation's last act, who may take it back; state: after it; was: before it, JSON,"
    " empty: not yet booked",
)

authorisations = Table(
    "authorisations",
    metadata,
    reference("vehicle_id", "vehicles.id"),
    reference("badge_id", "badges.id"),
    u32("authorisation_id"),
    instant("starts_at"),
    instant("ends_at"),
    Column("kind", Integer, nullable=False),
    Column("flags", Integer, nullable=False),
    Column("place", Integer, nullable=False),
    u32("version"),
    Column("is_removed", Integer, nullable=False, server_default="0"),
    PrimaryKeyConstraint("vehicle_id", "badge_id", "authorisation_id"),
    comment="reservations as a car's box should hold them; a removed row stays, a tombstone for deltas",
)
Index("ix_authorisations_version", authorisations.c.vehicle_id, authorisations.c.version)

authorisation_versions = Table(
    "authorisation_versions",
    metadata,
    Column("vehicle_id", Integer, primary_key=True, autoincrement=False),
    u32("version"),
    u32("oldest_base"),
    instant("refreshed_at"),
    Column("pool_id", Integer, nullable=False, server_default="0"),
    comment="oldest_base: no delta from a version below it, those were another box's; pool_id: whose rights"
    " the set holds",
)

pool_authorisations = Table(
    "pool_authorisations",
    metadata,
    reference("pool_id", "pools.id"),
    reference("badge_id", "badges.id"),
    u32("authorisation_id"),
    instant("starts_at"),
    instant("ends_at"),
    Column("kind", Integer, nullable=False),
    u32("version"),
    Column("is_removed", Integer, nullable=False, server_default="0"),
    PrimaryKeyConstraint("pool_id", "badge_id", "authorisation_id"),
    comment="rights as the boxes of all a pool's cars should hold them: one row however many cars",
)
Index("ix_pool_authorisations_version", pool_authorisations.c.pool_id, pool_authorisations.c.version)

pool_versions = Table(
    "pool_versions",
    metadata,
    Column("pool_id", Integer, ForeignKey("pools.id"), primary_key=True, autoincrement=False),
    u32("version"),
    u32("oldest_base"),
    instant("refreshed_at"),
    comment="the newest change of a pool's rights, above any version its cars had then; a car's version is"
    " the higher of the two",
)


def newest_version() -> Case[int]:
    """The version of a car's whole set, in a query that joins both tables."""
    own, pools = authorisation_versions.c.version, pool_versions.c.version
    return case((pools > own, pools), else_=own)
