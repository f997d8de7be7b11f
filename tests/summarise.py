"""Print what a run of the tests did: one line, with what was skipped and why, and what was left out."""

import argparse
import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree


def main() -> int:
    """Sum the reports; exit status 1 if any test failed or none ran."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--not-run", default="", help="what this run leaves out, and how to run it")
    parser.add_argument("reports", nargs="+", type=Path, help="as pytest's --junit-xml writes them")
    options = parser.parse_args()
    total: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for report in options.reports:
        for suite in ElementTree.parse(report).getroot().iter("testsuite"):
            for key in ("tests", "failures", "errors", "skipped"):
                total[key] += int(suite.get(key, 0))
            for skipped in suite.iter("skipped"):
                reasons[skipped.get("message", "no reason given")] += 1
    failed = total["failures"] + total["errors"]
    passed = total["tests"] - failed - total["skipped"]
    why = "; ".join(f"{count}: {reason}" for reason, count in reasons.most_common())
    skipped_and_why = f"{total['skipped']} skipped" + (f" ({why})" if why else "")
    left_out = f"; not run here: {options.not_run}" if options.not_run else ""
    print(f"tests: {passed} passed, {failed} failed, {skipped_and_why}{left_out}")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
