"""The watchdog lives of the life of every task (S6); the battery sheds load in steps (S7)."""

import asyncio
from itertools import pairwise

import pytest
from box.config import PROOF_OF_LIFE_MS, WATCHDOG_MS
from box.faults import Faults
from box.power import LAST, NORMAL, SHED, SILENT, WARN, Power
from box.protocols import codes
from box.supervisor import Supervisor

HANGS_MS = 10**9


class World:
    """Time passes only where somebody sleeps."""

    def __init__(self):
        self.ticks = 0
        self.fed = []
        self.reported = []
        self.faults = Faults(lambda: self.ticks)
        self.ended = []
        self.hung = []
        self.is_torn = False
        self.supervisor = Supervisor(
            self.faults,
            lambda: self.ticks,
            self.end,
            lambda: self.is_torn,
            self.reported.append,
            self.sleep_ms,
        )
        self.supervisor.watch(self, self.hung.append)
        self._sleepers = []

    def end(self, error):
        self.ended.append((self.ticks, error))

    def feed(self):
        self.fed.append(self.ticks)

    async def sleep_ms(self, ms):
        done = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.ticks + ms, len(self._sleepers), done))
        await done

    def run(self, until_ms):
        async def main():
            self.running = asyncio.create_task(self.supervisor.run())
            while True:
                for _ in range(20):
                    await asyncio.sleep(0)
                if not self._sleepers:
                    break
                self._sleepers.sort(key=lambda sleeper: sleeper[:2])
                due, _, done = self._sleepers.pop(0)
                if due > until_ms or self.ended:
                    break
                self.ticks = max(self.ticks, due)
                if not done.done():
                    done.set_result(None)
            # What still runs is left as it is, as by a reset.
            asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)

        loop = asyncio.new_event_loop()
        loop.run_until_complete(main())
        loop.close()

    def living(self, period_ms=1000):
        async def begin(alive):
            while True:
                alive()
                await self.sleep_ms(period_ms)

        return begin


def test_the_watchdog_is_slower_than_the_proof_of_life_it_waits_for():
    assert 30_000 <= PROOF_OF_LIFE_MS < WATCHDOG_MS


def test_living_tasks_feed_the_watchdog_each_second():
    world = World()
    world.supervisor.add("a", world.living())
    world.supervisor.add("b", world.living())
    world.run(120_000)
    assert max(b - a for a, b in pairwise(world.fed)) <= 1000
    assert world.faults.active() == b""


def test_one_hung_task_starves_the_watchdog_and_is_named():
    world = World()
    world.supervisor.add("a", world.living())
    world.supervisor.add("b", world.living(HANGS_MS))
    world.run(200_000)
    assert world.fed[-1] <= PROOF_OF_LIFE_MS + 1000
    assert world.supervisor.list_late() == ["b"]
    assert world.faults._active == {codes.FAULT_TASK_HUNG: 2}


def test_a_task_that_fails_begins_anew_with_growing_patience_and_the_box_lives_on():
    world = World()
    begun = []

    async def fails(alive):
        begun.append(world.ticks)
        alive()
        raise ValueError("broken")

    world.supervisor.add("a", world.living())
    world.supervisor.add("b", fails)
    world.run(300_000)
    gaps = [b - a for a, b in pairwise(begun)]
    assert gaps[:4] == [500, 1000, 2000, 4000]
    assert max(gaps) == 60_000
    assert world.faults.is_set(codes.FAULT_TASK_HUNG)
    assert world.fed[-1] >= 299_000
    assert len(world.reported) == len(begun)


def test_a_task_that_recovers_clears_the_fault():
    world = World()
    begun = []

    async def fails_once(alive):
        begun.append(world.ticks)
        alive()
        if len(begun) == 1:
            raise OSError(5)
        await world.living()(alive)

    world.supervisor.add("a", fails_once)
    world.run(30_000)
    assert world.faults.is_set(codes.FAULT_TASK_HUNG)
    begun.clear()
    fresh = world = World()
    fresh.supervisor.add("a", fails_once)
    fresh.run(120_000)
    fresh.faults.step()
    assert not fresh.faults.is_set(codes.FAULT_TASK_HUNG)


def failing(world, error, times=10**9, before_ms=0):
    begun = []

    async def begin(alive):
        begun.append(world.ticks)
        alive()
        if before_ms:
            await world.sleep_ms(before_ms)
        if len(begun) <= times:
            raise error
        await world.living()(alive)

    begin.begun = begun
    return begin


def test_a_slow_task_starves_the_watchdog_only_until_it_is_back_and_is_no_longer_named():
    world = World()

    async def slow(alive):
        alive()
        await world.sleep_ms(PROOF_OF_LIFE_MS + 5_000)
        await world.living()(alive)

    world.supervisor.add("a", world.living())
    world.supervisor.add("b", slow)
    world.run(120_000)
    gaps = [b - a for a, b in pairwise(world.fed)]
    assert 5_000 <= max(gaps) < WATCHDOG_MS
    assert world.hung == ["b", None]
    assert world.supervisor.list_late() == []


