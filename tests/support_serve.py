"""`glovebox serve` as a process of its own, with its log; a box's end of the link to a server."""

import asyncio
import re
import signal
import socket
import ssl
import struct
import subprocess
import sys

from websockets.asyncio.client import connect

WAIT_S = 20
CLI = "import sys; from glovebox.cli import main; sys.exit(main())"


def run_command(directory, database_url, *arguments):
    """`glovebox ...` as a process of its own, to its end; returns what it says."""
    where = ["--directory", str(directory), *(["--database", database_url] if database_url else [])]
    done = subprocess.run(
        [sys.executable, "-c", CLI, *where, *arguments],
        capture_output=True,
        text=True,
        timeout=3 * WAIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


class Program:
    """The real command, on free ports unless told. `before` is Python that runs first: how a test plants a
    fault. `options` of `glovebox serve`."""

    def __init__(self, directory, database_url="", before="", *, ports=(0, 0), options=()):
        self._log_path = directory / f"serve-{len(list(directory.glob('serve-*.log')))}.log"
        arguments = ["--directory", str(directory), *(["--database", database_url] if database_url else [])]
        ports = ["--web-port", str(ports[0]), "--box-port", str(ports[1]), *options]
        with self._log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", f"{before}\n{CLI}", *arguments, "serve", *ports],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        try:
            self.web_port = self._read_port("console", "http")
            self.box_port = self._read_port("boxes", "https")
        except AssertionError:
            self.end(signal.SIGKILL)
            raise
        self.tls = ssl.create_default_context(cafile=str(directory / "tls" / "ca.pem"))

    def _read_port(self, name, scheme):
        line = self.process.stdout.readline()
        found = re.match(rf"{name} +{scheme}://[^:]+:(\d+)", line)
        assert found, f"the server did not start: {line or self.log}"
        return int(found[1])

    @property
    def log(self):
        """All that it has written to standard error."""
        return self._log_path.read_text()

    def kill(self):
        """SIGKILL, from any thread; `end` still has to be called."""
        self.process.kill()

    def end(self, number=signal.SIGTERM):
        """Ends it and returns its exit status."""
        self.process.send_signal(number)
        status = self.process.wait(WAIT_S)
        self.process.stdout.close()
        return status


def reset_at_close(connection):
    """TCP's RST instead of FIN when it is closed."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class LinkClient:
    """An open link over TLS: `with LinkClient(port, tls) as link`. Raises `websockets`' ConnectionClosed.

    All of it in the caller's thread. The library's own synchronous client reads in a second one, and OpenSSL
    allows no two threads in one connection: where a session ticket arrives while the request is being
    written, the request can be lost and both ends wait (about one of a thousand connections over TLS 1.3).
    """

    def __init__(self, port, tls):
        self._url, self._tls = f"wss://localhost:{port}/box/v1/link", tls

    def __enter__(self):
        self._runner = asyncio.Runner()
        try:
            self._socket = self._runner.run(self._connect())
        except BaseException:
            self._runner.close()
            raise
        return self

    async def _connect(self):
        return await connect(
            self._url, ssl=self._tls, compression=None, open_timeout=WAIT_S, ping_interval=None
        )

    def __exit__(self, *_error):
        self._runner.run(self._socket.close())
        self._runner.close()

    def vanish(self, is_reset):
        """The connection is gone, without a goodbye of WebSocket or TLS: closed, or reset."""
        if is_reset:
            reset_at_close(self._socket.transport.get_extra_info("socket"))
        self._socket.transport.abort()
        self._runner.run(self._socket.wait_closed())

    def send(self, raw):
        """One message up: bytes are binary, a str is text."""
        self._runner.run(self._socket.send(raw))

    def recv(self):
        """The next message down, within `WAIT_S`, else TimeoutError."""
        return self._runner.run(asyncio.wait_for(self._socket.recv(), WAIT_S))
