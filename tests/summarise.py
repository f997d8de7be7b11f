"""Print what a run of the tests did: which were skipped and why, then one closing line.

usage: summarise.py JUNIT_XML ...
"""

import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

NOT_IN_TEST = "not run by `make test`: browser, PostgreSQL and the long sweeps; `make test-all` runs them"


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
    for reason, count in reasons.most_common():
        print(f"skipped {count}: {reason}")
    failed = total["failures"] + total["errors"]
    passed = total["tests"] - failed - total["skipped"]
    print(f"tests: {passed} passed, {failed} failed, {total['skipped']} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
