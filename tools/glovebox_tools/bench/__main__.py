"""`python -m glovebox_tools.bench`: run every benchmark and print one JSON object.

A figure needs code of the parts it measures, which this package must not import; so each is a script of its
own in `tests/bench/`, run as a process, that prints a JSON object with its key (and, where the figure needs
it, a neighbour key that says how). They run one after the other, for each takes both cores. What they say
while running goes to standard error. A script that fails leaves its key out; the others still run, and the
exit code is 1.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from glovebox_tools.firmware_build import REPOSITORY

SCRIPTS = REPOSITORY / "tests" / "bench"
SCRIPT_TIMEOUT_S = 3_600  # only a hang reaches it
KEYS = (
    "badge_to_unlock_ms_p99",
    "reservation_to_box_s_p95",
    "bytes_per_month",
    "sync_ratio_sqlite",
    "sync_ratio_postgresql",
    "virtual_time_factor",
    "firmware_heap_bytes",
    "nmea_ratio",
    "power_cut_points",
    "acknowledged_lost",
    "flash_cycles_10y",
    "auth_lookup_us_10000",
    "auth_ram_bytes_10000",
    "mpy_bytes",
    "longest_step_ms",
    "mutants_total",
    "mutants_alive",
    "seeds_run",
    "seeds_failed",
    "planted_bugs",
    "planted_bugs_found",
    "booking_tries",
    "booking_overlaps",
    "bookings_per_s",
    "held_links",
    "held_link_bytes_each",
    "held_link_wake_ms_p95",
    "drain_records_per_s",
    "availability_ms_p95",
    "console_page_ms_p95",
    "availability_ms_p95_10x",
)
METHODS = {"firmware_heap_bytes": "firmware_heap_method", "flash_cycles_10y": "flash_cycles_method"}
METHOD_KEYS = tuple(METHODS.values())


class BenchError(RuntimeError):
    """A script failed, took too long or printed something else than its figure."""


def run_script(script: Path) -> dict[str, Any]:
    """Run one script and return the figures it printed. Raises BenchError."""
    try:
        done = subprocess.run(
            [sys.executable, str(script)],
            stdout=subprocess.PIPE,
            timeout=SCRIPT_TIMEOUT_S,
            check=False,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"{script.name}: not done after {SCRIPT_TIMEOUT_S} s") from error
    if done.returncode:
        raise BenchError(f"{script.name}: ended with {done.returncode}")
    try:
        figures = json.loads(done.stdout)
    except ValueError as error:
        raise BenchError(f"{script.name}: printed no JSON object") from error
    if not isinstance(figures, dict) or not figures:
        raise BenchError(f"{script.name}: printed no JSON object")
    for key, value in figures.items():
        if key in METHOD_KEYS and isinstance(value, str):
            continue
        if key not in KEYS or isinstance(value, bool) or not isinstance(value, int | float):
            raise BenchError(f"{script.name}: {key!r} is no figure of the list, or its value no number")
    return figures


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures. 1 if one is missing."""
    parser = argparse.ArgumentParser(prog="bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("only", nargs="*", help="run only the scripts with this in their name, as nmea")
    parser.add_argument("--scripts", type=Path, default=SCRIPTS, help="folder with bench_*.py")
    options = parser.parse_args(argv)
    scripts = [
        script
        for script in sorted(options.scripts.glob("bench_*.py"))
        if not options.only or any(word in script.stem for word in options.only)
    ]
    figures: dict[str, Any] = {}
    failed = not scripts
    for script in scripts:
        begin = time.monotonic()
        try:
            figures.update(run_script(script))
            print(f"bench: {script.stem} took {time.monotonic() - begin:.0f} s", file=sys.stderr)
        except BenchError as error:
            failed = True
            print(f"bench: {error}", file=sys.stderr)
    order = [key for figure in KEYS for key in (figure, METHODS.get(figure, figure)) if key in figures]
    print(json.dumps({key: figures[key] for key in order}))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
