"""From reset to running: file system, identity, safe mode, watchdog; and what a box without an identity does.

S6: a reset leaves relay and session as they were. A box that fails three times within its first minute
starts in safe mode (doors, relay, reader, journal and link, nothing else). Power-on resets never count, nor
any with the ignition on or below 9 V: winter cranking is not a crash.
"""

import asyncio
import os
import sys
from binascii import crc32

import machine
from micropython import const

from . import app, config
from .access.taps import Taps

_STEADY_MS = const(60_000)
_SAFE_AFTER = const(3)
_MAGIC = b"GBX"
_STEADY = const(0)
_STARTING = const(1)
_FAILED = const(2)
_MAINTENANCE_MS = const(
    3_600_000
)  # the watchdog cannot be stopped; this long somebody may work at the serial port
_UNPROVISIONED_POLL_MS = const(200)
_PAUSE_MS = const(5_000)  # before a reset after a failure: never a tight loop of resets


class CrashCount:
    """How often the program has failed early, in the memory that outlives a reset but no power loss; CRC'd,
    for it may hold garbage.
    """

    def __init__(self):
        self._rtc = machine.RTC()
        data = self._rtc.memory()
        is_whole = len(data) == 9 and data[:3] == _MAGIC and data[5:] == self._seal(data[:5])
        self.count = data[3] if is_whole else 0
        self._phase = data[4] if is_whole else _STEADY

    @staticmethod
    def _seal(data):
        return crc32(data).to_bytes(4, "little")

    def _write(self, phase):
        data = _MAGIC + bytes((self.count, phase))
        self._rtc.memory(data + self._seal(data))

    def begin(self, is_watchdog, is_excused):
        """Note a start; return whether safe mode is due.

        The start before has failed if the watchdog bit within its first minute, or it said so itself; an
        installer's resets are no failures. `is_excused`: nothing can be told from this one.
        """
        has_failed = self._phase == _FAILED or (self._phase == _STARTING and is_watchdog)
        if has_failed and not is_excused:
            self.count = min(self.count + 1, 255)
        self._write(_STARTING)
        return self.count >= _SAFE_AFTER

    def admit(self):
        """The program ends by an error."""
        self._write(_FAILED)

    def forgive(self):
        """The program has run for a minute."""
        self.count = 0
        self._write(_STEADY)


def ensure_file_system():
    """Have a littlefs; format one that cannot be mounted as the last resort (identity, session and journal
    have their own partitions). Return whether that was done: then all files are lost.
    """
    try:
        if os.statvfs(config.DIRECTORY)[2]:  # blocks; `listdir` is no proof, it lists other mounts too
            return False
    except OSError:
        pass
    import esp32
    import vfs

    device = esp32.Partition.find(esp32.Partition.TYPE_DATA, label="vfs")[0]
    vfs.VfsLfs2.mkfs(device)
    vfs.mount(vfs.VfsLfs2(device, mtime=False), config.DIRECTORY)
    return True


async def wait_for_provisioning(hardware):
    """Show every card that nobody has made this a box yet; the installer's tool resets it when that is
    done.
    """
    player = asyncio.create_task(hardware.indicator.run())
    taps = Taps()
    is_ready = False
    while not player.done():
        try:
            if not is_ready:
                hardware.reader.probe()
                is_ready = True
            uids = [uid for uid, _ in hardware.reader.read_cards()]
            new, _ = taps.see(uids, app.time.ticks_ms())
            if new:
                hardware.indicator.play("unprovisioned")
        except OSError:
            is_ready = False
        await asyncio.sleep_ms(_UNPROVISIONED_POLL_MS)


async def _forgive_later(crashes):
    await asyncio.sleep_ms(_STEADY_MS)
    crashes.forgive()


async def _run(box, watchdog, crashes):
    steady = asyncio.create_task(_forgive_later(crashes))
    try:
        await box.run(watchdog)
    finally:
        steady.cancel()


def main():
    """Run the box for ever; a failure that no task could contain ends in a reset."""
    cause = machine.reset_cause()
    hardware = app.Hardware()
    battery_mv = hardware.battery.read_mv()  # before anything that draws current
    hardware.inputs.update(app.time.ticks_ms())
    crashes = CrashCount()
    is_excused = (
        cause == machine.PWRON_RESET or bool(hardware.inputs.kl15_on) or battery_mv < config.PULSE_MIN_MV
    )
    is_safe = crashes.begin(cause == machine.WDT_RESET, is_excused)
    try:
        is_formatted = ensure_file_system()
        identity = app.load_identity()
        if identity is None:
            asyncio.run(wait_for_provisioning(hardware))
            return
        watchdog = machine.WDT(timeout=config.WATCHDOG_MS)
        box = app.Box(identity, hardware, cause, is_safe, is_formatted)
        asyncio.run(_run(box, watchdog, crashes))
    except KeyboardInterrupt:
        machine.WDT(timeout=_MAINTENANCE_MS)
        raise
    except Exception as error:
        sys.print_exception(error)
        crashes.admit()
        app.time.sleep_ms(_PAUSE_MS)
    machine.reset()
