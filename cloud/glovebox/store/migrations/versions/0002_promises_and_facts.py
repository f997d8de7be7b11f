"""The first schema, second half: boxes, promises and their guard, journals, facts."""

import sqlalchemy as sa
from alembic import op
from glovebox.store import guard

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Creates tables, each after those it refers to, then the guard."""
    _create_vehicles()
    _create_authorisations()
    _create_boxes()
    _create_claim_tokens()
    _create_commands()
    _create_reservations()
    _create_box_assignments()
    _create_faults()
    _create_records()
    _create_ring_heads()
    _create_trips()
    _create_incidents()
    _create_stopovers()
    _create_ring_gaps()
    guard.install(op.get_bind())


def _create_vehicles() -> None:
    op.create_table(
        "vehicles",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("pool_id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("registration", sa.String(length=20), nullable=False),
        sa.Column("make", sa.String(length=60), nullable=False),
        sa.Column("model", sa.String(length=60), nullable=False),
        sa.Column("energy", sa.String(length=10), nullable=False),
        sa.Column("seats", sa.Integer(), nullable=False),
        sa.Column("tank_ml", sa.Integer(), server_default="0", nullable=False),
        sa.Column("interlock_kind", sa.String(length=14), nullable=False),
        sa.Column("key_holder_fitted", sa.Integer(), server_default="0", nullable=False),
        sa.Column("bay", sa.String(length=20), server_default="", nullable=False),
        sa.Column("status", sa.String(length=12), server_default="in_service", nullable=False),
        sa.CheckConstraint(
            "energy IN ('petrol', 'diesel', 'electric', 'hybrid', 'lpg', 'cng')",
            name=op.f("ck_vehicles_energy"),
        ),
        sa.CheckConstraint(
            "interlock_kind IN ('none', 'starter_wire', 'start_button', 'fob_supply')",
            name=op.f("ck_vehicles_interlock"),
        ),
        sa.CheckConstraint(
            "status IN ('in_service', 'workshop', 'retired')", name=op.f("ck_vehicles_status")
        ),
        sa.CheckConstraint("seats BETWEEN 1 AND 60", name=op.f("ck_vehicles_seats")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_vehicles_organisation_id")
        ),
        sa.ForeignKeyConstraint(["pool_id"], ["pools.id"], name=op.f("fk_vehicles_pool_id")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_vehicles_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vehicles")),
        sa.UniqueConstraint("registration", name=op.f("uq_vehicles_registration")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_vehicles_organisation_id"), "vehicles", ["organisation_id"], unique=False)
    op.create_index(op.f("ix_vehicles_pool_id"), "vehicles", ["pool_id"], unique=False)
    op.create_index(op.f("ix_vehicles_site_id"), "vehicles", ["site_id"], unique=False)


def _create_authorisations() -> None:
    op.create_table(
        "authorisations",
        sa.Column("vehicle_id", sa.Integer(), nullable=False),
        sa.Column("badge_id", sa.Integer(), nullable=False),
        sa.Column("authorisation_id", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("flags", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("is_removed", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["badge_id"], ["badges.id"], name=op.f("fk_authorisations_badge_id")),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicles.id"], name=op.f("fk_authorisations_vehicle_id")),
        sa.PrimaryKeyConstraint("vehicle_id", "badge_id", "authorisation_id", name=op.f("pk_authorisations")),
        comment="reservations as a car's box should hold them; a removed row stays, a tombstone for deltas",
    )
    op.create_index("ix_authorisations_version", "authorisations", ["vehicle_id", "version"], unique=False)


def _create_boxes() -> None:
    op.create_table(
        "boxes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("box_id", sa.LargeBinary(length=8), nullable=False),
        sa.Column("hardware_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.Integer(), nullable=False),
        sa.Column("next_key_id", sa.Integer(), server_default="0", nullable=False),
        sa.Column("counter", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("journal_epoch", sa.Integer(), server_default="0", nullable=False),
        sa.Column("vehicle_id", sa.Integer(), nullable=True),
        sa.Column("assigned_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("heard_at", sa.BigInteger(), nullable=True),
        sa.Column("used_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("state", sa.LargeBinary(length=22), nullable=True),
        sa.Column("faults", sa.LargeBinary(length=32), nullable=True),
        sa.Column("firmware", sa.String(length=32), server_default="", nullable=False),
        sa.Column("held_version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("sent_version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("settings_version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("store_epoch", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("links_lost", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("heartbeat_s", sa.Integer(), server_default="0", nullable=False),
        sa.Column("records_refused", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("key_id BETWEEN 1 AND 255", name=op.f("ck_boxes_key")),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicles.id"], name=op.f("fk_boxes_vehicle_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_boxes")),
        sa.UniqueConstraint("box_id", name=op.f("uq_boxes_box_id")),
        sa.UniqueConstraint("hardware_id", name=op.f("uq_boxes_hardware_id")),
        comment="identity, and the hot columns of the link: one row is read and written once per envelope",
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_boxes_vehicle_id"), "boxes", ["vehicle_id"], unique=False)


def _create_claim_tokens() -> None:
    op.create_table(
        "claim_tokens",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("vehicle_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicles.id"], name=op.f("fk_claim_tokens_vehicle_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_claim_tokens_token_hash")),
    )


def _create_commands() -> None:
    op.create_table(
        "commands",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("vehicle_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("argument", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("refusal", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "state IN ('queued', 'sent', 'done', 'refused', 'expired', 'unknown')",
            name=op.f("ck_commands_state"),
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_commands_person_id")),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicles.id"], name=op.f("fk_commands_vehicle_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commands")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_commands_vehicle_id"), "commands", ["vehicle_id"], unique=False)
    op.create_index("ix_commands_waiting", "commands", ["state", "vehicle_id"], unique=False)


def _create_reservations() -> None:
    op.create_table(
        "reservations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("vehicle_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("purpose", sa.String(length=200), server_default="", nullable=False),
        sa.Column("end_site_id", sa.Integer(), nullable=True),
        sa.Column("is_at_risk", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("known_version", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "state IN ('pending', 'confirmed', 'in_use', 'completed', 'cancelled', 'no_show', 'expired', "
            "'moving')",
            name=op.f("ck_reservations_state"),
        ),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_reservations_interval")),
        sa.ForeignKeyConstraint(["created_by"], ["people.id"], name=op.f("fk_reservations_created_by")),
        sa.ForeignKeyConstraint(["end_site_id"], ["sites.id"], name=op.f("fk_reservations_end_site_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_reservations_organisation_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_reservations_person_id")),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicles.id"], name=op.f("fk_reservations_vehicle_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservations")),
        comment="known_version: version of the car's authorisations that first held it as it is; 0: none yet",
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_reservations_organisation_id"), "reservations", ["organisation_id"], unique=False
    )
    op.create_index("ix_reservations_person", "reservations", ["person_id", "starts_at"], unique=False)
    op.create_index("ix_reservations_starts", "reservations", ["starts_at"], unique=False)
    op.create_index("ix_reservations_state", "reservations", ["state", "ends_at"], unique=False)
    op.create_index("ix_reservations_vehicle", "reservations", ["vehicle_id", "ends_at"], unique=False)


def _create_box_assignments() -> None:
    op.create_table(
        "box_assignments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("box_id", sa.Integer(), nullable=False),
        sa.Column("vehicle_id", sa.Integer(), nullable=False),
        sa.Column("from_at", sa.BigInteger(), nullable=False),
        sa.Column("until_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "until_at IS NULL OR from_at < until_at", name=op.f("ck_box_assignments_interval")
        ),
        sa.ForeignKeyConstraint(["box_id"], ["boxes.id"], name=op.f("fk_box_assignments_box_id")),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicles.id"], name=op.f("fk_box_assignments_vehicle_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_box_assignments")),
    )
    op.create_index("ix_box_assignments_box_id", "box_assignments", ["box_id", "from_at"], unique=False)
    op.create_index(
        "uq_box_assignments_box_now",
        "box_assignments",
        ["box_id"],
        unique=True,
        sqlite_where=sa.text("until_at IS NULL"),
        postgresql_where=sa.text("until_at IS NULL"),
    )
    op.create_index(
        "uq_box_assignments_vehicle_now",
        "box_assignments",
        ["vehicle_id"],
        unique=True,
        sqlite_where=sa.text("until_at IS NULL"),
        postgresql_where=sa.text("until_at IS NULL"),
    )


def _create_faults() -> None:
    op.create_table(
        "faults",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("vehicle_id", sa.Integer(), nullable=False),
        sa.Column("box_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.Integer(), nullable=False),
        sa.Column("detail", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.Column("cleared_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["box_id"], ["boxes.id"], name=op.f("fk_faults_box_id")),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicles.id"], name=op.f("fk_faults_vehicle_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_faults")),
    )
    op.create_index("ix_faults_active", "faults", ["cleared_at", "vehicle_id"], unique=False)
    op.create_index(op.f("ix_faults_vehicle_id"), "faults", ["vehicle_id"], unique=False)


def _create_records() -> None:
    op.create_table(
        "records",
        sa.Column("box_id", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("ring", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("vehicle_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("trust", sa.Integer(), nullable=False),
        sa.Column("boot", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("slot", sa.LargeBinary(length=64), nullable=False),
        sa.Column("verdict", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["box_id"], ["boxes.id"], name=op.f("fk_records_box_id")),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicles.id"], name=op.f("fk_records_vehicle_id")),
        sa.PrimaryKeyConstraint("box_id", "epoch", "ring", "sequence", name=op.f("pk_records")),
        comment="at: as the box knew it (trust 0: reception); verdict: 0 verified, 1 damaged, 2 after a gap",
        sqlite_with_rowid=False,
    )
    op.create_index("ix_records_vehicle", "records", ["vehicle_id", "at"], unique=False)


def _create_ring_heads() -> None:
    op.create_table(
        "ring_heads",
        sa.Column("box_id", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("ring", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("mac", sa.LargeBinary(length=16), nullable=False),
        sa.Column("key_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["box_id"], ["boxes.id"], name=op.f("fk_ring_heads_box_id")),
        sa.PrimaryKeyConstraint("box_id", "epoch", "ring", name=op.f("pk_ring_heads")),
        comment="the last record stored of each ring; the next one's mac chains over this mac",
        sqlite_with_rowid=False,
    )


def _create_trips() -> None:
    op.create_table(
        "trips",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("vehicle_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("reservation_id", sa.Integer(), nullable=True),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("box_id", sa.Integer(), nullable=True),
        sa.Column("journal_epoch", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("session", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("kind", sa.String(length=11), nullable=False),
        sa.Column("via", sa.String(length=11), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("start_site_id", sa.Integer(), nullable=True),
        sa.Column("end_site_id", sa.Integer(), nullable=True),
        sa.Column("end_lat_e7", sa.Integer(), nullable=True),
        sa.Column("end_lon_e7", sa.Integer(), nullable=True),
        sa.Column("distance_m", sa.BigInteger(), nullable=True),
        sa.Column("distance_source", sa.String(length=11), server_default="unknown", nullable=False),
        sa.Column("fuel_ml", sa.BigInteger(), nullable=True),
        sa.Column("fuel_source", sa.String(length=11), server_default="unknown", nullable=False),
        sa.Column("start_fuel_percent", sa.Integer(), nullable=True),
        sa.Column("end_fuel_percent", sa.Integer(), nullable=True),
        sa.Column("start_odometer_m", sa.BigInteger(), nullable=True),
        sa.Column("end_odometer_m", sa.BigInteger(), nullable=True),
        sa.Column("end_reason", sa.String(length=10), server_default="", nullable=False),
        sa.Column("end_flags", sa.Integer(), server_default="0", nullable=False),
        sa.Column("is_time_unsure", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["box_id"], ["boxes.id"], name=op.f("fk_trips_box_id")),
        sa.ForeignKeyConstraint(["end_site_id"], ["sites.id"], name=op.f("fk_trips_end_site_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_trips_organisation_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_trips_person_id")),
        sa.ForeignKeyConstraint(
            ["reservation_id"], ["reservations.id"], name=op.f("fk_trips_reservation_id")
        ),
        sa.ForeignKeyConstraint(["start_site_id"], ["sites.id"], name=op.f("fk_trips_start_site_id")),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicles.id"], name=op.f("fk_trips_vehicle_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trips")),
        sa.UniqueConstraint(
            "box_id", "journal_epoch", "session", name=op.f("uq_trips_box_id_journal_epoch_session")
        ),
        comment="no position in motion, no speed; end_lat/lon only where a trip did not end at a site",
        sqlite_autoincrement=True,
    )
    op.create_index("ix_trips_person", "trips", ["person_id", "started_at"], unique=False)
    op.create_index(op.f("ix_trips_reservation_id"), "trips", ["reservation_id"], unique=False)
    op.create_index("ix_trips_started", "trips", ["started_at"], unique=False)
    op.create_index("ix_trips_vehicle", "trips", ["vehicle_id", "started_at"], unique=False)


def _create_incidents() -> None:
    op.create_table(
        "incidents",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("vehicle_id", sa.Integer(), nullable=True),
        sa.Column("reservation_id", sa.Integer(), nullable=True),
        sa.Column("trip_id", sa.Integer(), nullable=True),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("detail", sa.String(length=300), server_default="", nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("closing_note", sa.String(length=300), server_default="", nullable=False),
        sa.Column("was", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_incidents_organisation_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_incidents_person_id")),
        sa.ForeignKeyConstraint(
            ["reservation_id"], ["reservations.id"], name=op.f("fk_incidents_reservation_id")
        ),
        sa.ForeignKeyConstraint(["trip_id"], ["trips.id"], name=op.f("fk_incidents_trip_id")),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicles.id"], name=op.f("fk_incidents_vehicle_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incidents")),
        comment="closed_by NULL: the server, by the fact that explains it; asked_at: when the driver was"
        " asked; was: the blocks that `repaired` ended, as they were, JSON",
    )
    op.create_index("ix_incidents_open", "incidents", ["closed_at", "opened_at"], unique=False)
    op.create_index(op.f("ix_incidents_vehicle_id"), "incidents", ["vehicle_id"], unique=False)


def _create_stopovers() -> None:
    op.create_table(
        "stopovers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("trip_id", sa.Integer(), nullable=False),
        sa.Column("stopped_at", sa.BigInteger(), nullable=False),
        sa.Column("resumed_at", sa.BigInteger(), nullable=True),
        sa.Column("site_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_stopovers_site_id")),
        sa.ForeignKeyConstraint(["trip_id"], ["trips.id"], name=op.f("fk_stopovers_trip_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stopovers")),
    )
    op.create_index(op.f("ix_stopovers_trip_id"), "stopovers", ["trip_id"], unique=False)


def _create_ring_gaps() -> None:
    op.create_table(
        "ring_gaps",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("box_id", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("ring", sa.Integer(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.String(length=12), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.Column("incident_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["box_id"], ["boxes.id"], name=op.f("fk_ring_gaps_box_id")),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_ring_gaps_incident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ring_gaps")),
        comment="cause: unexplained, until a signed record of the box says dropped",
    )
