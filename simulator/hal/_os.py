"""What no file can stand before: `os` with repeatable random bytes, so that a seed reproduces a run, and
`gc`.

The hal itself makes garbage where the board's drivers are C, and objects are twice as large here; so the
threshold at which a collection begins is raised by a factor, or the firmware would collect all the time. In
a small heap, which a benchmark asks for, only the objects' size counts: as on the board, it stays compact.
"""

import gc
import hashlib
import os as _os
import sys

import _bridge
from micropython import const

_GARBAGE_FACTOR = const(32)
_WORD_FACTOR = const(2)  # 64-bit words
_SMALL_HEAP_BYTES = const(1_000_000)


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
    if amount > 0:
        is_small = gc.mem_alloc() + gc.mem_free() < _SMALL_HEAP_BYTES
        amount *= _WORD_FACTOR if is_small else _GARBAGE_FACTOR
    return gc.threshold(amount)


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
