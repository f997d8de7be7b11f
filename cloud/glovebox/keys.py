"""The deployment's secrets, kept in one file outside the database: box keys are derived, badge UIDs
encrypted with them."""

import hashlib
import hmac
import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from glovebox.clock import Entropy

PURPOSES: Final = ("wire", "time", "badge", "journal", "authorisations")
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
# 4 keys of 20,000 boxes at 32 bytes: 10 MB at most, and no derivation on the sync path.
CACHED_KEYS: Final = 80_000


class KeyringError(ValueError):
    """The key file is missing, unreadable or not ours, or a stored UID does not open under its keys."""


class Keyring:
    """Derives box keys and seals badge UIDs. Immutable; safe to share between threads."""

    def __init__(self, master: bytes, badge: bytes, lookup: bytes) -> None:
        """Three independent keys of 32 bytes. Raises KeyringError for another length."""
        if any(len(key) != KEY_BYTES for key in (master, badge, lookup)):
            raise KeyringError("a key is 32 bytes")
        self._master, self._lookup = master, lookup
        self._sealer = AESGCM(badge)
        self.box_key = lru_cache(maxsize=CACHED_KEYS)(self._derive)

    def _derive(self, box_id: bytes, key_id: int, purpose: str) -> bytes:
        """The key of one box, generation and purpose: HKDF-SHA256(master, salt=box_id,
        info=glovebox/1/purpose/key_id)."""
        info = f"glovebox/1/{purpose}/{key_id}".encode()
        return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=box_id, info=info).derive(self._master)

    def push_key(self) -> ec.EllipticCurvePrivateKey:
        """The key this deployment is known by at push services (RFC 8292): derived too, so that it moves
        and comes back with the others, and browsers stay subscribed. 48 bytes folded into P-256's order
        (FIPS 186-5, A.2.1)."""
        drawn = HKDF(algorithm=hashes.SHA256(), length=48, salt=None, info=b"glovebox/1/push").derive(
            self._master
        )
        number = int.from_bytes(drawn, "big") % (P256_ORDER - 1) + 1
        return ec.derive_private_key(number, ec.SECP256R1())

    def badge_hash(self, box_id: bytes, key_id: int, uid: bytes) -> bytes:
        """What that box knows of a badge: HMAC-SHA256(badge key, length + UID), the first 8 bytes."""
        return hmac.digest(self.box_key(box_id, key_id, "badge"), bytes((len(uid),)) + uid, "sha256")[:8]

    def seal_uid(self, uid: bytes, entropy: Entropy) -> bytes:
        """Encrypts a UID (AES-256-GCM): nonce 12 bytes + ciphertext + tag."""
        nonce = entropy(NONCE_BYTES)
        return nonce + self._sealer.encrypt(nonce, uid, b"badge")

    def open_uid(self, sealed: bytes) -> bytes:
        """The UID again. Raises KeyringError where the key or the bytes are not right."""
        try:
            return self._sealer.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], b"badge")
        except (InvalidTag, ValueError) as error:
            raise KeyringError("this UID was sealed under another key, or is damaged") from error

    def uid_lookup(self, uid: bytes) -> bytes:
        """Keyed hash by which a UID is found again without opening every badge; 32 bytes, never leaves the
        cloud."""
        return hmac.digest(self._lookup, bytes((len(uid),)) + uid, "sha256")

    def device_proof(self, nonce: str, account: str) -> str:
        """Proof that a browser has logged in to that account before; the first byte keeps it apart from
        UIDs' hashes."""
        return hmac.digest(self._lookup, f"\xff{nonce}\0{account}".encode(), "sha256").hex()

    def token_hash(self, token: str) -> bytes:
        """What is stored of a claim token. A plain SHA-256 will do: a token has 160 random bits and lives
        15 minutes."""
        return hashlib.sha256(token.encode()).digest()


def create_keyring(path: Path, entropy: Entropy = os.urandom) -> Keyring:
    """Makes the key file (mode 0600), never overwriting one. Raises FileExistsError."""
    keys = {name: entropy(KEY_BYTES).hex() for name in ("master", "badge", "lookup")}
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        json.dump({"format": "glovebox-keys-1", **keys}, file)
        file.flush()
        os.fsync(file.fileno())
    return load_keyring(path)


def load_keyring(path: Path) -> Keyring:
    """Reads the key file. Raises KeyringError where it is missing or damaged: without it no box and no
    badge is readable."""
    try:
        keys = json.loads(path.read_text(encoding="ascii"))
        return Keyring(*(bytes.fromhex(keys[name]) for name in ("master", "badge", "lookup")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KeyringError(f"{path}: no usable key file ({error})") from error


def open_keyring(path: Path, entropy: Entropy = os.urandom) -> Keyring:
    """Loads the key file, making one on the first start."""
    return load_keyring(path) if path.exists() else create_keyring(path, entropy)
