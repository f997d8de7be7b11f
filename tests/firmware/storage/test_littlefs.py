"""What lies on littlefs, on the real MicroPython's littlefs: a power cut at every program and erase."""

import pytest
from support_micropython import run_micropython


def sweep(what: str, stride: int = 1, times: int = 1) -> tuple[int, int]:
    """Cuts tried and cuts that lost something."""
    done = run_micropython("littlefs_sweep.py", what, str(stride), str(times), timeout_s=600)
    # Finalisers of files that the cut left open complain to the dead device, before the last line.
    words = done.stdout.splitlines()[-1].split() if done.stdout else []
    assert words[:1] == ["CUTS"], done.stdout[-2000:] + done.stderr[-2000:]
    return int(words[1]), int(words[3])


@pytest.mark.parametrize(("what", "least"), [("snapshot", 200), ("authorisations", 250), ("identity", 400)])
def test_a_power_cut_at_every_program_and_erase_of_littlefs_loses_nothing_reported(what, least):
    cuts, lost = sweep(what)
    assert cuts > least
    assert lost == 0


@pytest.mark.parametrize("what", ["snapshot", "authorisations", "identity"])
def test_a_second_cut_in_some_recoveries_of_littlefs_loses_nothing_either(what):
    cuts, lost = sweep(what, stride=29, times=2)
    assert cuts > 50
    assert lost == 0


@pytest.mark.sweep
@pytest.mark.timeout(900)
@pytest.mark.parametrize("what", ["snapshot", "authorisations", "identity"])
def test_a_second_cut_in_many_recoveries_of_littlefs_loses_nothing_either(what):
    cuts, lost = sweep(what, stride=2, times=2)
    assert cuts > 800
    assert lost == 0


@pytest.mark.parametrize("what", ["broken-snapshot", "broken-authorisations", "broken-identity"])
def test_the_sweep_catches_what_is_broken_on_purpose(what):
    assert sweep(what, stride=3)[1] > 0


def test_the_second_cut_catches_what_the_first_does_not():
    assert sweep("twice-broken-identity", stride=23)[1] == 0
    assert sweep("twice-broken-identity", stride=23, times=2)[1] > 0


def test_ten_thousand_of_all_kinds_in_pages_and_deltas_are_all_found_and_take_a_few_kilobytes_of_memory():
    done = run_micropython("authorisations_size.py")
    assert done.returncode == 0, done.stdout + done.stderr
    figures = {name: int(value) for name, value in (word.split("=") for word in done.stdout.split())}
    assert figures["entries"] == 10_000
    # The sparse index is 500 badges of 8 bytes, the calendar 64 entries; words are twice the board's here.
    assert figures["held_bytes"] < 7_000
    assert 0 < figures["delta_bytes"] < 20_000  # a full overlay, until it is merged


def count_damage(trials: int, how: str) -> dict[str, int]:
    done = run_micropython("littlefs_damage.py", str(trials), how)
    words = done.stdout.splitlines()[-1].split()
    return {name: int(value) for name, value in zip(words[::2], words[1::2], strict=True)}


def test_whatever_is_damaged_the_box_comes_back_with_its_identity_and_believes_nothing_that_is_not_whole():
    assert count_damage(400, "strict") == {"TRIALS": 400, "UNMOUNTED": 2, "WRONG": 0}


def test_the_damage_would_show_in_a_box_that_trusts_its_files():
    assert count_damage(80, "trusting")["WRONG"] > 0
