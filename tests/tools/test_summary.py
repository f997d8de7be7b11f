"""The line that a run of the tests ends with."""

import subprocess
import sys
from pathlib import Path

import pytest

SUMMARISE = Path(__file__).parents[1] / "summarise.py"
REPORT = '<testsuites><testsuite tests="{}" failures="{}" errors="0" skipped="{}">{}</testsuite></testsuites>'
SKIPPED = '<testcase><skipped message="{}"/></testcase>'


@pytest.mark.parametrize(
    ("arguments", "reports", "said", "code"),
    [
        ([], [(5, 0, [])], "tests: 5 passed, 0 failed, 0 skipped", 0),
        (
            ["--not-run", "sweeps (make test-all)"],
            [(5, 0, ["no room"])],
            "tests: 4 passed, 0 failed, 1 skipped (1: no room); not run here: sweeps (make test-all)",
            0,
        ),
        (
            [],
            [(5, 0, ["no chromium", "no room"]), (3, 0, ["no chromium"])],
            "tests: 5 passed, 0 failed, 3 skipped (2: no chromium; 1: no room)",
            0,
        ),
        ([], [(5, 1, []), (1, 0, [])], "tests: 5 passed, 1 failed, 0 skipped", 1),
        ([], [(1, 0, ["no room"])], "tests: 0 passed, 0 failed, 1 skipped (1: no room)", 1),
    ],
)
def test_the_last_line_tells_what_was_skipped_and_why_and_fails_unless_something_passed(
    tmp_path, arguments, reports, said, code
):
    paths = []
    for number, (count, failures, reasons) in enumerate(reports):
        cases = "".join(SKIPPED.format(reason) for reason in reasons)
        paths.append(tmp_path / f"{number}.xml")
        paths[-1].write_text(REPORT.format(count, failures, len(reasons), cases))
    command = [sys.executable, SUMMARISE, *arguments, *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == (said + "\n", code)
