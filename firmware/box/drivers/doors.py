"""Door outputs: one pulse to unlock, one to lock, as the car's own central locking wants them."""

import asyncio

from micropython import const

PULSE_MS = const(300)  # central locking inputs want 100 to 500 ms
_GAP_MS = const(100)  # between two pulses, so that the car takes them for two


class Doors:
    """`unlock_pin` and `lock_pin` are high during a pulse only; pulses never overlap and keep their order."""

    def __init__(self, unlock_pin, lock_pin, sleep_ms=None):
        self._unlock_pin = unlock_pin
        self._lock_pin = lock_pin
        self._sleep_ms = sleep_ms or asyncio.sleep_ms
        self._turn = asyncio.Lock()
        self._rest()

    @property
    def is_pulsing(self):
        """Whether a lock is moving: nothing slow may begin now."""
        return self._turn.locked()

    async def unlock(self):
        """Unlock all doors."""
        await self._pulse(self._unlock_pin)

    async def lock(self):
        """Lock all doors. Whether one is open is the caller's to know (S8)."""
        await self._pulse(self._lock_pin)

    async def _pulse(self, pin):
        async with self._turn:
            try:
                pin.value(1)
                await self._sleep_ms(PULSE_MS)
            finally:
                self._rest()
            await self._sleep_ms(_GAP_MS)

    def _rest(self):
        self._unlock_pin.value(0)
        self._lock_pin.value(0)
