"""TCP connections between boxes and the cloud, relayed by one thread a simulation."""

from __future__ import annotations

import contextlib
import functools
import selectors
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from glovebox_sim.network import BoxNetwork
    from glovebox_sim.simulation import Simulation

_READ_SIZE = 65536
_POLL_S = 1.0
_threads: dict[int, ProxyThread] = {}


def reserve_closed_port() -> int:
    """A port of this machine at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ProxyThread:
    """The thread that owns all sockets; others hand it work by `call`."""

    def __init__(self, sim: Simulation) -> None:
        self.sim = sim
        self.selector = selectors.DefaultSelector()
        self._calls: deque[Callable[[], None]] = deque()
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self.selector.register(self._wake_read, selectors.EVENT_READ, None)
        self._is_ending = False
        self._thread = threading.Thread(target=self._run, name="network proxy", daemon=True)
        self._thread.start()

    @staticmethod
    def of(sim: Simulation) -> ProxyThread:
        """The thread of a simulation, started when it is first needed."""
        thread = _threads.get(id(sim))
        if thread is None:
            thread = _threads[id(sim)] = ProxyThread(sim)
        return thread

    @staticmethod
    def end(sim: Simulation) -> None:
        thread = _threads.pop(id(sim), None)
        if thread is not None:
            thread.call(thread._end)
            thread._thread.join(5.0)

    def call(self, function: Callable[[], None]) -> None:
        """Do something in the proxy's thread."""
        self._calls.append(function)
        with contextlib.suppress(OSError):
            self._wake_write.send(b"x")

    def _end(self) -> None:
        self._is_ending = True

    def _run(self) -> None:
        while not self._is_ending:
            for key, mask in self.selector.select(_POLL_S):
                if key.data is None:
                    self._wake_read.recv(4096)
                else:
                    key.data(mask)
            while self._calls:
                self._calls.popleft()()
        for key in list(self.selector.get_map().values()):
            with contextlib.suppress(OSError):
                key.fileobj.close()  # type: ignore[union-attr]
        self.selector.close()
        self._wake_write.close()


class Listener:
    """A port that stands for one server."""

    def __init__(self, thread: ProxyThread, network: BoxNetwork, server: tuple[str, int]) -> None:
        self._thread = thread
        self._network = network
        self._server = server
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.port = int(self._socket.getsockname()[1])
        network.watch(self._socket.fileno())
        thread.call(lambda: _register(thread, self._socket, selectors.EVENT_READ, self._accept))

    def _accept(self, mask: int) -> None:
        self._network.begin()
        with contextlib.suppress(BlockingIOError):
            box_end, _ = self._socket.accept()
            Connection(self._thread, self._network, box_end, self._server)
        self._network.end()

    def close(self) -> None:
        self._network.unwatch(self._socket.fileno())
        self._thread.call(lambda: _forget(self._thread, self._socket))


class _End:
    """One socket of a connection with what is still to be written to it."""

    def __init__(self, connection: Connection, sock: socket.socket, *, is_box: bool) -> None:
        self.connection = connection
        self.socket = sock
        self.is_box = is_box
        self.pending = bytearray()
        self.is_open = True
        self.is_ending = False  # close once everything is written
        self.is_connected = is_box


