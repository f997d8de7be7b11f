"""Damages a littlefs with all that a box keeps there, in many ways, and starts on it as the box does.

Runs on MicroPython only. Arguments: trials, and `strict` or `trusting` (broken on purpose: believes a file
without its CRC). Whatever is damaged: a filesystem that does not mount is formatted; nothing else raises;
the identity comes back; what is read is what was once saved; and all can be saved anew. Ends with
`TRIALS <n> UNMOUNTED <n> WRONG <n>`.
"""

import gc
import struct
import sys

import vfs
from box.protocols.crypto import Hmac
from box.storage.authorisations import Authorisations
from box.storage.flash import Partition
from box.storage.identity import IdentityStore
from box.storage.snapshot import Snapshot
from littlefs_parts import SECTOR, Flash, entry_of, identity_of, take_set

MOUNT = "/flash"
SECTORS = 24
KEY = Hmac(b"a" * 32)
NAMES = ("clock", "settings", "boot", "link")


class Trusting(Snapshot):
    def _read(self, path):
        try:
            with open(path, "rb") as file:
                content = file.read()
        except OSError:
            return None
        return (struct.unpack_from("<I", content, 4)[0], content[12:-4]) if len(content) >= 16 else None


class Chance:
    def __init__(self, seed):
        self._state = seed * 2654435761 & 0x3FFFFFFF | 1

    def draw(self, below):
        self._state = (self._state * 1103515245 + 12345) & 0x3FFFFFFF
        return (self._state >> 8) % below


def make():
    """Return the images of a box's files and its identity's partition."""
    flash, raw = Flash(SECTORS), Flash(2)
    vfs.VfsLfs2.mkfs(flash)
    vfs.mount(vfs.VfsLfs2(flash), MOUNT)
    IdentityStore(MOUNT, Partition(raw)).save(identity_of(1)).take_counter()
    held = Authorisations(MOUNT, KEY)
    for version in (1, 2):
        take_set(held, KEY, version, sorted([entry_of(n, version) for n in range(60)]))
    held.apply_delta(2, 3, b"\1" + entry_of(100))
    for name in NAMES:
        snapshot = Snapshot(MOUNT, name)
        for number in range(5):
            snapshot.save(name.encode() + bytes([number]) * (100 * number))
    vfs.umount(MOUNT)
    return flash.image, raw.image


def damage(image, trial):
    """One to three places: a bit, a page of flips, garbage over 64 bytes, a whole sector of zeros."""
    chance = Chance(trial)
    used = [n for n in range(SECTORS) if image[n * SECTOR : (n + 1) * SECTOR] != b"\xff" * SECTOR]
    for _ in range(1 + chance.draw(3)):
        at = used[chance.draw(len(used))] * SECTOR
        kind = trial % 4
        if kind == 0:
            image[at + chance.draw(SECTOR)] ^= 1 << chance.draw(8)
        elif kind == 1:
            for _ in range(40):
                image[at + chance.draw(600)] ^= 1 << chance.draw(8)
        elif kind == 2:
            at += chance.draw(400)
            image[at : at + 64] = bytes([chance.draw(256) for _ in range(64)])
        else:
            image[at : at + SECTOR] = bytes(SECTOR)


def start(flash, raw, kind):
    """As the box does; raises whatever must not happen."""
    identity = IdentityStore(MOUNT, Partition(raw)).load()
    assert identity["key_id"] == 1, "identity"
    for name in NAMES:
        snapshot = kind(MOUNT, name)
        data = snapshot.load()
        good = [name.encode() + bytes([n]) * (100 * n) for n in range(5)]
        assert data is None or data in good, name
        snapshot.save(b"anew")
        assert kind(MOUNT, name).load() == b"anew", name
    held = Authorisations(MOUNT, KEY)
    sets = {0: [], 1: [entry_of(n, 1) for n in range(60)], 2: [entry_of(n, 2) for n in range(60)]}
    sets[3] = sets[2] + [entry_of(100)]
    assert list(held._iterate()) == sorted(sets[held.version]), "authorisations"
    take_set(held, KEY, 9, sorted(sets[1]))
    assert Authorisations(MOUNT, KEY).version == 9
    identity.take_counter()


def main(trials, how):
    image, raw_image = make()
    unmounted = wrong = 0
    for trial in range(trials):
        flash, raw = Flash(SECTORS, image), Flash(2, raw_image)
        damage(flash.image, trial)
        try:
            vfs.mount(vfs.VfsLfs2(flash), MOUNT)
        except OSError:
            unmounted += 1
            vfs.VfsLfs2.mkfs(flash)
            vfs.mount(vfs.VfsLfs2(flash), MOUNT)
        try:
            start(flash, raw, Trusting if how == "trusting" else Snapshot)
        except Exception as error:
            wrong += 1
            print("trial", trial, repr(error))
        vfs.umount(MOUNT)
        gc.collect()
    print("TRIALS", trials, "UNMOUNTED", unmounted, "WRONG", wrong)


main(int(sys.argv[1]), sys.argv[2])
