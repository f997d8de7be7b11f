"""Changes of reservations: what can be undone."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """A new table."""
    op.create_table(
        "undos",
        sa.Column("reservation_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("made_by", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("was", sa.String(length=1000), nullable=False),
        sa.Column("is_undone", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["made_by"], ["people.id"], name=op.f("fk_undos_made_by")),
        sa.ForeignKeyConstraint(
            ["reservation_id"], ["reservations.id"], name=op.f("fk_undos_reservation_id")
        ),
        sa.PrimaryKeyConstraint("reservation_id", name=op.f("pk_undos")),
        comment="a reservation's last act, who may take it back; state: after it; was: before it, JSON,"
        " empty: not yet booked",
    )
