"""`python -m seeds N --first F`: play N seeds on all cores; each failing one says how to play it again."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from seeds import planted
from seeds.run import Result, play, play_all

TRACES = Path("artefacts") / "seeds"


def tell_failure(result: Result) -> None:
    TRACES.mkdir(parents=True, exist_ok=True)
    path = TRACES / f"seed-{result.seed}.txt"
    path.write_text("\n".join(result.lines) + "\n", encoding="utf-8")
    print(f"seed {result.seed}: {result.problem}")
    print(f"  trace: {path}; again: make seeds SEED={result.seed}", flush=True)


def play_until_failure(first: int, count: int, firmware: Path | None) -> int:
    for seed in range(first, first + count):
        result = play(seed, firmware=firmware)
        if result.problem:
            print(f"found after {seed - first + 1}: {result.problem}")
            return 1
    return 0


def tell_planted(slugs: list[str], first: int, limit: int, jobs: int) -> int:
    """The table: each bug, its kind, at which seed it was found and how many were tried. 1 if one was not."""
    bugs = [bug for bug in planted.BUGS if not slugs or bug.slug in slugs]
    print(f"{'bug':<28}{'kind':<12}{'found at':<10}{'tried':<7}what is wrong, and as what it showed")
    lost = 0
    for found in planted.hunt_all(bugs, first, limit, jobs):
        at = f"seed {first + found.after - 1}" if found.after else "-"
        row = f"{found.bug.slug:<28}{found.bug.kind:<12}{at:<10}{found.after or limit:<7}"
        print(f"{row}{found.bug.what}", flush=True)
        if found.after:
            print(f"{'':<57}{found.problem[:150]}", flush=True)
        lost += found.after is None
    print(f"{len(bugs)} planted, {len(bugs) - lost} found")
    return 1 if lost else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="seeds", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("count", nargs="?", type=int, default=200)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seed", type=int, help="play this one and print its trace")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--firmware", type=Path, help="of another folder than this checkout's")
    parser.add_argument("--until-failure", action="store_true", help="one after the other, to the first")
    parser.add_argument(
        "--planted", nargs="*", metavar="BUG", help="plant bugs (all): seeds until each is found"
    )
    options = parser.parse_args()
    if options.planted is not None:
        return tell_planted(options.planted, options.first, options.count, options.jobs)
    if options.until_failure:
        return play_until_failure(options.first, options.count, options.firmware)
    if options.seed is not None:
        result = play(options.seed, is_told=True, firmware=options.firmware)
        print("\n".join(result.lines))
        print(result.problem or f"seed {options.seed}: all held, all agreed", result.digest[:16], sep="\n")
        return 1 if result.problem else 0
    began_at = time.monotonic()
    failed, virtual_s = 0, 0.0
    for result in play_all(range(options.first, options.first + options.count), options.jobs):
        virtual_s += result.virtual_s
        if result.problem:
            failed += 1
            tell_failure(result)
    took_s = time.monotonic() - began_at
    print(
        f"{options.count} seeds, {failed} failed; {took_s:.0f} s, "
        f"{60 * options.count / took_s:.0f} a minute, "
        f"{virtual_s / options.count:.0f} virtual seconds each"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
