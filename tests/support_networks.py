"""A network of the simulated box with somebody at its other end who never answers."""

import ssl
from pathlib import Path

FOREVER_S = 1 << 32
CA_PATH = Path(__file__).parent / "seeds" / "ca.pem"

_JOIN = """
from box import app, config
from box.storage.identity import IdentityStore
store = IdentityStore(config.DIRECTORY, app.open_partition("identity"))
identity = store.load()
kept = ("box_id", "key_id", "keys", "cloud_host", "cloud_port", "time_port", "epoch")
given = {name: identity[name] for name in kept}
given.update({"wifi": [("site", "password")], "ca_der": bytes.fromhex("%s")})
store.save(given)
"""


class Deaf:
    """A server that takes every connection and says nothing."""

    def __init__(self):
        self.certificate = (0, FOREVER_S)

    def accept(self, port, send, close):
        return self

    def receive(self, data):
        """Nothing follows."""

    def lose(self):
        """Nor does anything from this."""


def join(scene):
    """Give the box a network."""
    der = ssl.PEM_cert_to_DER_cert(CA_PATH.read_text(encoding="ascii"))
    scene.box.run_script(_JOIN % der.hex())
