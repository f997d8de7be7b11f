"""Tables: trips (facts told by journals) and their stopovers."""

from sqlalchemy import Column, Index, Integer, String, Table, UniqueConstraint

from glovebox.store.schema import instant, key, metadata, reference, u32

trips = Table(
    "trips",
    metadata,
    key(),
    reference("vehicle_id", "vehicles.id"),
    reference("organisation_id", "organisations.id"),
    reference("reservation_id", "reservations.id", nullable=True, index=True),
    reference("person_id", "people.id", nullable=True),
    reference("box_id", "boxes.id", nullable=True),
    u32("journal_epoch", server_default="0"),
    u32("session", server_default="0"),
    Column("kind", String(11), nullable=False),
    Column("via", String(11), nullable=False),
    instant("started_at"),
    instant("ended_at", nullable=True),
    reference("start_site_id", "sites.id", nullable=True),
    reference("end_site_id", "sites.id", nullable=True),
    Column("end_lat_e7", Integer),
    Column("end_lon_e7", Integer),
    u32("distance_m", nullable=True),
    Column("distance_source", String(11), nullable=False, server_default="unknown"),
    u32("fuel_ml", nullable=True),
    Column("fuel_source", String(11), nullable=False, server_default="unknown"),
    Column("start_fuel_percent", Integer),
    Column("end_fuel_percent", Integer),
    u32("start_odometer_m", nullable=True),
    u32("end_odometer_m", nullable=True),
    Column("end_reason", String(10), nullable=False, server_default=""),
    Column("end_flags", Integer, nullable=False, server_default="0"),
    Column("is_time_unsure", Integer, nullable=False, server_default="0"),
    UniqueConstraint("box_id", "journal_epoch", "session"),
    sqlite_autoincrement=True,
    comment="no position in motion, no speed; end_lat/lon only where a trip did not end at a site",
)
Index("ix_trips_vehicle", trips.c.vehicle_id, trips.c.started_at)
Index("ix_trips_person", trips.c.person_id, trips.c.started_at)
Index("ix_trips_started", trips.c.started_at)

stopovers = Table(
    "stopovers",
    metadata,
    key(),
    reference("trip_id", "trips.id", index=True),
    instant("stopped_at"),
    instant("resumed_at", nullable=True),
    reference("site_id", "sites.id", nullable=True),
)
