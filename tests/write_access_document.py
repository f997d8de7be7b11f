"""Writes `firmware/ACCESS.md`; run it after a change of the access table, of the patterns of light
and sound or of the journal's words.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main():
    sys.path[:0] = [str(ROOT / part) for part in ("firmware", "tests", "tests/shims", "cloud")]
    from support_access_document import PATH, make, walk

    PATH.write_text(make(walk()), encoding="utf-8")


if __name__ == "__main__":
    main()
