"""A ring, what its flash holds, and places of it that take nothing."""

import struct

from box.protocols import codes
from box.storage import sector as layout
from box.storage.ring import Ring
from support_flash import SECTOR, FlashDevice
from support_ring_cuts import VITAL
from support_rings import SECTORS, kind_of, payload_of

PER_SECTOR = 63
FULL = SECTORS * PER_SECTOR


def append(ring: Ring, count: int = 1, start: int | None = None) -> None:
    start = ring.last_sequence + 1 if start is None else start
    for number in range(start, start + count):
        ring.append(kind_of(ring.ring_id), payload_of(number), 5, 3, 1)


def numbers(ring: Ring, first: int = 1, limit: int = 10_000) -> list[int]:
    return [struct.unpack_from("<I", slot, 12)[0] for _, slot in ring.iterate(first, limit)]


def header(device: FlashDevice, sector: int, ring_id: int = VITAL) -> tuple:
    found = layout.unpack_header(bytes(device.image[sector * SECTOR : sector * SECTOR + 64]), ring_id)
    assert found is not None
    return found


def erase_counts(device: FlashDevice) -> list[int]:
    return [header(device, sector)[layout.ERASES] for sector in range(device.sectors)]


def wipe(device: FlashDevice, sector: int) -> None:
    device.image[sector * SECTOR : (sector + 1) * SECTOR] = b"\xff" * SECTOR


class DeafDevice(FlashDevice):
    """Takes no program at the places in `deaf`, (sector, slot), and says nothing."""

    deaf: frozenset[tuple[int, int]] = frozenset()

    def writeblocks(self, sector: int, data: bytes, offset: int | None = None) -> None:
        if (sector, (offset or 0) // 64) not in self.deaf or not any(data):
            super().writeblocks(sector, data, offset)


def told(ring: Ring) -> list[tuple[int, int]]:
    slots = [slot for _, slot in ring.iterate(1, 9999) if slot[0] == codes.RECORD_DROPPED]
    return [struct.unpack_from("<II", slot, 12) for slot in slots]
