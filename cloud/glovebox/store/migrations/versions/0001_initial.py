"""The first schema."""

from alembic import op
from glovebox.store import guard
from glovebox.store.all_tables import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Creates all tables, then the guard."""
    metadata.create_all(op.get_bind())
    guard.install(op.get_bind())
