"""Tables: rules by level, groups of people, pools kept for groups, when sites are open, what was changed."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from glovebox.store.schema import instant, key, metadata, reference

groups = Table(
    "groups",
    metadata,
    key(),
    reference("organisation_id", "organisations.id"),
    Column("name", String(80), nullable=False),
    Column("priority", Integer, nullable=False, server_default="0"),
    UniqueConstraint("organisation_id", "name"),
    comment="priority: of several groups of a person the one with the highest decides",
    sqlite_autoincrement=True,
)

group_members = Table(
    "group_members",
    metadata,
    reference("group_id", "groups.id"),
    reference("person_id", "people.id", index=True),
    PrimaryKeyConstraint("group_id", "person_id"),
)

pool_groups = Table(
    "pool_groups",
    metadata,
    reference("pool_id", "pools.id"),
    reference("group_id", "groups.id"),
    PrimaryKeyConstraint("pool_id", "group_id"),
    comment="a pool with rows is for the people of these groups only",
)

policies = Table(
    "policies",
    metadata,
    key(),
    Column("level", String(40), nullable=False, unique=True),
    reference("organisation_id", "organisations.id", index=True),
    reference("pool_id", "pools.id", nullable=True),
    reference("group_id", "groups.id", nullable=True),
    Column("buffer_s", Integer),
    Column("lead_s", Integer),
    Column("longest_s", Integer),
    Column("horizon_s", Integer),
    Column("open_bookings", Integer),
    Column("week_s", Integer),
    Column("needs_approval", Integer),
    Column("approval_due_s", Integer),
    comment="rules for cars of organisation_id; level: its three ids in one text, for there is one row of"
    " each; NULL: as the next wider level says",
)

site_calendars = Table(
    "site_calendars",
    metadata,
    Column("site_id", Integer, primary_key=True, autoincrement=False),
    Column("time_zone", String(64), nullable=False, server_default=""),
    Column("holidays", String(12), nullable=False, server_default=""),
    comment="time_zone empty: the deployment's; holidays: country and part (FR, FR-57), empty: open on them",
)

site_hours = Table(
    "site_hours",
    metadata,
    reference("site_id", "sites.id"),
    Column("weekday", Integer, nullable=False),
    Column("opens_minute", Integer, nullable=False),
    Column("closes_minute", Integer, nullable=False),
    PrimaryKeyConstraint("site_id", "weekday"),
    CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
    CheckConstraint(
        "opens_minute BETWEEN 0 AND 1439 AND closes_minute > opens_minute AND closes_minute <= 2879",
        name="hours",
    ),
    comment="Monday 0; local minutes of the day it opens, past 1440 on the next; a site without rows never"
    " closes, a weekday without one is closed",
)

site_closures = Table(
    "site_closures",
    metadata,
    key(),
    reference("site_id", "sites.id", index=True),
    Column("first_day", String(10), nullable=False),
    Column("last_day", String(10), nullable=False),
    Column("name", String(80), nullable=False, server_default=""),
    CheckConstraint("first_day <= last_day", name="days"),
    comment="local days, YYYY-MM-DD, both closed",
)

rule_changes = Table(
    "rule_changes",
    metadata,
    key(),
    Column("subject", String(40), nullable=False, index=True),
    instant("changed_at"),
    reference("changed_by", "people.id", nullable=True),
    Column("before", Text, nullable=False),
    comment="subject: a level of policies or a site; before: what stood there, as JSON, to be put back",
)
