"""The watchdog lives of the life of every task (S6); the battery sheds load in steps (S7)."""

import asyncio
from itertools import pairwise

import pytest
from box.config import PROOF_OF_LIFE_MS, WATCHDOG_MS
from box.faults import Faults
from box.power import LAST, NORMAL, SHED, SILENT, WARN, Power
from box.protocols import codes
from box.supervisor import Supervisor


class World:
    """Time passes only where somebody sleeps."""

    def __init__(self):
        self.ticks = 0
        self.fed = []
        self.reported = []
        self.faults = Faults(lambda: self.ticks)
        self.supervisor = Supervisor(
            self.faults, lambda: self.ticks, self, self.reported.append, self.sleep_ms
        )
        self._sleepers = []

    def feed(self):
        self.fed.append(self.ticks)

    async def sleep_ms(self, ms):
        done = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.ticks + ms, len(self._sleepers), done))
        await done

    def run(self, until_ms):
        async def main():
            running = asyncio.create_task(self.supervisor.run())
            while True:
                for _ in range(20):
                    await asyncio.sleep(0)
                if not self._sleepers:
                    break
                self._sleepers.sort(key=lambda sleeper: sleeper[:2])
                due, _, done = self._sleepers.pop(0)
                if due > until_ms:
                    break
                self.ticks = max(self.ticks, due)
                if not done.done():
                    done.set_result(None)
            running.cancel()
            for task in self.supervisor._tasks:
                task.running.cancel()

        asyncio.run(main())

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

    async def hangs(alive):
        alive()
        await world.sleep_ms(10**9)

    world.supervisor.add("a", world.living())
    world.supervisor.add("b", hangs)
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
