"""Exports for spreadsheets (CSV) and for analysis (an SQLite file of their own, written by sqlite-utils).
Read through the services."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlite_utils
from sqlalchemy import Connection

from glovebox.fleet import service as fleet
from glovebox.people import service as people
from glovebox.people.licence import last_day
from glovebox.reservations import service as reservations
from glovebox.scope import Scope
from glovebox.store.values import harmless
from glovebox.trips import service as trips

WHAT: Final = ("vehicles", "people", "reservations", "trips")
_PAGE: Final = 500
_PERSONAL: Final = ("person_id", "person_name")


def rows_of(
    tx: Connection,
    scope: Scope,
    now: int,
    what: str,
    since: int,
    until: int,
    zone: ZoneInfo,
    *,
    with_people: bool,
) -> Iterator[dict[str, Any]]:
    """Rows to export. Without `with_people` nobody is named. Instants also as ISO text in UTC; a licence's
    end as its last day in `zone`, as the import reads it."""
    for row in _read(tx, scope, now, what, since, until):
        values: dict[str, Any] = {
            name: ", ".join(value) if isinstance(value, tuple | list) else value
            for name, value in row.items()
        }
        if not with_people:
            values = {name: value for name, value in values.items() if name not in _PERSONAL}
        if values.get("licence_until") is not None:
            values["licence_until"] = last_day(values["licence_until"], zone).isoformat()
        for name in [name for name in values if name.endswith("_at") and values[name] is not None]:
            values[f"{name}_utc"] = datetime.fromtimestamp(values[name], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        yield values


def write_rows(rows: Iterable[dict[str, Any]], what: str, target: Path) -> int:
    """Writes a `.csv` or, for any other name, a table of an SQLite file; returns how many rows.
    Raises FileExistsError: an export overwrites nothing."""
    if target.exists():
        raise FileExistsError(target)
    found = list(rows)
    if target.suffix == ".csv":
        with target.open("x", encoding="utf-8-sig", newline="") as file:
            names = list(dict.fromkeys(name for row in found for name in row))
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows({name: harmless(value) for name, value in row.items()} for row in found)
    else:
        scratch = sqlite_utils.Database(target)
        scratch.table(what).insert_all(found, alter=True)
        scratch.close()
    return len(found)


def _read(
    tx: Connection, scope: Scope, now: int, what: str, since: int, until: int
) -> Iterator[dict[str, Any]]:
    if what == "vehicles":
        yield from (asdict(vehicle) for vehicle in fleet.list_vehicles(tx, scope, now, with_retired=True))
        return
    offset = 0
    while True:
        page: list[Any]
        if what == "people":
            page = list(people.list_people(tx, scope, offset=offset, limit=_PAGE))
        elif what == "reservations":
            page = list(
                reservations.list_reservations(
                    tx, scope, ends_after=since, starts_before=until, offset=offset, limit=_PAGE
                )
            )
        else:
            page = list(
                trips.list_trips(
                    tx, scope, started_after=since, started_before=until, offset=offset, limit=_PAGE
                )
            )
        yield from (asdict(row) for row in page)
        if len(page) < _PAGE:
            return
        offset += _PAGE
