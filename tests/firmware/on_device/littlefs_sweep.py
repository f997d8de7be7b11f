"""Cuts the power at every program and erase of littlefs under snapshots, authorisations and identity.

Runs on MicroPython only: `vfs.VfsLfs2` on a block device in memory. Each power cycle has its own device
object, which stays dead. Arguments: what, stride (1: every operation), cuts (2: a second one at each of the
first operations of the recovery). Ends with `CUTS <cuts> LOST <lost>`.
"""

# ruff: noqa: RUF005, SIM115 -- MicroPython's dialect; the broken snapshot leaves its file open on purpose

import gc
import os
import struct
import sys
from binascii import crc32

import vfs
from box.protocols import authorisation
from box.protocols.crypto import Hmac
from box.storage.authorisations import Authorisations, AuthorisationsError
from box.storage.flash import Partition
from box.storage.identity import IdentityStore, encode
from box.storage.snapshot import Snapshot
from littlefs_parts import SECTOR, entry_of, identity_of, take_set

MODES = ("dropped", "torn", "garbage", "unreported")
MOUNT = "/flash"
KEY = Hmac(b"a" * 32)
SECOND_CUTS = 8  # operations of the second power cycle: the recovery and the first writes after it


class Supply:
    """Counts programs and erases over all devices of a power cycle; at `cut_at` the power fails."""

    def __init__(self, cut_at=None, mode=None):
        self.cut_at = cut_at
        self.mode = mode
        self.operations = 0
        self.is_dead = False
        self.noise = (cut_at or 0) * 2654435761 & 0xFFFFFF | 1

    def draw(self, below):
        self.noise = (self.noise * 1103515245 + 12345) & 0x3FFFFFFF
        return (self.noise >> 8) % below


class RamFlash:
    """NOR flash of a few sectors."""

    def __init__(self, sectors, supply, image=None):
        self.sectors = sectors
        self.supply = supply
        self.image = bytearray(image) if image else bytearray(b"\xff" * (sectors * SECTOR))

    def _cut(self):
        supply = self.supply
        if supply.is_dead:
            raise OSError(5)
        supply.operations += 1
        return supply.operations - 1 == supply.cut_at

    def _program(self, at, data):
        for i in range(len(data)):
            self.image[at + i] &= data[i]

    def readblocks(self, block, buffer, offset=0):
        if self.supply.is_dead:
            raise OSError(5)
        at = block * SECTOR + offset
        buffer[:] = memoryview(self.image)[at : at + len(buffer)]

    def writeblocks(self, block, data, offset=None):
        if offset is None:
            raise ValueError("would erase")
        at = block * SECTOR + offset
        if self._cut():
            mode = self.supply.mode
            if mode == "unreported":
                self._program(at, data)
            elif mode != "dropped":
                done = self.supply.draw(len(data))
                self._program(at, memoryview(data)[:done])
                if mode == "garbage":
                    self._program(at + done, bytes(self.supply.draw(256) for _ in range(len(data) - done)))
            self.supply.is_dead = True
            raise OSError(5)
        self._program(at, data)

    def ioctl(self, operation, argument):
        if operation == 4:
            return self.sectors
        if operation == 5:
            return SECTOR
        if operation == 6:
            at = argument * SECTOR
            done = SECTOR
            is_cut = self._cut()
            if is_cut:
                mode = self.supply.mode
                done = (
                    SECTOR if mode == "unreported" else 0 if mode == "dropped" else self.supply.draw(SECTOR)
                )
                if mode == "garbage":
                    for i in range(at + done, at + SECTOR):
                        self.image[i] |= self.supply.draw(256)
            self.image[at : at + done] = b"\xff" * done
            if is_cut:
                self.supply.is_dead = True
                raise OSError(5)
        return 0


class Box:
    """One power cycle: littlefs and the identity partition on what the last one left."""

    sectors = 24

    def __init__(self, image=None, raw=None, supply=None):
        self.supply = supply or Supply()
        self.flash = RamFlash(self.sectors, self.supply, image)
        self.raw = RamFlash(2, self.supply, raw)
        if image is None:
            vfs.VfsLfs2.mkfs(self.flash)
            self.supply.operations = 0
        vfs.mount(vfs.VfsLfs2(self.flash), MOUNT)

    def off(self):
        vfs.umount(MOUNT)


