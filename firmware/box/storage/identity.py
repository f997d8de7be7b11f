"""Who this box is: its name, keys, cloud and networks; in two copies, because without it the box is deaf.

One copy lies on the raw partition `identity` (two sectors, two generations), one on littlefs. Whichever is
whole and newer is taken and the other repaired. Envelope counters are reserved durably 1,000 ahead, so that
none is ever used twice: each reservation is a mark of 16 bytes on the partition and a small snapshot on
littlefs.

Sector of the partition:
    0  4  magic "GBXI"
    4  4  generation
    8  4  length of the data (at most 3,040)
   12  n  data: JSON, bytes as hexadecimal text
 12+n  4  CRC-32 of all before, then padding to whole units
 3072 64 marks: 0xAC and three zero bytes, counter u32, its complement u32, CRC-32 u32
"""

import json
import os
import struct
from binascii import crc32, hexlify, unhexlify

from micropython import const

from .flash import SECTOR_SIZE, UNIT_SIZE, FlashError, is_erased
from .sector import pack_mark, unpack_mark
from .snapshot import Snapshot

RESERVE = const(1000)  # counters reserved at a time: at 300 envelopes a day a mark every three days
MAX_DATA = const(3040)
MAX_NETWORKS = const(8)
_MARKS = const(3072)
_MAGIC = b"GBXI"
_HEAD = "<4sII"
_HEAD_SIZE = const(12)
PURPOSES = ("wire", "time", "badge", "journal", "authorisations")
_INTEGERS = ("key_id", "cloud_port", "time_port", "epoch")


class IdentityError(ValueError):
    """What is offered as an identity is none."""


class Identity:
    """The identity in force, as `identity["box_id"]`, and the envelope counters.

    Names: `box_id` (8 bytes), `key_id`, `keys` (dict of PURPOSES, 32 bytes each), `cloud_host`, `cloud_port`,
    `time_port`, `ca_der` (bytes), `wifi` (list of `(ssid, password)`), `epoch` (u32).
    """

    def __init__(self, store, values, reserved):
        self._store = store
        self._values = values
        self._next = reserved
        self._reserved = reserved

    def __getitem__(self, name):
        return self._values[name]

    def skip_counters(self):
        """Leave out what is reserved: the cloud has seen higher ones (both copies were lost)."""
        self._next = self._reserved

    def take_counter(self):
        """Return the next envelope counter, never given before; reserves durably. Raises OSError."""
        if self._next >= self._reserved:
            self._reserve()
        self._next += 1
        return self._next

    def reserve_ahead(self):
        """Reserve more if half of them are given; return whether it did. For idle moments. Raises OSError."""
        if self._reserved - self._next >= RESERVE // 2:
            return False
        self._reserve()
        return True

    def _reserve(self):
        self._store.reserve(self._reserved + RESERVE)
        self._reserved += RESERVE


