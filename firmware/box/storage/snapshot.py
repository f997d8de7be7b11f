"""A small file that is whole, or what it was before: two generations under littlefs.

`save` writes a temporary file, closes it (on littlefs the durable point) and renames it over the older of
two generations; `load` takes the newest that is whole. A file is

    0  4  magic "GBXS"
    4  4  generation
    8  4  length of the data
   12  n  data
 12+n  4  CRC-32 of all before
"""

import os
import struct
from binascii import crc32

_MAGIC = b"GBXS"
_HEAD = "<4sII"
_HEAD_SIZE = 12
MAX_SIZE = 8192  # the biggest is the delta of the authorisations; also what one load may take of the heap


class Snapshot:
    """`name` in `directory`. `damaged` counts generations that were not whole."""

    def __init__(self, directory, name):
        base = directory if directory.endswith("/") else directory + "/"
        self._paths = (base + name + ".0", base + name + ".1")
        self._temporary = base + name + ".tmp"
        self._generation = 0  # of the newest on flash; 0 until loaded
        self.damaged = 0

    def load(self):
        """Return the bytes saved last, or None."""
        for data in self.iterate():
            return data
        return None

    def iterate(self):
        """Yield the whole generations, the newest first; for data that must be checked against something
        else.
        """
        found = []
        for path in self._paths:
            content = self._read(path)
            if content is not None:
                found.append(content)
        found.sort(key=lambda item: item[0], reverse=True)
        self._generation = found[0][0] if found else 0
        for _, data in found:
            yield data

    def save(self, data):
        """Keep `data`, durable on return. Raises OSError if the file system does, ValueError if it is too
        long.
        """
        if len(data) > MAX_SIZE:
            raise ValueError("size")
        if not self._generation:
            self.load()
        generation = self._generation + 1
        head = struct.pack(_HEAD, _MAGIC, generation, len(data))
        with open(self._temporary, "wb") as file:
            file.write(head)
            file.write(data)
            file.write(struct.pack("<I", crc32(data, crc32(head))))
        os.rename(self._temporary, self._paths[generation & 1])
        self._generation = generation

    def remove(self):
        """Forget all generations."""
        for path in self._paths + (self._temporary,):
            try:
                os.remove(path)
            except OSError:
                pass

    def _read(self, path):
        """Return `(generation, data)`, or None; a file that is there and not whole counts as damaged."""
        try:
            with open(path, "rb") as file:
                content = file.read(_HEAD_SIZE + MAX_SIZE + 4)
        except OSError:
            return None
        end = len(content) - 4
        if end >= _HEAD_SIZE:
            magic, generation, length = struct.unpack_from(_HEAD, content, 0)
            view = memoryview(content)
            if magic == _MAGIC and _HEAD_SIZE + length == end:
                if crc32(view[:end]) == struct.unpack_from("<I", content, end)[0]:
                    return generation, bytes(view[_HEAD_SIZE:end])
        self.damaged += 1
        return None
