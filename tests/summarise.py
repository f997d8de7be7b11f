"""Print what a run of the tests did: one line, with what was skipped and why.

usage: summarise.py JUNIT_XML ...
"""

import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree


def main(paths: list[str]) -> int:
    """Sum the reports; exit status 1 if any test failed or none ran."""
    total: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for path in paths:
        for suite in ElementTree.parse(Path(path)).getroot().iter("testsuite"):
            for key in ("tests", "failures", "errors", "skipped"):
                total[key] += int(suite.get(key, 0))
            for skipped in suite.iter("skipped"):
                reasons[skipped.get("message", "no reason given")] += 1
    failed = total["failures"] + total["errors"]
    passed = total["tests"] - failed - total["skipped"]
    why = "; ".join(f"{count}: {reason}" for reason, count in reasons.most_common())
    told = f" ({why})" if why else ""
    print(f"tests: {passed} passed, {failed} failed, {total['skipped']} skipped{told}")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
