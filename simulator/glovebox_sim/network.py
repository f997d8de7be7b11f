"""The box's way to the cloud: a joined access point, a TCP proxy a box, and what goes wrong on the way.

Every server the firmware looks up is this proxy, which passes bytes to the real cloud (and its plain time
port) and counts them. `up(False)` takes the network away: bytes vanish at once, and the box notices when
its beacons time out. `silent_death()` is what a carrier's address translation does: connections that are
there no longer pass anything, and nobody is told. `refuse` turns new connections away; `delay_ms` holds
bytes back, in simulation time.

Virtual time is frozen while the box's bytes are unanswered (`is_held`), for a bounded real time: an answer
may be late, and some messages have none.
"""

from __future__ import annotations

import select
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from glovebox_sim.network_proxy import Connection, Listener, ProxyThread, reserve_closed_port

if TYPE_CHECKING:
    from glovebox_sim.host_box import Box

STAT_IDLE, STAT_CONNECTING, STAT_GOT_IP = 1000, 1001, 1010
STAT_BEACON_TIMEOUT, STAT_NO_AP_FOUND, STAT_WRONG_PASSWORD = 200, 201, 202
MSS = 1400
_HEADER_BYTES = 40  # IPv4 and TCP without options
_OPEN_BYTES = 44 + 44 + 40  # SYN and SYN-ACK carry the MSS option
_CLOSE_BYTES = 4 * _HEADER_BYTES
_SMALL_BYTES = 100  # a pong, a close: shorter than any envelope with its TLS record, and without an answer
_ANSWER_LIMIT_S = 3.0
_SMALL_ANSWER_LIMIT_S = 0.1


class AccessPoint(NamedTuple):
    """What a scan hears. `key` None accepts any."""

    ssid: str
    bssid: bytes
    rssi: int = -60
    channel: int = 6
    security: int = 3
    key: str | None = None


