"""Runs the cloud: web port plain HTTP, box port TLS, both in one event loop of one thread."""

import asyncio
import contextlib
import logging
import os
import socket
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any, Final, cast

import uvicorn
from sqlalchemy import make_url
from starlette.types import ASGIApp

from glovebox import rules, waking
from glovebox.app import Apps, create_app
from glovebox.bounds import BoundedProtocol, Doors, raise_open_files
from glovebox.clock import Clock, Entropy, system_clock
from glovebox.config import Config
from glovebox.messages import delivery
from glovebox.store.occupation import Occupation
from glovebox.tls import ensure_certificates

# Between the wire's limit and this, a link is closed with 4413; above, the library closes it before we read
# it.
MESSAGE_LIMIT: Final = 16_384
BACKLOG: Final = 2_048
# Requests under way get this long to be answered: as long as the database may be waited for.
GRACE_S: Final = 10
# A link whose carrier is gone never says goodbye; nothing is under way on it that the box would not repeat.
LINK_GRACE_S: Final = 2
# Telling 10,000 links when to come back takes about a second; uvicorn cuts off the rest.
TELL_LIMIT_S: Final = 5
START_LIMIT_S: Final = 60
STOP_LIMIT_S: Final = 20

log = logging.getLogger("glovebox.serving")


def _tell_in_one_line(record: logging.LogRecord) -> bool:
    """What a client sent is no fault of ours: its line without uvicorn's traceback."""
    if record.getMessage().startswith("Invalid UTF-8"):
        record.exc_info = None
    return True


logging.getLogger("uvicorn.error").addFilter(_tell_in_one_line)


class _Uvicorn(uvicorn.Server):
    """Leaves signals alone: two servers share one process, and the command line ends both."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Server:
    """`Server(config).start()` returns once both ports answer; `stop()` ends gracefully: links closed, the
    writer drained."""

    def __init__(self, config: Config, clock: Clock = system_clock, entropy: Entropy = os.urandom) -> None:
        self.config, self.clock, self.entropy = config, clock, entropy
        self.web_port, self.box_port = config.web_port, config.box_port
        """The ports bound, after `start`."""
        self.apps: Apps | None = None
        """The applications and their cloud, after `start`."""
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._started = threading.Event()
        self._error: BaseException | None = None
        self._occupation: Occupation | None = None

    def start(self) -> None:
        """Migrates, binds and serves. Raises OSError where a port is taken, Occupied where another process
        serves this SQLite database, and what `create_app` raises."""
        self._occupation = Occupation(make_url(self.config.url))
        try:
            self._start()
        except BaseException:
            self._occupation.end()
            raise

    def _start(self) -> None:
        ensure_certificates(self.config.tls_directory, self.config.public_host, int(self.clock()))
        web_socket, box_socket = _bind(self.config, self.config.web_port), None
        try:
            box_socket = _bind(self.config, self.config.box_port)
            self.apps = create_app(self.config, self.clock, self.entropy)
        except BaseException:
            web_socket.close()
            if box_socket is not None:
                box_socket.close()
            raise
        self.web_port, self.box_port = web_socket.getsockname()[1], box_socket.getsockname()[1]
        self.apps.cloud.web_port, self.apps.cloud.box_port = self.web_port, self.box_port
        self.apps.cloud.writer.start()
        self._thread = threading.Thread(
            target=self._run, args=(web_socket, box_socket), name="glovebox-server"
        )
        self._thread.start()
        if not self._started.wait(START_LIMIT_S) or self._error is not None:
            self.stop()
            raise RuntimeError("the servers did not start") from self._error

    def stop(self) -> None:
        """Ends both servers, then drains the writer. Safe to call twice."""
        if self._thread is not None:
            if self._loop is not None and self._stopping is not None:
                with contextlib.suppress(RuntimeError):  # the loop has ended by itself
                    self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
            self._thread = None
        if self.apps is not None:
            self.apps.cloud.close()
            self.apps = None
        if self._occupation is not None:
            self._occupation.end()

    def _run(self, web_socket: socket.socket, box_socket: socket.socket) -> None:
        try:
            with asyncio.Runner(loop_factory=_new_loop) as runner:
                runner.run(self._serve(web_socket, box_socket))
        except BaseException as error:
            log.exception("serving failed")
            self._error = error
        finally:
            self._started.set()

    async def _serve(self, web_socket: socket.socket, box_socket: socket.socket) -> None:
        assert self.apps is not None
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        cloud = self.apps.cloud
        cloud.hub.bind(self._loop)
        tls = self.config.tls_directory
        doors = Doors(raise_open_files())
        web = _Uvicorn(_config(self.apps.web, doors, GRACE_S))
        keys = {"ssl_keyfile": tls / "server.key", "ssl_certfile": tls / "server.pem"}
        box = _Uvicorn(_config(self.apps.box, doors, LINK_GRACE_S, **({} if self.config.box_plain else keys)))
        for server in (web, box):
            doors.add_port(server.server_state.connections)
        serving = [
            asyncio.create_task(server.serve(sockets=[bound]))
            for server, bound in ((web, web_socket), (box, box_socket))
        ]
        while not (web.started and box.started) and not any(task.done() for task in serving):
            await asyncio.sleep(0.01)
        timed = asyncio.create_task(rules.run(cloud))
        listening = asyncio.create_task(waking.run(cloud))
        delivering = asyncio.create_task(delivery.run(cloud))
        self._started.set()
        stopped = asyncio.create_task(self._stopping.wait())
        await asyncio.wait([*serving, stopped], return_when=asyncio.FIRST_COMPLETED)
        timed.cancel()
        delivering.cancel()
        listening.cancel()
        stopped.cancel()
        cloud.hub.close()
        tells_until = self._loop.time() + TELL_LIMIT_S
        while cloud.hub.count and self._loop.time() < tells_until:
            await asyncio.sleep(0.02)
        web.should_exit = box.should_exit = True
        _done, late = await asyncio.wait([*serving, timed, delivering, listening], timeout=STOP_LIMIT_S)
        for task in late:
            task.cancel()
        await rules.store_counts(cloud)


def _config(app: ASGIApp, doors: Doors, grace_s: int, **options: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=cast("type[asyncio.Protocol]", partial(BoundedProtocol, doors=doors)),
        ws_max_size=MESSAGE_LIMIT,
        # No pings from the library: each would cost a parked car bytes. A box speaks at its heartbeat.
        ws_ping_interval=None,
        ws_per_message_deflate=False,
        access_log=False,
        log_config=None,
        lifespan="off",
        timeout_graceful_shutdown=grace_s,
        server_header=False,
        **options,
    )


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def _bind(config: Config, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if config.share_ports:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind((config.host, port))
        bound.listen(BACKLOG)
    except OSError:
        bound.close()
        raise
    return bound
