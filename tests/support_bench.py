"""What the benchmark scripts share: the story's world, and what they say while they run."""

import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

TESTS = Path(__file__).resolve().parent
sys.path[:0] = [str(TESTS), str(TESTS / "shims"), str(TESTS.parent / "firmware")]


def tell(text: str) -> None:
    """Progress; standard output is for the figure alone."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


@contextmanager
def story_world():
    """One box in its car, a cloud on SQLite over loopback TLS, virtual time; powered, linked and parked."""
    from support_story import QuietWorld

    with tempfile.TemporaryDirectory(prefix="glovebox-bench-") as directory:
        world = QuietWorld(Path(directory))
        try:
            world.box.power_on()
            world.wait(lambda: world.contact == "inhibit", 600, "the parked box inhibits")
            world.wait(world.is_linked, 300, "the link is up")
            yield world
        finally:
            world.close()


def percentile(values: list[float], percent: float) -> float:
    """The smallest value that `percent` of all do not exceed (nearest rank)."""
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * percent // 100))
    return ordered[int(rank) - 1]


class Stopwatch:
    """Real seconds since it was made."""

    def __init__(self) -> None:
        self._began = time.perf_counter()

    def read(self) -> float:
        return time.perf_counter() - self._began
