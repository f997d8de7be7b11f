"""Who may use the car: up to 10,000 entries of 24 bytes on littlefs, about 4 KB of them in memory.

A sorted file holds a whole set. Beside it a snapshot, the manifest, says which file that is, its version
and its CRC, and carries an overlay: what deltas changed since, at most MAX_OVERLAY operations, which are
merged into a new file in idle moments. File and manifest change by one rename, so a set is the old one or
the new one.

In memory: the badge of every 20th entry (the sparse index), the overlay, and the next 64 reservations.

Manifest: version u32, file number u32, count u32, CRC-32 of the file u32, then operations of 25 bytes
(op u8: 1 put, 2 remove; entry), ascending by key.
"""

import os
import struct
from binascii import crc32

from micropython import const

from ..protocols import codes
from ..protocols.authorisation import (
    AUTHORISATION_ID,
    ENDS_AT,
    ENTRY_SIZE,
    KEY_SIZE,
    KIND,
    STARTS_AT,
    unpack,
)
from ..protocols.crypto import is_equal
from .snapshot import Snapshot
from .window import Window, by_start

MAX_ENTRIES = const(10_000)
MAX_OVERLAY = const(
    128
)  # operations: about 12 KB of memory, and a manifest of 3.2 KB to write for each delta
_MERGE_AT = const(48)  # idle moments begin to merge from here on
_BLOCK_SIZE = const(480)  # 20 entries: 500 badges of 8 bytes for a full box
_BADGE_SIZE = const(8)
_PUT = const(1)
_REMOVE = const(2)
_PREFIX = "auth."
_MANIFEST = "<IIII"
_MANIFEST_SIZE = const(16)


class AuthorisationsError(ValueError):
    """A delta or a page that does not follow, or a set whose MAC is wrong: nothing was changed by it."""


