"""`esp32`: partitions on the flash model, wake-up sources, NVS."""

import struct

import _bridge
from micropython import const

WAKEUP_ALL_LOW = const(0)
WAKEUP_ANY_HIGH = const(1)
_BLOCK_SIZE = const(4096)
_PAGE_SIZE = const(256)
_image = None


def _get_image():
    """The flash image, read directly; only programs and erases are the host's, which counts and cuts them."""
    global _image
    if _image is None:
        import vfs

        directory, name = _bridge.config["flash_path"].rsplit("/", 1)
        vfs.mount(vfs.VfsPosix(directory), "/flash")
        _image = open("/flash/" + name, "rb")
    return _image


def _read(address, buffer):
    image = _get_image()
    image.seek(address)
    image.readinto(buffer)
    costs = _bridge.costs
    _bridge.advance(costs["flash_read_overhead_us"] + len(buffer) * costs["flash_read_ns_per_byte"] // 1000)


def _program(address, data):
    """Program page by page, as the chip takes it: power may fail between any two pages."""
    data = memoryview(data)
    at = 0
    while at < len(data):
        size = min(len(data) - at, _PAGE_SIZE - (address + at) % _PAGE_SIZE)
        _bridge.call(_bridge.FLASH_PROGRAM, 0, struct.pack("<I", address + at) + data[at : at + size])
        _bridge.advance(_bridge.costs["flash_program_page_us"])
        at += size


def _erase(address):
    _bridge.call(_bridge.FLASH_ERASE, 0, struct.pack("<I", address))
    _bridge.advance(_bridge.costs["flash_erase_sector_us"])


class Partition:
    """One row of partitions.csv as a block device of 4,096-byte blocks."""

    TYPE_APP = 0
    TYPE_DATA = 1
    BOOT = 0
    RUNNING = 1

    def __init__(self, id, block_size=_BLOCK_SIZE):
        row = None
        for candidate in _bridge.config["partitions"]:
            if candidate[4] == id or (id in (self.BOOT, self.RUNNING) and candidate[4] == "ota_0"):
                row = candidate
                break
        if row is None:
            raise OSError(2)
        self._row = row
        self._address = row[2]
        self._size = row[3]
        self._block_size = block_size

    @staticmethod
    def find(type=TYPE_APP, subtype=0xFF, label=None, block_size=_BLOCK_SIZE):
        return [
            Partition(row[4], block_size)
            for row in _bridge.config["partitions"]
            if row[0] == type and subtype in (0xFF, row[1]) and label in (None, row[4])
        ]

    def info(self):
        kind, subtype, address, size, label = self._row
        return (kind, subtype, address, size, label, False)

    def _locate(self, block, offset, length):
        at = block * self._block_size + offset
        if at < 0 or at + length > self._size:
            raise OSError(22)
        return self._address + at

    def readblocks(self, block, buffer, offset=0):
        _read(self._locate(block, offset, len(buffer)), buffer)

    def writeblocks(self, block, buffer, offset=None):
        """Without an offset the blocks are erased first, as on the chip's port."""
        address = self._locate(block, offset or 0, len(buffer))
        if offset is None:
            for at in range(0, len(buffer), _BLOCK_SIZE):
                _erase(address + at)
        _program(address, buffer)

    def ioctl(self, operation, argument):
        if operation in (1, 2, 3):
            return 0
        if operation == 4:
            return self._size // self._block_size
        if operation == 5:
            return self._block_size
        if operation == 6:
            _erase(self._locate(argument, 0, self._block_size))
            return 0
        return None

    def set_boot(self):
        pass

    def get_next_update(self):
        return Partition("ota_1")

    @classmethod
    def mark_app_valid_cancel_rollback(cls):
        pass


class NVS:
    """Keys and values of one namespace; kept by the host at commit."""

    def __init__(self, namespace):
        self._namespace = namespace

    def _call(self, verb, key, value=None):
        import json

        request = json.dumps([verb, self._namespace, key, value])
        return json.loads(_bridge.call(_bridge.NVS, 0, request.encode()))

    def set_i32(self, key, value):
        self._call("set", key, value)

    def get_i32(self, key):
        return self._call("get", key)

    def set_blob(self, key, value):
        self._call("set", key, bytes(value).hex())

    def get_blob(self, key, buffer):
        value = bytes.fromhex(self._call("get", key))
        buffer[: len(value)] = value
        return len(value)

    def erase_key(self, key):
        self._call("erase", key)

    def commit(self):
        pass


def wake_on_ext0(pin=None, level=None):
    _bridge.config["wake_pins"] = [] if pin is None else [[pin.number, 1 if level else 0]]


def wake_on_ext1(pins=(), level=WAKEUP_ANY_HIGH):
    _bridge.config["wake_pins"] = [[pin.number, 1 if level else 0] for pin in pins]


def raw_temperature():
    return 77


def mcu_temperature():
    return 25


def idf_heap_info(capabilities):
    return []
