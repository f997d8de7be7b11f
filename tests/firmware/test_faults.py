"""One record when a fault begins, one when it ends, however often its cause is seen."""

from box.config import FAULT_HOLD_MS
from box.faults import Faults
from box.protocols import codes

GNSS = codes.FAULT_GNSS_SILENT


class World:
    def __init__(self, attached=True):
        self.ticks = 0
        self.records = []
        self.faults = Faults(lambda: self.ticks)
        if attached:
            self.attach()

    def attach(self):
        self.faults.attach(lambda kind, *values: self.records.append((kind, values)))

    def wait(self, ms):
        self.ticks += ms
        self.faults.step()


def test_a_fault_reported_again_and_again_is_one_record():
    world = World()
    for _ in range(100):
        world.faults.set(GNSS, 7)
    assert world.records == [(codes.RECORD_FAULT_SET, (GNSS, 7))]
    assert world.faults.active() == bytes([GNSS])


def test_a_fault_ends_when_its_cause_has_stayed_away():
    world = World()
    world.faults.set(GNSS)
    world.faults.clear(GNSS)
    world.wait(FAULT_HOLD_MS - 1)
    assert world.faults.is_set(GNSS)
    world.wait(1)
    assert not world.faults.is_set(GNSS)
    assert world.records[-1] == (codes.RECORD_FAULT_CLEARED, (GNSS,))


def test_a_fault_that_flickers_is_one_fault():
    world = World()
    for _ in range(50):
        world.faults.set(GNSS)
        world.faults.clear(GNSS)
        world.wait(FAULT_HOLD_MS // 2)
    assert len(world.records) == 1


def test_a_fault_may_end_at_once_and_an_unset_one_does_not_end():
    world = World()
    world.faults.clear(GNSS, True)
    world.faults.set(GNSS)
    world.faults.clear(GNSS, True)
    assert [kind for kind, _ in world.records] == [codes.RECORD_FAULT_SET, codes.RECORD_FAULT_CLEARED]


def test_an_unknown_condition_changes_nothing():
    world = World()
    world.faults.watch(GNSS, None)
    assert world.faults.active() == b""
    world.faults.watch(GNSS, True)
    world.faults.watch(GNSS, None)
    world.wait(10 * FAULT_HOLD_MS)
    assert world.faults.is_set(GNSS)
    world.faults.watch(GNSS, False)
    world.wait(FAULT_HOLD_MS)
    assert not world.faults.is_set(GNSS)


def test_faults_before_there_is_a_journal_are_written_when_there_is_one():
    world = World(attached=False)
    world.faults.set(codes.FAULT_CLOCK_CHIP_MISSING)
    world.faults.set(GNSS)
    world.faults.clear(GNSS, True)
    world.attach()
    assert world.records == [(codes.RECORD_FAULT_SET, (codes.FAULT_CLOCK_CHIP_MISSING, 0))]


def test_active_faults_are_told_in_order_of_their_codes():
    world = World()
    for code in (20, 3, 11):
        world.faults.set(code)
    assert world.faults.active() == bytes([3, 11, 20])