# --- what is written, and what must hold afterwards ---


class SnapshotLife:
    """Saves growing data; what was saved last, or was being saved, is what is there."""

    kind = Snapshot
    saves = 7

    def __init__(self):
        self.done = 0
        self.tried = 0

    def data(self, number):
        return bytes([number]) * (number * 150) if number else None

    def run(self, box):
        snapshot = self.kind(MOUNT, "session")
        for number in range(self.done + 1, self.saves + 1):
            self.tried = number
            snapshot.save(self.data(number))
            self.done = number

    def check(self, box):
        have = self.kind(MOUNT, "session").load()
        if have == self.data(self.tried):
            self.done = self.tried
        assert have == self.data(self.done), (self.done, self.tried, have and have[:4])


class Unflushed(Snapshot):
    """Broken on purpose: reports what is still in the file's cache; flushed only by the next save."""

    file = None

    def save(self, data):
        if self.file:
            self.file.close()
        head = struct.pack("<4sII", b"GBXS", data[0], len(data))
        self.file = open(self._paths[data[0] & 1], "wb")
        self.file.write(head)
        self.file.write(data)
        self.file.write(struct.pack("<I", crc32(data, crc32(head))))


class BrokenSnapshotLife(SnapshotLife):
    kind = Unflushed


class AuthorisationsLife:
    """Sets, deltas and merges: the set in force is that of a version, whole."""

    kind = Authorisations

    def __init__(self):
        self.sets = {0: []}
        self.steps = []
        entries = sorted(entry_of(n) for n in range(60))
        self._add(1, entries, ("set",))
        for version in range(2, 6):
            put, gone = entry_of(100 + version), entries[version * 3]
            entries = sorted([e for e in entries if e != gone] + [put])
            self._add(version, entries, ("delta", b"\1" + put + b"\2" + gone))
            if version == 4:
                self.steps.append(("merge",))
        self._add(9, sorted(entry_of(n, 50) for n in range(20, 90)), ("set",))
        put = entry_of(7)
        self._add(10, sorted(self.sets[9] + [put]), ("delta", b"\1" + put))
        self.at = 0
        self.version = self.tried = 0

    def _add(self, version, entries, step):
        self.sets[version] = entries
        self.steps.append(step + (version,))

    def run(self, box):
        held = self.kind(MOUNT, KEY)
        while self.at < len(self.steps):
            step = self.steps[self.at]
            if step[0] == "merge":
                held.merge()
            else:
                self.tried = step[-1]
                if step[0] == "set":
                    take_set(held, KEY, step[-1], self.sets[step[-1]])
                else:
                    held.apply_delta(self.version, step[-1], step[1])
                self.version = step[-1]
            self.at += 1

    def check(self, box):
        held = self.kind(MOUNT, KEY)
        if held.version == self.tried and self.version != self.tried:
            self.version = self.tried
            self.at += 1
        assert held.version == self.version, (held.version, self.version, self.tried)
        assert list(held._iterate()) == self.sets[self.version]
        for data in self.sets[self.version][::7]:
            entry = authorisation.unpack(data)
            assert entry in held.find(entry[0])
        assert not held.find(b"\xfe" * 8)


class IdentityLife:
    """Identity and counters: the identity is always there once saved, and no counter is ever given twice."""

    kind = IdentityStore

    def __init__(self):
        self.saved = None
        self.tried = None
        self.counter = 0
        self.at = 0

    def run(self, box):
        store = self.kind(MOUNT, Partition(box.raw))
        for step in range(self.at, 6):
            if step in (0, 3):
                self.tried = step + 1
                store.save(identity_of(step + 1))
                self.saved = step + 1
            else:
                identity = store.load()
                for number in range(1200):
                    if number % 400 == 399:
                        identity.reserve_ahead()
                    counter = identity.take_counter()
                    assert counter > self.counter, "a counter twice"
                    self.counter = counter
            self.at = step + 1

    def check(self, box):
        identity = self.kind(MOUNT, Partition(box.raw)).load()
        if identity is None:
            assert self.saved is None
            return
        assert identity["key_id"] in (self.saved, self.tried), (identity["key_id"], self.saved, self.tried)
        assert identity["keys"]["wire"] == bytes([identity["key_id"]]) * 32
        counter = identity.take_counter()
        assert counter > self.counter, "a counter twice"
        self.counter = counter


