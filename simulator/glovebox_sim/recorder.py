"""A recording of a run in one SQLite file, by sqlite-utils: what every chip saw and what every car did.

Tables: `runs` (what was run), `events` (each event of the simulation, its data as JSON), `cars` (each car
once a second). Views: `relay`, `light`, `sounds`, `cards`, `flash`, `log` pick one kind of event. Times are
seconds of simulation time (Unix); `at` is the same as UTC text. A tester asks with `glovebox-sim query FILE
"select ..."` or with any SQLite tool.

The recording holds positions and speeds on purpose: it is of a simulated car. No box and no cloud ever
writes here.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlite_utils

ROWS_HELD = 500
"""Rows kept in memory before one transaction writes them: a row alone would cost a flush to disk."""
MAX_QUERY_ROWS = 100_000

_ROW: dict[str, type] = {"id": int, "run": int, "t": float, "at": str, "box": str}
_SCHEMA: dict[str, dict[str, type]] = {
    "runs": {"id": int, "name": str, "seed": int, "started": float, "ended": float, "note": str},
    "events": {**_ROW, "source": str, "name": str, "data": str},
    "cars": {
        **_ROW,
        **dict.fromkeys(("lat", "lon", "speed_kmh", "odometer_m", "fuel_ml", "fuel_burnt_ml"), float),
        **dict.fromkeys(("battery_mv", "kl15", "engine", "door_open", "locked", "has_fix"), int),
        **dict.fromkeys(("key", "contact", "faults"), str),
    },
}
_VIEWS = {
    "relay": "source = 'relay'",
    "light": "source = 'light'",
    "sounds": "source = 'buzzer'",
    "cards": "source = 'reader'",
    "flash": "source = 'flash'",
    "log": "source = 'log'",
}


class QueryError(ValueError):
    """A question SQLite does not understand, one that would write, or no recording at all."""


def utc(t: float) -> str:
    """Simulation time as text, to the millisecond."""
    return datetime.fromtimestamp(t, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _jsonable(value: object) -> object:
    if isinstance(value, bytes | bytearray):
        return bytes(value).hex()
    return str(value)


class Recorder:
    """Writes one run. `event` may be called from any thread; `close` writes the rest. Use it as a context
    manager.

    A second run may be recorded into the same file: rows carry the run's number.
    """

    def __init__(
        self, path: Path | str, name: str = "", seed: int = 0, started: float = 0.0, note: str = ""
    ) -> None:
        # Rows come from the simulation's thread, the run's end from the main one: a lock keeps them apart.
        self._lock = threading.Lock()
        self._db = sqlite_utils.Database(sqlite3.connect(str(path), check_same_thread=False))
        self._db.enable_wal()
        for table, columns in _SCHEMA.items():
            self._db.table(table).create(columns, pk="id", if_not_exists=True)
        self._db.table("events").create_index(["run", "box", "source", "name"], if_not_exists=True)
        self._db.table("cars").create_index(["run", "box", "t"], if_not_exists=True)
        for view, condition in _VIEWS.items():
            self._db.create_view(view, f"select * from events where {condition}", replace=True)
        row = {"name": name, "seed": seed, "started": started, "ended": None, "note": note}
        self.run: int = self._db.table("runs").insert(row).last_pk or 0
        self._held: dict[str, list[dict[str, Any]]] = {"events": [], "cars": []}
        self._last_t = started

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def event(self, t: float, box: str, source: str, name: str, data: dict[str, Any]) -> None:
        """One event, in the shape the simulation tells it."""
        text = json.dumps(data, default=_jsonable, sort_keys=True)
        self._add("events", t, {"box": box, "source": source, "name": name, "data": text})

    def car(self, t: float, box: str, **columns: object) -> None:
        """One look at a car. Raises ValueError for a column the table has not."""
        unknown = set(columns) - set(_SCHEMA["cars"])
        if unknown:
            raise ValueError(f"no such column of cars: {', '.join(sorted(unknown))}")
        self._add("cars", t, {"box": box, **columns})

    def _add(self, table: str, t: float, row: dict[str, Any]) -> None:
        with self._lock:
            self._held[table].append({"run": self.run, "t": round(t, 6), "at": utc(t), **row})
            self._last_t = max(self._last_t, t)
            if len(self._held[table]) >= ROWS_HELD:
                self._write(table)

    def flush(self) -> None:
        """Write what is held."""
        with self._lock:
            for table in self._held:
                self._write(table)

    def _write(self, table: str) -> None:
        if self._held[table]:
            self._db.table(table).insert_all(self._held[table])
            self._held[table] = []

    def close(self) -> None:
        self.flush()
        with self._lock:
            self._db.table("runs").update(self.run, {"ended": self._last_t})
            self._db.conn.close()


def query(path: Path | str, sql: str, arguments: Iterable[Any] = ()) -> Iterator[dict[str, Any]]:
    """Rows of a recording as dictionaries, read-only. Raises `QueryError`."""
    path = Path(path)
    if not path.is_file():
        raise QueryError(f"{path}: there is no recording; --record {path} makes one")
    uri = f"{path.resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        try:
            cursor = connection.execute(sql, tuple(arguments))
            for row, _ in zip(cursor, range(MAX_QUERY_ROWS), strict=False):
                yield dict(row)
        except sqlite3.Error as problem:
            raise QueryError(f"{path.name}: {problem}; without SQL its tables are listed") from problem
