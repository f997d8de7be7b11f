"""Ask the cloud for a box's identity with a claim token: `POST /box/v1/claim`.

The cloud makes the keys; the answer is the only time they travel, so it goes over TLS whose certificate is
checked, against the system's authorities or the deployment's own (`ca_file`). Plain HTTP is taken only to
this same computer.
"""

import base64
import binascii
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from glovebox_tools.box.board import BoardError

TIMEOUT_S = 15.0
ANSWER_MAX_BYTES = 65_536
KEY_BYTES = 32
PURPOSES = ("wire", "time", "badge", "journal", "authorisations")
_CODES = {"claim_token_refused": "token_refused", "key_generations_used_up": "box_used_up"}
_UNPROCESSABLE = 422
_NOT_THE_PLACE = (403, 404, 405)  # another server, or the console's port instead of the boxes'
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Claim:
    """The identity as the cloud gave it; `bundle` goes to the firmware as it is."""

    bundle: dict[str, Any]
    box_id: str
    vehicle: str


def check_address(cloud: str) -> None:
    """Raise BoardError if `cloud` is no address that keys may travel to."""
    try:
        parts = urlsplit(cloud)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        httpx.URL(cloud)
    except (ValueError, httpx.InvalidURL):
        is_whole = False
    if not is_whole or any(character.isspace() for character in cloud):
        raise BoardError("cloud_no_address", url=cloud)
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise BoardError("cloud_not_https", url=cloud)


def make_context(cloud: str, ca_file: Path | None) -> ssl.SSLContext:
    """Whom to trust: the file's authority, else the system's. Raises BoardError."""
    try:
        return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except (OSError, ssl.SSLError) as error:
        raise BoardError("ca_unreadable", file=ca_file, reason=str(error)) from error


def fetch_claim(cloud: str, token: str, hardware_id: str, ca_file: Path | None = None) -> Claim:
    """Use the token. Raises BoardError with the key of a text that says whether the token is spent."""
    check_address(cloud)
    context = make_context(cloud, ca_file)
    url = cloud.rstrip("/") + "/box/v1/claim"
    try:
        with httpx.Client(verify=context, timeout=TIMEOUT_S, trust_env=False) as client:
            answer = client.post(url, json={"token": token.strip(), "hardware_id": hardware_id})
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:  # nothing was sent
        key = "cloud_untrusted" if "CERTIFICATE_VERIFY_FAILED" in str(error) else "cloud_unreachable"
        raise BoardError(key, url=cloud, reason=str(error) or type(error).__name__) from error
    except httpx.HTTPError as error:
        raise BoardError("cloud_silent", url=cloud, reason=str(error) or type(error).__name__) from error
    if not answer.is_success:
        raise _refusal(answer, cloud)
    return read_bundle(answer)


def read_bundle(answer: httpx.Response) -> Claim:
    """Check the answer whole before anything is done with it. Raises BoardError."""
    try:
        if len(answer.content) > ANSWER_MAX_BYTES:
            raise ValueError("too long")
        bundle = answer.json()
        check_bundle(bundle)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BoardError("bundle_bad", reason=f"{type(error).__name__}: {error}") from error
    vehicle = bundle.get("vehicle") or {}
    return Claim(bundle, str(bundle["box_id"]), str(vehicle.get("registration", "?")))


def check_bundle(bundle: dict[str, Any]) -> None:
    """Raise ValueError, KeyError or TypeError if the identity is not whole."""
    if len(bytes.fromhex(bundle["box_id"])) != 8:
        raise ValueError("box_id is not 8 bytes")
    if not 1 <= int(bundle["key_id"]) <= 255:
        raise ValueError("key_id is not 1 to 255")
    for purpose in PURPOSES:
        if len(bytes.fromhex(bundle["keys"][purpose])) != KEY_BYTES:
            raise ValueError(f"key {purpose} is not {KEY_BYTES} bytes")
    for port in ("cloud_port", "time_port"):
        if not 1 <= int(bundle[port]) <= 65_535:
            raise ValueError(f"{port} is no port")
    if not str(bundle["cloud_host"]):
        raise ValueError("cloud_host is empty")
    try:
        ca = base64.b64decode(bundle["ca_der"], validate=True)
    except binascii.Error as error:
        raise ValueError("ca_der is not base64") from error
    if ca[:1] != b"\x30":
        raise ValueError("ca_der is no certificate")


def _refusal(answer: httpx.Response, cloud: str) -> BoardError:
    """What an answer that is no success means to the installer; the cloud tells codes, not sentences."""
    try:
        body = answer.json()
        code = str(body.get("code", "")) if isinstance(body, dict) else ""
    except ValueError:
        code = ""
    if code in _CODES:
        return BoardError(_CODES[code], url=cloud)
    if answer.status_code == _UNPROCESSABLE:  # no token has this form
        return BoardError("token_refused", url=cloud)
    if answer.status_code in _NOT_THE_PLACE or answer.is_redirect:
        return BoardError("cloud_other", url=cloud, status=answer.status_code)
    return BoardError(
        "cloud_failed", url=cloud, status=answer.status_code, reason=code or answer.reason_phrase
    )
