"""From reset to running: file system, identity, safe mode, watchdog; and what a box without an identity does.

S6: a reset leaves relay and session as they were. A box that fails three times in a row, by something that
began in its first minute, starts in safe mode (doors, relay, reader, journal and link, nothing else).
Power-on resets never count, nor any with the ignition on or below 9 V: winter cranking is not a crash.
"""

import asyncio
import os

import machine
from micropython import const

from . import app, config
from .access.taps import Taps
from .crash import Crashes

# A task that hung in the first minute is late by now (PROOF_OF_LIFE_MS), and one that hangs is not forgiven.
_STEADY_MS = const(110_000)
_STILL_MS = const(5_000)
_MAINTENANCE_MS = const(
    3_600_000
)  # the watchdog cannot be stopped; this long somebody may work at the serial port
_UNPROVISIONED_POLL_MS = const(200)


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


async def _forgive_later(crashes, supervisor):
    await asyncio.sleep_ms(_STEADY_MS)
    while supervisor.list_late():
        await asyncio.sleep_ms(_STILL_MS)
    crashes.forgive()


async def _run(box, watchdog, crashes):
    box.supervisor.watch(watchdog, crashes.note_hung)
    steady = asyncio.create_task(_forgive_later(crashes, box.supervisor))
    try:
        await box.run()
    finally:
        steady.cancel()


def main():
    """Run the box; returns only by an exception, which `main.py` ends in a reset."""
    cause = machine.reset_cause()
    hardware = app.Hardware()
    battery_mv = hardware.battery.read_mv()  # before anything that draws current
    hardware.inputs.update(app.time.ticks_ms())
    crashes = Crashes()
    is_excused = (
        cause == machine.PWRON_RESET or bool(hardware.inputs.kl15_on) or battery_mv < config.PULSE_MIN_MV
    )
    is_safe = crashes.begin(cause == machine.WDT_RESET, is_excused)
    try:
        is_formatted = ensure_file_system()
        identity = app.load_identity()
        if identity is None:
            asyncio.run(wait_for_provisioning(hardware))
            raise RuntimeError("the light has ended")
        watchdog = machine.WDT(timeout=config.WATCHDOG_MS)
        box = app.Box(identity, hardware, cause, is_safe, is_formatted, crashes)
        asyncio.run(_run(box, watchdog, crashes))
    except KeyboardInterrupt:
        machine.WDT(timeout=_MAINTENANCE_MS)
        raise
