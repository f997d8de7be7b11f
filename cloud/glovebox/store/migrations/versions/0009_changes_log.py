"""Rights are kept once a pool and no longer once a car."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """New tables, filled with what the cars held; each box takes a full set once."""
    op.create_table(
        "pool_versions",
        sa.Column("pool_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("oldest_base", sa.BigInteger(), nullable=False),
        sa.Column("refreshed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["pool_id"], ["pools.id"], name=op.f("fk_pool_versions_pool_id")),
        sa.PrimaryKeyConstraint("pool_id", name=op.f("pk_pool_versions")),
        comment="the newest change of a pool's rights, above any version its cars had then; a car's version"
        " is the higher of the two",
    )
    op.create_table(
        "pool_authorisations",
        sa.Column("pool_id", sa.Integer(), nullable=False),
        sa.Column("badge_id", sa.Integer(), nullable=False),
        sa.Column("authorisation_id", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("is_removed", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["badge_id"], ["badges.id"], name=op.f("fk_pool_authorisations_badge_id")),
        sa.ForeignKeyConstraint(["pool_id"], ["pools.id"], name=op.f("fk_pool_authorisations_pool_id")),
        sa.PrimaryKeyConstraint(
            "pool_id", "badge_id", "authorisation_id", name=op.f("pk_pool_authorisations")
        ),
        comment="rights as the boxes of all a pool's cars should hold them: one row however many cars",
    )
    op.create_index(
        "ix_pool_authorisations_version", "pool_authorisations", ["pool_id", "version"], unique=False
    )
    op.add_column(
        "authorisation_versions", sa.Column("pool_id", sa.Integer(), server_default="0", nullable=False)
    )
    _carry_over()


def _carry_over() -> None:
    """One version above all for every car and pool: no difference leads there."""
    op.execute(
        """UPDATE authorisation_versions SET pool_id =
        (SELECT v.pool_id FROM vehicles v WHERE v.id = authorisation_versions.vehicle_id)"""
    )
    op.execute(
        """UPDATE authorisation_versions SET version = top.version, oldest_base = top.version
        FROM (SELECT MAX(version) + 1 AS version FROM authorisation_versions) AS top"""
    )
    op.execute(
        """INSERT INTO pool_versions (pool_id, version, oldest_base, refreshed_at)
        SELECT pool_id, MAX(version), MAX(version), 0 FROM authorisation_versions GROUP BY pool_id"""
    )
    op.execute(
        """INSERT INTO pool_authorisations
        (pool_id, badge_id, authorisation_id, starts_at, ends_at, kind, version)
        SELECT p.pool_id, a.badge_id, a.authorisation_id, MIN(a.starts_at), MAX(a.ends_at), MIN(a.kind),
        MAX(p.version) FROM authorisations a JOIN authorisation_versions c ON c.vehicle_id = a.vehicle_id
        JOIN pool_versions p ON p.pool_id = c.pool_id
        WHERE a.authorisation_id >= 2147483648 AND a.is_removed = 0
        GROUP BY p.pool_id, a.badge_id, a.authorisation_id"""
    )
    op.execute("DELETE FROM authorisations WHERE authorisation_id >= 2147483648")
