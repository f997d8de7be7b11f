# mypy: ignore-errors
# Runs on the box: move the interlock relay both ways, through the firmware's one function that may (rules
# S1 to S4).
#
# Inhibit so needs the ignition off for a minute and ten seconds of standstill. The relay ends where it
# began.
import asyncio
import json
import time

from box import board
from box.access.evidence import Evidence
from box.access.interlock import Interlock
from box.config import IGNITION_OFF_MS, STILL_FOR_MS, Settings
from box.drivers.battery import Battery
from box.drivers.inputs import Inputs
from box.drivers.lis2dh12 import LIS2DH12
from box.drivers.relay import Relay
from box.protocols.codes import CONTACT_ALLOW, CONTACT_INHIBIT, RELAY_SOURCE_SELF_TEST, TRUST_KEPT, TRUST_NONE

TICK_MS = 100
WAIT_MS = IGNITION_OFF_MS + STILL_FOR_MS


class NoFaults:
    def set(self, *values):
        pass

    def clear(self, *values):
        pass


class Stamp:
    """The clock chip's time, which is `kept` at best."""

    def stamp(self):
        from box.drivers.rv3028 import RV3028

        try:
            now_s = RV3028(board.i2c(), board.CLOCK_CHIP_ADDRESS).read_s()
        except OSError:
            now_s = None
        return (now_s, TRUST_KEPT) if now_s else (0, TRUST_NONE)


def open_writer():
    """The journal of a provisioned box; a box without keys has none, and says so in its answer."""
    import esp32
    from box import config
    from box.access.writer import RecordWriter
    from box.protocols.codes import RING_TELEMETRY, RING_VITAL
    from box.storage import identity as stored
    from box.storage.flash import Partition
    from box.storage.journal import Journal
    from box.storage.ring import Ring

    def partition(label):
        return Partition(esp32.Partition.find(esp32.Partition.TYPE_DATA, label=label)[0])

    identity = stored.load(config.DIRECTORY, partition("identity"))
    if identity is None:
        return None
    rings = []
    for label, number in (("vital", RING_VITAL), ("telemetry", RING_TELEMETRY)):
        ring = Ring(
            partition(label), number, identity["box_id"], identity["epoch"], identity["keys"]["journal"]
        )
        ring.open()
        rings.append(ring)
    return RecordWriter(Journal(rings[0], rings[1], Stamp()), NoFaults())


async def watch(evidence, inputs, accelerometer):
    """Read the sensors as the firmware does, until the ignition is on or it has been off for long enough."""
    for _ in range(WAIT_MS // TICK_MS):
        evidence.advance(TICK_MS)
        inputs.update(time.ticks_ms())
        evidence.note_ignition(inputs.kl15_on)
        try:
            evidence.note_accelerometer(*accelerometer.read_mg())
        except OSError:
            pass
        if inputs.kl15_on or (evidence.kl15_off_ms > IGNITION_OFF_MS and evidence.still_ms > STILL_FOR_MS):
            return
        await asyncio.sleep_ms(TICK_MS)


async def main():
    relay = Relay(board.pin("relay_allow"), board.pin("relay_inhibit"), board.pin("relay_contact"))
    accelerometer = LIS2DH12(board.i2c(), board.ACCELEROMETER_ADDRESS)
    try:
        accelerometer.configure()
    except OSError:
        pass  # no proof then, and the interlock says so
    inputs = Inputs(board.pin("kl15"), board.pin("doors"), board.pin("key_holder"))
    battery = Battery(board.battery_adc(), board.BATTERY_DIVIDER)
    evidence = Evidence()
    writer = open_writer()
    write = writer.write if writer else lambda *values: 0
    interlock = Interlock(relay, evidence, Settings(), NoFaults(), write, battery.read_mv)
    began = relay.read_contact()
    other = CONTACT_ALLOW if began == CONTACT_INHIBIT else CONTACT_INHIBIT
    outcomes = []
    for target in (other, began):
        if target == CONTACT_INHIBIT:
            await watch(evidence, inputs, accelerometer)
        outcomes.append([target, await interlock.set(target, RELAY_SOURCE_SELF_TEST), relay.read_contact()])
    ok = all(outcome == 0 and contact == target for target, outcome, contact in outcomes)
    print(
        "glovebox-answer "
        + json.dumps(
            {"check": "relay_moved", "ok": ok, "outcomes": outcomes, "journalled": writer is not None}
        )
    )


asyncio.run(main())
