"""The running cloud in one object: built once by `create_app`, reached from requests as
`request.app.state.cloud`."""

from collections.abc import Callable
from typing import Any

from starlette.requests import HTTPConnection

from glovebox.clock import Clock, Entropy
from glovebox.config import Config
from glovebox.errors import GloveboxError
from glovebox.keys import Keyring
from glovebox.link.exchange import Exchange
from glovebox.link.hub import Hub
from glovebox.scope import Scope
from glovebox.store.engine import Store
from glovebox.store.writer import Writer

Authenticate = Callable[[HTTPConnection], Scope]


class NotLoggedIn(GloveboxError):
    """Nobody's session."""

    status = 401
    code = "not_logged_in"


def _nobody(_request: HTTPConnection) -> Scope:
    raise NotLoggedIn()


class Cloud:
    """Everything a request may need. Services never see it: they get a transaction, the time and plain
    values."""

    def __init__(
        self, config: Config, clock: Clock, entropy: Entropy, keyring: Keyring, store: Store, store_epoch: int
    ) -> None:
        self.config, self.clock, self.entropy, self.keyring, self.store = (
            config,
            clock,
            entropy,
            keyring,
            store,
        )
        self.store_epoch = store_epoch
        self.hub = Hub()
        self.writer = Writer(store.writing, config.writer_queue, on_news=self.hub.publish)
        self.exchange = Exchange(
            self.writer, keyring, clock, entropy, store_epoch, config.heartbeat_s, config.timezone
        )
        self.authenticate: Authenticate = _nobody
        """Replaced by `glovebox.accounts`: the scope of the session's person, or raises an error of status
        401."""
        self.web_port, self.box_port = config.web_port, config.box_port
        """The ports really bound, once `serving.Server` has bound them."""
        self.extras: dict[str, Any] = {}
        """Room for the web part's own objects (templates, limiter)."""

    @property
    def box_address(self) -> str:
        """Where boxes and the installer's tool reach this cloud."""
        return f"https://{self.config.public_host}:{self.config.public_box_port or self.box_port}"

    def now(self) -> int:
        """The present in whole seconds since 1970."""
        return int(self.clock())

    def close(self) -> None:
        """Drains the writer, stores what was only counted, closes the database."""
        self.writer.stop()
        self.store.close()
