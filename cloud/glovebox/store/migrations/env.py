"""Alembic's environment: runs over the connection that `glovebox.store.migrate` hands in, inside its
transaction."""

from alembic import context
from glovebox.store.all_tables import metadata

connection = context.config.attributes["connection"]
# Batch mode stays off: it rebuilds tables, which drops the guard's triggers.
context.configure(
    connection=connection, target_metadata=metadata, render_as_batch=False, transactional_ddl=True
)
context.run_migrations()
