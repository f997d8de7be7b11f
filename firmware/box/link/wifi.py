"""The way to a network: a Wi-Fi station that knows several networks and tries them in turn.

No scan: on the board it holds up everything for two seconds. The network that worked last is tried first.
"""

import asyncio
import time

from micropython import const

_JOIN_MS = const(12_000)  # association, keys and DHCP take 2 to 5 s; a weak one twice that
_POLL_MS = const(100)
# The port's STAT_ codes of a failed try: beacons lost, no such network, wrong password, refused, no keys.
_FIRST_FAILURE = const(200)
_LAST_FAILURE = const(204)


class Wifi:
    """`networks` is a list of `(ssid, password)`; `wlan` an active-able `network.WLAN` station."""

    def __init__(self, networks, wlan):
        self._networks = networks
        self._wlan = wlan
        self._first = 0

    @property
    def is_up(self):
        """Tell whether the station has an address."""
        return self._wlan.isconnected()

    async def connect(self, alive):
        """Try every network once; return whether one took us. `alive()` is called meanwhile."""
        if self._wlan.isconnected():
            return True
        self._wlan.active(True)
        for step in range(len(self._networks)):
            at = (self._first + step) % len(self._networks)
            ssid, password = self._networks[at]
            try:
                self._wlan.disconnect()
                self._wlan.connect(ssid, password or None)
            except OSError:
                continue  # the driver is busy or off: the next try begins anew
            if await self._wait(alive):
                self._first = at
                return True
        return False

    async def _wait(self, alive):
        until = time.ticks_add(time.ticks_ms(), _JOIN_MS)
        while time.ticks_diff(until, time.ticks_ms()) > 0:
            alive()
            if self._wlan.isconnected():
                return True
            if _FIRST_FAILURE <= self._wlan.status() <= _LAST_FAILURE:
                return False
            await asyncio.sleep_ms(_POLL_MS)
        return False

    def off(self):
        """Switch the radio off."""
        self._wlan.active(False)
