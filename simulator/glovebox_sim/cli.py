"""The command line `glovebox-sim`. `glovebox-sim --help` teaches it."""

from __future__ import annotations

import argparse
import csv
import json
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import faults, recorder, route, speed_trace
from .cli_fleet import FleetError, from_bundles, read_bench, read_json
from .world_actions import ACTIONS

_ABOUT = """\
The Glovebox hardware simulator: the unmodified firmware on chips modelled by their registers, in a modelled
car.

first steps:
  glovebox-sim bench --file bench.json      cars in real time and a page to drive them by hand
  glovebox-sim bench --provision claim.json one car from a claim's bundle
  glovebox-sim run errand.toml              a written story in virtual time; exit status 1 if it went
  otherwise glovebox-sim run errand.toml --record r.db
  glovebox-sim query r.db "select at, name, data from relay"
  glovebox-sim faults                       what can be broken, and what a sound box makes of it
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="glovebox-sim", description=_ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--debug", action="store_true", help="show where an error comes from")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    bench = commands.add_parser("bench", help="cars in real time, driven by hand on a page")
    bench.add_argument("--file", type=Path, help="bench file: cars, cards, places (JSON)")
    bench.add_argument(
        "--provision",
        type=Path,
        action="append",
        default=[],
        metavar="BUNDLE",
        help="a claim's bundle; may repeat",
    )
    bench.add_argument("--cards", type=Path, help="list of {uid, name, note} (JSON)")
    bench.add_argument(
        "--directory", type=Path, default=Path("boxes"), help="where --provision keeps its boxes"
    )
    bench.add_argument("--port", type=int, default=0, help="the page's port (default: a free one)")
    _common(bench)
    bench.set_defaults(do=_bench)

    run = commands.add_parser("run", help="play a scenario in virtual time")
    run.add_argument("scenario", type=Path, help="a TOML file; see `glovebox-sim run --example`", nargs="?")
    run.add_argument("--example", action="store_true", help="print a scenario to begin with")
    _common(run)
    run.set_defaults(do=_run)

    query = commands.add_parser("query", help="ask a recording in SQL")
    query.add_argument("recording", type=Path)
    query.add_argument("sql", nargs="?", help="without it: the tables and how many rows they have")
    query.add_argument("--format", choices=("table", "json", "csv"), default="table")
    query.set_defaults(do=_query)

    listing = commands.add_parser("faults", help="what can be broken")
    listing.add_argument("--fr", action="store_true", help="en français")
    listing.set_defaults(do=_faults)
    commands.add_parser("actions", help="what a tester can do: steps of scenarios").set_defaults(do=_actions)
    roads = commands.add_parser("roads", help="routes and speed traces")
    roads.add_argument("--traces", type=Path, help="folder of published driving cycles")
    roads.set_defaults(do=_roads)
    flash = commands.add_parser("flash", help="partitions of a box's flash image")
    flash.add_argument("image", type=Path, help="flash.bin, or a box's directory")
    flash.set_defaults(do=_flash)
    return parser


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=int, default=None, help="of all chance in the run (default 1)")
    parser.add_argument("--traces", type=Path, help="folder of published driving cycles (WLTC, UDDS)")
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
        raise FleetError("the bench needs cars: --file BENCH or --provision BUNDLE")
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

    if arguments.example or arguments.scenario is None:
        print((cli_scenario.__doc__ or "").strip())
        return 0 if arguments.example else 2
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
    print("partition   offset    size      sectors  written")
    for _kind, _subtype, offset, size, label in load_partitions():
        sectors = [data[at : at + 4096] for at in range(offset, offset + size, 4096)]
        written = sum(1 for sector in sectors if sector.strip(b"\xff"))
        print(f"{label:10}  {offset:#08x}  {size:#08x}  {len(sectors):7}  {written:7}")
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
    ) as problem:
        if arguments.debug:
            raise
        print(f"glovebox-sim: {problem}", file=sys.stderr)
        return 2
    return status


if __name__ == "__main__":
    sys.exit(main())
