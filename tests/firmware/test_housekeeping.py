"""What is slow is done in idle moments: one thing at a time, none while a card is served."""

import asyncio

import pytest
from box import housekeeping
from box.housekeeping import Housekeeping
from box.protocols import codes
from box.tasks import ReaderTask

UID = bytes.fromhex("04a1b2c3d4e5f6")


class Box:
    """What housekeeping looks after. Each chore in `due` is done once; time passes where somebody sleeps."""

    def __init__(self):
        self.due = []
        self.done = []
        self.faults_set = []
        self.slept_ms = 0
        self.serves = False
        self.journal = self.clock = self.authorisations = self.faults = self
        self.house = Housekeeping(self, None, None, lambda: self.serves, list, (self.make("session"),))

    def make(self, name):
        def chore(*arguments):
            if name not in self.due:
                return False
            self.due.remove(name)
            self.done.append(name)
            if name == "dead":
                raise OSError(5)
            return True

        return chore

    def __getattr__(self, name):  # erase_ahead, save_bound, prepare, step
        return self.make(name)

    def now_s(self):
        return 5

    def set(self, fault, *arguments):
        self.faults_set.append(fault)

    async def sleep_ms(self, ms):
        self.slept_ms += ms
        if self.slept_ms >= 60:
            self.serves = True


@pytest.fixture
def box(monkeypatch):
    made = Box()
    monkeypatch.setattr(housekeeping.asyncio, "sleep_ms", made.sleep_ms, raising=False)
    return made


def test_all_that_is_due_is_done_with_a_breath_between(box):
    box.due = ["session", "step"]
    asyncio.run(box.house._tidy())
    assert box.done == ["session", "step"]
    assert box.slept_ms >= 40


def test_a_card_that_comes_between_two_chores_stops_them(box):
    box.due = ["step"] * 10
    asyncio.run(box.house._tidy())
    assert 0 < len(box.done) < 10


def test_nothing_is_done_while_a_card_is_served(box):
    box.due = ["session", "erase_ahead", "save_bound", "prepare", "step"]
    box.serves = True
    asyncio.run(box.house._tidy())
    assert box.done == []


def test_a_flash_that_fails_is_a_fault_and_keeps_no_other_chore_from_being_done(box):
    box.house._chores = (box.make("dead"), box.make("step"))
    box.due = ["dead", "step"]
    asyncio.run(box.house._tidy())
    assert box.done == ["dead", "step"]
    assert box.faults_set == [codes.FAULT_FLASH_DAMAGED]


class Reader:
    """One card in the field, or none; it is its own field."""

    def __init__(self):
        self.uids = [UID]

    def start_field(self):
        pass

    def read_cards(self, limit):
        return [(uid, 0x20) for uid in self.uids]


class SlowAccess:
    """Takes its time over a tap, as the relay does."""

    def __init__(self):
        self.may_end = asyncio.Event()

    async def tap(self, new, field):
        await self.may_end.wait()

    async def hold(self, badge):
        pass


def test_a_card_is_served_until_its_tap_is_done_and_two_seconds_more(monkeypatch):
    async def main():
        ticks = [0]
        reader, access = Reader(), SlowAccess()
        task = ReaderTask(reader, lambda uid: uid[:8], access, None, None, None, lambda: ticks[0])
        assert not task.is_serving()
        polling = asyncio.create_task(task._poll())
        for _ in range(5):
            await asyncio.sleep(0)
        ticks[0] = 3_000
        assert task.is_serving()
        access.may_end.set()
        await polling
        assert not task.is_serving()
        await task._poll()  # the card is still there
        ticks[0] = 4_999
        assert task.is_serving()
        ticks[0] = 5_000
        assert not task.is_serving()
        ticks[0] = 4_999  # twelve days later the ticks say the same
        assert not task.is_serving()

    async def sleep_ms(ms):
        await asyncio.sleep(0)

    monkeypatch.setattr(asyncio, "sleep_ms", sleep_ms, raising=False)
    asyncio.run(main())


def test_a_card_that_somebody_left_at_the_reader_is_not_served_for_ever(monkeypatch):
    async def main():
        ticks = [0]
        reader, access = Reader(), SlowAccess()
        access.may_end.set()
        task = ReaderTask(reader, lambda uid: uid[:8], access, None, None, None, lambda: ticks[0])
        await task._poll()
        served = []
        for second in range(1, 60):
            ticks[0] = 1_000 * second
            await task._poll()
            served.append(task.is_serving())
        assert served == [True] * 10 + [False] * 49
        reader.uids = []
        for second in range(60, 63):
            ticks[0] = 1_000 * second
            await task._poll()
        reader.uids = [UID]
        await task._poll()
        assert task.is_serving()

    async def sleep_ms(ms):
        await asyncio.sleep(0)

    monkeypatch.setattr(asyncio, "sleep_ms", sleep_ms, raising=False)
    asyncio.run(main())
