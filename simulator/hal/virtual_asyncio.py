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
_POLL = const(3)
_core = None
_heap_report_us = 0
_enqueue = None
_dequeue = None
_is_stale = True  # the sorting below is older than the queue
_python_streams = []
_tls_writers = []
_raw_poller = None
_streams_of = {}  # id of a socket -> the stream that is waited for
_flags = 0
_fresh_tls = None


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


def _note_enqueue(queue, stream, index):
    global _is_stale, _fresh_tls
    _is_stale = True
    if id(stream) in _bridge.raw_sockets:
        _fresh_tls = stream
    return _enqueue(queue, stream, index)


def _note_dequeue(queue, stream):
    global _is_stale
    _is_stale = True
    return _dequeue(queue, stream)


def _sort_streams(queue):
    """Sort what is waited for: streams in Python, asked by their `ioctl`, and sockets, which the system can
    poll.

    A TLS stream stands there by the socket beneath it: a poll that holds a stream itself sleeps a
    millisecond of real time even with a time-out of 0, because only its own `ioctl` can be asked. Where
    somebody waits to write to one it is asked all the same: in a handshake that waits for bytes to come in,
    while the socket beneath could be written to, and a loop that tries again and again would let time pass
    by the speed of this machine.
    """
    global _is_stale, _python_streams, _tls_writers, _raw_poller, _flags
    _is_stale = False
    _python_streams = []
    _tls_writers = []
    _raw_poller = None
    _flags = 0
    _streams_of.clear()
    for waiting in queue.map.values():
        stream = waiting[-1]
        if isinstance(stream, io.IOBase):
            _python_streams.append(stream)
            if hasattr(stream, "is_hal_uart"):
                _flags |= _bridge.WAIT_UART
        else:
            raw = _bridge.raw_sockets.get(id(stream), (stream,))[0]
            mask = _mask_of(waiting)
            if raw is not stream and mask & select.POLLOUT:
                _tls_writers.append(stream)
                mask = select.POLLIN
            if _raw_poller is None:
                _raw_poller = select.poll()
            _raw_poller.register(raw, mask)
            _streams_of[id(raw)] = stream


def _mask_of(waiting):
    return (select.POLLIN if waiting[0] is not None else 0) | (
        select.POLLOUT if waiting[-2] is not None else 0
    )


def _hand_over(queue, stream, event):
    """Let the tasks run that wait for this event of the stream; False if there is none."""
    waiting = queue.map.get(id(stream))
    if waiting is None:
        return False
    push = _core._task_queue.push
    is_served = False
    if event & ~select.POLLOUT and waiting[0] is not None:
        push(waiting[0])
        waiting[0] = None
        is_served = True
    if event & ~select.POLLIN and waiting[-2] is not None:
        push(waiting[-2])
        waiting[-2] = None
        is_served = True
    if waiting[0] is None and waiting[-2] is None:
        queue._dequeue(stream)
    elif is_served:
        global _is_stale
        _is_stale = True
        queue.poller.modify(stream, _mask_of(waiting))
    return is_served


def _ask_tls(queue, stream):
    """Ask a TLS stream itself and hand over what it says."""
    waiting = queue.map.get(id(stream))
    if waiting is None:
        return False
    poller = select.poll()
    poller.register(stream, _mask_of(waiting))
    is_served = False
    for _, event in poller.ipoll(0):
        is_served = _hand_over(queue, stream, event) or is_served
    return is_served


def _serve_ready(queue):
    """Hand every stream that is ready to its tasks; True if there was one."""
    global _fresh_tls
    if _is_stale:
        _sort_streams(queue)
    is_served = False
    if _python_streams:
        for stream in list(_python_streams):
            event = stream.ioctl(_POLL, _mask_of(queue.map[id(stream)]))
            if event and _hand_over(queue, stream, event):
                is_served = True
    for stream in list(_tls_writers):
        is_served = _ask_tls(queue, stream) or is_served
    if _fresh_tls is not None:
        # What TLS has decrypted already shows on no socket, so the stream is asked once when a task begins
        # to wait.
        stream, _fresh_tls = _fresh_tls, None
        is_served = _ask_tls(queue, stream) or is_served
    if _raw_poller is not None:
        poller, streams = _raw_poller, dict(_streams_of)
        for raw, event in poller.ipoll(0):
            stream = streams.get(id(raw))  # None: the bridge's own socket
            if stream is not None and _hand_over(queue, stream, event):
                is_served = True
    return is_served


def _wait_io_event(queue, dt_ms):
    global _heap_report_us
    if queue.map and _serve_ready(queue):
        return
    if dt_ms == 0:
        _bridge.advance(1)
        return
    now_us = _bridge.now_us()
    if now_us >= _heap_report_us:
        _heap_report_us = now_us + _HEAP_REPORT_US
        _bridge.post_heap(gc.mem_alloc(), gc.mem_free())
    if dt_ms > 0:
        boot_us = _bridge.config["boot_us"]
        # Due times are whole milliseconds of the ticks: the wait ends on such a boundary, not a fraction
        # after it.
        until_us = boot_us + (now_us - boot_us) // 1000 * 1000 + dt_ms * 1000
        _bridge.wait(until_us, _flags if queue.map else 0, _raw_poller if queue.map else None)
        if queue.map:
            _serve_ready(queue)
        return
    # No task has a time: only a stream can make one ready, and an interrupt by itself may do nothing.
    while not _serve_ready(queue):
        _bridge.wait(_bridge.FOREVER_US, _flags, _raw_poller)


class _Module:
    pass


def install():
    """Put the parts in their places; call it before anything imports asyncio."""
    global _core, _enqueue, _dequeue
    module = _Module()
    module.TaskQueue = TaskQueue
    module.Task = Task
    sys.modules["_asyncio"] = module
    import asyncio.core

    _core = asyncio.core
    _enqueue = _core.IOQueue._enqueue
    _dequeue = _core.IOQueue._dequeue
    _core.IOQueue._enqueue = _note_enqueue
    _core.IOQueue._dequeue = _note_dequeue
    _core.IOQueue.wait_io_event = _wait_io_event
