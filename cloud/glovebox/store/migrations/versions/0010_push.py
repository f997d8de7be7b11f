"""Devices that messages are pushed to."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """New tables."""
    op.create_table(
        "push_subscriptions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("endpoint", sa.String(1000), nullable=False),
        sa.Column("p256dh", sa.LargeBinary(65), nullable=False),
        sa.Column("auth", sa.LargeBinary(16), nullable=False),
        sa.Column("browser", sa.String(20), server_default="", nullable=False),
        sa.Column("system", sa.String(20), server_default="", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_taken_at", sa.BigInteger(), nullable=True),
        sa.Column("last_refused_at", sa.BigInteger(), nullable=True),
        sa.Column("last_refusal", sa.String(80), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_push_subscriptions_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_subscriptions")),
        sa.UniqueConstraint("endpoint", name=op.f("uq_push_subscriptions_endpoint")),
        comment="a browser that shows messages; endpoint: its push service's address for it, of one person"
        " only",
    )
    op.create_index(
        op.f("ix_push_subscriptions_person_id"), "push_subscriptions", ["person_id"], unique=False
    )
    op.create_table(
        "push_receipts",
        sa.Column("message_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("subscription_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_push_receipts_message_id")),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["push_subscriptions.id"], name=op.f("fk_push_receipts_subscription_id")
        ),
        sa.PrimaryKeyConstraint("message_id", "subscription_id", name=op.f("pk_push_receipts")),
        comment="which devices have a message that still waits for others; gone when it is settled",
    )
    op.create_index("ix_push_receipts_subscription", "push_receipts", ["subscription_id"], unique=False)
