"""Ever less memory: the box does its work or fails safe. It never sits at a prompt, moves nothing, and says
why as soon as it can.
"""

import pytest
from support_broken import HARD_RESET, Bench, check_books, copy_firmware

ENOUGH_KB, LEAST_KB, STEP_KB = 768, 224, 4
"""In 64-bit words, bytecode and the simulator's own hal counted; below the least not even the hal starts."""
TRIAL_S = 25


class Story:
    """A car on the road, whose box gets less and less memory."""

    def __init__(self, directory, firmware=None):
        self.bench = Bench(directory, firmware)
        self.bench.turn = 1
        self.bench.tap()
        self.bench.board.kl15 = True
        self.bench.sim.run_for(3)

    def start_with(self, heap_kb):
        """Start the program anew with so much memory; what happens is in `resets`."""
        box = self.bench.box
        box.heap_bytes = heap_kb * 1024
        self.bench.events.clear()
        box.rtc_memory = b""
        before = len(box.resets)
        self.begun_at = self.bench.read_journal()[-1].sequence
        box.reset(HARD_RESET)
        self.bench.sim.run_for(TRIAL_S)
        self.resets = len(box.resets) - before - 1

    def does_its_work(self, heap_kb):
        """Whether the drive goes on, ends, and the car is given back, without a reset."""
        self.start_with(heap_kb)
        box, board = self.bench.box, self.bench.board
        before = len(box.resets)
        if self.resets == 0 and not box.is_idle:
            board.kl15 = False
            self.bench.sim.run_for(4)
            has_locked = "lock" in self.bench.tap()
            self.bench.sim.run_for(7)
            works = has_locked and len(box.resets) == before and self.count_sessions() == 0
        else:
            works = False
        if not works:
            self.check_failed_safe()
        self.begin_again()
        return works

    def count_sessions(self):
        names = [record.name for record in self.bench.read_journal()]
        return names.count("session_start") - names.count("session_end")

    def check_failed_safe(self):
        """Nothing has moved; the program tries again and again; as soon as it can, it tells what failed."""
        bench = self.bench
        assert not bench.box.is_idle, "the board sits at its prompt"
        assert not bench.box.crashes, bench.box.crashes
        assert not bench.wrongs
        assert bench.board.relay.contact == "allow", "the relay has moved"
        bench.box.heap_bytes = None
        bench.sim.run_for(15)
        bench.box.reset(HARD_RESET)
        bench.sim.run_for(10)
        told = [record for record in bench.read_journal() if record.sequence > self.begun_at]
        assert any(
            record.name == "crash"
            and record.values["cause"] == "error"
            and "MemoryError" in record.values["text"]
            for record in told
        ), "nobody was told why"

    def begin_again(self):
        """The car is given back with enough memory, taken anew, and on the road again."""
        bench = self.bench
        bench.box.heap_bytes = None
        bench.box.rtc_memory = b""
        bench.box.reset(HARD_RESET)
        bench.sim.run_for(5)
        bench.board.kl15 = False
        bench.sim.run_for(4)
        bench.check()
        bench.turn = 1 - bench.turn
        assert bench.tap(), "the next driver is answered"
        bench.board.kl15 = True
        bench.sim.run_for(3)
        check_running(bench)


def check_running(bench):
    records = bench.read_journal()
    starts = [at for at, record in enumerate(records) if record.name == "session_start"]
    check_books(records[: starts[-1]])


@pytest.fixture
def story(tmp_path):
    made = Story(tmp_path)
    yield made
    made.bench.close()


def test_with_half_the_memory_it_needs_the_box_fails_safe(story):
    assert story.does_its_work(ENOUGH_KB)
    assert not story.does_its_work(LEAST_KB + 64)


@pytest.mark.sweep
@pytest.mark.timeout(3600)
def test_with_ever_less_memory_the_box_works_or_fails_safe(story):
    works, fails = ENOUGH_KB, LEAST_KB
    while works - fails > STEP_KB:
        middle = (works + fails) // 2
        if story.does_its_work(middle):
            works = middle
        else:
            fails = middle
    print(f"the smallest heap that works: {works} KB of 64-bit words, bytecode and hal counted")
    assert LEAST_KB < fails < works < ENOUGH_KB
    for kb in range(fails - 24, fails):  # dense around the limit, where it fails in the middle
        story.does_its_work(kb)


def test_a_box_that_stops_when_memory_runs_out_is_caught(tmp_path):
    copy_firmware(tmp_path / "firmware")
    main = tmp_path / "firmware" / "main.py"
    main.write_text("from box import start\nstart.main()\n", encoding="utf-8")
    story = Story(tmp_path, tmp_path / "firmware")
    try:
        with pytest.raises(AssertionError, match="prompt"):
            story.does_its_work(LEAST_KB + 64)
    finally:
        story.bench.close()
