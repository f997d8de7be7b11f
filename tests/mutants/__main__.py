"""`python -m mutants`: plant small mistakes into the parts that may never fail; the tests must notice each.

First the tests run without a mistake, traced: all must pass. Then a sample of the mutants (or all) runs,
each in a forked child, on the tests alone that reach it. In the files that `scope.json` calls `held`, every
line and branch must be reached and every mutant noticed, unless `named.json` gives the reason why CPython
cannot reach the one or nothing can tell the other from the code. Elsewhere what lives is counted and told.

Not mutmut 3: by its sources it changes what stands in functions only (the limits of the safety rules are
constants outside of them), has no operator that removes a statement, and leaves out what a comment in the
source marks; these sources are the device's, and a reason is kept beside each name instead.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import sys
from collections import Counter
from pathlib import Path

import coverage
import pytest
from hypothesis import settings

from .campaign import Campaign
from .operators import Mutant
from .scope import Scope, load_scope

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = 300


def draw(scope: Scope, mutants: list[Mutant], count: int, seed: int | None) -> list[Mutant]:
    """Return `count` of the mutants. Without a seed the sources draw: changed code is sampled anew."""
    if not count or count >= len(mutants):
        return mutants
    text = "".join((scope.root / path).read_text() for path in scope.sources)
    told = seed if seed is not None else int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])
    print(f"mutants: sample of {count} from {len(mutants)}, seed {told}")
    drawn = sorted(random.Random(told).sample(range(len(mutants)), count))
    return [mutants[at] for at in drawn]


def run(scope: Scope, mutants: list[Mutant], jobs: int) -> tuple[Campaign, bool]:
    """Run the campaign; return it and whether the tests could be run at all."""
    options = ["-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not sweep", "-q"]
    options += ["--timeout=300", "-c", str(scope.root / "pyproject.toml"), f"--rootdir={scope.root}"]
    # Neither chance nor what an earlier mutant left behind may decide whether a mistake is noticed.
    settings.register_profile("mutants", database=None, deadline=None, derandomize=True)
    options += ["--hypothesis-profile=mutants"]
    tracer = coverage.Coverage(
        data_file=None,
        config_file=False,
        branch=True,
        include=[str(scope.root / path) for path in scope.sources],
    )
    campaign = Campaign(scope, mutants, jobs, options, tracer)
    tracer.start()
    excluded = [
        f"--deselect={path}" if "::" in path else f"--ignore={scope.root / path}" for path in scope.without
    ]
    tests = [str(scope.root / path) for path in scope.tests]
    code = pytest.main([*options, "--no-summary", *excluded, *tests], plugins=[campaign])
    return campaign, code in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)


def find_stale(scope: Scope, mutants: list[Mutant]) -> list[str]:
    """Return the names in `named.json` that no mutant carries any more."""
    keys = {mutant.key for mutant in mutants}
    return [key for key in scope.equivalent if key not in keys]


def report(scope: Scope, campaign: Campaign, every: list[Mutant]) -> int:
    """Print what was found; return the number of things that are wrong."""
    assert campaign.baseline

    def is_held(name: str) -> bool:
        return name.split(maxsplit=1)[0] in scope.held

    wrong = 0
    for gap in campaign.baseline.gaps:
        if gap not in scope.unreached:
            print(f"not reached: {gap}")
            wrong += is_held(gap)
    for gap in set(scope.unreached) - set(campaign.baseline.gaps):
        print(f"named as not reached, but reached or gone: {gap}")
        wrong += 1
    for key in find_stale(scope, every):
        print(f"named, but no such mutant: {key}")
        wrong += 1
    alive = {mutant.key for mutant in campaign.alive}
    for mutant in campaign.done:
        if mutant.key in alive and mutant.key not in scope.equivalent:
            print(f"alive: {mutant.key}")
            wrong += is_held(mutant.key)
        elif mutant.key not in alive and mutant.key in scope.equivalent:
            print(f"named as alive, but killed: {mutant.key}")
            wrong += 1
    total, left = Counter(m.path for m in campaign.done), Counter(m.path for m in campaign.alive)
    known = Counter(m.path for m in campaign.alive if m.key in scope.equivalent)
    print(f"{'file':44} {'mutants':>8} {'killed':>7} {'equivalent':>11} {'alive':>6}")
    for path in total:
        killed = total[path] - left[path]
        print(f"{path:44} {total[path]:8} {killed:7} {known[path]:11} {left[path] - known[path]:6}")
    return wrong


def main() -> int:
    """0 if the tests noticed every mistake and reached every line."""
    parser = argparse.ArgumentParser(prog="mutants", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sample", type=int, default=SAMPLE, help=f"how many ({SAMPLE}); 0: all")
    parser.add_argument("--seed", type=int, help="of the sample; without it the sources draw")
    parser.add_argument("--only", default="", help="mutants with this in their name alone, as interlock.py")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--scope", type=Path, default=Path(__file__).with_name("scope.json"))
    parser.add_argument("--root", type=Path, default=ROOT, help="what the scope's paths are relative to")
    parser.add_argument("--json", type=Path, help="write the totals and the names of the living here")
    options = parser.parse_args()
    scope = load_scope(options.scope, options.root.resolve())
    every = scope.load_mutants()
    chosen = [mutant for mutant in every if options.only in mutant.key]
    campaign, could_run = run(scope, draw(scope, chosen, options.sample, options.seed), options.jobs)
    if campaign.failed or not could_run or campaign.baseline is None:
        print("mutants: the tests fail without a mistake:", *sorted(campaign.failed), sep="\n  ")
        return 2
    wrong = report(scope, campaign, every)
    if options.json:
        living = sorted(m.key for m in campaign.alive if m.key not in scope.equivalent)
        options.json.write_text(json.dumps({"total": len(campaign.done), "alive": living}, indent=2) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
