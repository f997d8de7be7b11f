"""Import all of the firmware from a ROMFS image, on any MicroPython."""

import gc
import os
import sys

import micropython
import vfs


class Absent:
    """Of a module that this port lacks, or has otherwise: nothing of it is used while others are imported."""

    def __getattr__(self, name):
        return Absent()


def find_modules(folder):
    for entry in os.ilistdir(folder):
        path = folder + "/" + entry[0]
        if entry[1] & 0x4000:
            yield from find_modules(path)
        elif entry[0].endswith(".mpy") and entry[0] != "__init__.mpy":
            yield path[len("/rom/") : -len(".mpy")].replace("/", ".")


def mount(path):
    """Make the image in a file the first place to import from; return the names of its modules."""
    with open(path, "rb") as file:
        vfs.mount(vfs.VfsRom(file.read()), "/rom")
    sys.path.insert(0, "/rom")
    for name in ("machine", "esp32", "network", "tls", "hashlib"):
        sys.modules[name] = Absent()
    __import__("asyncio")
    return sorted(find_modules("/rom/box"))


def import_all(modules):
    """Import them; say before and after how many names there are."""
    micropython.qstr_info()
    for name in modules:
        __import__(name)
    micropython.qstr_info()


def tell(before):
    """Say what has been taken since; a collection must have ended."""
    print("bytes", gc.mem_alloc() - before)
