"""Figure `flash_cycles_10y`: erase cycles of the most erased sector of the whole flash in ten years.

Every partition is written by the firmware's own code on a flash of its size that counts erases: the rings
twice round, the session's log twice round, littlefs for a year; the counts are scaled to ten years of the
days described in `support_wear`. Prints one JSON object.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import support_bench
import support_wear

METHOD = (
    f"most erased sector of all partitions, erases counted: rings and session's log twice round at "
    f"{sum(support_wear.RECORDS_A_DAY.values())} records and {support_wear.SESSION_SAVES_A_DAY} saves of the "
    f"session a day, the real littlefs for {support_wear.LITTLEFS_DAYS} days; scaled to ten years"
)


def main() -> None:
    """Print the figure."""
    cycles = support_wear.count_all()
    support_bench.tell("flash cycles in ten years: " + ", ".join(f"{k} {v}" for k, v in cycles.items()))
    print(json.dumps({"flash_cycles_10y": max(cycles.values()), "flash_cycles_method": METHOD}))


if __name__ == "__main__":
    main()
