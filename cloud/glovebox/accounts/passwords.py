"""Passwords: argon2id by pwdlib, in a thread, few at a time (a check costs about 130 ms and 64 MB)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from glovebox.errors import Busy, Invalid

# Two cores: one check at a time each; more only makes all of them late.
CHECKS_AT_ONCE = 2
# A queue of 16 is 1-2 s of waiting; beyond it the honest answer is "try again".
CHECKS_WAITING = 16
MIN_LENGTH = 10
# Longer ones are no password but an attempt to keep the hasher busy.
MAX_LENGTH = 200

_hasher = PasswordHash((Argon2Hasher(),))
# Somebody unknown costs the same time as a wrong password: the answer's time names nobody.
_NOBODY = _hasher.hash("nobody has this password")


def hash_password(password: str) -> str:
    """The hash to store. Slow on purpose: call it in a thread. Raises Invalid for a length out of bounds."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise Invalid("password_length", minimum=MIN_LENGTH, maximum=MAX_LENGTH)
    return _hasher.hash(password)


def verify_password(password: str, stored: str | None) -> bool:
    """True where `password` is the one; costs the same where there is none. Slow: call it in a thread."""
    if len(password) > MAX_LENGTH:
        return False
    return _hasher.verify(password, stored or _NOBODY) and stored is not None


class PasswordQueue:
    """Lets few checks run at once and bounds those that wait. One per server."""

    def __init__(self) -> None:
        self._running = asyncio.Semaphore(CHECKS_AT_ONCE)
        self._waiting = 0

    async def verify(self, password: str, stored: str | None) -> bool:
        """As `verify_password`. Raises Busy where too many wait."""
        async with self._place():
            return await asyncio.to_thread(verify_password, password, stored)

    async def hash(self, password: str) -> str:
        """As `hash_password`. Raises Busy where too many wait, Invalid for a length out of bounds."""
        async with self._place():
            return await asyncio.to_thread(hash_password, password)

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        if self._waiting >= CHECKS_AT_ONCE + CHECKS_WAITING:
            raise Busy()
        self._waiting += 1
        try:
            async with self._running:
                yield
        finally:
            self._waiting -= 1
