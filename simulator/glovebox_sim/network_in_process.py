"""The box's way to a cloud in this very process: bytes travel in virtual time, by a seed, to the bit alike.

No sockets, no threads, no TLS: what the box sends reaches the server's protocol after a delay drawn from the
simulation's own chance. What a network does to TCP shows as TCP shows it: a lost segment comes late, with
all behind it; a duplicate or an overtaken segment is put right. What TCP cannot put right is there too:
connections that die without a word, bytes that arrive after the box has opened its next connection, and a
proxy that sends a whole conversation again (`replay`).
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from glovebox_sim.network import STAT_GOT_IP, BoxNetwork

if TYPE_CHECKING:
    from glovebox_sim.host_box import Box

CONNECTED, DATA, END, RESET = range(4)
_RETRY_US = 1_000_000  # what a network that is away is asked again: TCP's first time-out
_RETRIES = 60
_UPGRADE_US = 100_000  # a round trip
_PIECE = 8_192  # bytes an event carries to the box at most
_KEPT = 65_536  # bytes of a conversation that a replay can repeat


class ServerEnd(Protocol):
    """The server's end of one connection."""

    def receive(self, data: bytes) -> None: ...

    def lose(self) -> None:
        """The other end has closed, or is known to be gone."""


class Server(Protocol):
    """What listens. `certificate` is (not before, not after) in seconds since 2000."""

    certificate: tuple[int, int]

    def accept(self, port: int, send: Callable[[bytes], None], close: Callable[[], None]) -> ServerEnd | None:
        """None: nobody listens."""


class _Lane:
    """One direction of a connection: in order, late by chance, waiting while the network is away."""

    def __init__(self, network: InProcessNetwork, deliver: Callable[[int, bytes], None]) -> None:
        self._network = network
        self._deliver = deliver
        self._queue: deque[tuple[int, int, bytes]] = deque()
        self._last_us = 0
        self._retries = 0
        self.is_mute = False

    def put(self, kind: int, data: bytes = b"", extra_us: int = 0) -> None:
        sim = self._network.sim
        self._last_us = max(self._last_us, sim.now_us + self._network.draw_delay_us() + extra_us)
        self._queue.append((self._last_us, kind, data))
        sim.call_at_us(self._last_us, self._pump)

    def hold(self, until_us: int) -> None:
        """What is under way arrives no sooner than that."""
        self._queue = deque((max(at_us, until_us), kind, data) for at_us, kind, data in self._queue)
        self._last_us = max(self._last_us, until_us)
        self._network.sim.call_at_us(until_us, self._pump)

    def _pump(self) -> None:
        sim = self._network.sim
        while self._queue and self._queue[0][0] <= sim.now_us:
            if self.is_mute:
                self._queue.clear()
            elif not self._network.is_up:
                self._retries += 1
                if self._retries > _RETRIES:
                    self._queue.clear()
                else:
                    sim.call_at_us(sim.now_us + _RETRY_US, self._pump)
                return
            else:
                _, kind, data = self._queue.popleft()
                self._deliver(kind, data)


class _Connection:
    """A box's socket and the server's end of it."""

    def __init__(self, network: InProcessNetwork, number: int, port: int) -> None:
        self._network = network
        self.number = number
        self.port = port
        self.has_box = True
        self.said = bytearray()
        self.is_ended = False  # by the server
        self.answers = 0  # pieces that have reached the box
        self.answered_us = 0  # when the second did, which is the first behind the answer to its upgrade
        self.up = _Lane(network, self._at_server)
        self.down = _Lane(network, self._at_box)
        self._end: ServerEnd | None = None
        self.up.put(CONNECTED)

    @property
    def is_mute(self) -> bool:
        return self.up.is_mute

    def die_silently(self) -> None:
        self.up.is_mute = self.down.is_mute = True

    def _end_down(self) -> None:
        self.is_ended = True
        self.down.put(END)

    def _at_server(self, kind: int, data: bytes) -> None:
        network = self._network
        if kind == CONNECTED:
            self._end = network.server.accept(
                self.port, lambda data: self.down.put(DATA, data), self._end_down
            )
            self.down.put(RESET if self._end is None else CONNECTED)
        elif self._end is not None and kind == DATA:
            network.bytes_up += len(data)
            self._end.receive(data)
        elif self._end is not None:
            end, self._end = self._end, None
            end.lose()

    def _at_box(self, kind: int, data: bytes) -> None:
        network = self._network
        if not self.has_box:
            network.bytes_lost += len(data)
            return
        network.bytes_down += len(data)
        self.answers += kind == DATA
        if self.answers == 2 and not self.answered_us:
            self.answered_us = network.sim.now_us
        for at in range(0, max(len(data), 1), _PIECE):
            network.tell_box(self.number, bytes([kind]) + data[at : at + _PIECE])


