"""Keeps the tasks running and the watchdog fed (S6).

Every task shows proof of life at least every `PROOF_OF_LIFE_MS`; only with the proof of all of them is the
watchdog fed. A task that raises is told as a fault and begun anew with a growing delay; one that hangs is
told as a fault, and then the watchdog resets the box, which leaves relay and session as they were.

Some errors end the program at once, in a reset, for to go on would be worse: one that leaves a decision half
done (`is_torn`), memory that runs out again and again (only a reset makes the heap whole), and one in what
keeps the tasks itself.
"""

import asyncio
import gc
import sys

from micropython import const

from .clock import ticks_diff
from .config import PROOF_OF_LIFE_MS, RESTART_MAX_MS, RESTART_MIN_MS
from .protocols.codes import FAULT_TASK_HUNG

_LOOK_MS = const(1_000)
_STEADY_MS = const(60_000)  # a task that ran this long is forgiven its earlier failures
_MEMORY_FAILURES = const(3)  # of one task without a steady minute: it will not have enough the next time


class _Task:
    def __init__(self, name, begin, now_ms):
        self.name = name
        self.begin = begin
        self.seen_at_ms = now_ms
        self.failures = 0
        self.memory_failures = 0
        self.is_resting = False
        self.running = None
        self.begun_at_ms = now_ms


class Supervisor:
    """`faults` is the register; `end(error)` resets the box and never returns; `is_torn()` says that an error
    has left something half done; `report(error)` tells the console.
    """

    def __init__(self, faults, ticks_ms, end, is_torn, report=None, sleep_ms=None):
        self._faults = faults
        self._ticks_ms = ticks_ms
        self._end = end
        self._is_torn = is_torn
        self._watchdog = None
        self._note_hung = None
        self._report = report or getattr(sys, "print_exception", None) or (lambda error: None)
        self._sleep_ms = sleep_ms or asyncio.sleep_ms
        self._tasks = []
        self._is_late = False

    def add(self, name, begin):
        """Add a task: `begin(alive)` returns its coroutine, which calls `alive()` as its proof of life and
        never returns.
        """
        self._tasks.append(_Task(name, begin, self._ticks_ms()))

    def watch(self, watchdog, note_hung):
        """Feed this watchdog from now on; `note_hung(name)` remembers who starves it, None: nobody."""
        self._watchdog = watchdog
        self._note_hung = note_hung

    def list_late(self):
        """Return the names of the tasks without a fresh proof of life."""
        now_ms = self._ticks_ms()
        return [
            task.name
            for task in self._tasks
            if not task.is_resting and ticks_diff(now_ms, task.seen_at_ms) > PROOF_OF_LIFE_MS
        ]

    async def run(self):
        """Run all tasks and feed the watchdog while all of them live; never returns."""
        asyncio.get_event_loop().set_exception_handler(self._on_stray)
        for number, task in enumerate(self._tasks):
            task.seen_at_ms = self._ticks_ms()
            task.running = asyncio.create_task(self._keep(number, task))
        while True:
            self.look()
            await self._sleep_ms(_LOOK_MS)

    def look(self):
        """Feed the watchdog if every task lives, else say which does not."""
        late = self.list_late()
        for number, task in enumerate(self._tasks):
            if task.name in late:
                self._faults.set(FAULT_TASK_HUNG, number + 1)
        if bool(late) != self._is_late:
            self._is_late = bool(late)
            if self._note_hung is not None:
                self._note_hung(late[0] if late else None)
        if not late:
            if all(task.failures == 0 for task in self._tasks):
                self._faults.clear(FAULT_TASK_HUNG)
            if self._watchdog is not None:
                self._watchdog.feed()

    async def _keep(self, number, task):
        delay_ms = RESTART_MIN_MS

        def alive():
            now_ms = self._ticks_ms()
            task.seen_at_ms = now_ms
            if task.failures and ticks_diff(now_ms, task.begun_at_ms) >= _STEADY_MS:
                task.failures = task.memory_failures = 0

        while True:
            task.begun_at_ms = self._ticks_ms()
            try:
                await task.begin(alive)
            except (Exception, asyncio.CancelledError) as error:  # nobody but the task itself cancels
                self._judge(error, task)
            if ticks_diff(self._ticks_ms(), task.begun_at_ms) >= _STEADY_MS:
                delay_ms = RESTART_MIN_MS
            task.failures += 1
            self._faults.set(FAULT_TASK_HUNG, number + 1)
            task.is_resting = True
            await self._sleep_ms(delay_ms)
            task.is_resting = False
            task.seen_at_ms = self._ticks_ms()
            delay_ms = min(2 * delay_ms, RESTART_MAX_MS)

    def _judge(self, error, task=None):
        """Tell an error, and end the program if the box must not go on after it."""
        if isinstance(error, MemoryError):
            gc.collect()
            if task is not None:
                task.memory_failures += 1
        if self._is_torn() or (task is not None and task.memory_failures >= _MEMORY_FAILURES):
            self._end(error)
        self._report(error)

    def _on_stray(self, loop, context):
        """An error that reached nobody: of something a task had begun by itself, or of `_keep`."""
        error = context.get("exception")
        future = context.get("future")
        if future is not None and any(task.running is future for task in self._tasks):
            self._end(error)
        self._judge(error)
        self._faults.set(FAULT_TASK_HUNG)
