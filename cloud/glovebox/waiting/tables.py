"""Table: people who wait for a car."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, String, Table

from glovebox.store.schema import instant, key, metadata, reference

waits = Table(
    "waits",
    metadata,
    key(),
    reference("person_id", "people.id"),
    reference("organisation_id", "organisations.id"),
    reference("site_id", "sites.id"),
    reference("to_site_id", "sites.id", nullable=True),
    instant("starts_at"),
    instant("ends_at"),
    Column("seats", Integer, nullable=False, server_default="1"),
    Column("energy", String(10), nullable=False, server_default=""),
    Column("distance_m", Integer, nullable=False, server_default="0"),
    Column("purpose", String(200), nullable=False, server_default=""),
    instant("created_at"),
    reference("created_by", "people.id", nullable=True),
    Column("state", String(8), nullable=False, server_default="waiting"),
    reference("reservation_id", "reservations.id", nullable=True),
    instant("offer_until", nullable=True),
    instant("looked_at"),
    CheckConstraint("starts_at < ends_at", name="interval"),
    CheckConstraint("state IN ('waiting', 'offered', 'booked', 'left', 'expired')", name="state"),
    sqlite_autoincrement=True,
    comment="site_id: where the car is wanted; reservation_id: what came of it, while offered the promise"
    " that holds the car; looked_at: when all cars of the site were last tried for it",
)
Index("ix_waits_state", waits.c.state, waits.c.starts_at)
Index("ix_waits_person", waits.c.person_id, waits.c.state)
Index("ix_waits_reservation_id", waits.c.reservation_id)