class Authorisations:
    """The set in `directory`; `hmac` (of the authorisations key) checks full sets.

    `version` is 0 and the set empty when there is none, or none that is whole (then `damaged` counts).
    Entries are tuples `(badge, authorisation_id, starts_at, ends_at, kind, flags, place)`.
    """

    def __init__(self, directory, hmac):
        self._base = (directory if directory.endswith("/") else directory + "/") + _PREFIX
        self._directory = directory
        self._hmac = hmac
        self._manifest = Snapshot(directory, "authorisations")
        self.damaged = 0
        self._number = 0  # of the file; 0 none
        self._incoming = None  # a full set on its way in
        self._merge = None  # generator of a merge under way
        self._window_reader = None  # generator that reads the window, under way
        self._load()

    # --- look-up ---

    @property
    def count(self):
        """Entries in force, the overlay counted (a little high while it replaces entries of the file)."""
        added = 0
        for entry in self._overlay.values():
            added += 1 if entry else -1
        return max(0, self._file_count + added)

    def find(self, badge):
        """Return all entries of a badge's 8 bytes, in order of their ids."""
        found = []
        if self._file_count:
            try:
                with open(self._path(self._number), "rb") as file:
                    self._find_in_file(file, badge, found)
            except OSError:
                self._lose()
                return []
        for key, entry in self._overlay.items():
            if entry and key[:_BADGE_SIZE] == badge:
                found.append(entry)
        return [unpack(entry) for entry in sorted(found)]

    def _lose(self):
        """The file in force cannot be read any more: whoever taps is answered all the same, and the cloud is
        asked for a full set (it hears of version 0).
        """
        self.damaged += 1
        self._take(0, self._number, 0, None, {})

    def _find_in_file(self, file, badge, found):
        low, high = 0, len(self._index) // _BADGE_SIZE  # the last block that begins below the badge
        while high - low > 1:
            middle = (low + high) // 2
            at = middle * _BADGE_SIZE
            if self._index[at : at + _BADGE_SIZE] < badge:
                low = middle
            else:
                high = middle
        file.seek(low * _BLOCK_SIZE)
        while True:
            block = file.read(_BLOCK_SIZE)
            if not block:
                return
            for at in range(0, len(block), ENTRY_SIZE):
                have = block[at : at + _BADGE_SIZE]
                if have > badge:
                    return
                if have == badge and block[at : at + KEY_SIZE] not in self._overlay:
                    found.append(block[at : at + ENTRY_SIZE])

    def holder(self, now_s):
        """Return an entry of the reservation that has the car now, or None."""
        for entry in self.reservations_between(now_s, now_s + 1):
            return entry
        return None

    def reservations_between(self, start_s, end_s):
        """Return one entry of each reservation that overlaps `[start_s, end_s)`, by their start."""
        try:
            return self._read_between(start_s, end_s)
        except OSError:
            self._lose()
            return []

    def _read_between(self, start_s, end_s):
        found = self._window.get_between(start_s, end_s)
        if found is None:
            for _ in self._window.read(start_s, self._iterate()):
                pass
            found = self._window.get_between(start_s, end_s)
        if found is not None:
            return found
        # More reservations before `end_s` than the window holds: read them all.
        found = {}
        for data in self._iterate():
            entry = unpack(data)
            if entry[KIND] == codes.AUTHORISATION_KIND_RESERVATION:
                if entry[STARTS_AT] < end_s and entry[ENDS_AT] > start_s:
                    found[entry[AUTHORISATION_ID]] = entry
        return sorted(found.values(), key=by_start)

    def prepare(self, now_s):
        """Read a piece of the reservations that the next tap will ask for; return whether it did. For idle
        moments: ten thousand entries take longer to read than a driver should wait.
        """
        if self._window_reader is None:
            if not self._window.is_due(now_s):
                return False
            self._window_reader = self._window.read(now_s, self._iterate())
        try:
            next(self._window_reader)
        except StopIteration:
            self._window_reader = None
        except OSError:
            self._lose()
        return True

    def _forget_window(self):
        if self._window_reader is not None:
            self._window_reader.close()
            self._window_reader = None
        self._window = Window()

    def _iterate(self):
        """Yield the 24 bytes of every entry in force, ascending by key."""
        changes = sorted(self._overlay.items())
        at_change = 0
        if self._file_count:
            with open(self._path(self._number), "rb") as file:
                while True:
                    block = file.read(_BLOCK_SIZE)
                    if not block:
                        break
                    for at in range(0, len(block), ENTRY_SIZE):
                        key = block[at : at + KEY_SIZE]
                        while at_change < len(changes) and changes[at_change][0] < key:
                            if changes[at_change][1]:
                                yield changes[at_change][1]
                            at_change += 1
                        if at_change < len(changes) and changes[at_change][0] == key:
                            continue  # replaced or removed: the change itself comes next
                        yield block[at : at + ENTRY_SIZE]
        while at_change < len(changes):
            if changes[at_change][1]:
                yield changes[at_change][1]
            at_change += 1

    # --- changes ---

    def apply_delta(self, base_version, version, operations):
        """Apply a delta (operations of 25 bytes, as on the wire), durable on return.

        Raises AuthorisationsError if it does not follow on the version held or changes too much at once.
        """
        if base_version != self.version or not self.version:
            raise AuthorisationsError("base")
        if len(operations) > MAX_OVERLAY * (ENTRY_SIZE + 1):
            raise AuthorisationsError("too many operations")
        if len(self._overlay) + len(operations) // (ENTRY_SIZE + 1) > MAX_OVERLAY:
            self.merge()
        overlay = dict(self._overlay)
        for at in range(0, len(operations), ENTRY_SIZE + 1):
            entry = operations[at + 1 : at + 1 + ENTRY_SIZE]
            overlay[entry[:KEY_SIZE]] = entry if operations[at] == _PUT else None
        self._save(version, self._number, self._file_count, self._crc, overlay)

    @property
    def is_taking(self):
        """A full set is on its way in."""
        return self._incoming is not None

    def begin_set(self, version, pages):
        """Begin to take a full set of `pages` pages; one begun before is given up."""
        self.abandon_set()
        if self._merge is not None:
            self._merge.close()
            self._merge = None
        number = self._number + 1
        file = open(self._path(number), "wb")
        self._incoming = _Incoming(version, pages, number, file)

    def put_page(self, version, page, entries):
        """Take the next page's packed entries. Raises AuthorisationsError for another than the next."""
        incoming = self._incoming
        if incoming is None or version != incoming.version or page != incoming.page:
            raise AuthorisationsError("page does not follow")
        if entries and entries[:KEY_SIZE] <= incoming.last_key:
            raise AuthorisationsError("not ascending")
        count = incoming.count + len(entries) // ENTRY_SIZE
        if count > MAX_ENTRIES:
            raise AuthorisationsError("too many entries")
        incoming.file.write(entries)
        incoming.count = count
        incoming.page += 1
        if entries:
            incoming.last_key = entries[-ENTRY_SIZE : KEY_SIZE - ENTRY_SIZE]

    def finish_set(self, version, count, mac):
        """Check the MAC over what is on flash and switch to the set; a generator, stepped to its end.

        Each step reads a block, so that whoever steps it may do other things between. Raises
        AuthorisationsError, and then the set held before stays in force.
        """
        incoming = self._incoming
        if incoming is None or version != incoming.version or incoming.page != incoming.pages:
            raise AuthorisationsError("set not complete")
        if count != incoming.count:
            raise AuthorisationsError("count")
        incoming.file.close()
        begun = self._hmac.begin()
        begun.update(struct.pack("<II", version, count))
        crc = 0
        with open(self._path(incoming.number), "rb") as file:
            while True:
                block = file.read(_BLOCK_SIZE)
                if not block:
                    break
                begun.update(block)
                crc = crc32(block, crc)
                yield
                if incoming is not self._incoming:
                    raise AuthorisationsError("given up")
        if not is_equal(self._hmac.finish(begun)[:16], mac):
            self.abandon_set()
            raise AuthorisationsError("mac")
        self._incoming = None
        self._save(version, incoming.number, count, crc, {})

    def abandon_set(self):
        """Give up a full set that is on its way."""
        if self._incoming is not None:
            self._incoming.file.close()
            self._incoming = None

    def step(self):
        """Do a piece of what is due (a merge); return whether there is more. For idle moments."""
        if self._merge is None:
            if len(self._overlay) < _MERGE_AT or self._incoming is not None:
                return False
            self._merge = self._merge_steps()
        try:
            next(self._merge)
            return True
        except StopIteration:
            self._merge = None
            return False

    def merge(self):
        """Merge the overlay into a new file at once; gives up a full set on its way in."""
        self.abandon_set()
        if self._merge is not None:
            self._merge.close()
        for _ in self._merge_steps():
            pass
        self._merge = None

    def _merge_steps(self):
        number, version = self._number + 1, self.version
        count = crc = 0
        with open(self._path(number), "wb") as file:
            block = bytearray()
            for entry in self._iterate():
                block.extend(entry)
                count += 1
                if len(block) == _BLOCK_SIZE:
                    file.write(block)
                    crc = crc32(block, crc)
                    block = bytearray()
                    yield
                    if version != self.version:
                        return  # a delta came between: begin again
            file.write(block)
            crc = crc32(block, crc)
        self._save(version, number, count, crc, {})

    # --- flash ---

    def _path(self, number):
        return self._base + str(number)

    def _save(self, version, number, count, crc, overlay):
        manifest = bytearray(struct.pack(_MANIFEST, version, number, count, crc))
        for key, entry in sorted(overlay.items()):
            manifest.append(_PUT if entry else _REMOVE)
            manifest.extend(entry or key + bytes(ENTRY_SIZE - KEY_SIZE))
        self._manifest.save(manifest)
        is_new_file = number != self._number
        self._take(version, number, count, crc, overlay)
        if is_new_file:
            self._load_index()
            self._clean()

    def _take(self, version, number, count, crc, overlay):
        self.version, self._number, self._file_count, self._crc = version, number, count, crc
        self._overlay = overlay  # key of 12 bytes -> entry of 24 bytes, or None if removed
        self._forget_window()

    def _load(self):
        """Take the newest manifest whose file is whole."""
        for manifest in self._manifest.iterate():
            if len(manifest) < _MANIFEST_SIZE:
                self.damaged += 1
                continue
            version, number, count, crc = struct.unpack_from(_MANIFEST, manifest, 0)
            overlay = {}
            for at in range(_MANIFEST_SIZE, len(manifest), ENTRY_SIZE + 1):
                entry = manifest[at + 1 : at + 1 + ENTRY_SIZE]
                overlay[entry[:KEY_SIZE]] = entry if manifest[at] == _PUT else None
            self._take(version, number, count, crc, overlay)
            if self._load_index():
                break
            self.damaged += 1
        else:
            self._take(0, self._number, 0, None, {})
        self.damaged += self._manifest.damaged
        self._clean()

    def _load_index(self):
        """Build the sparse index; return whether the file is the one the manifest tells of."""
        index = bytearray()
        crc = 0
        try:
            with open(self._path(self._number), "rb") as file:
                while True:
                    block = file.read(_BLOCK_SIZE)
                    if not block:
                        break
                    index.extend(block[:_BADGE_SIZE])
                    crc = crc32(block, crc)
        except OSError:
            pass  # of an empty set there may be none; of another the CRC is not that of nothing
        self._index = index
        return crc == self._crc

    def _clean(self):
        """Remove files of sets, but the one in force and the one before it, which an older manifest may
        need.
        """
        for name in os.listdir(self._directory):
            if name.startswith(_PREFIX):
                tail = name[len(_PREFIX) :]
                if tail.isdigit() and not self._number - 1 <= int(tail) <= self._number:
                    os.remove(self._base + tail)


class _Incoming:
    """A full set on its way in."""

    def __init__(self, version, pages, number, file):
        self.version = version
        self.pages = pages
        self.number = number
        self.file = file
        self.page = 0
        self.count = 0
        self.last_key = b""
