"""Who has an SQLite database to itself: the one process that serves it, or the command that moves it away.

A lock of the operating system on a file beside the database; it ends with the process, however that ends.
"""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import URL


class Occupied(OSError):
    """Another process serves this database, or moves it."""


class Occupation:
    """Held from construction to `end`. PostgreSQL has room for several: nothing is held there."""

    def __init__(self, url: URL) -> None:
        """Raises Occupied."""
        self._descriptor: int | None = None
        if url.get_backend_name() != "sqlite" or not url.database:
            return
        path = Path(url.database + ".lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise Occupied(f"{url.database} is in use: one process serves an SQLite database") from error
        self._descriptor = descriptor

    def end(self) -> None:
        """Lets others have it. Safe to call twice. The file stays: taking it away would let two in."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.end()
