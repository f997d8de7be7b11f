"""Counts the erases of littlefs, of the size of the partition `vfs`, over days of the box's saves.

Runs on MicroPython only. Arguments: sectors, days, saves of the clock's bound, starts, deltas a day; days
from one full set to the next and from one reservation of counters to the next. The figures are
`max_erases=` of the block erased most, `erases=` of all.
"""

import struct
import sys

import vfs
from box.protocols import authorisation
from box.protocols.crypto import Hmac
from box.storage.authorisations import Authorisations
from box.storage.snapshot import Snapshot

SECTOR = 4096
MOUNT = "/flash"
SET_ENTRIES = 300
PROGRAM_FILES = 76  # the firmware's own files lie there too, and are not written again
KEY = Hmac(b"a" * 32)


class CountingFlash:
    """Remembers how often each block was erased; blocks are kept only while written."""

    def __init__(self, sectors):
        self.sectors = sectors
        self.blocks = {}
        self.erases = [0] * sectors

    def readblocks(self, block, buffer, offset=0):
        data = self.blocks.get(block)
        if data is None:
            buffer[:] = b"\xff" * len(buffer)
        else:
            buffer[:] = memoryview(data)[offset : offset + len(buffer)]

    def writeblocks(self, block, data, offset=0):
        if block not in self.blocks:
            self.blocks[block] = bytearray(b"\xff" * SECTOR)
        memoryview(self.blocks[block])[offset : offset + len(data)] = (
            data  # erased before: littlefs never rewrites
        )

    def ioctl(self, operation, argument):
        if operation == 6:
            self.erases[argument] += 1
            self.blocks.pop(argument, None)
            return 0
        return {4: self.sectors, 5: SECTOR}.get(operation, 0)


def take_set(held, version):
    entries = []
    for number in range(SET_ENTRIES):
        entries.append(authorisation.pack((struct.pack(">Q", number + 1), number + 1, 5, 9, 1, 0, 0)))
    half = len(entries) // 2
    held.begin_set(version, 2)
    held.put_page(version, 0, b"".join(entries[:half]))
    held.put_page(version, 1, b"".join(entries[half:]))
    mac = KEY.digest(struct.pack("<II", version, SET_ENTRIES), b"".join(entries))[:16]
    for _ in held.finish_set(version, SET_ENTRIES, mac):
        pass


def main(sectors, days, bounds, starts, deltas, set_days, counter_days):
    flash = CountingFlash(sectors)
    vfs.VfsLfs2.mkfs(flash)
    vfs.mount(vfs.VfsLfs2(flash, mtime=False), MOUNT)
    for number in range(PROGRAM_FILES):
        with open(MOUNT + "/part" + str(number), "wb") as file:
            file.write(bytes(2000))
    clock, boot = Snapshot(MOUNT, "clock"), Snapshot(MOUNT, "boot")
    counter = Snapshot(MOUNT, "counter")
    held = Authorisations(MOUNT, KEY)
    take_set(held, 1)
    version = 1
    for day in range(days):
        for _ in range(bounds):
            clock.save(struct.pack("<II", day, day))
        for _ in range(starts):
            boot.save(struct.pack("<I", day))
        for number in range(deltas):
            put = authorisation.pack(
                (struct.pack(">Q", 1000 + (day + number) % 90), number + 1, 5, day, 1, 0, 0)
            )
            held.apply_delta(version, version + 1, b"\1" + put)
            version += 1
            while held.step():
                pass
        if day % set_days == set_days - 1:
            version += 1
            take_set(held, version)
        if day % counter_days == 0:
            counter.save(struct.pack("<I", day))
    print("max_erases=" + str(max(flash.erases)), "erases=" + str(sum(flash.erases)))


main(*[int(word) for word in sys.argv[1:]])
