"""The latching interlock relay: two coils, one feedback contact.

A coil carries current for the length of a pulse and at no other time (S1). Only the interlock may call the
pulses, and it believes the contact, not the pulse (S4).
"""

import asyncio

from micropython import const

from ..protocols.codes import CONTACT_ALLOW, CONTACT_INHIBIT

PULSE_MS = const(50)  # a small latching relay follows within 15 ms


class Relay:
    """`allow_pin`, `inhibit_pin` drive the coils; `contact_pin` reads 1 for allow: a broken wire reads
    allow.
    """

    def __init__(self, allow_pin, inhibit_pin, contact_pin, sleep_ms=None):
        self._allow_pin = allow_pin
        self._inhibit_pin = inhibit_pin
        self._contact_pin = contact_pin
        self._sleep_ms = sleep_ms or asyncio.sleep_ms
        self._turn = asyncio.Lock()
        self._rest()

    @property
    def is_pulsing(self):
        """Whether a coil carries current: nothing slow may begin now."""
        return self._turn.locked()

    def read_contact(self):
        """`CONTACT_ALLOW` or `CONTACT_INHIBIT`, as the contact says."""
        return CONTACT_ALLOW if self._contact_pin.value() else CONTACT_INHIBIT

    async def pulse_allow(self):
        """Move the relay to allow."""
        await self._pulse(self._allow_pin)

    async def pulse_inhibit(self):
        """Move the relay to inhibit."""
        await self._pulse(self._inhibit_pin)

    async def _pulse(self, pin):
        async with self._turn:  # never both coils at once
            try:
                pin.value(1)
                await self._sleep_ms(PULSE_MS)
            finally:
                self._rest()

    def _rest(self):
        self._allow_pin.value(0)
        self._inhibit_pin.value(0)
