"""Migrations of databases with rows: whatever was stored under an older schema is there under the newest."""

import pytest
from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory
from glovebox.store import guard
from glovebox.store.engine import open_store
from glovebox.store.migrate import MIGRATIONS, alembic_config, migrate, read_store_epoch
from sqlalchemy import Table, select
from support_cloud import SeededEntropy
from support_filled import fill_empty_tables

COMPUTED = ("authorisations", "authorisation_versions")
"""What boxes are to hold follows from other tables, and a migration may compute it anew."""


def revisions():
    """From the first to the newest."""
    config = AlembicConfig()
    config.set_main_option("script_location", str(MIGRATIONS))
    return [one.revision for one in ScriptDirectory.from_config(config).walk_revisions()][::-1]


def rows(tx, table: Table):
    """All values, in an order that does not depend on the engine."""
    return sorted((tuple(row) for row in tx.execute(select(table))), key=repr)


@pytest.mark.parametrize("revision", revisions())
def test_a_database_of_each_older_schema_keeps_every_row(empty_url, revision):
    store = open_store(empty_url)
    with store.write() as tx:
        command.upgrade(alembic_config(tx), revision)
        tables = fill_empty_tables(tx)
        before = {name: rows(tx, table) for name, table in tables.items()}
    assert all(before.values())
    migrate(store, SeededEntropy())
    with store.read() as tx:
        for name, table in tables.items():
            if name not in COMPUTED:
                assert set(before[name]) <= set(rows(tx, table)), name
        guard.check(tx)
        assert read_store_epoch(tx) != 0
    store.close()
