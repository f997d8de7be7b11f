"""Table: marks on the lines of Today. The lines themselves are computed, never stored."""

from sqlalchemy import BigInteger, Column, PrimaryKeyConstraint, String, Table

from glovebox.store.schema import instant, metadata, reference

today_marks = Table(
    "today_marks",
    metadata,
    Column("kind", String(20), nullable=False),
    Column("subject_id", BigInteger, nullable=False, autoincrement=False),
    reference("vehicle_id", "vehicles.id"),
    reference("owner_id", "people.id", nullable=True),
    instant("marked_at"),
    instant("snoozed_until", nullable=True),
    Column("newest", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("kind", "subject_id"),
    comment="what people did with a line of Today: who looks after it, until when it is put away;"
    " newest: of what it told then",
)
