"""The composition root: everything the box is made of, put together on one page.

`build` makes the objects, `Box.run` the tasks. Nothing is constructed anywhere else.
"""

import asyncio
import struct
import time

import machine
from micropython import const

from . import board, config
from .access.controller import Access
from .access.evidence import Evidence
from .access.interlock import Interlock
from .access.parts import Hooks, Parts
from .access.places import Whereabouts
from .access.report import pack_state
from .access.session import Session
from .access.writer import RecordWriter
from .clock import Clock, ticks_diff
from .drivers.battery import Battery
from .drivers.car_bus import CarBus
from .drivers.doors import Doors
from .drivers.gnss import Gnss
from .drivers.indicator import Indicator
from .drivers.inputs import Inputs
from .drivers.lis2dh12 import LIS2DH12
from .drivers.mcp2515 import MCP2515
from .drivers.mfrc522 import MFRC522
from .drivers.relay import Relay
from .drivers.rv3028 import RV3028
from .faults import Faults
from .housekeeping import Housekeeping
from .link.hooks import Hooks as LinkHooks
from .link.sync import Link
from .link.wifi import Wifi
from .power import LAST, SHED, Power
from .protocols.authorisation import hash_badge
from .protocols.codes import (
    COUNTER_CAN_OVERRUN,
    COUNTER_CARD_UNREADABLE,
    COUNTER_ENVELOPE_REFUSED,
    COUNTER_ISOTP_ABORTED,
    COUNTER_LINK_LOST,
    COUNTER_NMEA_REJECTED,
    COUNTER_OBD_REJECTED,
    COUNTER_RECORD_REJECTED,
    COUNTER_SNAPSHOT_REJECTED,
    COUNTER_UNKNOWN_BADGE,
    FAULT_ACCELEROMETER_MISSING,
    FAULT_CAN_MISSING,
    FAULT_CLOCK_CHIP_MISSING,
    FAULT_READER_STUCK,
    FAULT_SAFE_MODE,
    FAULT_SNAPSHOT_DAMAGED,
    MODE_BIT_DOZING,
    MODE_BIT_SAFE,
    RECORD_BOOT,
    RECORD_CRASH,
    RING_TELEMETRY,
    RING_VITAL,
    STATE_ASKING,
)
from .protocols.crypto import Hmac
from .recovery import settle
from .storage.authorisations import Authorisations
from .storage.flash import Partition
from .storage.identity import IdentityStore
from .storage.journal import Journal
from .storage.ring import Ring
from .storage.snapshot import Snapshot
from .storage.snapshot_log import SnapshotLog
from .supervisor import Supervisor
from .tasks import BusTask, CarTask, GnssTask, ReaderTask

_VERSION_BYTES = const(29)  # what a boot record has room for


class Hardware:
    """The chips and pins of the board, as drivers. Nothing here talks to a chip yet but the pins and the 12
    V.
    """

    def __init__(self):
        spi = board.spi()
        i2c = board.i2c()
        ticks_ms = time.ticks_ms
        self.battery = Battery(board.battery_adc(), board.BATTERY_DIVIDER)
        self.relay = Relay(board.pin("relay_allow"), board.pin("relay_inhibit"), board.pin("relay_contact"))
        self.doors = Doors(board.pin("door_unlock"), board.pin("door_lock"))
        self.inputs = Inputs(board.pin("kl15"), board.pin("doors"), board.pin("key_holder"), ticks_diff)
        self.indicator = Indicator(board.pin("light"), board.buzzer())
        self.reader = MFRC522(spi, board.pin("reader_cs"))
        self.can = MCP2515(spi, board.pin("can_cs"), board.pin("can_int"))
        self.car = CarBus(self.can, ticks_ms)
        self.accelerometer = LIS2DH12(i2c, board.ACCELEROMETER_ADDRESS)
        self.clock_chip = RV3028(i2c, board.CLOCK_CHIP_ADDRESS)
        self.gnss_uart = board.gnss_uart()
        self.wlan = board.wlan()


