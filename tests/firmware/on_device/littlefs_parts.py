"""A flash in memory and what a box keeps on littlefs, for the scripts that run on MicroPython."""

import struct

from box.protocols import authorisation

SECTOR = 4096


class Flash:
    """NOR flash shaped like `esp32.Partition`; erases and programs without faults."""

    def __init__(self, sectors, image=None):
        self.image = bytearray(image) if image else bytearray(b"\xff" * (sectors * SECTOR))

    def readblocks(self, block, buffer, offset=0):
        at = block * SECTOR + offset
        buffer[:] = memoryview(self.image)[at : at + len(buffer)]

    def writeblocks(self, block, data, offset=0):
        at = block * SECTOR + offset
        for i in range(len(data)):
            self.image[at + i] &= data[i]

    def ioctl(self, operation, argument):
        if operation == 6:
            self.image[argument * SECTOR : (argument + 1) * SECTOR] = b"\xff" * SECTOR
            return 0
        return {4: len(self.image) // SECTOR, 5: SECTOR}.get(operation, 0)


def entry_of(number, ends_at=9):
    badge = bytes([number * 37 & 255, number]) + bytes(6)
    return authorisation.pack((badge, number, number * 100, number * 100 + ends_at, 1, 0, 0))


def take_set(held, key, version, entries):
    half = len(entries) // 2
    held.begin_set(version, 2)
    held.put_page(version, 0, b"".join(entries[:half]))
    held.put_page(version, 1, b"".join(entries[half:]))
    mac = key.digest(struct.pack("<II", version, len(entries)), b"".join(entries))[:16]
    for _ in held.finish_set(version, len(entries), mac):
        pass


def identity_of(number):
    return {
        "box_id": b"GB\0\0\0\0\0\xa1",
        "key_id": number,
        "keys": {
            name: bytes([number]) * 32 for name in ("wire", "time", "badge", "journal", "authorisations")
        },
        "cloud_host": "cloud.example",
        "cloud_port": 8443,
        "time_port": 8080,
        "ca_der": bytes(400),
        "wifi": [("pool", "secret")],
        "epoch": number << 16,
    }
