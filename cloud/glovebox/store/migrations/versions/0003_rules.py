"""Rules as data: policies, groups, when sites are open, licence categories, who decided on a reservation."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """New tables and columns; no table is rebuilt."""
    _create_groups()
    _create_policies()
    _create_site_hours()
    op.add_column(
        "people",
        sa.Column("licence_categories", sa.String(length=40), server_default="B", nullable=False),
    )
    op.add_column(
        "vehicles", sa.Column("licence_category", sa.String(length=3), server_default="B", nullable=False)
    )
    op.add_column("reservations", sa.Column("approval_due_at", sa.BigInteger(), nullable=True))
    op.add_column("reservations", sa.Column("decided_by", sa.Integer(), nullable=True))
    op.add_column(
        "reservations",
        sa.Column("decision_reason", sa.String(length=200), server_default="", nullable=False),
    )


def _create_groups() -> None:
    op.create_table(
        "groups",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("priority", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_groups_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_groups")),
        sa.UniqueConstraint("organisation_id", "name", name=op.f("uq_groups_organisation_id_name")),
        comment="priority: of several groups of a person the one with the highest decides",
        sqlite_autoincrement=True,
    )
    op.create_table(
        "group_members",
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_group_members_group_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_group_members_person_id")),
        sa.PrimaryKeyConstraint("group_id", "person_id", name=op.f("pk_group_members")),
    )
    op.create_index(op.f("ix_group_members_person_id"), "group_members", ["person_id"], unique=False)
    op.create_table(
        "pool_groups",
        sa.Column("pool_id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_pool_groups_group_id")),
        sa.ForeignKeyConstraint(["pool_id"], ["pools.id"], name=op.f("fk_pool_groups_pool_id")),
        sa.PrimaryKeyConstraint("pool_id", "group_id", name=op.f("pk_pool_groups")),
        comment="a pool with rows is for the people of these groups only",
    )


def _create_policies() -> None:
    values = (
        "buffer_s", "lead_s", "longest_s", "horizon_s", "open_bookings", "week_s", "needs_approval",
        "approval_due_s",
    )  # fmt: skip
    op.create_table(
        "policies",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("level", sa.String(length=40), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("pool_id", sa.Integer(), nullable=True),
        sa.Column("group_id", sa.Integer(), nullable=True),
        *(sa.Column(name, sa.Integer(), nullable=True) for name in values),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_policies_group_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_policies_organisation_id")
        ),
        sa.ForeignKeyConstraint(["pool_id"], ["pools.id"], name=op.f("fk_policies_pool_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policies")),
        sa.UniqueConstraint("level", name=op.f("uq_policies_level")),
        comment="rules for cars of organisation_id; level: its three ids in one text, for there is one row of"
        " each; NULL: as the next wider level says",
    )
    op.create_index(op.f("ix_policies_organisation_id"), "policies", ["organisation_id"], unique=False)
    op.create_table(
        "rule_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.Integer(), nullable=True),
        sa.Column("before", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["changed_by"], ["people.id"], name=op.f("fk_rule_changes_changed_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_changes")),
        comment="subject: a level of policies or a site; before: what stood there, as JSON, to be put back",
    )
    op.create_index(op.f("ix_rule_changes_subject"), "rule_changes", ["subject"], unique=False)


def _create_site_hours() -> None:
    op.create_table(
        "site_calendars",
        sa.Column("site_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time_zone", sa.String(length=64), server_default="", nullable=False),
        sa.Column("holidays", sa.String(length=12), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("site_id", name=op.f("pk_site_calendars")),
        comment="time_zone empty: the deployment's; holidays: country and part (FR, FR-57), empty: open on"
        " them",
    )
    op.create_table(
        "site_hours",
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("opens_minute", sa.Integer(), nullable=False),
        sa.Column("closes_minute", sa.Integer(), nullable=False),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_site_hours_weekday")),
        sa.CheckConstraint(
            "opens_minute BETWEEN 0 AND 1439 AND closes_minute > opens_minute AND closes_minute <= 2879",
            name=op.f("ck_site_hours_hours"),
        ),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_site_hours_site_id")),
        sa.PrimaryKeyConstraint("site_id", "weekday", name=op.f("pk_site_hours")),
        comment="Monday 0; local minutes of the day it opens, past 1440 on the next; a site without rows"
        " never closes, a weekday without one is closed",
    )
    op.create_table(
        "site_closures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("first_day", sa.String(length=10), nullable=False),
        sa.Column("last_day", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=80), server_default="", nullable=False),
        sa.CheckConstraint("first_day <= last_day", name=op.f("ck_site_closures_days")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_site_closures_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site_closures")),
        comment="local days, YYYY-MM-DD, both closed",
    )
    op.create_index(op.f("ix_site_closures_site_id"), "site_closures", ["site_id"], unique=False)
