"""Give a box its identity: claim at the cloud, hand to the firmware's own provisioning, read back, compare.

The firmware writes the identity itself (`box.link.provisioning`), in both its copies; this side never knows
the formats on flash. Keys go to the board through a pipe, never a file, and are compared by a salted
digest: they are never read back.
"""

import base64
import hashlib
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from glovebox_tools.box.board import Board, BoardError
from glovebox_tools.box.claim import PURPOSES, Claim, check_address, fetch_claim, make_context
from glovebox_tools.box.flash import read_facts, started_again
from glovebox_tools.box.messages import Words
from glovebox_tools.box.partition_table import check_partitions

SALT_BYTES = 16
MAX_NETWORKS = 8  # the firmware tries them in turn; more make a tap wait
JOIN_S = 12.0  # an association takes 2 s and an address as long; a far access point is tried again meanwhile

# `network.WLAN.status()` on an ESP32, as MicroPython's `network` names them.
_STAT_GOT_IP, _STAT_NO_AP_FOUND = 1010, 201
_JOINED = {_STAT_GOT_IP: "wifi_joined", _STAT_NO_AP_FOUND: "wifi_not_heard"}
# STAT_WRONG_PASSWORD and STAT_HANDSHAKE_TIMEOUT: an access point that finds the passphrase wrong does not
# finish the handshake.
_PASSWORD_REFUSED = (202, 204)


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

    The board is asked first whether it can be provisioned at all and whether it can join the networks, so
    that a missing firmware or a wrong password costs no token.
    """
    check_address(cloud)
    make_context(cloud, ca_file)
    facts = read_facts(board)
    say(words("board_is", **facts))
    with started_again(board):
        check_partitions(facts, board.port)
        read_identity(board, b"")
        try_wifi(board, words, say, wifi)
        claim = fetch_claim(cloud, token, str(facts["hardware_id"]), ca_file)
        say(words("claimed", box_id=claim.box_id, vehicle=claim.vehicle))
        _hand_over(board, words, say, claim, wifi)
    say(words("provisioned"))


def _hand_over(
    board: Board, words: Words, say: Callable[[str], None], claim: Claim, wifi: list[dict[str, str]]
) -> None:
    """Write the identity, read it back, compare. From here on the token is spent, and a failure says so."""
    try:
        answer = board.ask("provision.py", {**claim.bundle, "wifi": wifi})
        if answer != "ok":
            raise BoardError("provision_refused", reason=answer)
        say(words("written"))
        salt = secrets.token_bytes(SALT_BYTES)
        differing = compare(claim, wifi, read_identity(board, salt), salt)
        if differing:
            raise BoardError("identity_differs", fields=", ".join(differing))
    except BoardError as error:
        if error.key not in ("provision_refused", "identity_differs"):  # these say it themselves
            say(words("provision_lost"))
        raise
    except KeyboardInterrupt:
        say(words("provision_lost"))
        raise


def try_wifi(board: Board, words: Words, say: Callable[[str], None], wifi: list[dict[str, str]]) -> None:
    """Let the box join each network, and say how it went. Raises BoardError on a password that is refused.

    A network that is not heard is no error: a box is often provisioned elsewhere than where its car stands.
    """
    names = [network["ssid"] for network in wifi]
    say(words("wifi_trying", names=", ".join(names)))
    values = {
        "networks": [[network["ssid"], network["password"]] for network in wifi],
        "seconds": JOIN_S,
    }
    for at, status in board.answers("join_wifi.py", values):
        if status in _PASSWORD_REFUSED:
            raise BoardError("wifi_password_wrong", ssid=names[at])
        say(words(_JOINED.get(status, "wifi_not_joined"), ssid=names[at], status=status))


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
    passphrase 8 to 63 characters), or on more networks than the firmware keeps."""
    if len(networks) > MAX_NETWORKS:
        raise BoardError("wifi_too_many", count=len(networks), most=MAX_NETWORKS)
    for network in networks:
        name, password = network["ssid"].encode(), network["password"].encode()
        if not 1 <= len(name) <= 32 or (password and not 8 <= len(password) <= 63):
            raise BoardError("wifi_bad", ssid=network["ssid"])
