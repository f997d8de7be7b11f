"""The command line `glovebox`. Each command says in its help what it does, and with an example how."""

import argparse
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from glovebox import cli_commands as commands
from glovebox import exporting
from glovebox.config import Config
from glovebox.errors import GloveboxError
from glovebox.fleet.schemas import Energy
from glovebox.keys import KeyringError
from glovebox.link.codes import INTERLOCK_KIND
from glovebox.scope import ROLES
from glovebox.store.backup import BackupError
from glovebox.store.guard import GuardMissing
from glovebox.store.move import MoveError
from glovebox.words import say

EPILOG = """\
first steps:
  glovebox migrate                                 make keys and an empty database in ./glovebox-data
  glovebox organisation add "Ville de X"           a body, with a pool for its cars
  glovebox site add "Ville de X" "Mairie" 47.2735 -2.2137 --radius 150
  glovebox vehicle add "Ville de X" "Mairie" AB-123-CD Renault Clio petrol
  glovebox person add "Ville de X" 1042 Anne Morin --badge 04A1B2C3D4E5F6
  glovebox person import people.csv --store        many at once, from a spreadsheet
  glovebox login set "Ville de X" 1042 --role manager
  glovebox serve                                   console on http://127.0.0.1:8000, boxes on port 8443
or, to try it: glovebox seed && glovebox serve

Everything lies in one directory (--directory or GLOVEBOX_DIRECTORY). keys.json in it is the secret from
which all box keys and badge numbers are readable: keep a copy of it apart from the backups.
"""


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="glovebox",
        description="Glovebox cloud: reservations, trips, boxes, console.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--directory", type=Path, help="keys, certificates, database (default ./glovebox-data)"
    )
    parser.add_argument(
        "--database", help="postgresql+psycopg://user@host/name instead of SQLite in the directory"
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="command")
    _add_running(subparsers)
    _add_fleet(subparsers)
    _add_vehicles(subparsers)
    _add_boxes(subparsers)
    _add_people(subparsers)
    _add_reservations(subparsers)
    _add_logins(subparsers)
    _add_data(subparsers)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; 0 done, 1 refused (said on standard error), 2 wrong usage."""
    given = sys.argv[1:] if arguments is None else arguments
    if "site" in given:  # 47,2735 is how half of Europe writes it, and -2,2137 looks like an option
        given = [text.replace(",", ".") if DEGREES.fullmatch(text) else text for text in given]
    options = build_parser().parse_args(given)
    config = Config.from_environment()
    if options.directory is not None:
        config = replace(config, directory=options.directory)
    if options.database is not None:
        config = replace(config, database_url=options.database)
    try:
        return int(options.run(config, options) or 0)
    except GloveboxError as error:
        print(f"glovebox: {say('en', f'error.{error.code}', **error.values)}", file=sys.stderr)
    except (
        BackupError, GuardMissing, KeyringError, MoveError, OSError, SQLAlchemyError, ValueError
    ) as error:  # fmt: skip
        print(f"glovebox: {error}", file=sys.stderr)
    return 1


DEGREES = re.compile(r"-?\d{1,3},\d+")
MEANINGS = {
    "organisation": "the body's name",
    "site": "the site's name",
    "name": "what it is called on pages",
    "registration": "the plate, as on the car",
    "make": "as on the car",
    "model": "as on the car",
    "staff_number": "the number that identifies the person in the body",
    "given_name": "given name",
    "family_name": "family name",
    "uid": "the badge's number in hexadecimal",
    "start": "day and time, as 2030-03-12T08:00",
    "end": "day and time, as 2030-03-12T10:00",
    "lat": "degrees north",
    "lon": "degrees east",
}
"""What the words of a command mean."""

if TYPE_CHECKING:
    _Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def _command(subparsers: "_Subparsers", name: str, text: str) -> argparse.ArgumentParser:
    return subparsers.add_parser(
        name,
        help=text.partition("\n")[0],
        description=text,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _takes(parser: argparse.ArgumentParser, *names: str) -> None:
    for name in names:
        number = float if name in ("lat", "lon") else None
        parser.add_argument(name, help=MEANINGS[name], type=number)  # type: ignore[arg-type]


def _group(subparsers: "_Subparsers", name: str, text: str) -> "_Subparsers":
    group = _command(subparsers, name, text)
    return group.add_subparsers(dest="subcommand", required=True, metavar="subcommand")


def _add_running(subparsers: "_Subparsers") -> None:
    serve = _command(
        subparsers, "serve", "run the cloud until Ctrl-C\n\nMigrates first, checks the guard, then serves."
    )
    serve.add_argument("--host", help="address to listen on (default 127.0.0.1; 0.0.0.0 for all)")
    serve.add_argument(
        "--web-port", type=int, help="plain HTTP: console, API, the boxes' time (default 8000)"
    )
    serve.add_argument("--box-port", type=int, help="TLS: boxes (default 8443)")
    serve.add_argument("--public-host", help="the name boxes connect to (default localhost)")
    serve.add_argument(
        "--share-ports",
        action="store_true",
        default=None,
        help="let other serve processes of this machine listen on the same ports (PostgreSQL)",
    )
    serve.set_defaults(run=commands.serve)
    _command(subparsers, "migrate", "make or update keys and database, check the guard").set_defaults(
        run=commands.migrate_database
    )
    _command(
        subparsers,
        "check",
        "check that the database forbids overlapping reservations\n\nExit status 1 if it does not.",
    ).set_defaults(run=commands.check)
    ca = _command(
        subparsers,
        "ca",
        "make the certificate authority and the server's certificate\n\n"
        "Boxes trust ca.pem and nothing else. --renew-server makes a new server certificate.",
    )
    ca.add_argument("--renew-server", action="store_true", help="replace the server certificate")
    ca.add_argument("--public-host", help="the name boxes connect to")
    ca.set_defaults(run=commands.make_certificates)
    seed = _command(subparsers, "seed", "fill an empty database with a fleet to try")
    seed.add_argument("--number", type=int, default=1, help="another number, another fleet (default 1)")
    seed.add_argument("--json", action="store_true", help="print the logins and cars as JSON")
    seed.set_defaults(run=commands.seed_database)


def _add_fleet(subparsers: "_Subparsers") -> None:
    bodies = _group(subparsers, "organisation", "bodies")
    rename = _command(
        bodies,
        "rename",
        'give a body another name\n\n  glovebox organisation rename "Ville de X" "Ville de Y"',
    )
    _takes(rename, "organisation")
    rename.add_argument("new_name", help="what it is called from now on")
    rename.set_defaults(run=commands.rename_organisation)
    add = _command(
        bodies,
        "add",
        'add a body and a pool for its cars\n\n  glovebox organisation add "Ville de X"',
    )
    _takes(add, "name")
    add.set_defaults(run=commands.add_organisation)
    add = _command(
        _group(subparsers, "pool", "cars of a body that are shared together"),
        "add",
        "add a pool to a body, beside its first one (called Pool)\n\n"
        '  glovebox pool add "Ville de X" "Night shift"',
    )
    _takes(add, "organisation", "name")
    add.set_defaults(run=commands.add_pool)
    add = _command(
        _group(subparsers, "site", "places where cars stand"),
        "add",
        'add a site\n\n  glovebox site add "Ville de X" "Mairie" 47.2735 -2.2137 --radius 150',
    )
    _takes(add, "organisation", "name", "lat", "lon")
    add.add_argument("--radius", type=int, default=150, help="metres (default 150)")
    add.set_defaults(run=commands.add_site)


def _add_vehicles(subparsers: "_Subparsers") -> None:
    vehicles = _group(subparsers, "vehicle", "cars")
    _command(
        vehicles, "list", "list cars with their boxes' last news\n\n  glovebox vehicle list"
    ).set_defaults(run=commands.list_vehicles)
    add = _command(
        vehicles,
        "add",
        "add a car\n\n"
        '  glovebox vehicle add "Ville de X" "Mairie" AB-123-CD Renault Clio petrol --tank-ml 42000',
    )
    _takes(add, "organisation", "site", "registration", "make", "model")
    add.add_argument(
        "energy",
        choices=Energy.__args__,  # type: ignore[attr-defined]
        help="what it runs on",
    )
    add.add_argument("--pool", help="the body's pool it belongs to (default: the first by name)")
    add.add_argument("--seats", type=int, default=5, help="the driver's too (default 5)")
    add.add_argument("--tank-ml", type=int, default=0, help="millilitres (default 0: not known)")
    add.add_argument("--battery-wh", type=int, help="electric: usable watt-hours (default: not known)")
    add.add_argument("--wh-per-km", type=int, help="electric: watt-hours a kilometre (default: not known)")
    add.add_argument("--charge-w", type=int, help="electric: watts of its bay's plug (default: not known)")
    add.add_argument(
        "--interlock",
        choices=tuple(INTERLOCK_KIND),
        default="none",
        help="what prevents the next start; none: the box opens the doors only (default)",
    )
    add.add_argument("--key-holder", action="store_true", help="a key holder is fitted in the glovebox")
    add.set_defaults(run=commands.add_vehicle)


def _add_boxes(subparsers: "_Subparsers") -> None:
    boxes = _group(subparsers, "box", "boxes in cars")
    _command(
        boxes, "list", "list boxes, their cars and when they were heard\n\n  glovebox box list"
    ).set_defaults(run=commands.list_boxes)
    token = _command(
        boxes,
        "claim-token",
        "make a token, valid 15 minutes and once, to claim a box for a car\n\n"
        "  glovebox box claim-token AB-123-CD",
    )
    _takes(token, "registration")
    token.set_defaults(run=commands.make_claim_token)


def _add_people(subparsers: "_Subparsers") -> None:
    group = _group(subparsers, "person", "people who drive")
    add = _command(
        group,
        "add",
        'add a person\n\n  glovebox person add "Ville de X" 1042 Anne Morin --badge 04A1B2C3D4E5F6',
    )
    _takes(add, "organisation", "staff_number", "given_name", "family_name")
    add.add_argument("--email", help="serves to log in, beside the staff number")
    add.add_argument("--phone", default="", help="with its country: +33612345678")
    add.add_argument("--department", default="", help="who bears the costs")
    add.add_argument("--badge", metavar="UID", help="the badge's number in hexadecimal")
    add.set_defaults(run=commands.add_person)
    bring = _command(
        group,
        "import",
        "read people and badges from a CSV file: shows, then stores with --store\n\n"
        "Columns: staff_number, given_name, family_name; email, phone, department, language,\n"
        "licence_categories, licence_until (YYYY-MM-DD or DD/MM/YYYY, the last day it is valid), badge_uid.\n"
        "`glovebox export people` writes them too.\n\n"
        "  glovebox person import people.csv --store",
    )
    bring.add_argument("file", type=Path, help="comma or semicolon, UTF-8")
    bring.add_argument("--organisation", help="the body they belong to (needed where there are several)")
    bring.add_argument("--store", action="store_true", help="store the lines that have no problem")
    bring.set_defaults(run=commands.import_people)
    add = _command(
        _group(subparsers, "badge", "badges"),
        "add",
        'give a person a badge\n\n  glovebox badge add "Ville de X" 1042 04A1B2C3D4E5F6',
    )
    _takes(add, "organisation", "staff_number", "uid")
    add.set_defaults(run=commands.add_badge)


def _add_reservations(subparsers: "_Subparsers") -> None:
    book = _command(
        _group(subparsers, "reservation", "reservations"),
        "add",
        "book a car for somebody, in the deployment's local time; the car hears of it at once\n\n"
        '  glovebox reservation add "Ville de X" 1042 AB-123-CD 2030-03-12T08:00 2030-03-12T10:00',
    )
    _takes(book, "organisation", "staff_number", "registration", "start", "end")
    book.set_defaults(run=commands.add_reservation)


def _add_logins(subparsers: "_Subparsers") -> None:
    logins = _group(subparsers, "login", "logins")
    give = _command(
        logins,
        "set",
        "give a person a password (asked for, or read from standard input) and roles\n\n"
        '  glovebox login set "Ville de X" 1042 --role manager',
    )
    _takes(give, "organisation", "staff_number")
    give.add_argument(
        "--role", action="append", default=[], choices=ROLES, help="on the organisation; may repeat"
    )
    give.add_argument("--pool", help="the roles on this pool of the organisation only")
    give.set_defaults(run=commands.set_login)
    end = _command(
        logins,
        "end",
        'log a person out everywhere\n\n  glovebox login end "Ville de X" 1042',
    )
    _takes(end, "organisation", "staff_number")
    end.set_defaults(run=commands.end_login)
    _command(
        logins,
        "end-all",
        "log everybody out: each logs in again\n\n  glovebox login end-all",
    ).set_defaults(run=commands.end_all_logins)


def _add_data(subparsers: "_Subparsers") -> None:
    export = _command(
        subparsers,
        "export",
        "write vehicles, people, reservations or trips to a file\n\n"
        "A name in .csv makes a spreadsheet's file, any other an SQLite file for analysis.\n"
        "People are named only with --with-people, and that is noted in the audit trail.\n\n"
        "  glovebox export trips trips-2026.csv --since 2026-01-01",
    )
    export.add_argument("what", choices=exporting.WHAT, help="which rows")
    export.add_argument("file", type=Path, help="what to write; overwrites nothing")
    export.add_argument("--since", default="1970-01-01", metavar="YYYY-MM-DD", help="UTC")
    export.add_argument("--until", default="2100-01-01", metavar="YYYY-MM-DD", help="UTC")
    export.add_argument("--with-people", action="store_true", help="name people")
    export.set_defaults(run=commands.export_rows)
    backup = _command(
        subparsers,
        "backup",
        "copy the SQLite database while it serves, and check the copy\n\nPostgreSQL: pg_dump.\n\n"
        "  glovebox backup /srv/backup/glovebox-monday.sqlite",
    )
    backup.add_argument("file", type=Path, help="what to write; overwrites nothing")
    backup.set_defaults(run=commands.back_up)
    restore = _command(
        subparsers,
        "restore",
        "put a backup in place (server stopped, old database moved away)\n\n"
        "The store gets a new number: boxes then send again what they hold and take a full set.\n"
        "PostgreSQL: pg_restore first, then this without a file.",
    )
    restore.add_argument("file", type=Path, nargs="?", help="what `glovebox backup` wrote")
    restore.set_defaults(run=commands.restore_backup)
    move = _command(
        subparsers,
        "move",
        "move everything from SQLite to PostgreSQL (server stopped)\n\n"
        "The new database must exist and be empty. All tables are copied in one transaction and compared,\n"
        "value by value, before it commits; whatever goes wrong, both databases are as before. The SQLite\n"
        "file is only read. Boxes, sessions and logins go on as they were; keys.json stays where it is.\n\n"
        "  createdb glovebox\n"
        "  glovebox move postgresql://glovebox@db.example.org/glovebox",
    )
    move.add_argument("url", help="the new database, as later in GLOVEBOX_DATABASE_URL")
    move.set_defaults(run=commands.move_database)


if __name__ == "__main__":
    sys.exit(main())
