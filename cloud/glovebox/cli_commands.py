"""What the commands of `glovebox` do. Writes go through the services, each command in one transaction of
its own; a server that runs meanwhile tells its boxes at once."""

import gc
import getpass
import json
import os
import signal
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, make_url

from glovebox import exporting, tls
from glovebox import seed as seeding
from glovebox.accounts import passwords, roles
from glovebox.accounts import service as accounts
from glovebox.app import create_cloud
from glovebox.audit import service as audit
from glovebox.boxes import service as boxes
from glovebox.cloud import Cloud
from glovebox.config import Config
from glovebox.errors import Invalid, NotFound
from glovebox.fleet import service as fleet
from glovebox.people import importing
from glovebox.people import service as people
from glovebox.reservations import service as reservations
from glovebox.scope import SYSTEM
from glovebox.serving import Server
from glovebox.store import backup, guard, move
from glovebox.store.engine import open_store
from glovebox.words import say


@contextmanager
def _open(config: Config, *, may_make: bool = False) -> Iterator[Cloud]:
    """The deployment. Only what is said to make one does: in a mistyped directory nothing arises."""
    if not may_make and config.url.startswith("sqlite:///") and not _sqlite_path(config).exists():
        raise FileNotFoundError(f"no database at {_sqlite_path(config)}; `glovebox migrate` makes one")
    cloud = create_cloud(config)
    try:
        yield cloud
    finally:
        cloud.close()


@contextmanager
def _writing(config: Config, *, may_make: bool = False) -> Iterator[tuple[Cloud, Connection]]:
    with _open(config, may_make=may_make) as cloud, cloud.store.write() as tx:
        yield cloud, tx


def serve(config: Config, options: Namespace) -> None:
    """Runs until SIGINT or SIGTERM."""
    given = {"host": options.host, "web_port": options.web_port, "box_port": options.box_port}
    given |= {"public_host": options.public_host, "share_ports": options.share_ports}
    server = Server(replace(config, **{name: value for name, value in given.items() if value is not None}))
    stopping = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    server.start()
    # What it holds from the start is never garbage: looking through it stopped pages and links for 130 ms.
    gc.collect()
    gc.freeze()
    print(f"console  http://{server.config.host}:{server.web_port}", flush=True)
    print(f"boxes    https://{server.config.public_host}:{server.box_port}", flush=True)
    stopping.wait()
    server.stop()


def migrate_database(config: Config, _options: Namespace) -> None:
    """Keys, schema, guard."""
    with _open(config, may_make=True) as cloud:
        print(
            f"{cloud.store.url.render_as_string()}: schema and guard are in place; keys in {config.key_path}"
        )


def check(config: Config, _options: Namespace) -> None:
    """The guard, without changing anything."""
    store = open_store(config.url)
    try:
        with store.read() as tx:
            guard.check(tx)
    finally:
        store.close()
    print("the database forbids overlapping reservations, and holds none")


def make_certificates(config: Config, options: Namespace) -> None:
    """The authority once, the server's certificate again where asked for."""
    host, now = options.public_host or config.public_host, int(datetime.now(UTC).timestamp())
    if options.renew_server:
        for name in ("server.pem", "server.key"):
            (config.tls_directory / name).unlink(missing_ok=True)
    tls.ensure_certificates(config.tls_directory, host, now)
    print(f"{config.tls_directory / 'ca.pem'}: the authority that boxes and installers' tools trust")
    print(f"{config.tls_directory / 'server.pem'}: the server's certificate for {host}")


def seed_database(config: Config, options: Namespace) -> None:
    """The fleet to try."""
    with _writing(config, may_make=True) as (cloud, tx):
        seeded = seeding.seed(tx, cloud.now(), cloud.keyring, options.number, config.timezone)
    if options.json:
        print(json.dumps(asdict(seeded), ensure_ascii=False, indent=1))
        return
    print(f"{seeded.vehicles} cars, {seeded.people} people")
    print(f"{seeded.reservations} reservations, {seeded.trips} trips")
    for what, login in (("driver", seeded.driver), ("manager", seeded.manager)):
        print(f"{what:8} {login.identifier}  {login.password}  ({login.name}, badge {login.uid})")


