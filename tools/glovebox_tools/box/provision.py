"""Give a box its identity: claim at the cloud, hand to the firmware's own provisioning, read back, compare.

The firmware writes the identity itself (`box.link.provisioning`), in both its copies; this side never knows
the formats on flash. Keys go to the board through a file only this user can read, and are compared by a
salted digest: they are never read back.
"""

import base64
import hashlib
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from glovebox_tools.box.board import Board, BoardError
from glovebox_tools.box.claim import PURPOSES, Claim, fetch_claim
from glovebox_tools.box.flash import read_facts, restart
from glovebox_tools.box.messages import Words

SALT_BYTES = 16
MAX_NETWORKS = 8  # the firmware tries them in turn; more make a tap wait


def provision(
    board: Board,
    words: Words,
    say: Callable[[str], None],
    cloud: str,
    token: str,
    wifi: list[dict[str, str]],
    ca_file: Path | None = None,
) -> None:
    """Provision the box. Raises BoardError; its text says whether the token is spent.

    The board is asked first whether it can be provisioned at all, so that a missing firmware costs no token.
    """
    facts = read_facts(board)
    say(words("board_is", **facts))
    read_identity(board, b"")
    claim = fetch_claim(cloud, token, str(facts["hardware_id"]), ca_file)
    say(words("claimed", box_id=claim.box_id, vehicle=claim.vehicle))
    try:
        answer = board.ask("provision.py", {**claim.bundle, "wifi": wifi})
        if answer != "ok":
            raise BoardError("provision_refused", reason=answer)
        say(words("written"))
        salt = secrets.token_bytes(SALT_BYTES)
        differing = compare(claim, wifi, read_identity(board, salt), salt)
    except (BoardError, KeyboardInterrupt):
        say(words("provision_lost"))
        raise
    if differing:
        raise BoardError("identity_differs", fields=", ".join(differing))
    restart(board)
    say(words("provisioned"))


def read_identity(board: Board, salt: bytes) -> dict[str, Any] | None:
    """What the box holds, without keys; None if it holds nothing. Raises BoardError if it has no firmware."""
    identity: dict[str, Any] | None = board.ask("identity.py", salt.hex())
    return identity


def compare(
    claim: Claim, wifi: list[dict[str, str]], identity: dict[str, Any] | None, salt: bytes
) -> list[str]:
    """Names of the fields in which the box differs from what it was given; empty if it holds all of it."""
    if identity is None:
        return ["identity"]
    bundle = claim.bundle
    expected = {
        "box_id": bundle["box_id"],
        "key_id": bundle["key_id"],
        "cloud_host": bundle["cloud_host"],
        "cloud_port": bundle["cloud_port"],
        "time_port": bundle["time_port"],
        "ca": hashlib.sha256(base64.b64decode(bundle["ca_der"])).hexdigest(),
        "wifi": [network["ssid"] for network in wifi],
        "keys": {purpose: key_digest(bundle["keys"][purpose], salt) for purpose in PURPOSES},
    }
    return [name for name, value in expected.items() if identity.get(name) != value]


def key_digest(key: str, salt: bytes) -> str:
    """A digest that proves a key is there without telling it; the salt is new each time."""
    return hashlib.sha256(salt + bytes.fromhex(key)).hexdigest()


def check_wifi(networks: list[dict[str, str]]) -> None:
    """Raise BoardError on a name or password no Wi-Fi network can have (IEEE 802.11: SSID up to 32 bytes; WPA
    passphrase 8 to 63 characters)."""
    for network in networks:
        name, password = network["ssid"].encode(), network["password"].encode()
        if not 1 <= len(name) <= 32 or (password and not 8 <= len(password) <= 63):
            raise BoardError("wifi_bad", ssid=network["ssid"])
