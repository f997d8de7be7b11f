"""Tables: private calendar feeds. The token is stored as a hash only."""

from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, Table

from glovebox.store.schema import instant, metadata

calendar_feeds = Table(
    "calendar_feeds",
    metadata,
    Column("person_id", Integer, ForeignKey("people.id"), primary_key=True, autoincrement=False),
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
    instant("made_at"),
    comment="one a person; whoever knows the token reads the person's bookings, nothing else",
)