def add_organisation(config: Config, options: Namespace) -> None:
    """A body with its first pool."""
    with _writing(config) as (cloud, tx):
        organisation_id = fleet.add_organisation(tx, cloud.now(), options.name)
        fleet.add_pool(tx, organisation_id, "Pool")
    print(f"organisation {organisation_id}: {options.name}")


def rename_organisation(config: Config, options: Namespace) -> None:
    """Another name for a body."""
    with _writing(config) as (_cloud, tx):
        organisation_id = _organisation(tx, options.organisation)
        fleet.rename_organisation(tx, organisation_id, options.new_name)
    print(f"organisation {organisation_id}: {options.new_name}")


def add_pool(config: Config, options: Namespace) -> None:
    """One more pool of a body."""
    with _writing(config) as (_cloud, tx):
        pool_id = fleet.add_pool(tx, _organisation(tx, options.organisation), options.name)
    print(f"pool {pool_id}: {options.name}")


def add_site(config: Config, options: Namespace) -> None:
    """A site."""
    if not (-90 <= options.lat <= 90 and -180 <= options.lon <= 180 and 10 <= options.radius <= 5000):
        raise Invalid("place_impossible")
    place = (round(options.lat * 1e7), round(options.lon * 1e7), options.radius)
    with _writing(config) as (_cloud, tx):
        site_id = fleet.add_site(tx, _organisation(tx, options.organisation), options.name, *place)
    print(f"site {site_id}: {options.name}")


def add_vehicle(config: Config, options: Namespace) -> None:
    """A car in a pool of the body, the first by name unless told."""
    with _writing(config) as (cloud, tx):
        organisation_id = _organisation(tx, options.organisation)
        pool_id = _pool(tx, cloud.now(), options.organisation, options.pool)
        sites = [site for site in fleet.list_sites(tx) if site.name == options.site]
        if not sites:
            raise NotFound("no_such_site", name=options.site)
        vehicle_id = fleet.add_vehicle(
            tx,
            organisation_id=organisation_id,
            pool_id=pool_id,
            site_id=sites[0].id,
            registration=options.registration,
            make=options.make,
            model=options.model,
            energy=options.energy,
            seats=options.seats,
            tank_ml=options.tank_ml,
            battery_wh=options.battery_wh,
            consumption_wh_per_km=options.wh_per_km,
            charge_w=options.charge_w,
            interlock_kind=options.interlock,
            key_holder_fitted=int(options.key_holder),
        )
    print(f"vehicle {vehicle_id}: {options.registration}")


def list_vehicles(config: Config, _options: Namespace) -> None:
    """Cars and what their boxes said last."""
    with _open(config) as cloud, cloud.store.read() as tx:
        live = boxes.list_live(tx)
        for vehicle in fleet.list_vehicles(tx, SYSTEM, cloud.now(), with_retired=True):
            box = live.get(vehicle.id)
            news = "no box" if box is None else (box.state or "state unknown")
            heard = f", heard {_utc(box.heard_at)}" if box is not None and box.heard_at else ""
            name = f"{vehicle.make} {vehicle.model}"
            print(f"{vehicle.registration:10} {name:20} {vehicle.site_name:28} {news}{heard}")


def list_boxes(config: Config, _options: Namespace) -> None:
    """Boxes."""
    with _open(config) as cloud, cloud.store.read() as tx:
        for box in boxes.list_boxes(tx, SYSTEM):
            heard = _utc(box.heard_at) if box.heard_at else "never heard"
            car = box.registration or "in no car"
            print(f"{box.box_id}  {car:10}  keys {box.key_id}  {box.firmware or '-':12}  {heard}")


def make_claim_token(config: Config, options: Namespace) -> None:
    """A claim token, alone on standard output."""
    with _writing(config) as (cloud, tx):
        vehicle = fleet.find_vehicle(tx, SYSTEM, options.registration)
        token = boxes.add_claim_token(tx, cloud.now(), SYSTEM, cloud.keyring, cloud.entropy, vehicle.id)
    print(token)


