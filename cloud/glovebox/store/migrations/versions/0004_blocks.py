"""Blocks, messages, offers."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """New tables only."""
    _create_blocks()


def _create_blocks() -> None:
    op.create_table(
        "blocks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("vehicle_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(length=200), server_default="", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("kind IN ('workshop', 'damage')", name=op.f("ck_blocks_kind")),
        sa.CheckConstraint("ends_at IS NULL OR starts_at < ends_at", name=op.f("ck_blocks_interval")),
        sa.ForeignKeyConstraint(["created_by"], ["people.id"], name=op.f("fk_blocks_created_by")),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicles.id"], name=op.f("fk_blocks_vehicle_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blocks")),
        comment="a car in the workshop or damaged; ends_at NULL: nobody knows until when",
    )
    op.create_index("ix_blocks_vehicle", "blocks", ["vehicle_id", "ends_at"], unique=False)
