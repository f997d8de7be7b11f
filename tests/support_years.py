"""Five years of a fleet, and ten times that, for figures: 85,000 reservations of 66 cars and 450 people with
their trips, journals, messages, audit lines; made once, in bulk, through the guard."""

import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from glovebox import seed
from glovebox.accounts import roles
from glovebox.accounts import service as accounts
from glovebox.app import Apps, create_app
from glovebox.audit.tables import audit_lines
from glovebox.blocks.tables import blocks
from glovebox.boxes.tables import boxes
from glovebox.config import Config
from glovebox.fleet.tables import organisations, sites, vehicles
from glovebox.incidents.tables import incidents
from glovebox.keys import create_keyring
from glovebox.messages.tables import messages
from glovebox.people.tables import people
from glovebox.records.tables import faults, records
from glovebox.reservations.tables import reservations
from glovebox.store import guard
from glovebox.store.engine import open_store
from glovebox.store.migrate import migrate
from glovebox.store.move import move
from glovebox.trips.tables import trips
from sqlalchemy import Connection, Table, func, insert, literal, select, text
from support_cloud import DAY, HOUR, NOW, SeededEntropy
from support_town import pack_state

YEARS = 5
TIMES = 10
RECORDS_A_CAR = 2_000
COOKIE = "a manager's session"


@dataclass(frozen=True)
class Years:
    """The applications on five years; who asks."""

    apps: Apps
    engine: str
    manager_id: int
    reservations: int

    def read(self, statement):
        with self.apps.cloud.store.read() as tx:
            return tx.execute(statement).scalars().all()


@contextmanager
def five_years(engine: str, times: int, server=None) -> Iterator[Years]:
    """`times` fleets of the three bodies; `server`: where PostgreSQL is the engine."""
    with tempfile.TemporaryDirectory(prefix="glovebox-years-") as name:
        directory = Path(name)
        url = f"sqlite:///{directory / 'glovebox.sqlite'}"
        manager_id = fill(directory, url, times)
        if engine == "postgresql":
            old, url = url, server.create_database(empty=True)
            move(old, url, lambda _line: None)
            analyse(url)
        apps = create_app(Config(directory, database_url=url), lambda: float(NOW), SeededEntropy(2))
        with apps.cloud.store.write() as tx:
            accounts.start_session(tx, NOW, manager_id, COOKIE)
            count = tx.execute(select(func.count()).select_from(reservations)).scalar() or 0
        yield Years(apps, engine, manager_id, count)
        apps.cloud.close()


def analyse(url: str) -> None:
    """What PostgreSQL's autovacuum does by itself within a minute."""
    store = open_store(url)
    with store.write() as tx:
        tx.exec_driver_sql("ANALYZE")
    store.close()


def fill(directory: Path, url: str, times: int) -> int:
    """Fills an empty SQLite database. Returns a manager of all three bodies."""
    store = open_store(url)
    migrate(store, SeededEntropy())
    keyring = create_keyring(directory / "keys.json", SeededEntropy())
    draw = random.Random(1)
    with store.write() as tx:
        seed.seed(tx, NOW, keyring, with_logins=False, days_back=YEARS * 365)
        multiply(tx, times)
        manager_id = tx.execute(select(people.c.id).order_by(people.c.id).offset(1)).scalar()
        bodies = tx.execute(select(organisations.c.id)).scalars().all()
        for body in bodies:
            for role in ("manager", "installer", "site_staff"):
                roles.grant_role(tx, manager_id, role, organisation_id=body)
        accounts.set_password(tx, NOW, manager_id, "nobody logs in with it")
        add_boxes(tx, draw)
        add_life(tx, draw, manager_id)
        guard.check(tx)
    store.close()
    assert manager_id is not None
    return manager_id


def multiply(tx: Connection, times: int) -> None:
    """The same bodies with that many times the sites, cars, people, promises and trips."""
    tables = (sites, vehicles, people, reservations, trips)
    step = {table.name: tx.execute(select(func.max(table.c.id))).scalar() for table in tables}
    renamed = {"name", "registration", "staff_number", "email"}
    for number in range(1, times):
        for table in tables:
            columns = []
            for column in table.c:
                target = next((key.column.table.name for key in column.foreign_keys), None)
                if column.name == "id":
                    target = table.name
                if target in step:
                    columns.append((column + number * step[target]).label(column.name))
                elif column.name in renamed:
                    columns.append((column + literal(f"-{number}")).label(column.name))
                else:
                    columns.append(column)
            first = select(*columns).where(table.c.id <= step[table.name])
            tx.execute(insert(table).from_select([column.name for column in table.c], first))


