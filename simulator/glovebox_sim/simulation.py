"""Boxes and their world under one clock, virtual (seeded, repeatable) or real (the bench).

In virtual time exactly one thing happens at a time: the earliest of all world events and all boxes'
operations. A box computes while everything else stands still. In real time the same objects follow the
machine's clock.
"""

from __future__ import annotations

import heapq
import os
import random
import select
import selectors
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from glovebox_sim.host import FOREVER_US, Host
from glovebox_sim.host_box import Box
from glovebox_sim.network_in_process import Server
from glovebox_sim.network_proxy import ProxyThread

EventListener = Callable[[float, str, str, str, dict[str, Any]], None]

DEFAULT_START_AT = 1_780_000_000  # May 2026
_HOLD_POLL_S = 0.002
_HOLD_LIMIT_S = 60.0
_MAX_SLICE_S = 0.05
_QUIET_LOAD = 0.75  # of each core


class SimulationError(RuntimeError):
    """The simulation cannot go on."""


class Simulation:
    """The clock, the boxes and the world's events. Times of the interface are seconds; `now` is Unix time."""

    def __init__(self, seed: int = 1, start_at: int = DEFAULT_START_AT, *, real_time: bool = False) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self.start_at = start_at
        self.real_time = real_time
        self.boxes: list[Box] = []
        self.on_event: list[EventListener] = []
        self.lock = threading.RLock()
        self.hang_s = 20.0
        self.held_s = 0.0  # real seconds for which virtual time stood still
        self._now_us = 0
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._sequence = 0
        self._posted: deque[Callable[[], Any]] = deque()
        self._holds: list[Callable[[], bool]] = []
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._began_at = time.monotonic()
        self._is_stopping = False
        self.is_networked = False  # something outside virtual time may hold it: a socket, a hold
        self._all_cpus = os.sched_getaffinity(0)
        self.cpus = self._all_cpus  # where the boxes' processes may run

    # -- the clock ------------------------------------------------------------------------------------------
    @property
    def now_us(self) -> int:
        """Microseconds since the simulation began."""
        if self.real_time:
            return int((time.monotonic() - self._began_at) * 1_000_000)
        return self._now_us

    @property
    def now(self) -> float:
        """Unix time, seconds."""
        return self.start_at + self.now_us / 1_000_000

    def clock(self) -> float:
        """The same, to give to a cloud; callable from any thread."""
        return self.now

    # -- the world ------------------------------------------------------------------------------------------
    def add_box(
        self,
        name: str,
        *,
        directory: Path,
        cloud: tuple[str, int] | None = None,
        time_port: int | None = None,
        firmware: Path | None = None,
        heap_bytes: int | None = None,
        server: Server | None = None,
    ) -> Box:
        """A box, without power. Its flash image and the state of its chips live in `directory`. With
        `server` the cloud is in this process, and nothing is real but it and the firmware.
        """
        directory.mkdir(parents=True, exist_ok=True)
        box = Box(
            self, name, directory, cloud=cloud, time_port=time_port, firmware=firmware, heap_bytes=heap_bytes,
            server=server,
        )  # fmt: skip
        self.boxes.append(box)
        return box

    def call_at_us(self, at_us: int, function: Callable[[], None]) -> None:
        with self.lock:
            self._sequence += 1
            heapq.heappush(self._events, (at_us, self._sequence, function))
        self.notify()

    def at(self, when: float, function: Callable[[], None]) -> None:
        """Call once at a Unix time."""
        self.call_at_us(round((when - self.start_at) * 1_000_000), function)

    def call_later(self, delay_s: float, function: Callable[[], None]) -> None:
        self.call_at_us(self.now_us + round(delay_s * 1_000_000), function)

    def every(self, period_s: float, function: Callable[[], None]) -> Callable[[], None]:
        """Call each `period_s`, first one period from now. The answer is a function that ends it."""
        period_us = round(period_s * 1_000_000)
        due_us = self.now_us + period_us
        is_ended = False

        def call() -> None:
            nonlocal due_us
            if is_ended:
                return
            function()
            due_us += period_us
            self.call_at_us(due_us, call)

        def end() -> None:
            nonlocal is_ended
            is_ended = True

        self.call_at_us(due_us, call)
        return end

    def add_hold(self, is_held: Callable[[], bool]) -> None:
        """Virtual time stands still while any of these is true."""
        self._holds.append(is_held)
        self.is_networked = True

    def emit(self, box: str, source: str, name: str, data: dict[str, Any]) -> None:
        for listener in self.on_event:
            listener(self.now, box, source, name, data)

    def post(self, function: Callable[[], Any]) -> None:
        """Have the running simulation call a function soon; from any thread, without waiting for the lock."""
        self._posted.append(function)
        self.notify()

    def _do_posted(self) -> None:
        while self._posted:
            self._posted.popleft()()

    def notify(self) -> None:
        """Something has happened that the real-time loop or a hold may wait for."""
        if self.real_time or threading.get_ident() != self._runner:
            try:
                os.write(self._wake_write, b"x")
            except BlockingIOError:
                pass

    _runner: int | None = None

    # -- running --------------------------------------------------------------------------------------------
    def run_for(self, duration_s: float) -> None:
        self._run(self.now_us + round(duration_s * 1_000_000), None)

    def run_until(self, is_reached: Callable[[], bool], timeout_s: float) -> bool:
        """Run until the predicate holds (asked after every event and operation); False after `timeout_s`."""
        return self._run(self.now_us + round(timeout_s * 1_000_000), is_reached)

    def run_forever(self) -> None:
        """Real time: run until `stop` is called, usually in a thread of its own."""
        self._is_stopping = False
        while not self._is_stopping:
            self._run(self.now_us + 3_600_000_000, lambda: self._is_stopping)

    def stop(self) -> None:
        self._is_stopping = True
        self.notify()

    def _run(self, target_us: int, is_reached: Callable[[], bool] | None) -> bool:
        self._runner = threading.get_ident()
        try:
            if self.real_time:
                return self._run_real(target_us, is_reached)
            self._choose_cores()
            try:
                return self._run_virtual(target_us, is_reached)
            finally:
                os.sched_setaffinity(0, self._all_cpus)
        finally:
            self._runner = None
            for box in self.boxes:
                box.drain_output()

    def _choose_cores(self) -> None:
        """Host and box take turns: on one core a turn costs a third of what it costs across two. But a core
        that others keep busy makes each turn wait, so on a busy machine the system places them.
        """
        cpus = sorted(self._all_cpus)
        is_quiet = os.getloadavg()[0] < _QUIET_LOAD * len(cpus)
        chosen = {cpus[os.getpid() % len(cpus)]} if is_quiet else self._all_cpus
        if chosen != self.cpus:
            self.cpus = chosen
            for box in self.boxes:
                box.place(chosen)
        os.sched_setaffinity(0, chosen)

    def _run_virtual(self, target_us: int, is_reached: Callable[[], bool] | None) -> bool:
        may_be_held = True  # an operation that only follows another of its batch begins no hold
        while is_reached is None or not is_reached():
            with self.lock:
                if self._posted:
                    self._do_posted()
                at_us = self._events[0][0] if self._events else FOREVER_US
                earliest = None
                for box in self.boxes:
                    host = box.host
                    if host is not None and host.next_us < at_us:
                        at_us = host.next_us
                        earliest = host
                if at_us > self._now_us:
                    if self.is_networked and may_be_held:
                        if self._wake_boxes():
                            continue
                        if self._is_held():
                            self._wait_for_holds()
                            continue
                        may_be_held = False
                    if at_us > target_us:
                        self._now_us = max(self._now_us, target_us)
                        return False
                    self._now_us = at_us
                if earliest is None:
                    heapq.heappop(self._events)[2]()
                    may_be_held = True
                else:
                    earliest.do_next(self._now_us)
                    if earliest.is_running:
                        earliest.receive_batch()
                        may_be_held = True
                    elif earliest.is_waiting:
                        may_be_held = True
        return True

    def _wake_boxes(self) -> bool:
        """Let boxes look at sockets that something has reached: True if one was woken."""
        is_woken = False
        for box in self.boxes:
            is_woken = box.network.wake_box() or is_woken
        return is_woken

    def _is_held(self) -> bool:
        for box in self.boxes:
            if box.network.is_held():
                return True
        return any(is_held() for is_held in self._holds)

    def _wait_for_holds(self) -> None:
        began_at = time.monotonic()
        poll = selectors.DefaultSelector()
        try:
            poll.register(self._wake_read, selectors.EVENT_READ)
            while self._is_held():
                self.lock.release()
                try:
                    poll.select(_HOLD_POLL_S)
                finally:
                    self.lock.acquire()
                self._drain_wake()
                if self._posted or self._wake_boxes():
                    break
                if time.monotonic() - began_at > _HOLD_LIMIT_S:
                    raise SimulationError(f"virtual time has been held for {_HOLD_LIMIT_S} s")
        finally:
            poll.close()
            self.held_s += time.monotonic() - began_at

    def _drain_wake(self) -> None:
        try:
            while os.read(self._wake_read, 4096):
                pass
        except BlockingIOError:
            pass

    def _run_real(self, target_us: int, is_reached: Callable[[], bool] | None) -> bool:
        poll = select.poll()
        hosts: dict[int, Host] | None = None
        while is_reached is None or not is_reached():
            if self.now_us >= target_us:
                return False
            with self.lock:
                self._do_posted()
                wait_s = self._do_due(target_us)
                live = {box.host.fileno(): box.host for box in self.boxes if box.host is not None}
            if live != hosts:
                # A process that has ended took its socket with it, and its number may be another's by now.
                poll = select.poll()
                for fd in (self._wake_read, *live):
                    poll.register(fd, select.POLLIN)
                hosts = live
            for fd, _ in poll.poll(min(wait_s, _MAX_SLICE_S) * 1000):
                with self.lock:
                    if fd == self._wake_read:
                        self._drain_wake()
                    elif any(box.host is live[fd] for box in self.boxes):
                        live[fd].receive_some()
        return True

    def _do_due(self, target_us: int) -> float:
        """Do everything that is due in real time; the answer is how long nothing else is, seconds."""
        while True:
            at_us = self._events[0][0] if self._events else FOREVER_US
            is_busy = False
            if at_us <= self.now_us:
                heapq.heappop(self._events)[2]()
                is_busy = True
            for box in self.boxes:
                host = box.host
                # Operations carry the box's own reading of the clock: what has arrived is due.
                if host is not None and host.is_due(self.now_us):
                    host.do_next(self.now_us)
                    is_busy = True
                elif host is not None and host.is_waiting:
                    at_us = min(at_us, host.next_us)
            if not is_busy:
                return max(0.0, (min(at_us, target_us) - self.now_us) / 1_000_000)

    # -- end ------------------------------------------------------------------------------------------------
    def close(self) -> None:
        """End all processes and connections; the boxes' directories keep their state."""
        self.stop()
        with self.lock:
            for box in self.boxes:
                box.close()
            ProxyThread.end(self)
            os.close(self._wake_read)
            os.close(self._wake_write)

    def __enter__(self) -> Simulation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