class InProcessNetwork(BoxNetwork):
    """`BoxNetwork` without sockets. `delay_s` and `jitter_s` each way, `loss` of a segment (0..1)."""

    def __init__(self, box: Box, server: Server, ports: tuple[int, int]) -> None:
        super().__init__(box, ("in-process", ports[0]), ports[1])
        self.server = server
        self.sim = box.sim
        self.delay_s = 0.03
        self.jitter_s = 0.02
        self.loss = 0.0
        self._random = random.Random(f"{box.sim.seed}/{box.name}/network")
        self._open: dict[int, _Connection] = {}
        self._last: _Connection | None = None

    def draw_delay_us(self) -> int:
        delay_s = self.delay_s + self._random.random() * self.jitter_s
        timeout_s = 0.3
        while self._random.random() < self.loss and timeout_s < 20:
            delay_s += timeout_s
            timeout_s *= 2
        return round(delay_s * 1_000_000)

    # -- faults ---------------------------------------------------------------------------------------------
    def silent_death(self) -> None:
        for connection in self._open.values():
            connection.die_silently()
        self._box.emit("network", "silent_death", {})

    def replay(self) -> None:
        """Say again all that the last connection to the link's port has said, on a new one. It is lost five
        seconds later; what was answered is told."""
        said = self._last
        if said is None:
            return
        answers = bytearray()
        end = self.server.accept(said.port, answers.extend, lambda: None)
        if end is None:
            return

        def lose() -> None:
            end.lose()
            self._box.emit("network", "replay_answered", {"answers": bytes(answers)})

        self._box.emit("network", "replay", {"bytes": len(said.said)})
        # As a client: the rest once the upgrade is answered. A server drops what comes along with it.
        head = said.said.find(b"\r\n\r\n") + 4
        first, rest = bytes(said.said[:head]), bytes(said.said[head:])
        end.receive(first)
        self.sim.call_at_us(self.sim.now_us + _UPGRADE_US, lambda: end.receive(rest))
        self.sim.call_at_us(self.sim.now_us + 5_000_000, lose)

    def get_link_age_s(self) -> float | None:
        """For how long the box's link has had an answer; None if it has none, or one that is ending."""
        link = self._last
        if link is None or not link.answered_us or not link.has_box or link.is_ended or link.is_mute:
            return None
        return (self.sim.now_us - link.answered_us) / 1e6

    # -- the simulator's side -------------------------------------------------------------------------------
    @property
    def has_connections(self) -> bool:
        return bool(self._open)

    def resolve(self, name: str, port: int) -> list[Any] | None:
        if self._status != STAT_GOT_IP or not self.is_up:
            return None
        return ["in-process", port]

    def _drop_connections(self) -> None:
        """The box's ends are gone; what they have sent is still on its way, perhaps for long."""
        dropped, self._open = self._open, {}
        for connection in dropped.values():
            connection.has_box = False
            if self._random.random() < 0.5:
                connection.up.hold(self.sim.now_us + round(self._random.random() * 20_000_000))

    def close(self) -> None:
        self._open.clear()

    def tell_box(self, number: int, payload: bytes) -> None:
        host = self._box.host
        if host is not None:
            host.add_net_event(number, payload)

    # -- the box's socket calls (hal/_in_process.py) --------------------------------------------------------
    def open(self, number: int, port: int) -> None:
        connection = _Connection(self, number, port)
        self._open[number] = connection
        self.connections_opened += 1
        assert self._cloud is not None
        if port == self._cloud[1]:
            self._last = connection
        if self._status != STAT_GOT_IP:
            connection.die_silently()

    def write(self, number: int, data: bytes) -> None:
        connection = self._open.get(number)
        if connection is None:
            self.bytes_lost += len(data)
            return
        if len(connection.said) < _KEPT:
            connection.said += data
        connection.up.put(DATA, data)

    def shut(self, number: int) -> None:
        connection = self._open.pop(number, None)
        if connection is not None:
            connection.has_box = False
            self.connections_closed += 1
            connection.up.put(END)