def open_partition(label):
    """Return the flash partition of that label of `partitions.csv`; raises OSError without one."""
    import esp32

    found = esp32.Partition.find(esp32.Partition.TYPE_DATA, label=label)
    if not found:
        raise OSError(2, label)
    return Partition(found[0])


def load_identity():
    """Return the box's Identity, or None for a box that was never provisioned."""
    return IdentityStore(config.DIRECTORY, open_partition("identity")).load()


class Box:
    """The box of one car, put together for the `identity` it has.

    `has_lost_files`: littlefs had to be formatted; the session has a partition of its own and goes on.
    `crashes` knows how the program ended before.
    """

    def __init__(self, identity, hardware, reset_cause, is_safe, has_lost_files, crashes):
        self._hardware = hardware
        self._is_safe = is_safe
        self._snapshots = {}
        ticks_ms = time.ticks_ms
        self.power = Power(hardware.battery.read_mv())
        self.faults = faults = Faults(ticks_ms)
        clock = self._make_clock(ticks_ms)
        settings = config.Settings(self._load_settings())
        journal = self._open_journal(identity, clock)
        writer = RecordWriter(journal, faults)
        session = self._restore_session()
        self._write_boot(reset_cause, journal, writer)
        self._crashes = crashes
        self._tell_crash(writer)
        faults.attach(writer.write)
        if is_safe:
            faults.set(FAULT_SAFE_MODE, crashes.count)
        if has_lost_files:
            faults.set(FAULT_SNAPSHOT_DAMAGED)
        settle(session, journal.vital, writer, clock.now_s())
        evidence = Evidence()
        self.parts = Parts(
            clock=clock,
            settings=settings,
            session=session,
            evidence=evidence,
            interlock=Interlock(
                hardware.relay, evidence, settings, faults, writer.write, hardware.battery.read_mv
            ),
            whereabouts=Whereabouts(settings),
            inputs=hardware.inputs,
            doors=hardware.doors,
            journal=journal,
            writer=writer,
            faults=faults,
            authorisations=Authorisations(config.DIRECTORY, Hmac(identity["keys"]["authorisations"])),
            car=hardware.car,
        )
        self.access = Access(
            self.parts,
            Hooks(
                save=self._snapshots["session"].save,
                play=hardware.indicator.play,
                battery_mv=lambda: self.power.battery_mv,
                is_battery_low=lambda: self.power.is_low,
                link_may_answer=self._may_link_answer,
                ask=self._ask,
                self_test=self.self_test,
                refresh=self._refresh,
            ),
        )
        self._make_tasks(identity, Hmac(identity["keys"]["badge"]), ticks_ms)

    # --- making
    # ----------------------------------------------------------------------------------------------------

    def _open_snapshot(self, name):
        snapshot = Snapshot(config.DIRECTORY, name)
        self._snapshots[name] = snapshot
        return snapshot

    def _make_clock(self, ticks_ms):
        chip = self._hardware.clock_chip

        def on_error():
            self.faults.set(FAULT_CLOCK_CHIP_MISSING)

        try:
            chip.ensure_backup()
        except OSError:
            on_error()
        store = self._open_snapshot("clock")
        return Clock(ticks_ms, chip, store.load, store.save, on_error)

    def _load_settings(self):
        import json

        data = self._open_snapshot("settings").load()
        if data is None:
            return None
        try:
            values = json.loads(data)
        except ValueError:
            return None
        values["wifi"] = [(place, bytes(bssid)) for place, bssid in values.get("wifi", ())]
        return values

    def _open_journal(self, identity, clock):
        rings = []
        for label, number in (("vital", RING_VITAL), ("telemetry", RING_TELEMETRY)):
            ring = Ring(
                open_partition(label),
                number,
                identity["box_id"],
                identity["epoch"],
                identity["keys"]["journal"],
            )
            ring.open()
            rings.append(ring)
        return Journal(rings[0], rings[1], clock)

    def _restore_session(self):
        session = Session()
        self._snapshots["session"] = log = SnapshotLog(open_partition("session"))
        session.restore(log.load())
        if any(snapshot.damaged for snapshot in self._snapshots.values()):
            self.faults.set(FAULT_SNAPSHOT_DAMAGED)
        return session

    def _write_boot(self, reset_cause, journal, writer):
        store = self._open_snapshot("boot")
        data = store.load()
        count = struct.unpack("<I", data)[0] + 1 if data and len(data) == 4 else 1
        try:
            store.save(struct.pack("<I", count))
        except OSError:
            self.faults.set(FAULT_SNAPSHOT_DAMAGED)
        self.boot_count = count
        self.reset_cause = reset_cause
        journal.boot = count
        version = config.FIRMWARE_VERSION.encode()[:_VERSION_BYTES]
        writer.write(RECORD_BOOT, reset_cause, self.power.battery_mv, count, tail=version)

    def _tell_crash(self, writer):
        crash = self._crashes.get()
        if crash is not None and writer.write(RECORD_CRASH, *crash[:2], tail=crash[2]):
            self._crashes.forget()

    def _make_tasks(self, identity, badge_hmac, ticks_ms):
        hardware, parts, faults = self._hardware, self.parts, self.faults
        self.supervisor = Supervisor(faults, ticks_ms, self._end, lambda: self.access.effects.is_torn)
        reader = ReaderTask(
            hardware.reader,
            lambda uid: hash_badge(badge_hmac, uid),
            self.access,
            faults,
            self.power,
            parts.evidence,
            ticks_ms,
        )
        car = CarTask(
            hardware.inputs,
            hardware.accelerometer,
            parts.evidence,
            self.access,
            faults,
            ticks_ms,
        )
        bus = BusTask(hardware.car, parts.evidence, parts.whereabouts, parts.session, faults, parts.clock)
        # A date before the bound is a week number that has rolled over.
        self._gnss = Gnss(hardware.gnss_uart, parts.clock.bound_s)
        gnss = GnssTask(
            self._gnss, parts.evidence, parts.whereabouts, parts.clock, parts.session, faults, ticks_ms
        )
        self._networks = identity["wifi"]
        self.wifi = Wifi(self._networks, hardware.wlan)
        self._is_serving = lambda: reader.is_serving() or hardware.car.is_transferring
        # What holds everything up would hold up the end of a pulse, and a coil is made for 50 ms (S1).
        self._is_pulsing = lambda: hardware.relay.is_pulsing or hardware.doors.is_pulsing
        self.link = self._make_link(identity)
        house = Housekeeping(
            parts,
            self.power,
            hardware.battery,
            lambda: parts.session.state == STATE_ASKING or self._is_pulsing() or self._is_serving(),
            self._list_counters,
            (self._snapshots["session"].erase_ahead, identity.reserve_ahead),
        )
        add = self.supervisor.add
        add("reader", reader.run)
        add("car", car.run)
        add("indicator", self._run_indicator)
        add("housekeeping", house.run)
        add("link", self.link.run)
        if not self._is_safe:  # safe mode: doors, relay, reader, journal and the link, nothing else
            add("bus", bus.run)
            add("gnss", gnss.run)

    def _make_link(self, identity):
        parts = self.parts
        hooks = LinkHooks(
            get_state=self.get_state,
            active_faults=self.faults.active,
            list_counters=self._list_counters,
            get_settings_version=lambda: parts.settings.version,
            on_settings=self.take_settings,
            on_time=parts.clock.set_from_cloud,
            on_authorisations=lambda: None,  # the next tap looks them up
            on_command=self.access.command,
            set_fault=self.faults.set,
            clear_fault=self.faults.clear,
            is_allowed=self.is_link_allowed,
            is_saving=lambda: self.power.step >= SHED,
            # Who waits for the cloud's answer waits for what it brings, too.
            is_serving=lambda: (
                self._is_pulsing() or (parts.session.state != STATE_ASKING and self._is_serving())
            ),
        )
        link = Link(
            identity,
            self.wifi,
            parts.journal,
            parts.authorisations,
            parts.clock,
            hooks,
            config.DIRECTORY,
            config.FIRMWARE_VERSION,
            self.reset_cause,
            self.boot_count,
        )
        parts.journal.on_write = link.request_sync
        return link

    async def _run_indicator(self, alive):
        player = asyncio.create_task(self._hardware.indicator.run())
        try:
            while not player.done():
                alive()
                await asyncio.sleep_ms(1_000)
        finally:
            player.cancel()

    # --- what access asks of the box
    # ---------------------------------------------------------------------------------

    def _may_link_answer(self):
        """Return whether the link is up or can come up while a driver waits: only trying tells."""
        return self.is_link_allowed() and bool(self._networks)

    async def _ask(self, badge, timeout_ms):
        return await self.link.ask(badge, timeout_ms)

    def _refresh(self):
        self.link.request_sync()

    def _list_counters(self):
        """Return the counters since the start as `(code, value)`."""
        hardware = self._hardware
        return (
            (COUNTER_NMEA_REJECTED, self._gnss.rejected),
            (COUNTER_CAN_OVERRUN, hardware.car.overruns),
            (COUNTER_ISOTP_ABORTED, hardware.car.aborted),
            (COUNTER_OBD_REJECTED, hardware.car.invalid),
            (COUNTER_ENVELOPE_REFUSED, self.link.envelopes_refused + self.link.inbox.acks_refused),
            (COUNTER_LINK_LOST, self.link.links_lost),
            (COUNTER_UNKNOWN_BADGE, self.access.unknown_badges),
            (COUNTER_CARD_UNREADABLE, hardware.reader.unreadable),
            (COUNTER_SNAPSHOT_REJECTED, sum([snapshot.damaged for snapshot in self._snapshots.values()])),
            (
                COUNTER_RECORD_REJECTED,
                self.parts.journal.vital.damaged + self.parts.journal.telemetry.damaged,
            ),
        )

    async def self_test(self):
        """Look at every chip once and show light and sound; what is amiss is a fault, as in service."""
        hardware = self._hardware
        hardware.indicator.play("self_test")
        for look, fault in (
            (hardware.reader.verify, FAULT_READER_STUCK),
            (hardware.can.verify, FAULT_CAN_MISSING),
            (hardware.accelerometer.verify, FAULT_ACCELEROMETER_MISSING),
            (hardware.clock_chip.read_s, FAULT_CLOCK_CHIP_MISSING),
        ):
            try:
                is_well = look() is not False
            except OSError:
                is_well = False
            self.faults.watch(fault, not is_well)
            await asyncio.sleep_ms(0)

    # --- what the link asks of the box
    # -------------------------------------------------------------------------------

    def get_modes(self):
        """Return the mode bits that are not of access."""
        modes = 1 << MODE_BIT_SAFE if self._is_safe else 0
        return modes | 1 << MODE_BIT_DOZING if self.link.is_dozing else modes

    def get_state(self):
        """Return the wire's STATE, 22 bytes."""
        return pack_state(self.parts, self.power.battery_mv, self.get_modes())

    def is_link_allowed(self):
        """Return whether the battery bears a link."""
        return self.power.step < LAST

    def take_settings(self, values):
        """Take settings of the cloud, durable before they are in force. Raises OSError if the flash does
        not keep them.
        """
        import json

        kept = dict(values)
        kept["wifi"] = [(place, list(bssid)) for place, bssid in values.get("wifi", ())]
        self._snapshots["settings"].save(json.dumps(kept).encode())
        self.parts.settings.apply(values)

    # --- running ------------------------------------------------------------------------------------------
    # -------------

    async def run(self):
        """Run for ever."""
        await self.supervisor.run()

    def _end(self, error):
        """End the program by a reset, at once: nothing may run on what is in memory now."""
        try:
            self._crashes.note_error(error)
        finally:
            machine.reset()
