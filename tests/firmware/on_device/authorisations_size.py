"""10,000 authorisations of all kinds in pages and deltas on littlefs; prints memory and time of a look-up.

Runs on MicroPython only. `held_bytes` is what the set holds of the heap beside its file (this port's words
are twice the board's), `delta_bytes` what a full overlay of deltas adds for a while, `lookup_us` the mean of
looking up badges all over the set, on this host; `lookup_reads` the bytes of file that the worst one reads.
"""

import gc
import struct
import time

import vfs
from box.protocols import authorisation
from box.protocols.crypto import Hmac
from box.storage.authorisations import MAX_OVERLAY, Authorisations

ENTRIES = 10_000
PAGE = 170
DELTAS = 40
LOOK_UPS = 2_000


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


def badge(number):
    return struct.pack(">II", number // 2 * 2654435761 & 0xFFFFFFFF, number)


def entry(number, shift=0):
    """Half are reservations of three months, the rest standing rights, and service for one in a hundred."""
    kind = 3 if number % 100 == 1 else 2 - number % 2 * 1
    return authorisation.pack(
        (badge(number), number, number * 50 + shift, number * 50 + 40, kind, 0, number % 25)
    )


def take_set(held, key):
    numbers = sorted(range(ENTRIES), key=badge)
    begun = key.begin()
    begun.update(struct.pack("<II", 7, ENTRIES))
    pages = (ENTRIES + PAGE - 1) // PAGE
    held.begin_set(7, pages)
    for page in range(pages):
        data = b"".join([entry(n) for n in numbers[page * PAGE : (page + 1) * PAGE]])
        begun.update(data)
        held.put_page(7, page, data)
    for _ in held.finish_set(7, ENTRIES, key.finish(begun)[:16]):
        pass


def measure(held, before):
    held.reservations_between(0, 100)
    gc.collect()
    return gc.mem_alloc() - before


def main():
    flash = RamFlash(260)
    vfs.VfsLfs2.mkfs(flash)
    vfs.mount(vfs.VfsLfs2(flash), "/flash")
    key = Hmac(b"a" * 32)
    take_set(Authorisations("/flash", key), key)
    gc.collect()
    before = gc.mem_alloc()
    held = Authorisations("/flash", key)  # as after a start
    held_bytes = measure(held, before)
    begin = time.ticks_us()
    for number in range(LOOK_UPS):
        held.find(badge(number * 7919 % ENTRIES))
    lookup_us = time.ticks_diff(time.ticks_us(), begin) // LOOK_UPS
    changed = {}
    delta_bytes = 0
    for delta in range(DELTAS):  # a change, a removal and one that comes anew, all over the set
        numbers = [(delta * 977 + at * 131) % ENTRIES for at in range(30)]
        operations = b""
        for at, number in enumerate(numbers):
            changed[number] = None if at % 3 == 0 else entry(number, delta + 1)
            operations += (b"\2" + entry(number)) if at % 3 == 0 else (b"\1" + changed[number])
        held.apply_delta(7 + delta, 8 + delta, operations)
        if len(held._overlay) > MAX_OVERLAY - 30 and not delta_bytes:
            gc.collect()
            before = gc.mem_alloc()
            again = Authorisations("/flash", key)
            delta_bytes = measure(again, before) - held_bytes
    del operations
    again = Authorisations("/flash", key)
    for view in (held, again):
        assert (view.version, view.damaged) == (7 + DELTAS, 0)
        for number in range(ENTRIES):
            want = changed.get(number, entry(number))
            found = view.find(badge(number))
            assert found == ([authorisation.unpack(want)] if want else []), number
    gone = sum([1 for want in changed.values() if want is None])
    again.merge()
    assert again.count == ENTRIES - gone
    print(f"entries={ENTRIES} held_bytes={held_bytes} delta_bytes={delta_bytes} lookup_us={lookup_us}")


main()
