"""What no file can stand before: `os` with repeatable random bytes, so that a seed reproduces a run, and
`gc`.

The hal itself makes garbage where the board's drivers are C, and objects are twice as large here; so the
threshold at which a collection begins is raised by a factor, or the firmware would collect all the time.
"""

import gc
import hashlib
import os as _os
import sys

import _bridge
from micropython import const

_GARBAGE_FACTOR = const(32)


class _Source:
    """SHA-256 over the seed of this start and a counter."""

    def __init__(self, seed):
        self._seed = seed
        self._count = 0

    def take(self, length):
        data = b""
        while len(data) < length:
            self._count += 1
            data += hashlib.sha256(self._seed + self._count.to_bytes(8, "little")).digest()
        return data[:length]


class _Module:
    pass


def _copy(original):
    module = _Module()
    for name in dir(original):
        if not name.startswith("__"):
            setattr(module, name, getattr(original, name))
    return module


def _set_threshold(amount=-1):
    return gc.threshold(amount * _GARBAGE_FACTOR if amount > 0 else amount)


def install():
    """Stand before the built-in modules `os` and `gc`, and seed `random` alike."""
    import random

    collector = _copy(gc)
    collector.threshold = _set_threshold
    sys.modules["gc"] = collector
    if not _bridge.is_virtual:
        return
    seed = _bridge.config["entropy"].encode()
    module = _copy(_os)
    module.urandom = _Source(seed).take
    sys.modules["os"] = module
    random.seed(int.from_bytes(hashlib.sha256(seed).digest()[:4], "little"))
