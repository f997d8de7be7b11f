"""Days of a series that could not be had, with why; what a late driver says."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """One table of its own, and columns more for the guarded one, which is never rebuilt."""
    op.create_table(
        "series_refusals",
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("vehicle_id", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("details", sa.String(length=2000), server_default="{}", nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_series_refusals_series_id")),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicles.id"], name=op.f("fk_series_refusals_vehicle_id")),
        sa.PrimaryKeyConstraint("series_id", "day", name=op.f("pk_series_refusals")),
        comment="days that the last act on them could not book or move, what was wanted and why not; details:"
        " JSON; series_interrupted: not reached yet, or never",
    )
    op.add_column("reservations", sa.Column("late_minutes", sa.Integer(), server_default="0", nullable=False))
    op.add_column("reservations", sa.Column("late_said_at", sa.BigInteger(), nullable=True))
    op.add_column("reservations", sa.Column("late_said_by", sa.Integer(), nullable=True))
