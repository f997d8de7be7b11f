"""Today: who takes a line, and until when it sleeps."""

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Nothing yet."""
