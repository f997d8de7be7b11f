"""Open links by car, and waking them after a commit that concerns them. One hub a process; a box has one
link at a time."""

import asyncio
from collections.abc import Iterable

from glovebox.store.news import News

_TOLD = frozenset(("authorisations", "command", "settings"))


class Link:
    """One open WebSocket as the hub sees it. `wake` is set when there may be something to tell,
    `is_replaced` when a newer link is."""

    __slots__ = ("box_id", "box_pk", "is_replaced", "pool_id", "vehicle_id", "wake")

    def __init__(self, box_id: bytes, box_pk: int) -> None:
        self.box_id, self.box_pk = box_id, box_pk
        self.vehicle_id: int | None = None
        self.pool_id: int | None = None
        self.wake = asyncio.Event()
        self.is_replaced = False


class Hub:
    """Knows which cars have an open link in this process. All but `publish` and `linked` belong to the
    event loop's thread."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._by_box: dict[bytes, Link] = {}
        self._by_vehicle: dict[int, Link] = {}

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
            older.is_replaced = True
            older.wake.set()
            self._forget_vehicle(older)
        self._by_box[link.box_id] = link
        if link.vehicle_id != vehicle_id:
            self._forget_vehicle(link)
            link.vehicle_id = vehicle_id
        link.pool_id = pool_id
        if vehicle_id is not None:
            self._by_vehicle[vehicle_id] = link

    def leave(self, link: Link) -> None:
        """A link has ended."""
        if self._by_box.get(link.box_id) is link:
            del self._by_box[link.box_id]
        self._forget_vehicle(link)

    def publish(self, news: Iterable[News]) -> None:
        """Wakes the links that the news concern; called by the writer's thread after a commit."""
        told = [item for item in news if item.topic in _TOLD]
        wanted = {item.vehicle_id for item in told if not item.pool_id}
        pools = {item.pool_id for item in told if item.pool_id}
        if told and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake, wanted, pools)

    def wake(self, vehicle_ids: Iterable[int]) -> None:
        """Wakes these cars' links: news may have been made by another process (command line, second
        server)."""
        self._wake(set(vehicle_ids), set())

    def close(self) -> None:
        """Ends every link (the server stops)."""
        for link in list(self._by_box.values()):
            link.is_replaced = True
            link.wake.set()

    def _wake(self, vehicle_ids: set[int], pool_ids: set[int]) -> None:
        links = [link for number in vehicle_ids if (link := self._by_vehicle.get(number)) is not None]
        if 0 in vehicle_ids or pool_ids:
            for link in self._by_vehicle.values():
                if 0 in vehicle_ids or link.pool_id in pool_ids:
                    links.append(link)
        for link in links:
            link.wake.set()

    def _forget_vehicle(self, link: Link) -> None:
        if link.vehicle_id is not None and self._by_vehicle.get(link.vehicle_id) is link:
            del self._by_vehicle[link.vehicle_id]
