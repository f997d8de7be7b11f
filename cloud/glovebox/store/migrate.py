"""Brings a database to the newest schema (Alembic, run from code), checks the guard, and knows the store's
epoch."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config as AlembicConfig
from sqlalchemy import Connection, insert, select, text, update

from glovebox.clock import Entropy
from glovebox.records.tables import store_facts
from glovebox.store import guard
from glovebox.store.engine import Store, open_store

NUMBERED: Final = ("reservations", "standing_rights", "commands")
"""Tables whose ids stand on the wire and in journals."""
NUMBERS_SKIPPED: Final = 100_000
"""More than are given between a backup and the loss of the disk; the wire has room for 20,000 restores."""
MIGRATIONS: Final = Path(__file__).parent / "migrations"


def alembic_config(tx: Connection) -> AlembicConfig:
    """Alembic's settings for a run over this connection."""
    config = AlembicConfig()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = tx
    return config


def migrate(store: Store, entropy: Entropy) -> None:
    """All missing migrations in one transaction, then the guard. Raises GuardMissing, and commits nothing
    then."""
    with store.write() as tx:
        command.upgrade(alembic_config(tx), "head")
        guard.check(tx)
        if read_store_epoch(tx) == 0:
            renew_store_epoch(tx, entropy)


def read_store_epoch(tx: Connection) -> int:
    """The number of this store (u32, never 0 once migrated). A box that sees another one resends what it
    holds."""
    value = tx.execute(select(store_facts.c.value).where(store_facts.c.name == "store_epoch")).scalar()
    return int(value or 0)


def renew_store_epoch(tx: Connection, entropy: Entropy) -> int:
    """Gives the store another number: after a restore from backup."""
    epoch = (int.from_bytes(entropy(4), "little") & 0xFFFF_FFFE) | 1
    changed = tx.execute(
        update(store_facts).where(store_facts.c.name == "store_epoch").values(value=str(epoch))
    )
    if not changed.rowcount:
        tx.execute(insert(store_facts).values(name="store_epoch", value=str(epoch)))
    return epoch


def skip_numbers(tx: Connection) -> None:
    """After a restore: numbers that boxes have heard are not given again. A box would take a new reservation
    under its session's number for that session's own, and answer a new command with what became of the lost
    one."""
    for table in NUMBERED:
        if tx.dialect.name == "sqlite":
            have = {"table": table, "skipped": NUMBERS_SKIPPED}
            moved = text("UPDATE sqlite_sequence SET seq = seq + :skipped WHERE name = :table")
            if not tx.execute(moved, have).rowcount:
                tx.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :skipped)"), have)
        else:
            sequence = f"pg_get_serial_sequence('{table}', 'id')"
            tx.execute(text(f"SELECT setval({sequence}, nextval({sequence}) + {NUMBERS_SKIPPED})"))


def draft(message: str, entropy: Entropy) -> None:
    """Writes the draft of the next migration: the difference between the newest schema and the tables of
    the code."""
    with tempfile.TemporaryDirectory() as directory:
        store = open_store(f"sqlite:///{directory}/draft.sqlite")
        migrate(store, entropy)
        with store.write() as tx:
            command.revision(alembic_config(tx), message, autogenerate=True)
        store.close()


if __name__ == "__main__":
    draft(" ".join(sys.argv[1:]) or "change", os.urandom)
