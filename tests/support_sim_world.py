"""A clockwork for tests of the car's side: simulation time without a box, stepped by the test."""

import heapq
import threading
from itertools import count


class Clockwork:
    """Runs calls in the order of their time; `run_for` is the only thing that lets time pass."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now
        self.lock = threading.RLock()
        self.on_event: list = []
        self._calls: list = []
        self._order = count()

    def call_later(self, delay_s, fn):
        with self.lock:
            heapq.heappush(self._calls, (self.now + max(delay_s, 0.0), next(self._order), fn))

    def at(self, when, fn):
        self.call_later(when - self.now, fn)

    def every(self, period_s, fn):
        def again():
            fn()
            self.call_later(period_s, again)

        self.call_later(period_s, again)

    def run_for(self, seconds):
        end = self.now + seconds
        while self._calls and self._calls[0][0] <= end:
            with self.lock:
                due, _, fn = heapq.heappop(self._calls)
                self.now = max(self.now, due)
                fn()
        self.now = end

    def emit(self, box_name, source, name, data):
        for listener in self.on_event:
            listener(self.now, box_name, source, name, data)


IDLE_FIRMWARE = """
import time
while True:
    time.sleep_ms(500)
"""


def idle_firmware(folder):
    """A firmware that does nothing: for tests of the world outside the box."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "boot.py").write_text("")
    (folder / "main.py").write_text(IDLE_FIRMWARE)
    return folder


def make_world(sim, folder, name="AB-123-CD", **more):
    """A car around a box without power, in `folder`."""
    from glovebox_sim.world import CarWorld

    box = sim.add_box(name, directory=folder / name, firmware=idle_firmware(folder / "firmware"))
    return CarWorld(sim, box, **more)
