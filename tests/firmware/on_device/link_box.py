"""A box with nothing but its link, for the link tests: real rings and littlefs in memory, real TLS.

Takes a JSON object of options and then commands as lines on standard input, tells what happens as JSON lines.
"""

import asyncio
import gc
import json
import sys
from binascii import hexlify, unhexlify

import vfs
from box.link.hooks import Hooks
from box.link.sync import Link
from box.link.wifi import Wifi
from box.protocols import codes
from box.protocols.crypto import Hmac
from box.storage.authorisations import Authorisations
from box.storage.flash import Partition
from box.storage.identity import IdentityStore
from box.storage.journal import Journal
from box.storage.ring import Ring
from littlefs_parts import Flash

PATIENCE_MS = 600_000


def tell(what, **values):
    values["event"] = what
    print(json.dumps(values))


def make_identity(options, keys):
    store = IdentityStore("/flash", Partition(FLASHES["identity"]))
    identity = store.save(
        {
            "box_id": unhexlify(options["box_id"]),
            "key_id": 1,
            "keys": keys,
            "cloud_host": options["host"],
            "cloud_port": options["port"],
            "time_port": options["time_port"],
            "ca_der": unhexlify(options["ca_der"]),
            "wifi": [("elsewhere", ""), ("depot", "secret")],
            "epoch": 0x00010000,
        }
    )
    if "counter" in options:
        store.reserve(options["counter"])
        identity = store.load()
    return identity


class Wlan:
    """A station that has its network at once, where there is one."""

    def __init__(self):
        self.is_connected = False
        self.is_near = True

    def active(self, is_active):
        if not is_active:
            self.is_connected = False

    def isconnected(self):
        return self.is_connected

    def status(self):
        return 1010 if self.is_connected else 201

    def connect(self, ssid, password):
        tell("wifi", ssid=ssid)
        self.is_connected = ssid == "depot" and self.is_near

    def disconnect(self):
        self.is_connected = False


class Clock:
    def __init__(self, trust):
        self.trust = trust

    def now_s(self):
        return None if self.trust == codes.TRUST_NONE else 820_454_400

    def stamp(self):
        return 820_454_400, self.trust


