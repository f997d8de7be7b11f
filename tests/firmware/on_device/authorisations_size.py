"""Takes a full set of 10,000 authorisations on littlefs in memory; prints what it holds of the heap."""

import gc
import struct

import vfs
from box.protocols import authorisation
from box.protocols.crypto import Hmac
from box.storage.authorisations import Authorisations

ENTRIES = 10_000
PAGE = 170


class RamFlash:
    def __init__(self, sectors):
        self.image = bytearray(sectors * 4096)

    def readblocks(self, block, buffer, offset=0):
        at = block * 4096 + offset
        buffer[:] = memoryview(self.image)[at : at + len(buffer)]

    def writeblocks(self, block, data, offset=0):
        at = block * 4096 + offset
        self.image[at : at + len(data)] = data

    def ioctl(self, operation, argument):
        if operation == 4:
            return len(self.image) // 4096
        return 4096 if operation == 5 else 0


def entry(number):
    kind = 1 if number % 200 == 0 else 2
    badge = struct.pack(">II", number // 2, number)
    return authorisation.pack((badge, number, number * 50, number * 50 + 40, kind, 0, 0))


flash = RamFlash(90)
vfs.VfsLfs2.mkfs(flash)
vfs.mount(vfs.VfsLfs2(flash), "/flash")
key = Hmac(b"a" * 32)
gc.collect()
before = gc.mem_alloc()
held = Authorisations("/flash", key)
pages = (ENTRIES + PAGE - 1) // PAGE
begun = key.begin()
begun.update(struct.pack("<II", 7, ENTRIES))
held.begin_set(7, pages)
for page in range(pages):
    data = b"".join(entry(n) for n in range(page * PAGE, min(ENTRIES, (page + 1) * PAGE)))
    begun.update(data)
    held.put_page(7, page, data)
for _ in held.finish_set(7, ENTRIES, key.finish(begun)[:16]):
    pass
del data, begun
held.reservations_between(0, 100)
gc.collect()
held_bytes = gc.mem_alloc() - before
for number in (0, 1, 4999, 9999):
    found = held.find(authorisation.unpack(entry(number))[0])
    assert authorisation.unpack(entry(number)) in found, number
    assert len(found) == 1, found
again = Authorisations("/flash", key)
assert (again.version, again.count, again.damaged) == (7, ENTRIES, 0)
print(f"entries={again.count} held_bytes={held_bytes}")
