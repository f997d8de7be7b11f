"""The command line `glovebox-sim`. `glovebox-sim --help` teaches it."""

from __future__ import annotations

import argparse
import csv
import json
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from . import faults, recorder, route, speed_trace
from .cli_fleet import FleetError, from_bundles, read_bench, read_json
from .flash_image.report import KeysError, print_lines, read_image
from .world_actions import ACTIONS

_ABOUT = """\
The Glovebox hardware simulator: the unmodified firmware on chips modelled by their registers, in a modelled
car. `make demo` in the checkout starts it with a cloud and cars that are ready to be booked.
"""
_FIRST_STEPS = """\
first steps:
  glovebox-sim run --example > errand.toml    a story to begin with
  glovebox-sim run errand.toml --record r.db  played in virtual time; status 1 if it went otherwise
  glovebox-sim query r.db                     what was recorded
  glovebox-sim bench --provision claim.json   one car from a claim's bundle, by hand, in real time
  glovebox-sim COMMAND --help                 what a command takes, with examples
"""
_BENCH = """\
Cars in real time and a page to drive them by hand. The page answers this machine only. Any CAN tool can join
a car's bus by the socketcand address that is printed. Ctrl-C ends it; the boxes keep their flash.

  glovebox-sim bench --provision claim.json
      A car as its claim describes it. A claim's bundle is what the cloud answers to
      POST /box/v1/claim {"token": ..., "hardware_id": ...}; `glovebox box claim-token PLATE` makes the token.
  glovebox-sim bench --file bench.json
      bench.json: {"cars": [{"name": "AB-123-CD", "directory": "boxes/AB-123-CD", "bundle": "claim.json"}],
                   "cards": [{"uid": "04A1B2C3D4E5F6", "name": "Claire"}],
                   "places": [{"name": "Gare", "lat": 47.2867, "lon": -2.2109}]}
      A car may also have: cloud, time_port, fuel (petrol, electric), interlock_kind, key_holder_fitted,
      tank_ml, at, odometer_km, fuel_percent, frames_per_s, firmware. Without a bundle its box is nobody's.
"""
_RUN = """\
Play a story in virtual time and judge it. Status 0: all as expected; 1: not; 2: it cannot be played. The
same seed, commit and scenario give the same recording, byte for byte.

  glovebox-sim run --example > errand.toml
  glovebox-sim run errand.toml --record r.db
"""
_QUERY = """\
Ask a recording in SQL, read-only.

  glovebox-sim query r.db                                   its tables
  glovebox-sim query r.db "select at, name, data from relay"
  glovebox-sim query r.db "select * from cars where contact = 'allow'" --format csv > allowed.csv
"""
_FAULTS = """\
What can be broken, and what a sound box makes of it. In a scenario: do = "inject", with = { fault = "..." },
and "undo" to mend it.
"""
_ACTIONS = """\
What a tester can do to a car: the `do` of a scenario's step, with its arguments; a ? marks what may be left
out.
"""
_ROADS = 'Routes and speed traces, for the action `drive`: with = { trace = "town", route = "town_loop" }.'
_FLASH = """\
Read a box's flash, damaged or not: partitions, who it is, its session, who may use the car, its journal with
the chain verified, and what is amiss. Keys and passwords are not shown. The bytes: firmware/FLASH.md. From a
board: esptool read_flash 0 0x1000000 image.bin

  glovebox-sim flash boxes/AB-123-CD                      a simulated box
  glovebox-sim flash image.bin --keys claim.json          the chain verified by the keys of the claim
  glovebox-sim flash image.bin --json > image.json
"""


