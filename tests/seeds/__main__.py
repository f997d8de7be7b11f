"""`python -m seeds N --first F`: play N seeds on all cores; each failing one says how to play it again."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from seeds.run import Result, play, play_all

TRACES = Path("artefacts") / "seeds"


def tell_failure(result: Result) -> None:
    TRACES.mkdir(parents=True, exist_ok=True)
    path = TRACES / f"seed-{result.seed}.txt"
    path.write_text("\n".join(result.lines) + "\n", encoding="utf-8")
    print(f"seed {result.seed}: {result.problem}")
    print(f"  trace: {path}; again: make seeds SEED={result.seed}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="seeds", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("count", nargs="?", type=int, default=200)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seed", type=int, help="play this one and print its trace")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    if options.seed is not None:
        result = play(options.seed, is_told=True)
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
