"""Power cuts at every program and erase of a ring's life: the sweep that tests and the benchmark run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from box.protocols import codes
from box.storage.ring import Ring
from support_flash import MODES, FlashDevice, Operation, PowerCut
from support_rings import SECTORS, Cloud, Life, check_books, make_ring, workload

VITAL, TELEMETRY = codes.RING_VITAL, codes.RING_TELEMETRY
STEPS = 420
SECOND_CUTS = 8  # operations after the first cut: all of recovery and the first writes


def record(ring_id: int, ring_class: type[Ring] = Ring) -> list[tuple[Operation, Life]]:
    """Run the workload once; return every program and erase with what the box had been told before it."""
    seen: list[tuple[Operation, Life]] = []
    device = FlashDevice(SECTORS, recording=[])
    assert device.recording is not None
    life = Life(make_ring(device, ring_id, ring_class), Cloud())

    class Tape(list[Operation]):
        def append(self, operation: Operation) -> None:
            told = Life(life.ring, life.cloud.copy(), list(life.returned), set(life.tried))
            seen.append((operation, told))

    device.recording = Tape()
    workload(life, STEPS)
    return seen


def revive(
    image: bytes, told: Life, ring_class: type[Ring], cut_at: int | None = None, mode: str = ""
) -> Life:
    """Start the box on what the cut left; with `cut_at` the power fails once more, in recovery or after."""
    device = FlashDevice(SECTORS, bytearray(image), cut_at=cut_at, mode=mode, seed=1)
    life = Life(told.ring, told.cloud.copy(), list(told.returned), set(told.tried))
    try:
        go_on(life, device, ring_class)
    except PowerCut:
        go_on(life, FlashDevice(SECTORS, bytearray(device.image)), ring_class)
    device.cut_at = None
    return life


def go_on(life: Life, device: FlashDevice, ring_class: type[Ring]) -> None:
    life.ring = make_ring(device, life.ring.ring_id, ring_class)
    start = max([0, *life.returned, *life.tried]) + 1
    for number in range(start, start + 2):
        life.append(number)
    life.sync()
    life.append(start + 2)


def check(life: Life) -> None:
    """What was returned is in the books or told as dropped; what was not may be, once."""
    in_books = check_books(life.ring, life.cloud)
    assert set(in_books) <= {*life.returned, *life.tried}, "a record nobody wrote"
    if life.ring.ring_id == VITAL:
        assert set(life.returned) <= set(in_books), "a record that was reported durable is gone"


def iterate_points(
    ring_id: int, stride: int = 1, ring_class: type[Ring] = Ring, second: bool = False
) -> Iterator[Callable[[], None]]:
    """Every cut as a function that tries it: raises AssertionError if something was lost."""
    for operation, told in record(ring_id, ring_class)[::stride]:
        for mode in MODES:
            image = operation.cut(mode, 0)
            if not second:
                yield partial(try_point, image, told, ring_class)
                continue
            for cut_at in range(SECOND_CUTS):
                for mode_again in MODES:
                    yield partial(try_point, image, told, ring_class, cut_at, mode_again)


def try_point(
    image: bytes, told: Life, ring_class: type[Ring], cut_at: int | None = None, mode: str = ""
) -> None:
    """One cut, or two."""
    check(revive(image, told, ring_class, cut_at, mode))


def sweep(ring_id: int, stride: int, ring_class: type[Ring] = Ring, second: bool = False) -> int:
    """Try all of them; return how many there were."""
    count = 0
    for try_it in iterate_points(ring_id, stride, ring_class, second):
        try_it()
        count += 1
    return count
