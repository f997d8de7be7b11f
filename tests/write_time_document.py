"""Writes `firmware/TIME.md`; run it after a change of the rules of the clock or of what a level permits."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main():
    sys.path[:0] = [str(ROOT / part) for part in ("firmware", "tests", "tests/shims")]
    from support_time_document import PATH, make

    PATH.write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    main()
