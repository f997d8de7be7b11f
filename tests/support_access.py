"""A car of plain objects around the controller: all it writes, saves, shows and moves, in one list."""

import asyncio

from box.access.controller import Access
from box.access.evidence import Evidence
from box.access.interlock import Interlock
from box.access.parts import Hooks, Parts
from box.access.places import Whereabouts
from box.access.session import Session
from box.access.writer import RecordWriter
from box.clock import Clock
from box.config import Settings
from box.faults import Faults
from box.protocols import codes, records
from support_clock import Chip

NOW = 1_100_000_000
DRIVER, NEXT, SERVICE, STRANGER = b"driver_A", b"driver_B", b"service1", b"stranger"
HOME = (4, 472_735_000, -22_137_000, 100)


class Journal:
    """Keeps records as (name, values)."""

    def __init__(self, events):
        self.events = events
        self.entries = []
        self.payloads = []
        self.vital_full = False
        self.broken = False

    def write(self, kind, payload):
        if self.broken:
            raise OSError(5)
        payload += bytes(36 - len(payload))
        self.entries.append((kind, records.unpack(kind, payload)))
        self.payloads.append(payload)
        self.events.append(("record", kind))
        return len(self.entries)

    @property
    def vital(self):
        return self

    @property
    def last_sequence(self):
        return len(self.entries)


class Relay:
    def __init__(self, events):
        self.events = events
        self.contact = codes.CONTACT_INHIBIT

    async def pulse_allow(self):
        self.events.append(("relay", "allow"))
        self.contact = codes.CONTACT_ALLOW

    async def pulse_inhibit(self):
        self.events.append(("relay", "inhibit"))
        self.contact = codes.CONTACT_INHIBIT

    def read_contact(self):
        return self.contact


class Doors:
    def __init__(self, events):
        self.events = events

    async def unlock(self):
        self.events.append(("doors", "unlock"))

    async def lock(self):
        self.events.append(("doors", "lock"))


class Inputs:
    door_open = False
    key_in_holder = True


class Car:
    """What its bus tells."""

    odometer_hm = None
    fuel_percent = None


class Authorisations:
    version = 1

    def __init__(self):
        self.entries = []

    def find(self, badge):
        return [entry for entry in self.entries if entry[0] == badge]

    def reservations_between(self, start_s, end_s):
        return [e for e in self.entries if e[4] == 1 and e[2] < end_s and start_s < e[3]]


class Box:
    """One car; `restart` is a power loss: flash, relay and car stay, everything else is built anew."""

    def __init__(self):
        self.ticks = 0
        self.events = []
        self.saved = None
        self.journal = Journal(self.events)
        self.relay = Relay(self.events)
        self.inputs = Inputs()
        self.car = Car()
        self.authorisations = Authorisations()
        self.kl15 = False
        self.shaking = False
        self.battery_mv = 12_600
        self.battery_low = False
        self.link = False
        self.verdict = None
        self.is_asking_long = False
        self.at_home = True
        self.present_s = NOW
        self.restart()

    def restart(self):
        clock = Clock(lambda: self.ticks, Chip(is_dead=True), lambda: None, None, lambda: None)
        if self.present_s is not None:
            clock.set_from_cloud(self.present_s)
        settings = Settings({"places": [HOME]})
        session = Session()
        session.restore(self.saved)
        evidence = Evidence()
        faults = Faults(lambda: self.ticks)
        writer = RecordWriter(self.journal, faults)
        faults.attach(writer.write)
        self.parts = Parts(
            clock=clock,
            settings=settings,
            session=session,
            evidence=evidence,
            interlock=Interlock(
                self.relay, evidence, settings, faults, writer.write, lambda: self.battery_mv
            ),
            whereabouts=Whereabouts(settings),
            inputs=self.inputs,
            doors=Doors(self.events),
            journal=self.journal,
            writer=writer,
            faults=faults,
            authorisations=self.authorisations,
            car=self.car,
        )
        hooks = Hooks(
            save=self._save,
            play=lambda signal: self.events.append(("signal", signal)),
            battery_mv=lambda: self.battery_mv,
            is_battery_low=lambda: self.battery_low,
            link_may_answer=lambda: self.link,
            ask=self._ask,
            self_test=self._self_test,
            refresh=lambda: self.events.append(("refresh", None)),
        )
        self.access = Access(self.parts, hooks)

    def _save(self, data):
        self.saved = data
        self.events.append(("saved", None))

    async def _ask(self, badge, timeout_ms):
        assert timeout_ms == 8000
        if self.is_asking_long:
            await asyncio.Event().wait()
        if callable(self.verdict):
            return self.verdict()
        return self.verdict

    async def _self_test(self):
        self.events.append(("self_test", None))

    async def _pass(self, ms):
        parts = self.parts
        parts.evidence.advance(ms)
        parts.evidence.note_ignition(self.kl15)
        parts.evidence.note_accelerometer(500 * (self.ticks // 100 % 2) if self.shaking else 0, 0, 1000)
        if self.at_home is not None:
            parts.whereabouts.note_fix(HOME[1] + (0 if self.at_home else 500_000), HOME[2])
        self.ticks += ms
        await self.access.tick(ms)

    def wait(self, seconds):
        async def run():
            for _ in range(int(seconds * 10)):
                await self._pass(100)

        asyncio.run(run())
        self.present_s = self.parts.clock.now_s()

    def tap(self, *badges, is_random=False):
        """Hold cards to the reader; return the signals that follow."""
        before = len(self.events)

        async def run():
            cards = [(badge, is_random) for badge in badges]
            await self.access.tap(cards, cards)
            for _ in range(3):
                await asyncio.sleep(0)

        asyncio.run(run())
        return [name for kind, name in self.events[before:] if kind == "signal"]

    def command(self, kind, argument=0, command_id=None, expires_s=60):
        self.commands = getattr(self, "commands", 0) + 1
        return asyncio.run(
            self.access.command(
                command_id or self.commands, kind, self.parts.clock.now_s() + expires_s, 1, argument
            )
        )

    def promise(self, badge=DRIVER, number=17, starts=-60, ends=7200, kind=1, place=0):
        self.authorisations.entries.append((badge, number, NOW + starts, NOW + ends, kind, 0, place))

    @property
    def state(self):
        return self.parts.session.state

    def drive(self, seconds=5):
        self.kl15 = True
        self.shaking = True
        self.wait(seconds)

    def stop(self, seconds=70):
        self.kl15 = False
        self.shaking = False
        self.wait(seconds)

    def records(self, *kinds):
        return [kind for kind, _ in self.journal.entries if not kinds or kind in kinds]
