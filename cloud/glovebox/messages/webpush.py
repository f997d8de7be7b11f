"""Web push on the wire: the message encrypted for one browser (RFC 8291, in one record of RFC 8188) and the
signed word about who sends it (VAPID, RFC 8292).

Ours, since the known library brings two HTTP clients along: forty lines over `cryptography`, held to the
RFC's own example (`tests/cloud/test_webpush.py`).
"""

import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from glovebox.clock import HOUR_S

CURVE: Final = ec.SECP256R1()
POINT_BYTES: Final = 65
AUTH_BYTES: Final = 16
SALT_BYTES: Final = 16
RECORD_SIZE: Final = 4_096
# The record less its tag, its delimiter and the header: what every push service takes (RFC 8291, 4).
LARGEST_TEXT: Final = RECORD_SIZE - 16 - 1 - (SALT_BYTES + 4 + 1 + POINT_BYTES)
# At most a day (RFC 8292, 2); a clock that is some hours off does no harm.
TOKEN_LIFE_S: Final = 12 * HOUR_S


def encode64(data: bytes) -> str:
    """Base64 for addresses, without padding."""
    return urlsafe_b64encode(data).decode().rstrip("=")


def decode64(text: str) -> bytes:
    """The bytes again, padded or not. Raises ValueError."""
    if not text.isascii():
        raise ValueError("no base64")
    return urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))


def read_point(data: bytes) -> ec.EllipticCurvePublicKey:
    """A browser's public key: an uncompressed point of P-256. Raises ValueError where it is none."""
    if len(data) != POINT_BYTES:
        raise ValueError("a point has 65 bytes")
    return ec.EllipticCurvePublicKey.from_encoded_point(CURVE, data)


def point_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The public key as it goes over the wire."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def encrypt(
    text: bytes,
    receiver: bytes,
    auth: bytes,
    sender: ec.EllipticCurvePrivateKey | None = None,
    salt: bytes | None = None,
) -> bytes:
    """`text` for the browser with the public key `receiver` and the secret `auth`, under a key and a salt
    of its own. Raises ValueError for a key that is no point, and a text that no service would take."""
    if len(text) > LARGEST_TEXT:
        raise ValueError("too long for one record")
    sender, salt = sender or ec.generate_private_key(CURVE), salt or os.urandom(SALT_BYTES)
    ours = point_of(sender)
    shared = sender.exchange(ec.ECDH(), read_point(receiver))
    secret = _derive(shared, auth, b"WebPush: info\0" + receiver + ours, 32)
    key = _derive(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derive(secret, salt, b"Content-Encoding: nonce\0", 12)
    # 2: the last record.
    record = AESGCM(key).encrypt(nonce, text + b"\x02", None)
    return salt + RECORD_SIZE.to_bytes(4, "big") + bytes((len(ours),)) + ours + record


def _derive(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info).derive(secret)


def authorise(key: ec.EllipticCurvePrivateKey, now: int, origin: str, contact: str) -> str:
    """The header `Authorization` for a push service: a token signed with ES256 (RFC 7515) for its `origin`
    alone, and the key it is checked with. `contact`: whom the service's people would write to."""
    claims = {"aud": origin, "exp": now + TOKEN_LIFE_S, "sub": contact}
    head, body = (
        encode64(json.dumps(part, separators=(",", ":")).encode())
        for part in ({"typ": "JWT", "alg": "ES256"}, claims)
    )
    signed = f"{head}.{body}"
    r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    signature = encode64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    return f"vapid t={signed}.{signature}, k={encode64(point_of(key))}"
