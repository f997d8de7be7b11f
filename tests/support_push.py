"""A push service of one's own and the browsers behind it: takes what a real one takes, checks the sender's
token and decrypts as a browser does, with nothing of the cloud's own code."""

import hashlib
import hmac
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import contextmanager

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from support_http import answering

# A browser's subscription as its page sends it; the keys are those of RFC 8291's example.
PUSH_KEYS = {
    "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    "auth": "BTBZMqHH6r4Tts7J_aSIgg",
}
PUSH_ENDPOINT = "https://fcm.googleapis.com/fcm/send/"


def from64(text):
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def to64(data):
    return urlsafe_b64encode(data).decode().rstrip("=")


def point(data):
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), data)


def expand(salt, secret, info, length):
    """HKDF of one block (RFC 5869), by hand."""
    drawn = hmac.digest(salt, secret, "sha256")
    return hmac.digest(drawn, info + b"\x01", "sha256")[:length]


class Browser:
    """One subscription: its keys, and what it reads."""

    def __init__(self, private=None, auth=None):
        self.key = private or ec.generate_private_key(ec.SECP256R1())
        self.auth = auth or os.urandom(16)
        self.public = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def read(self, body):
        """The text of a pushed body (RFC 8291, 3.4; RFC 8188, 2)."""
        salt, size, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
        theirs, record = body[21 : 21 + length], body[21 + length :]
        assert length == 65
        assert len(record) <= size
        shared = self.key.exchange(ec.ECDH(), point(theirs))
        secret = expand(self.auth, shared, b"WebPush: info\0" + self.public + theirs, 32)
        key = expand(salt, secret, b"Content-Encoding: aes128gcm\0", 16)
        nonce = expand(salt, secret, b"Content-Encoding: nonce\0", 12)
        padded = AESGCM(key).decrypt(nonce, record, None)
        text, _delimiter, padding = padded.rpartition(b"\x02")
        assert not padding.strip(b"\0")
        return text


def check_token(header, origin, now):
    """The claims of a VAPID header whose signature holds (RFC 8292)."""
    scheme, _space, rest = header.partition(" ")
    assert scheme == "vapid"
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    signed, _dot, signature = parts["t"].rpartition(".")
    raw = from64(signature)
    assert len(raw) == 64
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    point(from64(parts["k"])).verify(der, signed.encode(), ec.ECDSA(hashes.SHA256()))
    head, claims = (json.loads(from64(part)) for part in signed.split("."))
    assert head == {"typ": "JWT", "alg": "ES256"}
    assert claims["aud"] == origin
    assert now < claims["exp"] <= now + 86_400
    assert claims["sub"].startswith(("mailto:", "https:"))
    return parts["k"]


class PushService:
    """What stands behind `origin`. `answers`: (status, headers) for a device's name, one after the other;
    then 201. `taken`: (device, headers, what its browser read)."""

    def __init__(self):
        self.browsers, self.answers, self.taken, self.keys, self.wrong = {}, {}, [], set(), []
        self.origin = ""

    def answer(self, device, headers, body, now):
        """What the service says; what is wrong with a request is kept in `wrong`."""
        if self.answers.get(device):
            return self.answers[device].pop(0)
        try:
            self.keys.add(check_token(headers["Authorization"], self.origin, now))
            assert headers["Content-Encoding"] == "aes128gcm"
            assert int(headers["TTL"]) > 0
            assert len(headers["Topic"]) <= 32
            assert len(body) <= 4096
            self.taken.append((device, headers, json.loads(self.browsers[device].read(body))))
        except Exception as error:
            self.wrong.append(repr(error))
            return 400, {}
        return 201, {"Location": f"{self.origin}/message/{hashlib.sha256(body).hexdigest()}"}

    def subscribe(self, device):
        """What a browser's page sends: address and keys."""
        browser = self.browsers[device] = Browser()
        keys = {"p256dh": to64(browser.public), "auth": to64(browser.auth)}
        return {"endpoint": f"{self.origin}/{device}", "keys": keys}


@contextmanager
def push_service(clock):
    """One that listens on this machine; nothing wrong was sent to it."""
    service = PushService()
    with answering(
        lambda path, headers, body: service.answer(path.strip("/"), headers, body, clock())
    ) as service.origin:
        yield service
    assert service.wrong == []