class Box:
    def __init__(self, options):
        self.state = bytearray(22)
        self.settings_version = 0
        self.faults = {}
        flash = FLASHES["vfs"]
        vfs.VfsLfs2.mkfs(flash)
        vfs.mount(vfs.VfsLfs2(flash), "/flash")
        keys = {purpose: unhexlify(key) for purpose, key in options["keys"].items()}
        identity = make_identity(options, keys)
        self.clock = Clock(options.get("trust", codes.TRUST_CLOUD))
        rings = []
        for label, number in (("vital", codes.RING_VITAL), ("telemetry", codes.RING_TELEMETRY)):
            ring = Ring(
                Partition(FLASHES[label]), number, identity["box_id"], identity["epoch"], keys["journal"]
            )
            ring.open()
            rings.append(ring)
        self.journal = Journal(rings[0], rings[1], self.clock, boot=1)
        self.authorisations = Authorisations("/flash", Hmac(keys["authorisations"]))
        hooks = Hooks(
            get_state=lambda: bytes(self.state),
            active_faults=lambda: bytes(sorted(self.faults)),
            list_counters=lambda: [(codes.COUNTER_UNKNOWN_BADGE, 3), (codes.COUNTER_LINK_LOST, 0)],
            get_settings_version=lambda: self.settings_version,
            on_settings=self.on_settings,
            on_time=self.on_time,
            on_authorisations=self.on_authorisations,
            on_command=self.on_command,
            set_fault=self.set_fault,
            clear_fault=self.clear_fault,
            is_allowed=lambda: True,
            is_saving=lambda: self.is_saving,
            is_serving=self.look_for_card,
        )
        self.wlan = Wlan()
        self.wlan.is_near = options.get("is_near", True)
        wifi = Wifi(identity["wifi"], self.wlan)
        self.link = Link(
            identity, wifi, self.journal, self.authorisations, self.clock, hooks, "/flash", "0.1.0-test", 1, 7
        )
        # The host decides when an answer is late (`late`), not the speed of the machine.
        self.link.answer_ms = self.link.ask_answer_ms = PATIENCE_MS
        self.link.backoff.least_ms = self.link.backoff.refused_least_ms = options.get("least_ms", 50)
        self.link.backoff.reset()
        self.link.inbox.least_heartbeat_s = 1
        self.link.inbox.served_most_ms = PATIENCE_MS
        self.journal.on_write = self.link.request_sync
        self.was_up = self.is_saving = self.is_serving = False
        self.asking = self.lines = None

    def look_for_card(self):
        if self.is_serving:
            tell("gives_way")
        return self.is_serving

    def set_fault(self, code, detail):
        if code not in self.faults:
            self.faults[code] = detail
            tell("fault", code=code)

    def clear_fault(self, code):
        if self.faults.pop(code, None) is not None:
            tell("fault_cleared", code=code)

    def on_settings(self, settings):
        self.settings_version = settings["version"]
        tell(
            "settings",
            version=settings["version"],
            early_s=settings.get("early_s"),
            places=settings["places"],
        )

    def on_time(self, now_s):
        if self.clock.trust != codes.TRUST_CLOUD:
            self.clock.trust = codes.TRUST_CLOUD
        tell("time", now_s=now_s)

    def on_authorisations(self):
        tell("authorisations", version=self.authorisations.version, count=self.authorisations.count)

    async def on_command(self, command_id, kind, expires_at, role, argument):
        tell("command", command_id=command_id, kind=kind, role=role, argument=argument)
        return codes.COMMAND_RESULT_REFUSED, codes.REFUSAL_NOT_PARKED

    def alive(self):
        if self.link.is_up != self.was_up:
            self.was_up = self.link.is_up
            tell("link", is_up=self.was_up)

    async def ask(self, badge, timeout_ms):
        verdict = await self.link.ask(badge, timeout_ms)
        tell(
            "verdict",
            badge=hexlify(badge).decode(),
            verdict=verdict,
            found=len(self.authorisations.find(badge)),
        )

    async def take_lines(self):
        stdin = asyncio.StreamReader(sys.stdin)
        while True:
            line = await stdin.readline()
            if not line:
                sys.exit(0)
            word, *rest = line.decode().split()
            if word == "ask":
                self.asking = asyncio.create_task(self.ask(unhexlify(rest[0]), int(rest[1])))
            elif word == "write":
                for _ in range(int(rest[1])):
                    kind = int(rest[0])
                    payload = b"\1\0\0\0" if kind < 32 else bytes(16)
                    sequence = self.journal.write(kind, payload)
                tell("written", sequence=sequence)
            elif word in ("near", "far"):
                self.wlan.is_near = word == "near"
                self.wlan.is_connected = self.wlan.is_connected and self.wlan.is_near
            elif word == "late":  # what is not answered by now never will be
                self.link.answer_ms = -1
                while self.link.is_up:
                    self.link.request_sync()
                    await asyncio.sleep_ms(10)
                self.link.answer_ms = PATIENCE_MS
            elif word in ("saving", "dozing"):
                self.is_saving = word == "saving"
                tell("dozing", is_dozing=self.link.is_dozing)
            elif word in ("card", "gone"):
                self.is_serving = word == "card"
            elif word == "state":
                self.state[:] = unhexlify(rest[0])
                self.link.request_sync()
            elif word == "acked":
                vital, telemetry = self.journal.vital, self.journal.telemetry
                tell("acked", vital=vital.acked, telemetry=telemetry.acked, epoch=vital.epoch)
            elif word == "counters":
                link = self.link
                tell(
                    "counters",
                    refused=link.envelopes_refused + link.inbox.acks_refused,
                    lost=link.links_lost,
                    up=link.is_up,
                )
            elif word == "heap":
                gc.collect()
                tell("heap", used=gc.mem_alloc() - box_less_bytes)


# What the heap holds before there is a box: the programs, and the flash.
FLASHES = {
    name: Flash(count) for name, count in (("vfs", 12), ("identity", 2), ("vital", 4), ("telemetry", 4))
}
gc.collect()
box_less_bytes = gc.mem_alloc()


async def main():
    box = Box(json.loads(sys.stdin.readline()))
    box.lines = asyncio.create_task(box.take_lines())
    await box.link.run(box.alive)


asyncio.run(main())