class LosesTheOld(Authorisations):
    """Broken on purpose: clears the set in force away before the manifest tells of the new one."""

    def _save(self, version, number, count, crc, overlay):
        if number != self._number and self._number:
            os.remove(self._path(self._number))
        super()._save(version, number, count, crc, overlay)


class BrokenAuthorisationsLife(AuthorisationsLife):
    kind = LosesTheOld


class CountsAnew(IdentityStore):
    """Broken on purpose: where a copy had to be repaired, counters begin at 0 again."""

    def load(self):
        identity = super().load()
        if identity and self.damaged:
            identity._next = identity._reserved = 0
        return identity


class BrokenIdentityLife(IdentityLife):
    kind = CountsAnew


class RepairsByForce(IdentityStore):
    """Broken on purpose: where a copy was missing, both are made anew, and for a moment there is none."""

    def load(self):
        identity = super().load()
        if identity and self.damaged:
            self._file.remove()
            for sector in (0, 1):
                self._partition.erase(sector)
            self._save_file(9, encode(identity._values))
            self._save_partition(9, encode(identity._values), identity._reserved)
        return identity


class TwiceBrokenIdentityLife(IdentityLife):
    kind = RepairsByForce


LIVES = {
    "snapshot": SnapshotLife,
    "authorisations": AuthorisationsLife,
    "identity": IdentityLife,
    "broken-snapshot": BrokenSnapshotLife,
    "broken-authorisations": BrokenAuthorisationsLife,
    "broken-identity": BrokenIdentityLife,
    "twice-broken-identity": TwiceBrokenIdentityLife,
}


def revive(life, box, cut_at=None, mode=None):
    """Start on what the last power cycle left, with a supply that may fail again; return the box."""
    again = Box(box.flash.image, box.raw.image, Supply(cut_at, mode))
    try:
        life.check(again)
        life.run(again)
    except OSError:
        assert again.supply.is_dead
    again.off()
    return again


def try_cut(make_life, cut_at, mode, again_at=None, mode_again=None):
    """Cut once, or a second time in the recovery; then check, go on to the end, check again."""
    life = make_life()
    box = Box()
    box.supply.cut_at, box.supply.mode = cut_at, mode
    box.supply.noise = (cut_at * 4 + MODES.index(mode)) * 7919 | 1
    try:
        life.run(box)
    except OSError:
        assert box.supply.is_dead
    box.off()
    if again_at is not None:
        box = revive(life, box, again_at, mode_again)
    box = revive(life, box)
    box = Box(box.flash.image, box.raw.image)
    life.check(box)
    box.off()
    gc.collect()


def sweep(make_life, stride, is_twice):
    """Cut at every `stride`-th operation in every mode; return how many cuts there were and which lost."""
    box = Box()
    make_life().run(box)
    total = box.supply.operations
    box.off()
    cuts = lost = 0
    for cut_at in range(0, total, stride):
        for at, mode in enumerate(MODES):
            for again_at in range(SECOND_CUTS) if is_twice else (None,):
                mode_again = is_twice and MODES[(at + again_at + cut_at) % 4]
                cuts += 1
                try:
                    try_cut(make_life, cut_at, mode, again_at, mode_again)
                except (AssertionError, AuthorisationsError, OSError) as error:
                    lost += 1
                    print("cut", cut_at, mode, again_at, mode_again, repr(error))
                    vfs.umount(MOUNT)
    return cuts, lost


def main(what, stride, times):
    cuts, lost = sweep(LIVES[what], stride, times == 2)
    print("CUTS", cuts, "LOST", lost)
    if lost:
        sys.exit(1)


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
