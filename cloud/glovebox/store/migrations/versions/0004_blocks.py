"""Blocks, messages, offers."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """New tables only."""
    _create_blocks()
    _create_messages()
    _create_rehousings()


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


def _create_messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("message_key", sa.String(length=80), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("reservation_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("facts", sa.String(length=1000), server_default="{}", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=8), server_default="waiting", nullable=False),
        sa.Column("channel", sa.String(length=4), server_default="", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("last_error", sa.String(length=200), server_default="", nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("seen_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'sent', 'kept', 'failed', 'dropped')", name=op.f("ck_messages_state")
        ),
        sa.CheckConstraint(
            "channel IN ('', 'mail', 'push', 'sms', 'page')", name=op.f("ck_messages_channel")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_messages_person_id")),
        sa.ForeignKeyConstraint(
            ["reservation_id"], ["reservations.id"], name=op.f("fk_messages_reservation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("message_key", name=op.f("uq_messages_message_key")),
        comment="message_key: the idempotency id; kept: on the person's page only; dropped: undone before"
        " due_at",
    )
    op.create_index(op.f("ix_messages_reservation_id"), "messages", ["reservation_id"], unique=False)
    op.create_index("ix_messages_person", "messages", ["person_id", "due_at"], unique=False)
    op.create_index("ix_messages_waiting", "messages", ["state", "next_at"], unique=False)
    op.create_table(
        "message_choices",
        sa.Column("person_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("channel", sa.String(length=4), nullable=False),
        sa.Column("phone", sa.String(length=20), server_default="", nullable=False),
        sa.CheckConstraint(
            "channel IN ('mail', 'push', 'sms', 'page')", name=op.f("ck_message_choices_channel")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_message_choices_person_id")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_message_choices")),
        comment="without a row: mail where the person has an address, else the page alone",
    )


def _create_rehousings() -> None:
    op.create_table(
        "rehousings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reservation_id", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(length=16), nullable=False),
        sa.Column("cause_id", sa.BigInteger(), nullable=False),
        sa.Column("vehicle_id", sa.Integer(), nullable=False),
        sa.Column("other_vehicle_id", sa.Integer(), nullable=True),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(length=8), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('moved', 'offered', 'told', 'declined')", name=op.f("ck_rehousings_outcome")
        ),
        sa.ForeignKeyConstraint(
            ["other_vehicle_id"], ["vehicles.id"], name=op.f("fk_rehousings_other_vehicle_id")
        ),
        sa.ForeignKeyConstraint(
            ["reservation_id"], ["reservations.id"], name=op.f("fk_rehousings_reservation_id")
        ),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicles.id"], name=op.f("fk_rehousings_vehicle_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rehousings")),
        sa.UniqueConstraint(
            "reservation_id", "cause", "cause_id", name=op.f("uq_rehousings_reservation_id_cause_cause_id")
        ),
        comment="what the server did for a reservation whose car will not be there; open: it is at risk",
    )
    op.create_index("ix_rehousings_open", "rehousings", ["closed_at", "reservation_id"], unique=False)
    op.create_table(
        "freed_cars",
        sa.Column("vehicle_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("freed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicles.id"], name=op.f("fk_freed_cars_vehicle_id")),
        sa.PrimaryKeyConstraint("vehicle_id", name=op.f("pk_freed_cars")),
        comment="cars given back while somebody of their site is at risk; taken by the timed rule",
    )
