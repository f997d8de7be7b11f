"""Figures `auth_lookup_us_10000` and `auth_ram_bytes_10000`: a box full of authorisations.

10,000 of all kinds lie in a file on the real littlefs, on a flash in memory, under MicroPython. The look-up
is the mean of 2,000 badges all over the set, in microseconds on this host, the file system in C and the flash
in Python counted; the memory is what the set holds of the heap beside the file after a start and a look at
the calendar, on a port with 64-bit words (the board's have 32). Median of five runs. Prints one JSON object.
"""

import json
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support_micropython import run_micropython

RUNS = 5


def measure() -> dict[str, int]:
    """The figures of one run."""
    done = run_micropython("authorisations_size.py")
    if done.returncode:
        raise RuntimeError(done.stderr[-500:])
    return {name: int(value) for name, value in (word.split("=") for word in done.stdout.split())}


def main() -> None:
    """Print the figures."""
    runs = [measure() for _ in range(RUNS)]
    lookup_us, ram_bytes = (
        statistics.median(run[name] for run in runs) for name in ("lookup_us", "held_bytes")
    )
    print(json.dumps({"auth_lookup_us_10000": lookup_us, "auth_ram_bytes_10000": ram_bytes}))


if __name__ == "__main__":
    main()
