"""Today: who takes a line, and until when it sleeps; how an incident was resolved, by whom."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Columns of incidents, and a new table."""
    op.add_column(
        "incidents", sa.Column("resolution", sa.String(length=20), server_default="", nullable=False)
    )
    op.add_column("incidents", sa.Column("closed_by", sa.Integer(), nullable=True))
    op.add_column("incidents", sa.Column("asked_at", sa.BigInteger(), nullable=True))
    op.create_table(
        "today_marks",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("vehicle_id", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("marked_at", sa.BigInteger(), nullable=False),
        sa.Column("snoozed_until", sa.BigInteger(), nullable=True),
        sa.Column("newest", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["people.id"], name=op.f("fk_today_marks_owner_id")),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicles.id"], name=op.f("fk_today_marks_vehicle_id")),
        sa.PrimaryKeyConstraint("kind", "subject_id", name=op.f("pk_today_marks")),
        comment="what people did with a line of Today: who looks after it, until when it is put away;"
        " newest: of what it told then",
    )