def _add(commands: Any, name: str, short: str, text: str, do: Callable[..., int]) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=short, description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.set_defaults(do=do)
    return parser


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="glovebox-sim",
        description=_ABOUT,
        epilog=_FIRST_STEPS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--debug", action="store_true", help="show where an error comes from")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    bench = _add(commands, "bench", "cars in real time, driven by hand on a page", _BENCH, _bench)
    cars = bench.add_mutually_exclusive_group()
    cars.add_argument("--file", type=Path, help="bench file: cars, cards, places (JSON)")
    cars.add_argument(
        "--provision",
        type=Path,
        action="append",
        default=[],
        metavar="BUNDLE",
        help="a claim's bundle; may repeat",
    )
    bench.add_argument("--cards", type=Path, help="list of {uid, name, note} (JSON)")
    bench.add_argument(
        "--directory",
        type=Path,
        default=Path("boxes"),
        help="where --provision keeps its boxes (default: boxes)",
    )
    bench.add_argument("--port", type=int, default=0, help="the page's port (default: a free one)")
    _common(bench)

    run = _add(commands, "run", "play a story in virtual time and judge it", _RUN, _run)
    run.add_argument("scenario", type=Path, help="a TOML file; --example prints one", nargs="?")
    run.add_argument("--example", action="store_true", help="print a scenario to begin with")
    _common(run)

    query = _add(commands, "query", "ask a recording in SQL", _QUERY, _query)
    query.add_argument("recording", type=Path, help="a file that --record wrote")
    query.add_argument("sql", nargs="?", help="without it: the tables and how many rows they have")
    query.add_argument(
        "--format", choices=("table", "json", "csv"), default="table", help="of the answer (default: table)"
    )

    listing = _add(commands, "faults", "what can be broken", _FAULTS, _faults)
    listing.add_argument("--fr", action="store_true", help="en français")
    _add(commands, "actions", "what a tester can do: steps of scenarios", _ACTIONS, _actions)
    roads = _add(commands, "roads", "routes and speed traces", _ROADS, _roads)
    roads.add_argument("--traces", type=_folder, help="folder of published driving cycles (WLTC, UDDS)")
    flash = _add(commands, "flash", "what lies on a box's flash", _FLASH, _flash)
    flash.add_argument("image", type=Path, help="flash.bin, or a box's directory")
    flash.add_argument("--keys", type=Path, metavar="BUNDLE", help="the claim's bundle of that box")
    form = flash.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="everything, as one JSON object")
    form.add_argument("--all", action="store_true", help="all records, not only the last of each ring")
    return parser


def _folder(text: str) -> Path:
    path = Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {text}")
    return path


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=int, default=None, help="of all chance in the run (default 1)")
    parser.add_argument("--traces", type=_folder, help="folder of published driving cycles (WLTC, UDDS)")
    parser.add_argument("--record", type=Path, metavar="FILE", help="record into a SQLite file")


def _bench(arguments: argparse.Namespace) -> int:
    from .bench.session import BenchSession

    if arguments.file:
        wanted = read_bench(arguments.file)
        beside = arguments.file.resolve().parent
    elif arguments.provision:
        wanted = from_bundles(arguments.provision, arguments.directory)
        beside = Path.cwd()
    else:
        raise FleetError(
            "the bench needs cars: --file BENCH or --provision BUNDLE; "
            "`glovebox-sim bench --help` shows both, `make demo` has them ready"
        )
    if arguments.cards:
        wanted["cards"] = read_json(arguments.cards)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    session = BenchSession(
        wanted, beside=beside, port=arguments.port, seed=arguments.seed or 1,
        traces=arguments.traces, record=arguments.record,
    )  # fmt: skip
    with session:
        print(f"bench: {session.address}", flush=True)
        for name, port in session.can_ports.items():
            print(f"CAN bus of {name}: socketcand at 127.0.0.1:{port}, channel can0", flush=True)
        print("Ctrl-C ends it.", flush=True)
        ended.wait()
    return 0