def add_person(config: Config, options: Namespace) -> None:
    """A person, with a badge where one is given."""
    with _writing(config) as (cloud, tx):
        person_id = people.add_person(
            tx,
            cloud.now(),
            organisation_id=_organisation(tx, options.organisation),
            staff_number=options.staff_number,
            given_name=options.given_name,
            family_name=options.family_name,
            email=options.email,
            phone=options.phone,
            department=options.department,
        )
        if options.badge:
            uid = people.parse_uid(options.badge)
            people.add_badge(tx, cloud.now(), cloud.keyring, cloud.entropy, person_id, uid)
    print(f"person {person_id}: {options.given_name} {options.family_name}")


def add_badge(config: Config, options: Namespace) -> None:
    """One more badge for somebody."""
    with _writing(config) as (cloud, tx):
        organisation_id = _organisation(tx, options.organisation)
        person = people.find_person(tx, SYSTEM, organisation_id, options.staff_number)
        uid = people.parse_uid(options.uid)
        badge_id = people.add_badge(tx, cloud.now(), cloud.keyring, cloud.entropy, person.id, uid)
    print(f"badge {badge_id}: {person.name}")


def add_reservation(config: Config, options: Namespace) -> None:
    """A reservation of one car, as a manager would make it."""
    zone = ZoneInfo(config.timezone)
    start, end = (
        int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp())
        for text in (options.start, options.end)
    )
    with _writing(config) as (cloud, tx):
        organisation_id = _organisation(tx, options.organisation)
        person = people.find_person(tx, SYSTEM, organisation_id, options.staff_number)
        vehicle = fleet.find_vehicle(tx, SYSTEM, options.registration)
        number = reservations.book(tx, cloud.now(), SYSTEM, vehicle.id, person.id, start, end)
    print(f"reservation {number}: {vehicle.registration} for {person.name}")


def import_people(config: Config, options: Namespace) -> int:
    """Shows each line; stores those without problems if told to. Status 1 if any line has a problem."""
    raw = options.file.read_bytes()
    with _writing(config) as (cloud, tx):
        organisation_id = _organisation(tx, options.organisation)
        reader = importing.Reader(cloud.now(), SYSTEM, cloud.keyring, ZoneInfo(config.timezone))
        lines = importing.preview(tx, reader, organisation_id, raw)
        for line in lines:
            name = f"{line.values['staff_number']} {line.values['given_name']} {line.values['family_name']}"
            problems = "; ".join(say("en", f"error.{code}", **values) for code, values in line.problems)
            print(f"line {line.number}: {name}: {problems or 'good'}")
        bad = sum(1 for line in lines if line.problems)
        print(f"{len(lines) - bad} good, {bad} with problems")
        if options.store:
            stored = importing.store(tx, reader, cloud.entropy, organisation_id, lines)
            print(f"stored: {stored.added} people, {stored.badged} badges, {stored.changed} renewed")
        else:
            print("nothing is stored yet; --store stores the good lines")
    return 1 if bad else 0