def test_who_starves_the_watchdog_is_noted_once_before_it_bites():
    world = World()
    world.supervisor.add("a", world.living())
    world.supervisor.add("b", world.living(HANGS_MS))
    world.run(PROOF_OF_LIFE_MS + WATCHDOG_MS)
    assert world.hung == ["b"]


@pytest.mark.parametrize("life_ms", [0, 1, *(PROOF_OF_LIFE_MS + d for d in (-1, 0, 1, 2, 1_000))])
def test_a_task_is_late_exactly_when_its_last_proof_is_older_than_it_may_be(life_ms):
    world = World()
    world.supervisor.add("a", world.living())
    world.ticks = life_ms
    assert bool(world.supervisor.list_late()) == (life_ms > PROOF_OF_LIFE_MS)


def test_an_error_that_leaves_a_decision_half_done_ends_the_program_at_once():
    world = World()

    async def tears(alive):
        alive()
        await world.sleep_ms(5_000)
        world.is_torn = True
        raise ValueError("half done")

    world.supervisor.add("a", world.living(100))
    world.supervisor.add("b", tears)
    world.run(60_000)
    assert [(at, type(error)) for at, error in world.ended] == [(5_000, ValueError)]


def test_memory_that_runs_out_three_times_in_one_task_ends_the_program():
    world = World()
    world.supervisor.add("a", failing(world, MemoryError()))
    world.run(600_000)
    assert [(at, type(error)) for at, error in world.ended] == [(1_500, MemoryError)]


@pytest.mark.parametrize("times", [1, 2])
def test_memory_that_runs_out_once_or_twice_is_tried_again(times):
    world = World()
    world.supervisor.add("a", failing(world, MemoryError(), times))
    world.run(600_000)
    assert world.ended == []
    assert world.supervisor._tasks[0].memory_failures == 0


def test_other_errors_of_a_task_never_end_the_program_however_often():
    world = World()
    begin = failing(world, OSError(5))
    world.supervisor.add("a", begin)
    world.run(3_600_000)
    assert world.ended == []
    assert len(begin.begun) > 50


def test_a_task_that_is_cancelled_by_its_own_doing_or_just_ends_begins_anew():
    async def ends(alive):
        begun.append(world.ticks)
        alive()

    world, begun = World(), []
    cancelled = failing(world, asyncio.CancelledError())
    world.supervisor.add("a", ends)
    world.supervisor.add("b", cancelled)
    world.run(20_000)
    assert len(begun) >= 5
    assert len(cancelled.begun) >= 5
    assert world.ended == []


def test_an_error_in_what_keeps_a_task_ends_the_program_rather_than_lose_the_task():
    world = World()
    world.supervisor.add("a", world.living())
    world.run(1_000)
    keeper = world.supervisor._tasks[0].running
    world.supervisor._on_stray(None, {"exception": MemoryError(), "future": keeper})
    assert [type(error) for _, error in world.ended] == [MemoryError]


@pytest.mark.parametrize("is_torn", [False, True])
def test_a_stray_error_is_told_and_ends_the_program_only_if_it_left_something_half_done(is_torn):
    world = World()
    world.supervisor.add("a", world.living())
    world.run(1_000)
    world.is_torn = is_torn
    world.supervisor._on_stray(None, {"exception": ValueError(), "future": object()})
    assert bool(world.ended) == is_torn
    assert bool(world.reported) or is_torn


@pytest.mark.parametrize(
    ("mv", "step"), [(12_600, NORMAL), (11_850, WARN), (11_550, SHED), (11_100, LAST), (10_700, SILENT)]
)
def test_the_battery_sheds_load_in_steps(mv, step):
    assert Power(mv).step == step
    power = Power(12_600)
    for _ in range(100):
        power.update(mv, False)
    assert power.step == step


def test_a_step_is_left_only_well_above_where_it_was_entered():
    power = Power(11_850)
    for _ in range(100):
        power.update(12_100, False)
    assert power.step == WARN
    for _ in range(100):
        power.update(12_300, False)
    assert power.step == NORMAL


def test_cranking_sheds_nothing():
    power = Power(12_400)
    for mv in (7_500, 8_500, 9_500):
        power.update(mv, True)
    power.update(12_000, False)
    assert power.step in (NORMAL, WARN)
    for _ in range(60):
        power.update(14_100, True)
    assert power.step == NORMAL


def test_from_any_voltage_the_way_up_and_down_is_monotonic():
    power = Power(13_000)
    steps = []
    for mv in [*range(13_000, 10_000, -5), *range(10_000, 13_000, 5)]:
        for _ in range(60):
            power.update(mv, False)
        steps.append(power.step)
    middle = steps.index(SILENT)
    assert steps[: middle + 1] == sorted(steps[: middle + 1])
    assert steps[len(steps) // 2 :] == sorted(steps[len(steps) // 2 :], reverse=True)
