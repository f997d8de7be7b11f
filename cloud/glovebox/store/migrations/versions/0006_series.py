"""Series: bookings that repeat, with exceptions; private calendar feeds."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

OF_SERIES = "series_id IS NOT NULL"


def upgrade() -> None:
    """Tables of their own, and columns more for the guarded one, which is never rebuilt."""
    _create_calendar_feeds()
    _create_series()
    op.add_column("reservations", sa.Column("series_id", sa.Integer(), nullable=True))
    op.add_column("reservations", sa.Column("series_day", sa.String(length=10), nullable=True))
    op.add_column("reservations", sa.Column("is_exception", sa.Integer(), server_default="0", nullable=False))
    op.create_index(
        "ix_reservations_series",
        "reservations",
        ["series_id"],
        unique=False,
        sqlite_where=sa.text(OF_SERIES),
        postgresql_where=sa.text(OF_SERIES),
    )


def _create_calendar_feeds() -> None:
    op.create_table(
        "calendar_feeds",
        sa.Column("person_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_calendar_feeds_person_id")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_calendar_feeds")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_calendar_feeds_token_hash")),
        comment="one a person; whoever knows the token reads the person's bookings, nothing else",
    )


def _create_series() -> None:
    op.create_table(
        "series",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("vehicle_id", sa.Integer(), nullable=False),
        sa.Column("weekdays", sa.String(length=7), nullable=False),
        sa.Column("every_weeks", sa.Integer(), nullable=False),
        sa.Column("first_day", sa.String(length=10), nullable=False),
        sa.Column("last_day", sa.String(length=10), nullable=False),
        sa.Column("starts_minute", sa.Integer(), nullable=False),
        sa.Column("ends_minute", sa.Integer(), nullable=False),
        sa.Column("skips_holidays", sa.Integer(), nullable=False),
        sa.Column("but_days", sa.String(length=700), server_default="", nullable=False),
        sa.Column("purpose", sa.String(length=200), server_default="", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("starts_minute < ends_minute", name=op.f("ck_series_interval")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_series_organisation_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_series_person_id")),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicles.id"], name=op.f("fk_series_vehicle_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_series")),
        comment="as asked for first, in local time of the car's site; weekdays: digits, 0 is Monday;"
        " changed_at: the last act on several occurrences at once",
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_series_person_id"), "series", ["person_id"], unique=False)