class IdentityStore:
    """Both copies. `partition` is a flash Partition of two sectors, `directory` one on littlefs."""

    def __init__(self, directory, partition):
        self._file = Snapshot(directory, "identity")
        self._counter_file = Snapshot(directory, "counter")
        self._partition = partition
        self.damaged = 0

    def load(self):
        """Return the Identity, or None for a box that was never provisioned. Repairs the copy that is
        missing.
        """
        on_flash = self._load_partition()
        on_file = self._load_file()
        if on_flash is None and on_file is None:
            return None
        newest = max((c for c in (on_flash, on_file) if c), key=lambda copy: copy[0])
        reserved = self._load_counter()
        if on_flash is None or on_flash[0] != newest[0]:
            self.damaged += 1
            self._save_partition(newest[0], newest[1], reserved)
        if on_file is None or on_file[0] != newest[0]:
            self.damaged += 1
            self._save_file(newest[0], newest[1])
        return Identity(self, decode(newest[1]), reserved)

    def save(self, values):
        """Keep a new identity in both copies, durable on return; return the Identity.

        Counters go on above all that were reserved, whatever the keys. Raises IdentityError, OSError.
        """
        data = encode(values)
        decode(data)
        generation = 1
        for copy in (self._load_partition(), self._load_file()):
            if copy:
                generation = max(generation, copy[0] + 1)
        reserved = self._load_counter()
        self._save_partition(generation, data, reserved)
        self._save_file(generation, data)
        self._counter_file.save(struct.pack("<I", reserved))
        return Identity(self, decode(data), reserved)

    def reserve(self, counter):
        """Note durably that all counters up to `counter` are taken."""
        self._counter_file.save(struct.pack("<I", counter))
        found = self._find_newest()
        if found is None:
            return
        sector, generation, data = found
        free = self._read_marks(sector)[1]
        if free + UNIT_SIZE > SECTOR_SIZE:
            self._save_partition(generation + 1, data, counter)
            self._save_file(generation + 1, data)
            return
        self._partition.program(sector, free, pack_mark(counter))

    # --- the copy on littlefs ---

    def _load_file(self):
        for content in self._file.iterate():
            if is_whole(content[4:]):
                return struct.unpack_from("<I", content, 0)[0], content[4:]
        return None

    def _save_file(self, generation, data):
        self._file.save(struct.pack("<I", generation) + data)

    def _load_counter(self):
        reserved = max(self._read_marks(0)[0], self._read_marks(1)[0])
        for content in self._counter_file.iterate():
            if len(content) == 4:
                reserved = max(reserved, struct.unpack("<I", content)[0])
        return reserved

    # --- the copy on the partition ---

    def _load_partition(self):
        found = self._find_newest()
        return found and found[1:]

    def _find_newest(self):
        """Return `(sector, generation, data)` of the newest whole sector, or None."""
        best = None
        for sector in range(self._partition.sector_count):
            copy = self._read_sector(sector)
            if copy and (best is None or copy[0] > best[1]):
                best = (sector, copy[0], copy[1])
        return best

    def _read_sector(self, sector):
        head = bytearray(_HEAD_SIZE)
        self._partition.read(sector, 0, head)
        magic, generation, length = struct.unpack(_HEAD, head)
        if magic != _MAGIC or length > MAX_DATA:
            return None
        rest = bytearray(length + 4)
        self._partition.read(sector, _HEAD_SIZE, rest)
        data = bytes(memoryview(rest)[:length])
        if crc32(data, crc32(head)) != struct.unpack_from("<I", rest, length)[0] or not is_whole(data):
            self.damaged += 1
            return None
        return generation, data

    def _read_marks(self, sector):
        """Return the highest counter marked in a sector and the offset of the first free mark."""
        highest = 0
        free = _MARKS
        mark = bytearray(UNIT_SIZE)
        for offset in range(_MARKS, SECTOR_SIZE, UNIT_SIZE):
            self._partition.read(sector, offset, mark)
            if not is_erased(mark):
                highest = max(highest, unpack_mark(mark, 0) or highest)
                free = offset + UNIT_SIZE
        return highest, free

    def _save_partition(self, generation, data, reserved):
        """Write the sector that does not hold the newest; it counts only when its last unit is there."""
        newest = self._find_newest()
        sector = 1 - newest[0] if newest else 0
        content = bytearray(struct.pack(_HEAD, _MAGIC, generation, len(data)))
        content.extend(data)
        content.extend(struct.pack("<I", crc32(content)))
        content.extend(b"\xff" * (-len(content) % UNIT_SIZE))
        try:
            self._partition.erase(sector)
            self._partition.program(sector, _MARKS, pack_mark(reserved))
            for at in range(0, len(content), 64):
                self._partition.program(sector, at, memoryview(content)[at : at + 64])
        except FlashError:
            self.damaged += 1  # the other sector and littlefs still have it


def encode(values):
    """Return an identity as the bytes that are kept; raises IdentityError if it is not whole."""
    try:
        text = {
            "box_id": hexlify(values["box_id"]).decode(),
            "key_id": values["key_id"],
            "keys": {purpose: hexlify(values["keys"][purpose]).decode() for purpose in PURPOSES},
            "cloud_host": values["cloud_host"],
            "cloud_port": values["cloud_port"],
            "time_port": values["time_port"],
            "ca_der": hexlify(values["ca_der"]).decode(),
            "wifi": [list(network) for network in values["wifi"]],
            "epoch": values["epoch"],
        }
    except (KeyError, TypeError, ValueError):
        raise IdentityError("a part is missing")
    data = json.dumps(text).encode()
    if len(data) > MAX_DATA:
        raise IdentityError("too long")
    return data


def decode(data):
    """Return the dict of an identity; raises IdentityError if it is not one."""
    try:
        values = json.loads(data)
        values["box_id"] = unhexlify(values["box_id"])
        values["keys"] = {purpose: unhexlify(values["keys"][purpose]) for purpose in PURPOSES}
        values["ca_der"] = unhexlify(values["ca_der"])
        values["wifi"] = [(network[0], network[1]) for network in values["wifi"]]
        is_good = (
            len(values["box_id"]) == 8
            and all(isinstance(values[name], int) for name in _INTEGERS)
            and 0 < values["key_id"] < 256
            and all(len(key) == 32 for key in values["keys"].values())
            and isinstance(values["cloud_host"], str)
            and 0 < values["cloud_port"] < 65536
            and 0 < values["time_port"] < 65536
            and 0 <= values["epoch"] <= 0xFFFFFFFF
            and len(values["wifi"]) <= MAX_NETWORKS
            and all(isinstance(part, str) for network in values["wifi"] for part in network)
        )
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        raise IdentityError("no identity")
    if not is_good:
        raise IdentityError("a part is out of range")
    return values


def is_whole(data):
    """Tell whether these bytes are an identity."""
    try:
        decode(data)
    except IdentityError:
        return False
    return True


def load(directory, partition):
    """Return the Identity kept in `directory` and `partition`, or None for a box never provisioned."""
    return IdentityStore(directory, partition).load()


def save(directory, partition, values):
    """Keep an identity in both; return it. Raises IdentityError, OSError."""
    return IdentityStore(directory, partition).save(values)


def draw_epoch():
    """Return an epoch for a new provisioning: the upper half is drawn, the rings fill the lower one."""
    return int.from_bytes(os.urandom(2), "big") << 16