class BoxNetwork:
    """One box's network; counters are of TLS and HTTP bytes as TCP payload, both directions apart."""

    def __init__(self, box: Box, cloud: tuple[str, int] | None, time_port: int | None) -> None:
        self._box = box
        self._cloud = cloud
        self._time_port = time_port
        self.access_points: list[AccessPoint] = []
        self.accepts_any = True  # whatever the box is told to join is there
        self.refuse = False
        self.delay_ms = 0
        self.bytes_up = 0
        self.bytes_down = 0
        self.bytes_lost = 0
        self.connections_opened = 0
        self.connections_closed = 0
        self._segments = 0
        self._acknowledgements = 0
        self._is_up = True
        self._is_active = False
        self._status = STAT_IDLE
        self._wanted: tuple[str, str | None] | None = None
        self._ssid = ""
        self._generation = 0
        self._lock = threading.Lock()
        self._connections: list[Connection] = []
        self._orphans: list[Connection] = []
        self._listeners: dict[int, Listener] = {}
        self._closed_port: int | None = None
        self._answer_due_at: float | None = None
        self._is_delivered = False
        self._busy = 0  # pieces of work that the proxy's thread has begun or is about to begin
        self._watched = select.poll()
        self._watched_count = 0

    # -- faults ---------------------------------------------------------------------------------------------
    def up(self, is_up: bool = True) -> None:
        """The network comes or goes."""
        with self._box.sim.lock:
            if is_up == self._is_up:
                return
            self._is_up = is_up
            self._box.emit("network", "up" if is_up else "down", {})
            self._generation += 1
            generation = self._generation
            if is_up:
                if self._wanted is not None and self._status != STAT_GOT_IP:
                    self._later("wifi_join_us", generation, self._join)
            else:
                with self._lock:
                    self._answer_due_at = None
                self._later("wifi_beacon_timeout_us", generation, self._lose)

    @property
    def is_up(self) -> bool:
        return self._is_up

    def silent_death(self) -> None:
        """All open connections die without a word; new ones work."""
        with self._lock:
            for connection in self._connections:
                connection.is_mute = True
            self._answer_due_at = None
        self._box.emit("network", "silent_death", {})

    @property
    def is_joined(self) -> bool:
        return self._status == STAT_GOT_IP

    @property
    def has_connections(self) -> bool:
        return bool(self._connections)

    def billed_bytes(self) -> int:
        """What a SIM card would be charged: payload, headers at MSS 1,400, acknowledgements, open and close.

        One acknowledgement every two segments of a burst, rounded up, none of them carried by an answer: an
        upper estimate. Retransmissions are not modelled.
        """
        with self._lock:
            return (
                self.bytes_up
                + self.bytes_down
                + _HEADER_BYTES * (self._segments + self._acknowledgements)
                + _OPEN_BYTES * self.connections_opened
                + _CLOSE_BYTES * self.connections_closed
            )

    # -- the station (hal/network.py) -----------------------------------------------------------------------
    def call(self, verb: str, arguments: list[Any]) -> Any:
        """A call of `network.WLAN`."""
        if verb == "status":
            return self._status
        if verb == "is_active":
            return self._is_active
        if verb == "activate":
            self._is_active = bool(arguments[0])
            if not self._is_active:
                self._leave()
            return None
        if verb == "connect":
            return self._connect(arguments[0], arguments[1])
        if verb == "disconnect":
            self._leave()
            return None
        if verb == "scan":
            return [[p.ssid, p.bssid.hex(), p.channel, p.rssi, p.security] for p in self.access_points]
        if verb == "rssi":
            return next((p.rssi for p in self.access_points if p.ssid == self._ssid), -60)
        if verb == "ssid":
            return self._ssid
        raise ValueError(f"unknown call of WLAN: {verb}")

    def _connect(self, ssid: str | None, key: str | None) -> int:
        if not self._is_active:
            return 0x3002  # ESP_ERR_WIFI_NOT_STARTED
        if ssid is not None:
            self._wanted = (ssid, key)
        self._drop_connections()
        self._status = STAT_CONNECTING
        self._generation += 1
        self._later("wifi_join_us", self._generation, self._join)
        return 0

    def _later(self, cost: str, generation: int, function: Any) -> None:
        def call() -> None:
            if generation == self._generation and self._box.is_on:
                function()

        sim = self._box.sim
        sim.call_at_us(sim.now_us + self._box.board.costs[cost], call)

    def _join(self) -> None:
        if self._wanted is None or not self._is_active:
            return
        ssid, key = self._wanted
        found = next((p for p in self.access_points if p.ssid == ssid), None)
        if not self._is_up or (found is None and not self.accepts_any):
            # The port keeps trying by itself.
            self._status = STAT_NO_AP_FOUND
            if self._is_up:
                self._later("wifi_join_us", self._generation, self._join)
        elif found is not None and found.key is not None and found.key != key:
            self._status = STAT_WRONG_PASSWORD
        else:
            self._status = STAT_GOT_IP
            self._ssid = ssid
            self._box.emit("network", "joined", {"ssid": ssid})

    def _lose(self) -> None:
        if self._status in (STAT_GOT_IP, STAT_CONNECTING):
            self._status = STAT_BEACON_TIMEOUT
            self._drop_connections()
            self._box.emit("network", "lost", {})

    def _leave(self) -> None:
        self._generation += 1
        self._wanted = None
        self._status = STAT_IDLE
        self._ssid = ""
        self._drop_connections()

    def on_power_off(self) -> None:
        """The box's radio falls silent: the cloud is not told, its ends of the connections stay open."""
        self._generation += 1
        self._is_active = False
        self._wanted = None
        self._status = STAT_IDLE
        self._ssid = ""
        self._drop_connections()

    def _drop_connections(self) -> None:
        """The box's ends are reset, the cloud's ends hang in the air."""
        with self._lock:
            dropped, self._connections = self._connections, []
            self._orphans += dropped
            self._answer_due_at = None
            self._busy += len(dropped)
        for connection in dropped:
            connection.orphan()

    # -- names and connections ------------------------------------------------------------------------------
    def resolve(self, name: str, port: int) -> list[Any] | None:
        """The proxy's address for a server the firmware looks up; None: no answer from the name server."""
        if self._status != STAT_GOT_IP or not self._is_up or self._cloud is None:
            return None
        if self.refuse:
            if self._closed_port is None:
                self._closed_port = reserve_closed_port()
            return ["127.0.0.1", self._closed_port]
        if port not in (self._cloud[1], self._time_port):
            self._box.emit("network", "unknown_server", {"name": name, "port": port})
            return None
        listener = self._listeners.get(port)
        if listener is None:
            listener = Listener(ProxyThread.of(self._box.sim), self, (self._cloud[0], port))
            self._listeners[port] = listener
            self._box.sim.is_networked = True
        return ["127.0.0.1", listener.port]

    def close(self) -> None:
        for listener in self._listeners.values():
            listener.close()
        with self._lock:
            connections = self._connections + self._orphans
            self._connections, self._orphans = [], []
        for connection in connections:
            connection.close()

    # -- called by the proxy's thread -----------------------------------------------------------------------
    def watch(self, fd: int) -> None:
        """A socket on which something may have come that the proxy's thread has not read yet."""
        with self._lock:
            self._watched.register(fd, select.POLLIN)
            self._watched_count += 1

    def unwatch(self, fd: int) -> None:
        with self._lock:
            self._watched.unregister(fd)
            self._watched_count -= 1

    def begin(self) -> None:
        """Virtual time has to wait for a piece of work of the proxy."""
        with self._lock:
            self._busy += 1

    def end(self) -> None:
        with self._lock:
            self._busy -= 1
        self._box.sim.notify()

    def expect_answer(self, length: int) -> None:
        """Bytes have gone to the cloud, which answers most of them at once."""
        limit_s = _SMALL_ANSWER_LIMIT_S if length < _SMALL_BYTES else _ANSWER_LIMIT_S
        with self._lock:
            self._answer_due_at = time.monotonic() + limit_s

    def on_opened(self, connection: Connection) -> None:
        with self._lock:
            self._connections.append(connection)
            self.connections_opened += 1
        self.on_delivered()

    def on_closed(self, connection: Connection) -> None:
        with self._lock:
            if connection in self._connections:
                self._connections.remove(connection)
                self.connections_closed += 1

    def take_up(self, connection: Connection, data: bytes) -> bool:
        """Count bytes from the box; False if they vanish."""
        with self._lock:
            if connection.is_mute or not self._is_up:
                self.bytes_lost += len(data)
                return False
            self.bytes_up += len(data)
            self._bill(len(data))
            return True

    def take_down(self, connection: Connection, data: bytes) -> bool:
        """Count bytes from the cloud; False if they vanish."""
        with self._lock:
            if connection.is_mute or not self._is_up:
                self.bytes_lost += len(data)
                return False
            self.bytes_down += len(data)
            self._bill(len(data))
            self._answer_due_at = None
            return True

    def on_delivered(self) -> None:
        """Something has reached the box's socket: virtual time stands still until the box was woken."""
        self._is_delivered = True

    def _bill(self, length: int) -> None:
        segments = -(-length // MSS)
        self._segments += segments
        self._acknowledgements += -(-segments // 2)

    # -- called by the simulation ---------------------------------------------------------------------------
    def wake_box(self) -> bool:
        """Let a waiting box look at its sockets if something has reached them; True if it was woken.

        A box that is about to wait keeps its turn, and one that waits for other things looks before it next
        waits for sockets.
        """
        host = self._box.host
        if not self._is_delivered or (host is not None and not host.is_waiting):
            return False
        self._is_delivered = False
        if host is None or not host.is_waiting_for_sockets:
            return False
        host.wake()
        return True

    def is_held(self) -> bool:
        """Has virtual time to wait for the real network?"""
        due_at = self._answer_due_at
        if self._busy or (due_at is not None and time.monotonic() < due_at):
            return True
        if self._watched_count:
            with self._lock:
                return bool(self._watched.poll(0))
        return False
