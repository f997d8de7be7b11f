"""What lies on littlefs, on the real MicroPython's littlefs: a power cut at every program and erase."""

import pytest
from support_micropython import run_micropython


@pytest.mark.parametrize(("what", "cuts"), [("snapshot", 200), ("authorisations", 250), ("identity", 400)])
def test_a_power_cut_at_every_program_and_erase_of_littlefs_loses_nothing_reported(what, cuts):
    done = run_micropython("littlefs_sweep.py", what, "1")
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    # Finalisers of files that the cut left open complain to the dead device, before the last line.
    assert int(done.stdout.splitlines()[-1].split()[1]) > cuts, done.stdout[-2000:]


def test_the_sweep_catches_a_snapshot_that_is_not_flushed():
    done = run_micropython("littlefs_sweep.py", "broken", "1")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("LOST"), done.stdout + done.stderr[-2000:]


def test_ten_thousand_authorisations_take_a_few_kilobytes_of_memory():
    done = run_micropython("authorisations_size.py", heap="1m")
    assert done.returncode == 0, done.stdout + done.stderr
    figures = dict(word.split("=") for word in done.stdout.split())
    assert int(figures["entries"]) == 10_000
    # The sparse index is 500 badges of 8 bytes; this port's words are twice the board's.
    assert int(figures["held_bytes"]) < 8_000, done.stdout
