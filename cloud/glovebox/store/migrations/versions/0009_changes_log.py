"""What each car's box learns of groups, appended."""

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Nothing yet."""
