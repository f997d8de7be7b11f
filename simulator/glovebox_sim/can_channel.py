"""A place on a python-can `virtual` channel that says when a frame has come, so that nobody polls in virtual
time.
"""

from __future__ import annotations

import queue
from collections.abc import Callable

import can
from can.interfaces import virtual


class _TellingQueue(queue.Queue[can.Message]):
    """An unbounded queue that calls back after each put, from the thread that put."""

    def __init__(self, told: Callable[[], None]) -> None:
        super().__init__()
        self._told = told

    def put(self, item: can.Message, block: bool = True, timeout: float | None = None) -> None:
        super().put(item, block, timeout)
        self._told()


def join(channel: str, told: Callable[[], None]) -> virtual.VirtualBus:
    """A bus on the channel; `told` is called for each frame, in the thread of whoever sent it."""
    bus = virtual.VirtualBus(channel=channel)
    telling = _TellingQueue(told)
    with virtual.channels_lock:
        bus.channel[bus.channel.index(bus.queue)] = telling
    bus.queue = telling
    return bus
