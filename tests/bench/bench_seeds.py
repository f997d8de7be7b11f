"""Figures `seeds_run`, `seeds_failed`, `planted_bugs`, `planted_bugs_found`: the deterministic simulation.

seeds_run, seeds_failed: lives by seeds 1 to 100, each with boxes, cars, people, the real cloud in process and
faults in virtual time; failed is one in which an invariant broke or the two ends did not agree afterwards.
planted_bugs, planted_bugs_found: mistakes planted one at a time into copies of firmware and cloud, and how
many of them 30 seeds find (`make seeds PLANTED=all` says after how many each). Prints one JSON object.
"""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from seeds import planted
from seeds.run import play_all

SEEDS = 100
SEEDS_A_BUG = 30


def main() -> None:
    jobs = len(os.sched_getaffinity(0))
    failed = 0
    for result in play_all(range(1, SEEDS + 1), jobs):
        if result.problem:
            failed += 1
            print(f"bench_seeds: seed {result.seed}: {result.problem}", file=sys.stderr)
    found = 0
    for hunted in planted.hunt_all(planted.BUGS, 1, SEEDS_A_BUG, jobs):
        found += hunted.after is not None
        print(f"bench_seeds: {hunted.bug.slug}: {hunted.after}", file=sys.stderr)
    print(
        json.dumps(
            {
                "seeds_run": SEEDS,
                "seeds_failed": failed,
                "planted_bugs": len(planted.BUGS),
                "planted_bugs_found": found,
            }
        )
    )


if __name__ == "__main__":
    main()