def set_login(config: Config, options: Namespace) -> None:
    """A password and roles."""
    password = getpass.getpass("password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    password_hash = passwords.hash_password(password)
    with _writing(config) as (cloud, tx):
        organisation_id = _organisation(tx, options.organisation)
        person = people.find_person(tx, SYSTEM, organisation_id, options.staff_number)
        accounts.set_password(tx, cloud.now(), person.id, password_hash)
        accounts.end_other_sessions(tx, person.id, None)
        if options.pool is None:
            holder = {"organisation_id": organisation_id}
        else:
            holder = {"pool_id": _pool(tx, cloud.now(), options.organisation, options.pool)}
        for role in options.role:
            roles.grant_role(tx, person.id, role, **holder)
    print(f"{person.name} may log in as {person.staff_number}")


def end_login(config: Config, options: Namespace) -> None:
    """All sessions of one person."""
    with _writing(config) as (cloud, tx):
        organisation_id = _organisation(tx, options.organisation)
        person = people.find_person(tx, SYSTEM, organisation_id, options.staff_number)
        count = accounts.end_other_sessions(tx, person.id, None)
        actor = os.environ.get("USER", "command line")
        number = person.staff_number
        audit.note(tx, cloud.now(), SYSTEM, "sessions ended", actor=actor, filter_text=number, people_count=1)
    print(f"{person.name}: {count} sessions ended")


def end_all_logins(config: Config, _options: Namespace) -> None:
    """All sessions of everybody."""
    with _writing(config) as (cloud, tx):
        count = accounts.end_all_sessions(tx)
        actor = os.environ.get("USER", "command line")
        audit.note(tx, cloud.now(), SYSTEM, "all sessions ended", actor=actor, people_count=count)
    print(f"{count} sessions ended")


def export_rows(config: Config, options: Namespace) -> None:
    """Rows to a file."""
    since, until = _day(options.since), _day(options.until)
    with _writing(config) as (cloud, tx):
        now = cloud.now()
        span = (since, until, ZoneInfo(config.timezone))
        rows = list(exporting.rows_of(tx, SYSTEM, now, options.what, *span, with_people=options.with_people))
        if options.with_people or options.what == "people":
            actor = os.environ.get("USER", "command line")
            audit.note(tx, now, SYSTEM, f"export.{options.what}", actor=actor, people_count=len(rows))
    count = exporting.write_rows(rows, options.what, options.file)
    print(f"{count} rows in {options.file}")


def back_up(config: Config, options: Namespace) -> None:
    """A copy of the SQLite database."""
    size = backup.back_up(_sqlite_path(config), options.file)
    print(
        f"{options.file}: {size} bytes. The keys are not in it: keep a copy of {config.key_path} elsewhere."
    )


def restore_backup(config: Config, options: Namespace) -> None:
    """A backup in the database's place, or what remains to be done once pg_restore has put one there."""
    if config.url.startswith("sqlite:///"):
        if options.file is None:
            raise Invalid("backup_missing")
        epoch = backup.restore(options.file, _sqlite_path(config), os.urandom)
    elif options.file is None:
        epoch = backup.renew(config.url, os.urandom)
    else:
        raise Invalid("sqlite_only")
    print(f"restored; the store's number is now {epoch}: boxes will send again what they hold")


def move_database(config: Config, options: Namespace) -> None:
    """All of the SQLite database to PostgreSQL."""
    path = _sqlite_path(config)
    if not path.exists():
        raise move.MoveError(f"{path} does not exist")
    moved = move.move(config.url, options.url, print)
    print(f"moved: {sum(moved.values())} rows in {len(moved)} tables")
    url = make_url(options.url).render_as_string()  # without its password
    print(f"next: set GLOVEBOX_DATABASE_URL={url} and start `glovebox serve`")
    print(f"      {path} is as it was; move it away once the server has run")


def _sqlite_path(config: Config) -> Path:
    if not config.url.startswith("sqlite:///"):
        raise Invalid("sqlite_only")
    return Path(config.url.removeprefix("sqlite:///"))


def _organisation(tx: Connection, name: str | None) -> int:
    found = fleet.list_organisations(tx)
    for organisation in found:
        if organisation.name == name or (name is None and len(found) == 1):
            return organisation.id
    raise NotFound("no_such_organisation", name=name or "?")


def _pool(tx: Connection, now: int, organisation: str, name: str | None) -> int:
    """A pool of that body; the first by name where none is named."""
    organisation_id = _organisation(tx, organisation)
    for pool in fleet.list_pools(tx, SYSTEM, now):
        if pool.organisation_id == organisation_id and name in (None, pool.name):
            return pool.id
    raise NotFound("no_such_pool", organisation=organisation, name=name or "")


def _day(text: str) -> int:
    try:
        return int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp())
    except ValueError as error:
        raise Invalid("no_such_date", text=text) from error


def _utc(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
