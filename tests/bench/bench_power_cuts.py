"""Figures `power_cut_points` and `acknowledged_lost`: power fails at every program and erase of what the box
keeps, in four ways each (nothing done, torn, torn with garbage, done but not reported).

Counted are the points tried: both rings of the journal, the session's log, and, on the real littlefs under
MicroPython, snapshots, authorisations and identity; then a second cut in a sample of the recoveries. Lost is
a point after which something reported durable was gone, came twice, or broke a chain. Prints one JSON object.
"""

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import support_bench
import support_ring_cuts
import support_session_cuts
from box.storage.flash import FlashError
from support_micropython import run_micropython

SECOND_STRIDE = 37  # the tests' long sweeps try every second cut; here a sample
LITTLEFS = ("snapshot", "authorisations", "identity")


def count(points: Iterable[Callable[[], None]]) -> tuple[int, int]:
    """Points tried and points that lost something."""
    tried = lost = 0
    for try_it in points:
        tried += 1
        try:
            try_it()
        except (AssertionError, FlashError) as error:
            lost += 1
            support_bench.tell(f"lost: {error!r}")
    return tried, lost


def count_on_littlefs(what: str, stride: int, cuts: int) -> tuple[int, int]:
    """The same on the real littlefs."""
    done = run_micropython("littlefs_sweep.py", what, str(stride), str(cuts), timeout_s=600)
    words = done.stdout.splitlines()[-1].split() if done.stdout else []
    if words[:1] != ["CUTS"]:
        raise RuntimeError(done.stdout[-500:] + done.stderr[-500:])
    return int(words[1]), int(words[3])


def main() -> None:
    """Print the figures."""
    results = []
    for second, stride in ((False, 1), (True, SECOND_STRIDE)):
        for ring in (support_ring_cuts.VITAL, support_ring_cuts.TELEMETRY):
            results.append(count(support_ring_cuts.iterate_points(ring, stride, second=second)))
        results.append(count(support_session_cuts.iterate_points(stride, second=second)))
        results += [count_on_littlefs(what, stride, 2 if second else 1) for what in LITTLEFS]
        support_bench.tell(f"power cuts: {sum(tried for tried, _ in results)} points")
    tried, lost = (sum(column) for column in zip(*results, strict=True))
    print(json.dumps({"power_cut_points": tried, "acknowledged_lost": lost}))


if __name__ == "__main__":
    main()
