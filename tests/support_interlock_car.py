"""The interlock on a relay and evidence of plain objects; what it journals is kept."""

import asyncio

from box.access.evidence import Evidence
from box.access.interlock import Interlock
from box.config import Settings
from box.faults import Faults
from box.protocols import codes, records

ALLOW, INHIBIT = codes.CONTACT_ALLOW, codes.CONTACT_INHIBIT


class Relay:
    """A latching relay; `obeys` pulses out of each row of three are followed."""

    def __init__(self, contact=ALLOW, follows=True):
        self.contact = contact
        self.follows = follows
        self.pulses = []
        self.during = None

    async def _pulse(self, wanted):
        self.pulses.append(wanted)
        if self.during:
            self.during()
        if self.follows:
            self.contact = wanted

    async def pulse_allow(self):
        await self._pulse(ALLOW)

    async def pulse_inhibit(self):
        await self._pulse(INHIBIT)

    def read_contact(self):
        return self.contact


class Car:
    def __init__(self, contact=ALLOW, follows=True, kind=1):
        self.ticks = 0
        self.battery_mv = 12600
        self.journal = []
        self.relay = Relay(contact, follows)
        self.evidence = Evidence()
        self.faults = Faults(lambda: self.ticks)
        self.faults.attach(lambda kind, *values: None)
        self.interlock = Interlock(
            self.relay,
            self.evidence,
            Settings({"interlock_kind": kind}),
            self.faults,
            self.write,
            lambda: self.battery_mv,
        )

    def write(self, kind, *values):
        self.journal.append((kind, records.unpack(kind, records.pack(kind, *values).ljust(36, bytes(1)))))
        return len(self.journal)

    def stand(self, seconds):
        self.evidence.note_ignition(False)
        for _ in range(seconds):
            self.evidence.advance(1000)
            self.evidence.note_accelerometer(0, 0, 1000)

    def set(self, wanted, after_badge=False):
        return asyncio.run(self.interlock.set(wanted, codes.RELAY_SOURCE_SESSION, after_badge, 7))

    def give_up(self, after_shocks=0):
        """The relay is moved by shocks, and does not follow at the last of them."""
        for shocks in range(after_shocks + 1):
            self.hold(ALLOW)
            self.relay.contact = INHIBIT
            self.relay.follows = shocks < after_shocks
            self.hold(ALLOW)

    def hold(self, target, ms=100):
        asyncio.run(self.interlock.hold(target, codes.RELAY_SOURCE_PARKED, False, 0, ms))
