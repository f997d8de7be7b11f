"""asyncio on the simulator's clock: the task queue, the task and the wait for input or output.

The Unix port's own task queue reads the host's clock and its poll really sleeps, so all three are replaced:
the first two through `sys.modules["_asyncio"]`, the wait by a method of `asyncio.core.IOQueue`. Each
wake-up is one WAIT to the host, which grants the next instant.
"""

import gc
import io
import select
import sys

import _bridge
from micropython import const

_MASK = const((1 << 30) - 1)
_HALF = const(1 << 29)
_HEAP_REPORT_US = const(1000000)
_core = None
_heap_report_us = 0
_is_fresh = False
_raw_poller = None
_enqueue = None


class TaskQueue:
    """Tasks by the tick at which they are due; equal ticks in the order of arrival. Short, so a list
    serves."""

    def __init__(self):
        self._tasks = []

    def peek(self):
        return self._tasks[0] if self._tasks else None

    def push(self, task, key=None):
        tasks = self._tasks
        task.data = None
        if key is None:
            key = _core.ticks()
        task.ph_key = key
        at = len(tasks)
        while at and ((tasks[at - 1].ph_key - key + _HALF) & _MASK) > _HALF:
            at -= 1
        tasks.insert(at, task)

    def pop(self):
        if _core is not None and self is _core._task_queue:
            _bridge.add_step(_bridge.costs["task_step_us"])
        return self._tasks.pop(0)

    def remove(self, task):
        self._tasks.remove(task)


class Task:
    """A coroutine under way. `state`: True running, a queue of those waiting for it, a callable, None or
    False done."""

    def __init__(self, coro, globals=None):
        self.coro = coro
        self.data = None
        self.state = True
        self.ph_key = 0

    def __iter__(self):
        if not self.state:
            self.state = False  # its end has been seen by somebody
        elif self.state is True:
            self.state = TaskQueue()
        elif type(self.state) is not TaskQueue:
            raise RuntimeError("can't wait")
        return self

    def __next__(self):
        if not self.state:
            raise self.data
        self.state.push(_core.cur_task)
        _core.cur_task.data = self

    def done(self):
        return not self.state

    def cancel(self):
        if not self.state:
            return False
        task = self
        if task is _core.cur_task:
            raise RuntimeError("can't cancel self")
        while isinstance(task.data, Task):
            task = task.data
        if hasattr(task.data, "remove"):
            task.data.remove(task)
            _core._task_queue.push(task)
        elif _core.ticks_diff(task.ph_key, _core.ticks()) > 0:
            _core._task_queue.remove(task)
            _core._task_queue.push(task)
        task.data = _core.CancelledError
        return True


def _serve_ready(queue):
    """Hand every stream that is ready to its tasks; True if there was one."""
    push = _core._task_queue.push
    is_served = False
    for stream, event in queue.poller.ipoll(0):
        waiting = queue.map.get(id(stream))
        if waiting is None:
            continue  # the bridge's own socket
        is_served = True
        if event & ~select.POLLOUT and waiting[0] is not None:
            push(waiting[0])
            waiting[0] = None
        if event & ~select.POLLIN and waiting[-2] is not None:
            push(waiting[-2])
            waiting[-2] = None
        if waiting[0] is None and waiting[-2] is None:
            queue._dequeue(stream)
        else:
            queue.poller.modify(stream, select.POLLIN if waiting[0] is not None else select.POLLOUT)
    return is_served


def _note_enqueue(queue, stream, index):
    """A task begins to wait for a stream: what TLS has decrypted already shows on no socket, so it is asked
    once.
    """
    global _is_fresh, _raw_poller
    _is_fresh = True
    _raw_poller = None
    return _enqueue(queue, stream, index)


def _make_raw_poller(queue):
    """The streams waited for by the sockets beneath them. A poll that holds a TLS stream itself sleeps a
    millisecond of real time even with a time-out of 0, because only its own `ioctl` can be asked.
    """
    poller = select.poll()
    for waiting in queue.map.values():
        stream = waiting[-1]
        if not isinstance(stream, io.IOBase):
            raw = _bridge.raw_sockets.get(id(stream), (stream,))[0]
            poller.register(raw, select.POLLIN if waiting[0] is not None else select.POLLOUT)
    return poller


def _wait_io_event(queue, dt_ms):
    global _heap_report_us, _is_fresh, _raw_poller
    if _is_fresh:
        _is_fresh = False
        if queue.map and _serve_ready(queue):
            _raw_poller = None
            return
    if dt_ms == 0:
        _bridge.advance(1)
        return
    now_us = _bridge.now_us()
    if now_us >= _heap_report_us:
        _heap_report_us = now_us + _HEAP_REPORT_US
        _bridge.post_heap(gc.mem_alloc(), gc.mem_free())
    boot_us = _bridge.config["boot_us"]
    # Due times are whole milliseconds of the ticks, so the wait ends on such a boundary, not a fraction
    # after it.
    until_us = boot_us + (now_us - boot_us) // 1000 * 1000 + dt_ms * 1000 if dt_ms > 0 else _bridge.FOREVER_US
    flags = 0
    has_sockets = False
    for waiting in queue.map.values():
        stream = waiting[-1]
        if hasattr(stream, "is_hal_uart"):
            flags |= _bridge.WAIT_UART
        elif not isinstance(stream, io.IOBase):
            has_sockets = True
    if has_sockets and _raw_poller is None:
        _raw_poller = _make_raw_poller(queue)
    is_ready = _bridge.wait(until_us, flags, _raw_poller if has_sockets else None)
    if queue.map and (is_ready or flags):
        _serve_ready(queue)
        _raw_poller = None


class _Module:
    pass


def install():
    """Put the parts in their places; call it before anything imports asyncio."""
    global _core, _enqueue
    module = _Module()
    module.TaskQueue = TaskQueue
    module.Task = Task
    sys.modules["_asyncio"] = module
    import asyncio.core

    _core = asyncio.core
    _enqueue = _core.IOQueue._enqueue
    _core.IOQueue._enqueue = _note_enqueue
    _core.IOQueue.wait_io_event = _wait_io_event
