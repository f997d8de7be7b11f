"""Waiting list; where a one-way trip begins; how far an electric car goes."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

ONE_WAY = "end_site_id IS NOT NULL"


def upgrade() -> None:
    """Columns and one table more; no guarded table is rebuilt."""
    op.add_column("reservations", sa.Column("start_site_id", sa.Integer(), nullable=True))
    op.create_index(
        "ix_reservations_one_way",
        "reservations",
        ["vehicle_id", "starts_at"],
        unique=False,
        sqlite_where=sa.text(ONE_WAY),
        postgresql_where=sa.text(ONE_WAY),
    )
    op.add_column("undos", sa.Column("vehicle_id", sa.Integer(), nullable=True))
    for name in ("home_site_id", "battery_wh", "consumption_wh_per_km", "charge_w"):
        op.add_column("vehicles", sa.Column(name, sa.Integer(), nullable=True))
    _create_waits()


def _create_waits() -> None:
    op.create_table(
        "waits",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("to_site_id", sa.Integer(), nullable=True),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("seats", sa.Integer(), server_default="1", nullable=False),
        sa.Column("energy", sa.String(length=10), server_default="", nullable=False),
        sa.Column("distance_m", sa.Integer(), server_default="0", nullable=False),
        sa.Column("purpose", sa.String(length=200), server_default="", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=8), server_default="waiting", nullable=False),
        sa.Column("reservation_id", sa.Integer(), nullable=True),
        sa.Column("offer_until", sa.BigInteger(), nullable=True),
        sa.Column("looked_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_waits_interval")),
        sa.CheckConstraint(
            "state IN ('waiting', 'offered', 'booked', 'left', 'expired')", name=op.f("ck_waits_state")
        ),
        sa.ForeignKeyConstraint(["created_by"], ["people.id"], name=op.f("fk_waits_created_by")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_waits_organisation_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_waits_person_id")),
        sa.ForeignKeyConstraint(
            ["reservation_id"], ["reservations.id"], name=op.f("fk_waits_reservation_id")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_waits_site_id")),
        sa.ForeignKeyConstraint(["to_site_id"], ["sites.id"], name=op.f("fk_waits_to_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waits")),
        comment="site_id: where the car is wanted; reservation_id: what came of it, while offered the promise"
        " that holds the car; looked_at: when all cars of the site were last tried for it",
        sqlite_autoincrement=True,
    )
    op.create_index("ix_waits_state", "waits", ["state", "starts_at"], unique=False)
    op.create_index("ix_waits_person", "waits", ["person_id", "state"], unique=False)
    op.create_index("ix_waits_reservation_id", "waits", ["reservation_id"], unique=False)
