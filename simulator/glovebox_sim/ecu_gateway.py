"""A door to the car's bus for any CAN tool: the socketcand protocol over TCP on this machine (raw mode only).

A python-can program joins with `can.Bus(interface="socketcand", host="127.0.0.1", port=...,
channel="can0")`. Real time only: the gateway listens on sockets in a thread of its own, and a frame takes
as long as it takes.

Protocol (socketcand's documentation): `< hi >`, `< open can0 >` and `< rawmode >` answered by `< ok >`, then
`< send id dlc byte byte ... >` one way and `< frame id seconds.microseconds bytes >` the other; `< echo >`
is echoed.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading

import can

MAX_CLIENTS = 4
MAX_COMMAND = 256
"""The longest command of raw mode is 50 characters; more is no client of ours."""
POLL_S = 0.01


class _Client:
    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.pending = ""
        self.is_raw = False

    def say(self, text: str) -> None:
        """Raises OSError when the other end is gone or has stopped reading."""
        self.connection.sendall(text.encode("ascii"))


class SocketCanServer:
    """Serves one virtual channel under the name `bus_name`. `start()` answers the port; `stop()` ends the
    thread."""

    def __init__(self, channel: str, port: int = 0, bus_name: str = "can0") -> None:
        self._bus_name = bus_name
        self._bus = can.Bus(interface="virtual", channel=channel)
        self._listener = socket.create_server(("127.0.0.1", port))
        self._listener.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._clients: dict[socket.socket, _Client] = {}
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="socketcand", daemon=True)
        self.refused_commands = 0

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def start(self) -> int:
        self._thread.start()
        return self.port

    def stop(self) -> None:
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()
        for connection in list(self._clients):
            self._drop(connection)
        self._listener.close()
        self._selector.close()
        self._bus.shutdown()

    def _run(self) -> None:
        while not self._ending.is_set():
            for key, _ in self._selector.select(POLL_S):
                if key.fileobj is self._listener:
                    self._accept()
                elif isinstance(key.fileobj, socket.socket):
                    self._read(key.fileobj)
            while (message := self._bus.recv(timeout=0)) is not None:
                self._forward(message)

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        if len(self._clients) >= MAX_CLIENTS:
            connection.close()
            return
        connection.settimeout(1.0)
        self._clients[connection] = _Client(connection)
        self._selector.register(connection, selectors.EVENT_READ)
        self._say(connection, "< hi >")

    def _drop(self, connection: socket.socket) -> None:
        self._clients.pop(connection, None)
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(connection)
        connection.close()

    def _say(self, connection: socket.socket, text: str) -> None:
        try:
            self._clients[connection].say(text)
        except OSError:
            self._drop(connection)

    def _read(self, connection: socket.socket) -> None:
        try:
            data = connection.recv(4096)
        except OSError:
            data = b""
        if not data:
            self._drop(connection)
            return
        client = self._clients[connection]
        client.pending += data.decode("ascii", "replace")
        while "<" in client.pending and ">" in client.pending:
            command, _, client.pending = client.pending.partition(">")
            self._obey(connection, client, command.partition("<")[2].split())
            if connection not in self._clients:
                return
        if len(client.pending) > MAX_COMMAND:
            self._drop(connection)

    def _obey(self, connection: socket.socket, client: _Client, words: list[str]) -> None:
        match words:
            case ["open", name] if name == self._bus_name:
                self._say(connection, "< ok >")
            case ["rawmode"]:
                client.is_raw = True
                self._say(connection, "< ok >")
            case ["echo"]:
                self._say(connection, "< echo >")
            case ["send", arbitration_id, length, *data] if client.is_raw:
                self._send(connection, arbitration_id, length, data)
            case _:
                self.refused_commands += 1
                self._say(connection, "< error unknown command >")

    def _send(self, connection: socket.socket, arbitration_id: str, length: str, data: list[str]) -> None:
        try:
            message = can.Message(
                arbitration_id=int(arbitration_id, 16),
                is_extended_id=len(arbitration_id) > 3,
                data=[int(byte, 16) for byte in data],
                check=True,
            )
            if message.dlc != int(length, 16):
                raise ValueError("length and bytes differ")
        except ValueError:
            self.refused_commands += 1
            self._say(connection, "< error bad frame >")
            return
        self._bus.send(message)
        for other in [c for c in self._clients if c is not connection]:
            self._frame(other, message)

    def _forward(self, message: can.Message) -> None:
        for connection in list(self._clients):
            self._frame(connection, message)

    def _frame(self, connection: socket.socket, message: can.Message) -> None:
        if self._clients[connection].is_raw:
            name = f"{message.arbitration_id:0{8 if message.is_extended_id else 3}X}"
            data = message.data.hex().upper()
            self._say(connection, f"< frame {name} {message.timestamp:.6f} {data} >")
