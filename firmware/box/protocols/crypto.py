"""HMAC-SHA256 with its padded keys kept, and a comparison that takes the same time wherever the bytes differ.

Source: RFC 2104 (HMAC), FIPS 180-4 (SHA-256, block of 64 bytes). MicroPython's `hashlib` cannot copy a hash
that has begun, so the two padded keys are kept as bytes and hashed again for every message.
"""

from hashlib import sha256

_BLOCK = 64


class Hmac:
    """HMAC-SHA256 under one key of 1 to 64 bytes; raises ValueError for another size.

    A message may come in parts, which are not joined in memory: `digest(part, ...)` for what is at hand,
    `begin()`, `update(part)` on what it returned and `finish(it)` for what is read page by page.
    """

    def __init__(self, key):
        if not 0 < len(key) <= _BLOCK:
            raise ValueError("key size")
        padded = bytes(key) + bytes(_BLOCK - len(key))
        self._inner = bytes(byte ^ 0x36 for byte in padded)
        self._outer = bytes(byte ^ 0x5C for byte in padded)

    def begin(self):
        """Return a hash to `update` with the parts of one message."""
        return sha256(self._inner)

    def finish(self, begun):
        """Return the 32 bytes for the message fed to `begun`, which cannot be used again."""
        outer = sha256(self._outer)
        outer.update(begun.digest())
        return outer.digest()

    def digest(self, *parts):
        """Return the 32 bytes for the concatenation of `parts`."""
        begun = sha256(self._inner)
        for part in parts:
            begun.update(part)
        outer = sha256(self._outer)
        outer.update(begun.digest())
        return outer.digest()


def is_equal(a, b):
    """Compare two MACs in a time that depends on their lengths only."""
    if len(a) != len(b):
        return False
    difference = 0
    for i in range(len(a)):
        difference |= a[i] ^ b[i]
    return difference == 0
