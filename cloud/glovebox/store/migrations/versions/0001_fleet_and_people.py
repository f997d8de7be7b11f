"""The first schema, first half: bodies, sites, cars, people, logins."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Creates tables, each after those it refers to."""
    _create_authorisation_versions()
    _create_login_failures()
    _create_organisations()
    _create_refused_envelopes()
    _create_store_facts()
    _create_people()
    _create_pools()
    _create_sites()
    _create_accounts()
    _create_agreements()
    _create_audit_lines()
    _create_badges()
    _create_login_sessions()
    _create_role_grants()
    _create_site_wifi()
    _create_standing_rights()


def _create_authorisation_versions() -> None:
    op.create_table(
        "authorisation_versions",
        sa.Column("vehicle_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("oldest_base", sa.BigInteger(), nullable=False),
        sa.Column("refreshed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("vehicle_id", name=op.f("pk_authorisation_versions")),
        comment="oldest_base: no delta from a version below it, those were another box's; pool_id: whose"
        " rights the set holds",
    )


def _create_login_failures() -> None:
    op.create_table(
        "login_failures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.LargeBinary(length=32), nullable=False),
        sa.Column("failed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_failures")),
        comment="subject: hash of an account or an address; counting needs no names",
    )
    op.create_index(op.f("ix_login_failures_failed_at"), "login_failures", ["failed_at"], unique=False)
    op.create_index(op.f("ix_login_failures_subject"), "login_failures", ["subject"], unique=False)


def _create_organisations() -> None:
    op.create_table(
        "organisations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisations")),
        sa.UniqueConstraint("name", name=op.f("uq_organisations_name")),
    )


def _create_refused_envelopes() -> None:
    op.create_table(
        "refused_envelopes",
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("reason", name=op.f("pk_refused_envelopes")),
        comment="damaged, foreign, replayed: counted, otherwise without effect",
    )


def _create_store_facts() -> None:
    op.create_table(
        "store_facts",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_store_facts")),
        comment="facts about this store itself: store_epoch",
    )


