"""Every runner in on_device/ says OK under CPython and under the real MicroPython:

the pure files mean the same on both.
"""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

FIRMWARE_TESTS = Path(__file__).resolve().parent
REPOSITORY = FIRMWARE_TESTS.parents[1]
# Named so: they take the vectors' folder and mean the same under both. The others are for MicroPython alone.
RUNNERS = sorted(
    path for path in (FIRMWARE_TESTS / "on_device").glob("*.py") if path.stem.endswith(("_vectors", "_chips"))
)
HEAP = "heapsize=16m"  # the vectors and recordings are read whole; the code under test needs a hundredth
MICROPYTHON = os.environ.get("MICROPYTHON") or str(Path(sysconfig.get_path("scripts")) / "micropython")


def run_runner(command, variables):
    # A runner must not depend on the caller's environment.
    return subprocess.run(
        command,
        cwd=REPOSITORY,
        env={"PATH": os.defpath, **variables},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def said_ok(done):
    return done.returncode == 0 and done.stdout.strip().split("\n")[-1].startswith("OK ")


def test_there_are_runners():
    assert RUNNERS


@pytest.mark.parametrize("runner", RUNNERS, ids=lambda path: path.stem)
def test_the_runner_says_the_same_ok_under_both(runner):
    path = "firmware:simulator:tests"
    said = []
    for command, variables in (
        ([sys.executable, str(runner), "tests/vectors"], {"PYTHONPATH": f"{path}:tests/shims"}),
        ([MICROPYTHON, "-X", HEAP, str(runner), "tests/vectors"], {"MICROPYPATH": f"{path}:.frozen"}),
    ):
        done = run_runner(command, variables)
        assert said_ok(done), done.stdout[-2000:] + done.stderr[-2000:]
        said.append(done.stdout.strip().split("\n")[-1])
    assert said[0] == said[1]
