"""Open links by car, and waking them after a commit that concerns them. One hub a process; a box has one
link at a time."""

import asyncio
import random
from collections.abc import Callable, Iterable
from typing import Final

from glovebox.store.news import FOR_BOXES, News

# Far under the writer's queue, and a batch of it.
NEWS_AT_ONCE: Final = 256
# A TLS handshake and a greeting cost some milliseconds.
RECONNECTS_PER_S: Final = 100
COME_BACK_AT_ONCE: Final = 200
# A box that is told to wait waits a minute at the least, whatever it is told.
LEAST_WAIT_S: Final = 60


class Link:
    """One open WebSocket as the hub sees it. `wake` is set when there may be something to tell,
    `is_replaced` when a newer link is, or the server stops: then the box is told to come back after
    `retry_after_s`, unless it is 0. `may_need_settings`: woken by more than its pool's rights."""

    __slots__ = (
        "box_id",
        "box_pk",
        "is_replaced",
        "may_need_settings",
        "pool_id",
        "retry_after_s",
        "vehicle_id",
        "wake",
    )

    def __init__(self, box_id: bytes, box_pk: int) -> None:
        self.box_id, self.box_pk = box_id, box_pk
        self.vehicle_id: int | None = None
        self.pool_id: int | None = None
        self.wake = asyncio.Event()
        self.is_replaced = self.may_need_settings = False
        self.retry_after_s = 0


class Hub:
    """Knows which cars have an open link in this process. All but `publish` and `linked` belong to the
    event loop's thread."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._by_box: dict[bytes, Link] = {}
        self._by_vehicle: dict[int, Link] = {}
        self._is_closed = False
        self.turns = asyncio.Semaphore(NEWS_AT_ONCE)
        """Taken for asking the writer for news: all links are woken at once when a whole pool's rights
        change, and the writer's queue has room for others."""

    @property
    def count(self) -> int:
        """Open links whose box is known."""
        return len(self._by_box)

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """The loop in which the links live."""
        self._loop = loop

    def linked(self) -> frozenset[int]:
        """Vehicles whose box has a link open. A link that died silently counts until its carrier or its box
        tells."""
        return frozenset(self._by_vehicle.copy())

    def is_linked(self, box_pk: int) -> bool:
        """True if that box (its row's id) has a link open in this process, in a car or not."""
        return any(link.box_pk == box_pk for link in list(self._by_box.values()))

    def join(self, link: Link, vehicle_id: int | None, pool_id: int | None = None) -> None:
        """A link has proven which box it is (or its box has changed cars, or the car its pool). An older
        link of the same box is replaced."""
        older = self._by_box.get(link.box_id)
        if older is not None and older is not link:
            self._end(older)
            self._forget_vehicle(older)
        self._by_box[link.box_id] = link
        if link.vehicle_id != vehicle_id:
            self._forget_vehicle(link)
            link.vehicle_id = vehicle_id
        link.pool_id = pool_id
        if vehicle_id is not None:
            self._by_vehicle[vehicle_id] = link
        if self._is_closed:
            self._end(link)

    def leave(self, link: Link) -> None:
        """A link has ended."""
        if self._by_box.get(link.box_id) is link:
            del self._by_box[link.box_id]
        self._forget_vehicle(link)

    def publish(self, news: Iterable[News]) -> None:
        """Wakes the links that the news concern; called by the writer's thread after a commit."""
        told = [item for item in news if item.topic in FOR_BOXES]
        wanted = {item.vehicle_id for item in told if not item.pool_id}
        pools = {item.pool_id for item in told if item.pool_id}
        if told and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake, wanted, pools)

    def wake(self, vehicle_ids: Iterable[int]) -> None:
        """Wakes these cars' links: news may have been made by another process (command line, second
        server)."""
        self._wake(set(vehicle_ids), set())

    def wake_later(self, box_id: bytes, wait_s: float) -> None:
        """Wakes a box's link again after that time, if it is still there."""
        if (link := self._by_box.get(box_id)) is not None:
            asyncio.get_running_loop().call_later(wait_s, link.wake.set)

    def close(self, draw: Callable[[], float] = random.random) -> None:
        """Ends every link (the server stops), now and for those that come meanwhile. The first
        `COME_BACK_AT_ONCE` come back as they like, within two seconds; the others are told when, spread so
        that a server on two cores shakes hands with all of them. `draw` gives numbers from 0 to 1."""
        self._is_closed = True
        links = list(self._by_box.values())
        spread_s = len(links) / RECONNECTS_PER_S
        for place, link in enumerate(links):
            if place >= COME_BACK_AT_ONCE:
                link.retry_after_s = LEAST_WAIT_S + int(draw() * spread_s)
            self._end(link)

    def _end(self, link: Link) -> None:
        link.is_replaced = True
        link.wake.set()

    def _wake(self, vehicle_ids: set[int], pool_ids: set[int]) -> None:
        links = [link for number in vehicle_ids if (link := self._by_vehicle.get(number)) is not None]
        if 0 in vehicle_ids:
            links = list(self._by_vehicle.values())
        for link in links:
            link.may_need_settings = True
            link.wake.set()
        if pool_ids:
            for link in self._by_vehicle.values():
                if link.pool_id in pool_ids:
                    link.wake.set()

    def _forget_vehicle(self, link: Link) -> None:
        if link.vehicle_id is not None and self._by_vehicle.get(link.vehicle_id) is link:
            del self._by_vehicle[link.vehicle_id]