def _run(arguments: argparse.Namespace) -> int:
    from . import cli_scenario
    from .simulation import DEFAULT_START_AT, Simulation

    if arguments.example:
        print(cli_scenario.EXAMPLE, end="")
        return 0
    if arguments.scenario is None or not arguments.scenario.exists():
        named = "which scenario?" if arguments.scenario is None else f"no file {arguments.scenario}:"
        raise FleetError(f"{named} `glovebox-sim run --example > errand.toml` writes one to begin with")
    scenario = cli_scenario.load(arguments.scenario)
    seed = arguments.seed if arguments.seed is not None else int(scenario.get("seed", 1))
    player = cli_scenario.Player(scenario, print)
    start_at = int(scenario.get("start_at", DEFAULT_START_AT))
    with Simulation(seed=seed, start_at=start_at) as sim:
        begun = sim.now
        player.play(sim, arguments.scenario.resolve().parent, arguments.traces, arguments.record)
        print(f"{sim.now - begun:.0f} s of simulation, seed {seed}")
    for failure in player.failures:
        print(f"NOT AS EXPECTED {failure}", file=sys.stderr)
    return 1 if player.failures else 0


def _query(arguments: argparse.Namespace) -> int:
    if arguments.sql is None:
        sql = "select name from sqlite_master where type in ('table', 'view') order by type, name"
        names = [row["name"] for row in recorder.query(arguments.recording, sql)]
        counts = [
            f"select '{name}' as name, count(*) as rows from {name}" for name in names if name[0] != "s"
        ]
        sql = " union all ".join(counts)
    else:
        sql = arguments.sql
    _print_rows(list(recorder.query(arguments.recording, sql)), arguments.format)
    return 0


def _print_rows(rows: list[dict[str, Any]], form: str) -> None:
    if form == "json":
        print(json.dumps(rows, indent=1))
    elif form == "csv" and rows:
        writer = csv.DictWriter(sys.stdout, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    elif form == "table":
        cells = [[str("" if value is None else value) for value in row.values()] for row in rows]
        table = [list(rows[0]), *cells] if rows else []
        widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))] if table else []
        for line in table:
            print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
        print(f"{len(rows)} rows")


def _faults(arguments: argparse.Namespace) -> int:
    language = "fr" if arguments.fr else "en"
    for fault in faults.FAULTS.values():
        print(f"{fault.slug:22} {fault.words[language]}")
        print(f"{'':22} -> {fault.expect[language]}")
    return 0


def _actions(_arguments: argparse.Namespace) -> int:
    for action in ACTIONS.values():
        takes = f" ({', '.join(action.arguments)})" if action.arguments else ""
        print(f"{action.slug:16} {action.words['en']}{takes}")
    return 0


def _roads(arguments: argparse.Namespace) -> int:
    for name in route.names():
        found = route.find(name)
        print(f"route {name:16} {found.length_m / 1000:6.1f} km  {found.name}")
    paths = sorted(arguments.traces.glob("*.*")) if arguments.traces else []
    for name in [*speed_trace.BUILT_IN, *(p.stem for p in paths if p.suffix in (".txt", ".csv"))]:
        trace = speed_trace.find(name, arguments.traces)
        print(f"trace {name:16} {trace.total_m / 1000:6.1f} km  {trace.duration_s / 60:5.1f} min")
    return 0


def _flash(arguments: argparse.Namespace) -> int:
    from .board import load_partitions

    image = arguments.image / "flash.bin" if arguments.image.is_dir() else arguments.image
    try:
        data = image.read_bytes()
    except OSError as problem:
        raise FleetError(f"{image}: {problem.strerror}") from problem
    keys = read_json(arguments.keys) if arguments.keys else None
    report = read_image(data, load_partitions(), keys)
    if arguments.json:
        print(json.dumps(report, indent=1))
    else:
        for line in print_lines(report, arguments.all):
            print(line)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. Errors of use are told in a line, with exit status 2."""
    arguments = _parser().parse_args(argv)
    try:
        status: int = arguments.do(arguments)
    except (
        FleetError,
        recorder.QueryError,
        speed_trace.TraceError,
        route.RouteError,
        faults.UnknownFault,
        KeysError,
    ) as problem:
        if arguments.debug:
            raise
        print(f"glovebox-sim: {problem}", file=sys.stderr)
        return 2
    return status


if __name__ == "__main__":
    sys.exit(main())
