"""Backups of the embedded database while it serves, and restoring one. The key file is not part of it, on
purpose: keep it elsewhere."""

import os
import sqlite3
from pathlib import Path

from glovebox.clock import Entropy
from glovebox.store.engine import open_store
from glovebox.store.migrate import migrate, renew_store_epoch, skip_numbers


class BackupError(RuntimeError):
    """The backup could not be made or taken back; nothing was changed."""


def back_up(database: Path, target: Path) -> int:
    """Copies the live database (SQLite's online backup: readers and the writer go on) and checks the copy;
    returns its bytes.
    Raises BackupError where the target exists or the copy is not whole."""
    if target.exists():
        raise BackupError(f"{target} exists; a backup overwrites nothing")
    if not database.exists():
        raise BackupError(f"{database} does not exist")
    part = target.with_name(target.name + ".part")
    source, copy = sqlite3.connect(f"file:{database}?mode=ro", uri=True), sqlite3.connect(part)
    try:
        source.backup(copy, pages=1_000)
        verdict = copy.execute("PRAGMA integrity_check").fetchone()[0]
    finally:
        copy.close()
        source.close()
    if verdict != "ok":
        part.unlink()
        raise BackupError(f"the copy is damaged: {verdict}")
    os.replace(part, target)
    return target.stat().st_size


def restore(backup: Path, database: Path, entropy: Entropy) -> int:
    """Puts a backup in the database's place, brings it to the present schema and gives the store a new
    number, so that boxes send again what they hold and take a full set. The server must not run. Returns
    the new store epoch.
    Raises BackupError where a database is in place already or the backup is not one."""
    for name in (database.name, f"{database.name}-wal"):
        if database.with_name(name).exists():
            raise BackupError(
                f"{database.with_name(name)} exists; move the old database away first, with its -wal"
            )
    database.parent.mkdir(parents=True, exist_ok=True)
    part = database.with_name(database.name + ".part")
    part.unlink(missing_ok=True)
    try:
        _copy_whole(backup, part)
    except (sqlite3.Error, BackupError) as error:
        part.unlink(missing_ok=True)
        raise BackupError(f"{backup} is no Glovebox database ({error})") from error
    epoch = renew(f"sqlite:///{part}", entropy)
    os.replace(part, database)
    return epoch


def renew(url: str, entropy: Entropy) -> int:
    """The same for a database that its own tools have put back (PostgreSQL's pg_restore): the present schema,
    the guard checked, a new number. Returns the new store epoch."""
    store = open_store(url)
    try:
        migrate(store, entropy)
        with store.write() as tx:
            skip_numbers(tx)
            return renew_store_epoch(tx, entropy)
    finally:
        store.close()


def _copy_whole(backup: Path, target: Path) -> None:
    """Copies a database that has our tables. Raises sqlite3.Error, BackupError."""
    source, copy = sqlite3.connect(f"file:{backup}?mode=ro", uri=True), sqlite3.connect(target)
    try:
        source.backup(copy)
        found = copy.execute("SELECT count(*) FROM sqlite_master WHERE name = 'store_facts'").fetchone()[0]
        if not found or copy.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
            raise BackupError("tables are missing or damaged")
    finally:
        copy.close()
        source.close()
