"""The one way into the database while the server runs: a single thread that gathers jobs into group commits.

While one batch commits (one fsync), the next gathers. Bookings go ahead of syncs. A job is a function of
the transaction and may run twice: it must change nothing but the transaction. Bookings run in a savepoint
each, so a refused one undoes only itself; syncs run bare, because a savepoint costs a third of a sync, and
a poisoned one makes its batch roll back and every job run again singly.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError

from glovebox.errors import Busy
from glovebox.store.engine import queue_up, store_away
from glovebox.store.news import News, take
from glovebox.store.plain import Keyed, send_queued

T = TypeVar("T")
Job = Callable[[Connection], T]
Reads = tuple[Keyed, Sequence[Any]]
"""What a job will read, and by which values."""

# A batch is one fsync. 256 syncs are about 50 ms of work, the longest that a booking waits behind one.
BATCH_LIMIT: Final = 256
# Jobs whose rows are read together. One of them that changes more than its own makes the others read singly.
AHEAD_LIMIT: Final = 32
# Deadlocks (exclusion constraint) and lost connections: tried again, then told.
SINGLE_TRIES: Final = 3

log = logging.getLogger("glovebox.writer")


class _Entry:
    __slots__ = ("error", "future", "job", "loop", "news", "reads", "result", "urgent")

    def __init__(
        self,
        job: Job[Any],
        urgent: bool,
        future: Any,
        loop: asyncio.AbstractEventLoop | None,
        reads: Reads | None = None,
    ) -> None:
        self.job, self.urgent, self.future, self.loop, self.reads = job, urgent, future, loop, reads
        self.result: Any = None
        self.error: Exception | None = None
        self.news: list[News] = []


class Writer:
    """Owns the writing engine. `start()` runs the thread; without it `step()` drains the queue in the
    caller's thread (seeded runs)."""

    def __init__(
        self, engine: Engine, queue_limit: int = 4_000, on_news: Callable[[list[News]], None] | None = None
    ) -> None:
        """`on_news` is called after each commit, from the writer's thread, with what the jobs told."""
        self._engine = engine
        self._queue_limit = queue_limit
        self.on_news = on_news
        self._urgent: deque[_Entry] = deque()
        self._ordinary: deque[_Entry] = deque()
        self._wake = threading.Condition()
        self.is_stopping = False
        """True once `stop` was called: new jobs are refused as if the queue were full."""
        self._thread: threading.Thread | None = None
        self._connection: Connection | None = None
        self._is_working = False
        self.batches = self.jobs = self.retried = 0

    def start(self) -> None:
        """Starts the thread."""
        self._thread = threading.Thread(target=self._loop, name="glovebox-writer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Takes no new job, does all that wait, then ends. Safe to call twice."""
        with self._wake:
            self.is_stopping = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()
        else:
            self.step()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @property
    def waiting(self) -> int:
        """Jobs in the queue."""
        return len(self._urgent) + len(self._ordinary)

    @property
    def is_idle(self) -> bool:
        """True if no job waits and none is being done: whoever waited has been answered."""
        return not self._is_working and not self.waiting

    async def write(self, job: Job[T], *, urgent: bool = True, reads: Reads | None = None) -> T:
        """Runs `job` in the writer and returns its result after the commit. Raises what the job raised, or
        Busy. `reads`: what one that is not urgent will read, so that its batch may read it ahead."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._put(_Entry(job, urgent, future, loop, reads))
        if self._thread is None:
            self.step()
        return await future

    def run(self, job: Job[T], *, urgent: bool = True) -> T:
        """The same for a thread that may block (never the event loop)."""
        future: Future[T] = Future()
        self._put(_Entry(job, urgent, future, None))
        if self._thread is None:
            self.step()
        return future.result()

    def step(self) -> None:
        """Does all waiting jobs here and now; only where `start()` was not called."""
        while self.waiting:
            self._do(self._gather())

    def _put(self, entry: _Entry) -> None:
        with self._wake:
            if self.is_stopping or self.waiting >= self._queue_limit:
                raise Busy()
            (self._urgent if entry.urgent else self._ordinary).append(entry)
            self._wake.notify()

    def _gather(self) -> list[_Entry]:
        batch: list[_Entry] = []
        for queue in (self._urgent, self._ordinary):
            while queue and len(batch) < BATCH_LIMIT:
                batch.append(queue.popleft())
        return batch

    def _loop(self) -> None:
        while True:
            with self._wake:
                while not self.waiting and not self.is_stopping:
                    self._wake.wait()
                batch = self._gather()
                self._is_working = bool(batch)
            if not batch:
                return
            self._do(batch)
            self._is_working = False

    def _do(self, batch: list[_Entry]) -> None:
        self.batches += 1
        self.jobs += len(batch)
        try:
            self._run_together(batch)
        except Exception:
            for entry in batch:
                self._run_singly(entry)
        news = list(dict.fromkeys(item for entry in batch if entry.error is None for item in entry.news))
        if news and self.on_news is not None:
            try:
                self.on_news(news)
            except Exception:  # a listener's fault must not stop the writer
                log.exception("news listener failed")
        _deliver(batch)

    def _connect(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = self._engine.connect()
        return self._connection

    def _run_together(self, batch: list[_Entry]) -> None:
        tx = self._connect()
        with tx.begin():
            urgent = sum(1 for entry in batch if entry.urgent)  # they are the first
            if urgent:
                queue_up(tx)
            for place, entry in enumerate(batch):
                if not (entry.urgent or (place - urgent) % AHEAD_LIMIT):
                    _read_ahead(tx, batch[place : place + AHEAD_LIMIT])
                take(tx)
                entry.error = None
                if not entry.urgent:
                    entry.result = entry.job(tx)
                else:
                    try:
                        with tx.begin_nested():
                            entry.result = entry.job(tx)
                    except DBAPIError as error:
                        if len(batch) > 1 or _is_worth_another_try(error):
                            raise  # the transaction may be lost (deadlock): everything again, singly
                        entry.error = error
                    except Exception as error:
                        entry.error = error
                entry.news = take(tx)
            send_queued(tx)

    def _run_singly(self, entry: _Entry) -> None:
        self.retried += 1
        for attempt in range(1, SINGLE_TRIES + 1):
            try:
                tx = self._connect()
                with tx.begin():
                    if entry.urgent:
                        queue_up(tx)
                    take(tx)
                    entry.result = entry.job(tx)
                    entry.news = take(tx)
                    send_queued(tx)
                entry.error = None
                return
            except DBAPIError as error:
                entry.error = error
                if not _is_worth_another_try(error) or attempt == SINGLE_TRIES:
                    if isinstance(error, OperationalError):
                        entry.error = store_away(error)
                    return
            except Exception as error:
                entry.error = error
                return


def _read_ahead(tx: Connection, entries: list[_Entry]) -> None:
    wanted: dict[Keyed, list[Sequence[Any]]] = {}
    for entry in entries:
        if entry.reads is not None:
            wanted.setdefault(entry.reads[0], []).append(entry.reads[1])
    for statement, keys in wanted.items():
        statement.read_ahead(tx, keys)


def _is_worth_another_try(error: DBAPIError) -> bool:
    """Lost connections, PostgreSQL's deadlock and serialization failures (class 40), SQLite's locks."""
    state = getattr(error.orig, "sqlstate", None) or ""
    return error.connection_invalidated or state.startswith("40") or "locked" in str(error.orig)


def _deliver(batch: list[_Entry]) -> None:
    """Hands results to their waiters, one wake-up per event loop."""
    loops: dict[asyncio.AbstractEventLoop, list[_Entry]] = {}
    for entry in batch:
        if entry.loop is None:
            _resolve(entry)
        else:
            loops.setdefault(entry.loop, []).append(entry)
    for loop, entries in loops.items():
        try:
            loop.call_soon_threadsafe(_resolve_all, entries)
        except RuntimeError:  # the loop has ended; nobody waits any more
            continue


def _resolve_all(entries: list[_Entry]) -> None:
    for entry in entries:
        _resolve(entry)


def _resolve(entry: _Entry) -> None:
    if entry.future.done():  # the waiter was cancelled
        return
    if entry.error is not None:
        entry.future.set_exception(entry.error)
    else:
        entry.future.set_result(entry.result)
