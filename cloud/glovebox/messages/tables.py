"""Tables: the outbox, by which way each person wants to be told, and on which devices."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, String, Table

from glovebox.store.schema import instant, key, metadata, reference

messages = Table(
    "messages",
    metadata,
    key(),
    Column("message_key", String(80), nullable=False, unique=True),
    reference("person_id", "people.id"),
    reference("reservation_id", "reservations.id", nullable=True, index=True),
    Column("kind", String(24), nullable=False),
    Column("facts", String(1000), nullable=False, server_default="{}"),
    instant("created_at"),
    instant("due_at"),
    Column("state", String(8), nullable=False, server_default="waiting"),
    Column("channel", String(4), nullable=False, server_default=""),
    Column("attempts", Integer, nullable=False, server_default="0"),
    instant("next_at"),
    Column("last_error", String(200), nullable=False, server_default=""),
    instant("settled_at", nullable=True),
    instant("seen_at", nullable=True),
    CheckConstraint("state IN ('waiting', 'sent', 'kept', 'failed', 'dropped')", name="state"),
    CheckConstraint("channel IN ('', 'mail', 'push', 'sms', 'page')", name="channel"),
    comment="message_key: the idempotency id; kept: on the person's page only; dropped: undone before due_at",
)
Index("ix_messages_waiting", messages.c.state, messages.c.next_at)
Index("ix_messages_person", messages.c.person_id, messages.c.due_at)

message_choices = Table(
    "message_choices",
    metadata,
    Column("person_id", Integer, ForeignKey("people.id"), primary_key=True, autoincrement=False),
    Column("channel", String(4), nullable=False),
    Column("phone", String(20), nullable=False, server_default=""),
    CheckConstraint("channel IN ('mail', 'push', 'sms', 'page')", name="channel"),
    comment="without a row: mail where the person has an address, else the page alone",
)

push_subscriptions = Table(
    "push_subscriptions",
    metadata,
    key(),
    reference("person_id", "people.id", index=True),
    Column("endpoint", String(1000), nullable=False, unique=True),
    Column("p256dh", LargeBinary(65), nullable=False),
    Column("auth", LargeBinary(16), nullable=False),
    Column("browser", String(20), nullable=False, server_default=""),
    Column("system", String(20), nullable=False, server_default=""),
    instant("created_at"),
    instant("last_taken_at", nullable=True),
    instant("last_refused_at", nullable=True),
    Column("last_refusal", String(80), nullable=False, server_default=""),
    comment="a browser that shows messages; endpoint: its push service's address for it, of one person only",
)

push_receipts = Table(
    "push_receipts",
    metadata,
    Column("message_id", Integer, ForeignKey("messages.id"), primary_key=True, autoincrement=False),
    Column(
        "subscription_id", Integer, ForeignKey("push_subscriptions.id"), primary_key=True, autoincrement=False
    ),
    comment="which devices have a message that still waits for others; gone when it is settled",
)
Index("ix_push_receipts_subscription", push_receipts.c.subscription_id)
