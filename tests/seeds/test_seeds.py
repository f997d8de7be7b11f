"""The simulation by seeds itself: it repeats to the bit, and it finds what is broken."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from seeds.planted import BUGS, SOURCES, hunt
from seeds.run import play

TESTS = Path(__file__).resolve().parents[1]


def test_a_seed_is_the_same_to_the_bit_in_another_process():
    play(4)  # what this process has done before makes no difference
    here = play(2)
    assert here.problem is None, "\n".join(here.lines[-40:])
    environment = {**os.environ, "PYTHONPATH": str(TESTS), "PYTHONHASHSEED": "4242"}
    there = subprocess.run(
        [sys.executable, "-m", "seeds", "--seed", "2"],
        env=environment, capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    assert there.stdout.split()[-1] == here.digest[:16]


def test_another_seed_is_another_life():
    assert play(2).digest != play(3).digest


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.slug)
def test_a_planted_bug_changes_one_place_of_the_sources_as_they_are(bug):
    path = SOURCES[bug.program] / bug.file
    patched = bug.patch(path.read_text(encoding="utf-8"))
    compile(patched, str(path), "exec")


@pytest.mark.sweep
@pytest.mark.parametrize("slug", ["session_not_saved", "ignition_no_veto"])
def test_a_planted_bug_is_found(slug):
    """Two of them here; `make seeds PLANTED=all` hunts all and prints the table."""
    found = hunt(next(bug for bug in BUGS if bug.slug == slug), first=1, limit=20)
    assert found.after is not None