def add_boxes(tx: Connection, draw: random.Random) -> None:
    """A box in each car, most heard in the last minutes, with a journal."""
    cars = tx.execute(select(vehicles.c.id, vehicles.c.site_id).order_by(vehicles.c.id)).all()
    rows = [
        {
            "box_id": car.id.to_bytes(8, "big"),
            "hardware_id": f"board-{car.id}",
            "created_at": NOW - 900 * DAY,
            "key_id": 1,
            "vehicle_id": car.id,
            "assigned_at": NOW - 900 * DAY,
            "heard_at": NOW - draw.choice((60, 300, 700, 30 * HOUR)),
            "state": pack_state("parked", car.site_id, fuel=draw.randrange(5, 100), at=NOW - 60),
            "firmware": "1.0.0",
        }
        for car in cars
    ]
    tx.execute(insert(boxes), rows)
    journal = (
        {
            "box_id": number,
            "epoch": 1,
            "ring": 1,
            "sequence": sequence,
            "vehicle_id": car.id,
            "kind": 9,
            "trust": 3,
            "boot": 1,
            "at": NOW - (RECORDS_A_CAR - sequence) * 20 * 60,
            "received_at": NOW,
            "slot": bytes(64),
            "verdict": 0,
        }
        for number, car in enumerate(cars, 1)
        for sequence in range(1, RECORDS_A_CAR + 1)
    )
    add_many(tx, records, journal)
    tx.execute(
        insert(faults),
        [
            {
                "vehicle_id": car.id,
                "box_id": number,
                "code": 1 + number % 5,
                "set_at": NOW - number * HOUR,
                "cleared_at": None if number % 12 == 0 else NOW - number * HOUR + 600,
            }
            for number, car in enumerate(cars, 1)
            for _ in range(20)
        ],
    )


def add_life(tx: Connection, draw: random.Random, manager_id: int) -> None:
    """What five years leave behind: a message a reservation, an incident a hundred trips, lines of the audit;
    today a few cars in the workshop, some incidents open."""
    add_messages(tx)
    add_audit_lines(tx, manager_id)
    add_incidents(tx)
    add_blocks(tx, draw)


def add_messages(tx: Connection) -> None:
    booked = tx.execute(
        select(reservations.c.id, reservations.c.person_id, reservations.c.created_at).order_by(
            reservations.c.id
        )
    ).all()
    add_many(
        tx,
        messages,
        (
            {
                "message_key": f"seed-{row.id}",
                "person_id": row.person_id,
                "reservation_id": row.id,
                "kind": "booked_for_you",
                "facts": "{}",
                "created_at": row.created_at,
                "due_at": row.created_at,
                "state": "sent" if row.id % 500 else "failed",
                "channel": "mail",
                "attempts": 1,
                "next_at": row.created_at,
                "settled_at": row.created_at,
            }
            for row in booked
        ),
    )


def add_audit_lines(tx: Connection, manager_id: int) -> None:
    """A look at a page for every second reservation."""
    booked = tx.execute(select(reservations.c.created_at).order_by(reservations.c.id)).all()
    add_many(
        tx,
        audit_lines,
        (
            {
                "at": row.created_at,
                "person_id": manager_id,
                "actor": "",
                "action": "page.reservations",
                "filter": "",
                "people_count": 20,
            }
            for row in booked[::2]
        ),
    )


def add_incidents(tx: Connection) -> None:
    driven = tx.execute(select(trips).where(trips.c.id % 100 == 0)).all()
    add_many(
        tx,
        incidents,
        (
            {
                "kind": "unreserved_trip",
                "organisation_id": row.organisation_id,
                "vehicle_id": row.vehicle_id,
                "trip_id": row.id,
                "person_id": row.person_id,
                "opened_at": row.ended_at,
                "closed_at": None if row.id % 2_000 == 0 else row.ended_at + DAY,
            }
            for row in driven
        ),
    )


def add_blocks(tx: Connection, draw: random.Random) -> None:
    last = tx.execute(select(func.max(vehicles.c.id))).scalar() or 0
    tx.execute(
        insert(blocks),
        [
            {
                "vehicle_id": 5 + number,
                "kind": draw.choice(("workshop", "damage")),
                "starts_at": NOW - DAY,
                "ends_at": NOW + 2 * DAY,
                "created_at": NOW - 2 * DAY,
            }
            for number in range(0, last - 5, 20)
        ],
    )


def add_many(tx: Connection, table: Table, rows) -> None:
    """Rows in bulk, some thousand at a time, by the driver itself."""
    names = None
    cursor = tx.connection.cursor()
    batch: list[tuple] = []
    statement = ""
    for row in rows:
        if names is None:
            names = list(row)
            marks = ", ".join("?" * len(names))
            statement = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})"
        batch.append(tuple(row.values()))
        if len(batch) == 10_000:
            cursor.executemany(statement, batch)
            batch.clear()
    cursor.executemany(statement, batch)
    tx.execute(text("SELECT 1"))
