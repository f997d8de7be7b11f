"""Each way a program can end on the real MicroPython: what comes after, and what is told."""

from support_broken import HARD_RESET, Bench, change, copy_firmware

BITTEN_S = 110
"""A task that shows no life is late after 45 s, and the watchdog bites 60 s after its last meal."""


def make(tmp_path, *changes, modules=()):
    sites = copy_firmware(tmp_path / "firmware", modules)
    for module, old, new in changes:
        change(tmp_path / "firmware", module, old, new)
    return Bench(tmp_path, tmp_path / "firmware"), sites


def list_crashes(bench):
    return [
        (record.values["cause"], record.values["text"])
        for record in bench.read_journal()
        if record.name == "crash"
    ]


HANGS = ("tasks.py", "fix = self._gnss.poll()", "await asyncio.sleep_ms(100_000_000)")


def run_three_starts(bench):
    bench.sim.run_for(3 * BITTEN_S + 20)
    return [record.values["fault"] for record in bench.read_journal() if record.name == "fault_set"]


def test_a_task_that_hangs_from_the_start_leads_to_safe_mode_and_is_told_by_name(tmp_path):
    bench, _ = make(tmp_path, HANGS)
    try:
        assert "safe_mode" in run_three_starts(bench)
        assert list_crashes(bench)[0] == ("task_hung", "gnss")
        assert bench.box.resets[-3:] == [3, 3, 3]
        bench.sim.run_for(3 * BITTEN_S)
        assert bench.box.resets[-4:] == [2, 3, 3, 3], "in safe mode it goes on"
        bench.check()
    finally:
        bench.close()


def test_a_box_that_forgives_too_early_is_caught(tmp_path):
    blind = ("start.py", "while supervisor.list_late():", "while False:")
    bench, _ = make(tmp_path, HANGS, ("start.py", "const(110_000)", "const(60_000)"), blind)
    try:
        assert "safe_mode" not in run_three_starts(bench)
    finally:
        bench.close()


def test_a_program_that_computes_without_end_is_bitten_and_told(tmp_path):
    bench, sites = make(tmp_path, modules=["tasks.py"])
    try:
        bench.sim.hang_s = 1.0
        site = next(site.number for site in sites if site.text == "fix = self._gnss.poll()")
        bench.plan(site, "hang")
        bench.box.reset(HARD_RESET)
        bench.sim.run_for(75)
        assert bench.box.resets[-1] == 3
        assert list_crashes(bench) == [("stood_still", "")]
        bench.check()
    finally:
        bench.close()


def test_an_error_before_the_box_is_built_is_tried_again_and_told(tmp_path):
    bench, sites = make(tmp_path, modules=["app.py"])
    try:
        site = next(site.number for site in sites if site.text == "spi = board.spi()")
        bench.plan(site)
        bench.box.reset(HARD_RESET)
        bench.sim.run_for(12)
        assert [cause for cause, _ in list_crashes(bench)] == ["error"]
        assert "RuntimeError plant.py" in list_crashes(bench)[0][1]
        bench.check()
    finally:
        bench.close()
