"""Runs the cloud: web port plain HTTP, box port TLS, in one event loop of one thread."""

from glovebox.clock import Clock, system_clock
from glovebox.config import Config


class Server:
    """`Server(config).start()` returns once both ports answer; `stop()` ends gracefully: links closed, the
    writer drained."""

    def __init__(self, config: Config, clock: Clock = system_clock) -> None:
        self.config, self.clock = config, clock
        self.web_port, self.box_port = config.web_port, config.box_port

    def start(self) -> None:
        """Migrates, binds and serves. Raises OSError where a port is taken."""
        raise NotImplementedError

    def stop(self) -> None:
        """Ends both servers and drains the writer."""
        raise NotImplementedError