def _create_people() -> None:
    op.create_table(
        "people",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("staff_number", sa.String(length=40), nullable=False),
        sa.Column("given_name", sa.String(length=80), nullable=False),
        sa.Column("family_name", sa.String(length=80), nullable=False),
        sa.Column("email", sa.String(length=200), nullable=True),
        sa.Column("phone", sa.String(length=20), server_default="", nullable=False),
        sa.Column("department", sa.String(length=120), server_default="", nullable=False),
        sa.Column("language", sa.String(length=2), server_default="fr", nullable=False),
        sa.Column("licence_until", sa.BigInteger(), nullable=True),
        sa.Column("is_active", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("language IN ('fr', 'en')", name=op.f("ck_people_language")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_people_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint(
            "organisation_id", "staff_number", name=op.f("uq_people_organisation_id_staff_number")
        ),
        comment="licence_until NULL: never checked, which forbids nothing",
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_people_organisation_id"), "people", ["organisation_id"], unique=False)


def _create_pools() -> None:
    op.create_table(
        "pools",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_pools_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pools")),
        sa.UniqueConstraint("organisation_id", "name", name=op.f("uq_pools_organisation_id_name")),
    )


def _create_sites() -> None:
    op.create_table(
        "sites",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("address", sa.String(length=200), server_default="", nullable=False),
        sa.Column("lat_e7", sa.Integer(), nullable=False),
        sa.Column("lon_e7", sa.Integer(), nullable=False),
        sa.Column("radius_m", sa.Integer(), nullable=False),
        sa.Column("opens_minute", sa.Integer(), server_default="420", nullable=False),
        sa.Column("closes_minute", sa.Integer(), server_default="1140", nullable=False),
        sa.CheckConstraint("id BETWEEN 1 AND 65534", name=op.f("ck_sites_number")),
        sa.CheckConstraint("lat_e7 BETWEEN -900000000 AND 900000000", name=op.f("ck_sites_lat")),
        sa.CheckConstraint("lon_e7 BETWEEN -1800000000 AND 1800000000", name=op.f("ck_sites_lon")),
        sa.CheckConstraint("radius_m BETWEEN 10 AND 5000", name=op.f("ck_sites_radius")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_sites_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sites")),
        sa.UniqueConstraint("name", name=op.f("uq_sites_name")),
        comment="id: place number on the wire (u16; 0 unknown, 65535 elsewhere); hours in local minutes",
        sqlite_autoincrement=True,
    )


def _create_accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("person_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("language", sa.String(length=2), server_default="", nullable=False),
        sa.Column("password_set_at", sa.BigInteger(), nullable=False),
        sa.Column("password_ends_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("language IN ('', 'fr', 'en')", name=op.f("ck_accounts_language")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_accounts_person_id")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_accounts")),
        comment="one login a person; without a row the person uses the badge only; language '': never chosen;"
        " password_ends_at: of a first password, which its owner has not chosen",
    )


def _create_agreements() -> None:
    op.create_table(
        "agreements",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pool_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("cents_per_km", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_agreements_interval")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_agreements_organisation_id")
        ),
        sa.ForeignKeyConstraint(["pool_id"], ["pools.id"], name=op.f("fk_agreements_pool_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreements")),
        comment="admits another organisation's people to a pool",
    )


def _create_audit_lines() -> None:
    op.create_table(
        "audit_lines",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("filter", sa.String(length=300), server_default="", nullable=False),
        sa.Column("people_count", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_audit_lines_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_lines")),
    )
    op.create_index(op.f("ix_audit_lines_at"), "audit_lines", ["at"], unique=False)


def _create_badges() -> None:
    op.create_table(
        "badges",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("uid_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("uid_lookup", sa.LargeBinary(length=32), nullable=False),
        sa.Column("uid_tail", sa.String(length=4), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_badges_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_badges")),
        sa.UniqueConstraint("uid_lookup", name=op.f("uq_badges_uid_lookup")),
        comment="uid_sealed: AES-GCM under the key file; uid_tail: last byte in hex, to tell two apart",
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_badges_person_id"), "badges", ["person_id"], unique=False)


def _create_login_sessions() -> None:
    op.create_table(
        "login_sessions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("browser", sa.String(length=20), server_default="", nullable=False),
        sa.Column("system", sa.String(length=20), server_default="", nullable=False),
        sa.CheckConstraint("started_at < ends_at", name=op.f("ck_login_sessions_interval")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_login_sessions_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_login_sessions_token_hash")),
        comment="ends at ends_at whatever happens, earlier when it is idle; browser, system: as it named"
        " itself",
    )
    op.create_index(op.f("ix_login_sessions_ends_at"), "login_sessions", ["ends_at"], unique=False)
    op.create_index(op.f("ix_login_sessions_person_id"), "login_sessions", ["person_id"], unique=False)


def _create_role_grants() -> None:
    op.create_table(
        "role_grants",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=True),
        sa.Column("pool_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "role IN ('driver', 'approver', 'manager', 'site_staff', "
            "'prescriber', 'installer', 'administrator', 'auditor')",
            name=op.f("ck_role_grants_role"),
        ),
        sa.CheckConstraint(
            "(organisation_id IS NULL) <> (pool_id IS NULL)", name=op.f("ck_role_grants_one_holder")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_role_grants_organisation_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_role_grants_person_id")),
        sa.ForeignKeyConstraint(["pool_id"], ["pools.id"], name=op.f("fk_role_grants_pool_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_grants")),
        comment="a role on an organisation or on a pool; every active person is a driver without a row",
    )
    op.create_index(op.f("ix_role_grants_person_id"), "role_grants", ["person_id"], unique=False)


def _create_site_wifi() -> None:
    op.create_table(
        "site_wifi",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("bssid", sa.LargeBinary(length=6), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_site_wifi_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site_wifi")),
        sa.UniqueConstraint("site_id", "bssid", name=op.f("uq_site_wifi_site_id_bssid")),
    )


def _create_standing_rights() -> None:
    op.create_table(
        "standing_rights",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("pool_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('standing', 'service')", name=op.f("ck_standing_rights_kind")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_standing_rights_interval")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_standing_rights_person_id")),
        sa.ForeignKeyConstraint(["pool_id"], ["pools.id"], name=op.f("fk_standing_rights_pool_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standing_rights")),
        comment="use of a pool's cars without a reservation, or for service",
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_standing_rights_person_id"), "standing_rights", ["person_id"], unique=False)
    op.create_index(op.f("ix_standing_rights_pool_id"), "standing_rights", ["pool_id"], unique=False)