class Connection:
    """A box's connection and its counterpart to the server. All but `orphan` and `close` in the proxy's
    thread."""

    def __init__(
        self, thread: ProxyThread, network: BoxNetwork, box_end: socket.socket, server: tuple[str, int]
    ) -> None:
        self._thread = thread
        self._network = network
        self.is_mute = False
        box_end.setblocking(False)
        box_end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        cloud_end = socket.socket()
        cloud_end.setblocking(False)
        cloud_end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(BlockingIOError):
            cloud_end.connect(server)
        self._box = _End(self, box_end, is_box=True)
        self._cloud = _End(self, cloud_end, is_box=False)
        network.on_opened(self)
        network.watch(box_end.fileno())
        network.watch(cloud_end.fileno())
        for end in (self._box, self._cloud):
            _register(thread, end.socket, self._events_of(end), functools.partial(self._serve, end))

    def orphan(self) -> None:
        """The box's end is reset; the server's end stays open and silent."""

        def cut() -> None:
            self.is_mute = True
            self._reset(self._box)
            self._network.on_delivered()
            self._network.end()

        self._thread.call(cut)

    def close(self) -> None:
        def close() -> None:
            self._forget(self._box)
            self._forget(self._cloud)

        self._thread.call(close)

    def _events_of(self, end: _End) -> int:
        wants_write = bool(end.pending) or not end.is_connected
        return selectors.EVENT_READ | (selectors.EVENT_WRITE if wants_write else 0)

    def _serve(self, end: _End, mask: int) -> None:
        if mask & selectors.EVENT_WRITE:
            self._write(end)
        if mask & selectors.EVENT_READ and end.is_open:
            self._read(end)

    def _read(self, end: _End) -> None:
        self._network.begin()
        try:
            data = end.socket.recv(_READ_SIZE)
            if data:
                self._pass_on(end, data)
            else:
                self._on_end(end, is_reset=False)
        except BlockingIOError:
            return
        except OSError:
            self._on_end(end, is_reset=True)
        finally:
            self._network.end()

    def _pass_on(self, end: _End, data: bytes) -> None:
        network, sim = self._network, self._thread.sim
        if not (network.take_up(self, data) if end.is_box else network.take_down(self, data)):
            return
        other = self._cloud if end.is_box else self._box
        delay_ms = network.delay_ms
        if not delay_ms:
            self._send(other, data)
            return

        def send() -> None:
            self._send(other, data)
            network.end()

        def due() -> None:
            network.begin()
            self._thread.call(send)

        def schedule() -> None:
            sim.call_later(delay_ms / 1000, due)
            network.end()

        network.begin()
        sim.post(schedule)

    def _send(self, end: _End, data: bytes) -> None:
        if not end.is_open:
            return
        end.pending += data
        self._write(end)
        if end.is_box:
            self._network.on_delivered()
        else:
            self._network.expect_answer(len(data))

    def _write(self, end: _End) -> None:
        if not end.is_connected:
            error = end.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                self._on_end(end, is_reset=True)
                return
            try:
                end.socket.getpeername()
            except OSError:
                return
            end.is_connected = True
        try:
            while end.pending:
                count = end.socket.send(end.pending)
                del end.pending[:count]
        except BlockingIOError:
            pass
        except OSError:
            self._on_end(end, is_reset=True)
            return
        if end.is_open:
            if not end.pending and end.is_ending:
                self._forget(end)
            else:
                self._thread.selector.modify(
                    end.socket, self._events_of(end), functools.partial(self._serve, end)
                )

    def _on_end(self, end: _End, *, is_reset: bool) -> None:
        """One side has ended; the other is told unless the network swallows it."""
        self._forget(end)
        other = self._cloud if end.is_box else self._box
        if self.is_mute or not self._network.is_up:
            return
        self._network.on_closed(self)
        if not other.is_open:
            return
        if is_reset:
            self._reset(other)
        else:
            other.is_ending = True
            self._write(other)
        self._network.on_delivered()

    def _reset(self, end: _End) -> None:
        if end.is_open:
            with contextlib.suppress(OSError):
                end.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._forget(end)

    def _forget(self, end: _End) -> None:
        if end.is_open:
            end.is_open = False
            self._network.unwatch(end.socket.fileno())
            _forget(self._thread, end.socket)


def _register(thread: ProxyThread, sock: socket.socket, events: int, serve: Callable[[int], None]) -> None:
    thread.selector.register(sock, events, serve)


def _forget(thread: ProxyThread, sock: socket.socket) -> None:
    with contextlib.suppress(KeyError, ValueError):
        thread.selector.unregister(sock)
    sock.close()
