"""Open links by vehicle, and waking them after a commit that concerns them."""

from collections.abc import Iterable

from glovebox.store.news import News


class Hub:
    """Knows which cars have an open WebSocket. `publish` may be called from any thread."""

    def linked(self) -> frozenset[int]:
        """Vehicles whose box has a link open in this process."""
        return frozenset()

    def publish(self, news: Iterable[News]) -> None:
        """Wakes the links that the news concern."""
