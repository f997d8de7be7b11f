"""The real cloud in this process, one step at a time: its clock, its chance and its event loop are handed in.

uvicorn's own protocols parse and answer, on a transport that is the simulation's network; the writer has no
thread; timed rules run by the loop's timers, which are the simulation's. Nothing of the cloud is replaced
but what stands around it: sockets, TLS, threads and the time.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn
from glovebox import rules
from glovebox.app import Apps, create_app
from glovebox.config import Config
from glovebox.serving import MESSAGE_LIMIT
from glovebox.store import backup
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

BOX_PORT, TIME_PORT = 443, 80
CERTIFICATE = (757_382_400, 2_019_686_400)
"""2024 to 2064, seconds since 2000."""
RULES_EACH_S = 5.0
"""Timed rules look each second in a server; what is due is the same, and a life costs a quarter less."""
REQUEST_TURNS = 10_000
"""A loop that is still busy after so many turns will never rest."""


class SteppedLoop(asyncio.BaseEventLoop):
    """An event loop that runs what is ready and returns; its time is the simulation's."""

    def __init__(self, sim: Any) -> None:
        super().__init__()
        self._sim = sim
        self._selector = self
        self._clock_resolution = 1e-6
        self._planned_us: int | None = None
        self.failures: list[str] = []
        self.set_exception_handler(lambda _loop, context: self.failures.append(repr(context)))

    def time(self) -> float:
        return self._sim.now_us / 1e6

    def select(self, _timeout: float | None) -> list[object]:
        return []

    def _process_events(self, _events: object) -> None:
        pass

    def _write_to_self(self) -> None:
        pass

    def step(self) -> None:
        """Run until nothing is ready, and come back when the next timer is due."""
        for _ in range(REQUEST_TURNS):
            if not self._ready and not (self._scheduled and self._scheduled[0]._when <= self.time()):
                break
            self.call_soon(self.stop)
            self.run_forever()
        else:
            raise RuntimeError("the cloud's loop does not come to rest")
        if self._scheduled:
            due_us = round(self._scheduled[0]._when * 1e6)
            if self._planned_us is None or due_us < self._planned_us or self._planned_us <= self._sim.now_us:
                self._planned_us = due_us
                self._sim.call_at_us(max(due_us, self._sim.now_us + 1), self._on_timer)

    def _on_timer(self) -> None:
        if not self.is_closed():
            self.step()


class _Transport(asyncio.Transport):
    """What uvicorn writes to; the other end is a box's network."""

    def __init__(self, loop: SteppedLoop, send: Callable[[bytes], None], close: Callable[[], None]) -> None:
        super().__init__()
        self._loop, self._send, self._close = loop, send, close
        self._is_closing = False
        self.protocol: Any = None

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)}.get(name, default)

    def write(self, data: bytes) -> None:
        if not self._is_closing:
            self._send(bytes(data))

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        if not self._is_closing:
            self._is_closing = True
            self._close()
            self._loop.call_soon(self.protocol.connection_lost, None)

    abort = close

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self.protocol

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    # the simulator's end
    def receive(self, data: bytes) -> None:
        if not self._is_closing:
            self._loop.call_soon(self._feed, data)
            self._loop.step()

    def _feed(self, data: bytes) -> None:
        if not self._is_closing:
            self.protocol.data_received(data)

    def lose(self) -> None:
        if not self._is_closing:
            self._is_closing = True
            self._loop.call_soon(self.protocol.connection_lost, None)
            self._loop.step()


class CloudInProcess:
    """A cloud on `directory`. `offset_s` is by how much its clock is wrong. `stop` and `start` are a server
    process that ends and comes again; boxes' connections die with it."""

    certificate = CERTIFICATE

    def __init__(self, sim: Any, directory: Path) -> None:
        self.sim = sim
        self.directory = directory
        self.offset_s = 0.0
        self.entropy = random.Random(f"{sim.seed}/cloud").randbytes
        self.failures: list[str] = []
        self.forger: Any = None  # on the way to the time port: `forge(bytes)`
        self._backups = 0
        self._books: sqlite3.Connection | None = None
        self._books_opened = 0
        self.start()

    def clock(self) -> float:
        return float(self.sim.now) + self.offset_s

    def start(self) -> None:
        config = Config(self.directory, web_port=TIME_PORT, box_port=BOX_PORT)
        self.loop = SteppedLoop(self.sim)
        self.loop.failures = self.failures
        self.apps: Apps | None = create_app(config, self.clock, self.entropy)
        self.cloud = self.apps.cloud
        self.cloud.hub.bind(self.loop)
        self._transports: list[_Transport] = []
        self._state = ServerState()
        self._configs = {
            port: _config(app) for port, app in ((BOX_PORT, self.apps.box), (TIME_PORT, self.apps.web))
        }
        self.loop.create_task(rules.run(self.cloud, RULES_EACH_S))
        self.loop.step()

    def stop(self) -> None:
        """All connections end, and what the loop still does."""
        self.cloud.hub.close()
        for transport in self._transports:
            transport.close()
        self.loop.step()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.step()
        self.cloud.close()
        self.apps = None
        self.loop.close()
        self.close_books()

    def run(self, job: Callable[[Any], Any]) -> Any:
        """A job of the writer, as a request makes one; the links hear of it at once."""
        result = self.cloud.writer.run(job)
        self.loop.step()
        return result

    def accept(self, port: int, send: Callable[[bytes], None], close: Callable[[], None]) -> Any:
        if self.apps is None:
            return None
        if port == TIME_PORT and self.forger is not None:
            genuine, forge = send, self.forger.forge
            send = lambda data: genuine(forge(data))  # noqa: E731
        transport = _Transport(self.loop, send, close)
        protocol = HttpToolsProtocol(self._configs[port], self._state, {}, self.loop)
        transport.protocol = protocol
        self._transports.append(transport)
        protocol.connection_made(transport)
        return transport

    # -- the books, as anybody with the file reads them -----------------------------------------------------
    def read_books(self, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
        """Rows as committed; also while the server is down."""
        if self._books is None:
            self._books = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, isolation_level=None)
            self._books_opened += 1
        return self._books.execute(sql, arguments).fetchall()

    def get_books_version(self) -> tuple[int, int]:
        """Another value after each commit, and with each store."""
        version = self.read_books("PRAGMA data_version")[0][0]
        return self._books_opened, version

    def close_books(self) -> None:
        if self._books is not None:
            self._books.close()
            self._books = None

    # -- restoring ------------------------------------------------------------------------------------------
    @property
    def database(self) -> Path:
        return self.directory / "glovebox.sqlite"

    def back_up(self) -> Path:
        self._backups += 1
        target = self.directory / f"backup-{self._backups}.sqlite"
        backup.back_up(self.database, target)
        return target

    def restore(self, kept: Path) -> None:
        """The disk is lost and the backup put in its place, as `glovebox restore` does."""
        if self.apps is not None:
            self.stop()
        self.close_books()
        for suffix in ("", "-wal", "-shm"):
            self.database.with_name(self.database.name + suffix).unlink(missing_ok=True)
        backup.restore(kept, self.database, self.entropy)
        self.start()


def _config(app: Any) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        http="httptools",
        ws_max_size=MESSAGE_LIMIT,
        ws_ping_interval=None,
        ws_per_message_deflate=False,
        access_log=False,
        log_config=None,
        lifespan="off",
        server_header=False,
        date_header=False,
    )
    config.load()
    return config


def copy_cloud(template: Path, directory: Path) -> None:
    """A cloud's directory of one's own: keys and the migrated database."""
    shutil.copytree(template, directory)
