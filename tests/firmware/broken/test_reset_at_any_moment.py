"""The watchdog bites at any moment of a session: relay and session stay as they were, nobody is stranded."""

import pytest
from support_broken import (
    BOOT_S,
    IS_WHOLE,
    WATCHDOG_RESET,
    Bench,
    change,
    copy_firmware,
    iterate_sample,
)

SAMPLE = 16
SWEEP = 1_500 if IS_WHOLE else 150


class Cut:
    """Counts what the simulation does, and pulls the reset line after so many of it."""

    def __init__(self, bench):
        self.bench = bench
        self.steps = 0
        self.cut_at = None
        self.announced = None  # the session that had been announced when it was cut

    def run_for(self, duration_s):
        """As the simulation's, step by step: each access of the program to a chip and each event is one."""
        sim = self.bench.sim
        end_us = sim.now_us + round(duration_s * 1e6)
        sim.run_until(self._count, duration_s)
        if sim.now_us < end_us:  # it was cut
            sim_run_for(sim, (end_us - sim.now_us) / 1e6)

    def _count(self):
        self.steps += 1
        if self.steps == self.cut_at:
            contact = self.bench.board.relay.contact
            self.announced = find_announced(self.bench.read_journal())
            self.bench.box.reset(WATCHDOG_RESET)
            assert self.bench.board.relay.contact == contact, "the reset itself has moved the relay"
            return True
        return False


def find_announced(records):
    """The running session that is on flash for sure: what it moved is journalled behind its start."""
    running = None
    for record in records:
        if record.name == "session_start":
            running = [record.sequence]
        elif record.name == "session_end":
            running = None
        elif running is not None:
            running.append(record.sequence)
    return running[0] if running and len(running) > 1 else None


def sim_run_for(sim, duration_s):
    type(sim).run_for(sim, duration_s)


def play(bench, cut_at=None):
    """A session, cut at a step; return how many there were, and which session was announced by then."""
    cut = Cut(bench)
    cut.cut_at = cut_at
    bench.box.rtc_memory = b""
    bench.sim.run_for = cut.run_for
    try:
        bench.play()
    finally:
        del bench.sim.run_for
    return cut.steps, cut.announced


def sweep(bench, wanted, seed):
    """Reset at that many moments; return what was wrong, by the moment."""
    steps, _ = play(bench)
    bench.check()
    wrong = []
    for at in iterate_sample(steps, wanted, seed):
        resets = len(bench.box.resets)
        _, announced = play(bench, at + 1)
        bench.sim.run_for(BOOT_S)
        try:
            bench.check()
            assert WATCHDOG_RESET in bench.box.resets[resets:]
            assert any(
                record.name == "crash" and record.values["cause"] == "stood_still"
                for record in bench.read_journal()[-40:]
            ), "nobody was told"
            for record in bench.read_journal():
                if record.name == "session_end" and record.values["session"] == announced:
                    assert record.values["reason"] != "not_begun", "an announced session was given up"
        except AssertionError as error:
            wrong.append(f"step {at + 1} of {steps}: {error}")
    return steps, wrong


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    yield made
    made.close()


def test_the_watchdog_bites_at_some_moments_of_a_session(bench):
    steps, wrong = sweep(bench, SAMPLE, seed=1)
    assert steps > 5_000
    assert wrong == []


@pytest.mark.sweep
@pytest.mark.timeout(7200)
def test_the_watchdog_bites_at_many_moments_of_a_session(bench):
    steps, wrong = sweep(bench, SWEEP, seed=2)
    print(f"reset at {SWEEP} of {steps} steps")
    assert wrong == []


def test_a_box_that_forgets_its_session_at_a_reset_is_caught(tmp_path):
    copy_firmware(tmp_path / "firmware")
    change(tmp_path / "firmware", "app.py", "session.restore(log.load())", "log.load()")
    bench = Bench(tmp_path, tmp_path / "firmware")
    try:
        assert sweep(bench, 6, seed=1)[1]
    finally:
        bench.close()
