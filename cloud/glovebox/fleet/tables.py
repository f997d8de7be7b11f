"""Tables: organisations, pools, agreements, sites, vehicles."""

from sqlalchemy import CheckConstraint, Column, Integer, LargeBinary, String, Table, UniqueConstraint

from glovebox.store.schema import instant, key, metadata, reference

organisations = Table(
    "organisations",
    metadata,
    key(),
    Column("name", String(120), nullable=False, unique=True),
    instant("created_at"),
)

pools = Table(
    "pools",
    metadata,
    key(),
    reference("organisation_id", "organisations.id"),
    Column("name", String(120), nullable=False),
    UniqueConstraint("organisation_id", "name"),
)

agreements = Table(
    "agreements",
    metadata,
    key(),
    reference("pool_id", "pools.id"),
    reference("organisation_id", "organisations.id"),
    instant("starts_at"),
    instant("ends_at"),
    Column("cents_per_km", Integer, nullable=False, server_default="0"),
    CheckConstraint("starts_at < ends_at", name="interval"),
    comment="admits another organisation's people to a pool",
)

sites = Table(
    "sites",
    metadata,
    key(),
    reference("organisation_id", "organisations.id"),
    Column("name", String(120), nullable=False, unique=True),
    Column("address", String(200), nullable=False, server_default=""),
    Column("lat_e7", Integer, nullable=False),
    Column("lon_e7", Integer, nullable=False),
    Column("radius_m", Integer, nullable=False),
    Column("opens_minute", Integer, nullable=False, server_default="420"),
    Column("closes_minute", Integer, nullable=False, server_default="1140"),
    CheckConstraint("id BETWEEN 1 AND 65534", name="number"),
    CheckConstraint("radius_m BETWEEN 10 AND 5000", name="radius"),
    CheckConstraint("lat_e7 BETWEEN -900000000 AND 900000000", name="lat"),
    CheckConstraint("lon_e7 BETWEEN -1800000000 AND 1800000000", name="lon"),
    sqlite_autoincrement=True,
    comment="id: place number on the wire (u16; 0 unknown, 65535 elsewhere); hours in local minutes",
)

site_wifi = Table(
    "site_wifi",
    metadata,
    key(),
    reference("site_id", "sites.id"),
    Column("bssid", LargeBinary(6), nullable=False),
    UniqueConstraint("site_id", "bssid"),
)

vehicles = Table(
    "vehicles",
    metadata,
    key(),
    reference("organisation_id", "organisations.id", index=True),
    reference("pool_id", "pools.id", index=True),
    reference("site_id", "sites.id", index=True),
    Column("registration", String(20), nullable=False, unique=True),
    Column("make", String(60), nullable=False),
    Column("model", String(60), nullable=False),
    Column("energy", String(10), nullable=False),
    Column("seats", Integer, nullable=False),
    Column("tank_ml", Integer, nullable=False, server_default="0"),
    Column("interlock_kind", String(14), nullable=False),
    Column("key_holder_fitted", Integer, nullable=False, server_default="0"),
    Column("bay", String(20), nullable=False, server_default=""),
    Column("status", String(12), nullable=False, server_default="in_service"),
    Column("licence_category", String(3), nullable=False, server_default="B"),
    # site_id is where its last trip left it, this where its bay is (NULL: the same). A reference would need
    # the table rebuilt on SQLite.
    Column("home_site_id", Integer),
    Column("battery_wh", Integer),
    Column("consumption_wh_per_km", Integer),
    Column("charge_w", Integer),
    CheckConstraint("energy IN ('petrol', 'diesel', 'electric', 'hybrid', 'lpg', 'cng')", name="energy"),
    CheckConstraint(
        "interlock_kind IN ('none', 'starter_wire', 'start_button', 'fob_supply')", name="interlock"
    ),
    CheckConstraint("status IN ('in_service', 'workshop', 'retired')", name="status"),
    CheckConstraint("seats BETWEEN 1 AND 60", name="seats"),
    sqlite_autoincrement=True,
)
