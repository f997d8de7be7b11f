"""What a box keeps besides its journal: identity, session, snapshots, authorisations (firmware/FLASH.md)."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .records import STATES
from .rings import SECTOR_SIZE, read_mark

_MARKS = 3072
_MARK_SIZE = 16
_SESSION_SLOT = 128
_MAX_IDENTITY = 3040
_ENTRY = struct.Struct("<8sIIIBBH")
_CHANGE_SIZE = 1 + _ENTRY.size
_PUT = 1
_KINDS = ("", "reservation", "standing", "service")
_BITS = ("garage", "carried", "service_here")
_SESSION = struct.Struct("<BBBBIIIIII8sBBHIIIHH8sIIII")
_SESSION_NAMES = (
    "version", "state", "bits", "flags", "number", "authorisation_id", "started_s", "starts_s", "ends_s",
    "deadline_s", "badge", "kind", "via", "allowed_place", "garage_until_s", "last_command_id",
    "vital_sequence", "place", "travelled_m", "last_badge", "last_ended_s", "last_number",
    "last_authorisation_id", "start_place",
)  # fmt: skip
_TRIP = struct.Struct("<IIIIIIIIBB")
_TRIP_NAMES = (
    "odometer_start_hm", "first_hm", "odometer_hm", "head_mm", "tail_mm", "wheel_mm", "gnss_mm", "fuel_ul",
    "has_rate", "fuel_start_percent",
)  # fmt: skip


@dataclass
class Identity:
    """Who the box is; `values` is None if no copy is whole."""

    values: dict[str, Any] | None = None
    copies: dict[str, int] = field(default_factory=dict)  # where -> generation of the whole ones
    problems: list[str] = field(default_factory=list)
    counters_taken: int = 0

    def get_key(self, purpose: str) -> bytes | None:
        """A key out of the image itself."""
        return bytes.fromhex(self.values["keys"][purpose]) if self.values else None


def read_identity(partition: bytes, files: Mapping[str, bytes]) -> Identity:
    """The newest whole copy of both places."""
    found = Identity()
    newest = 0
    copies: list[tuple[str, int, bytes]] = []
    for sector in range(len(partition) // SECTOR_SIZE):
        data = partition[sector * SECTOR_SIZE : (sector + 1) * SECTOR_SIZE]
        for at in range(_MARKS, len(data), _MARK_SIZE):
            found.counters_taken = max(found.counters_taken, read_mark(data[at : at + _MARK_SIZE]) or 0)
        magic, generation, length = struct.unpack_from("<4sII", data)
        if magic == b"GBXI" and length <= _MAX_IDENTITY and _is_sealed(data[: 16 + length]):
            copies.append((f"sector {sector}", generation, data[12 : 12 + length]))
        elif data.strip(b"\xff"):
            found.problems.append(f"identity sector {sector} is not whole")
    for name in ("identity.0", "identity.1"):
        content = read_snapshot_file(files.get(name, b""))
        if content and len(content[1]) > 4:
            copies.append((name, *struct.unpack_from("<I", content[1]), content[1][4:]))
        elif name in files:
            found.problems.append(f"{name} is not whole")
    for where, generation, data in copies:
        values = _parse_identity(data)
        if values is None:
            found.problems.append(f"the identity in {where} is none")
            continue
        found.copies[where] = generation
        if generation > newest:
            newest, found.values = generation, values
    counter = read_snapshot(files, "counter")
    if counter and len(counter) == 4:
        found.counters_taken = max(found.counters_taken, *struct.unpack("<I", counter))
    return found


def _parse_identity(data: bytes) -> dict[str, Any] | None:
    try:
        values = json.loads(data)
        bytes.fromhex(values["box_id"])
        for key in values["keys"].values():
            bytes.fromhex(key)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return dict(values)


def _is_sealed(data: bytes) -> bool:
    """Whether the last four bytes are the CRC of those before."""
    return len(data) >= 4 and zlib.crc32(data[:-4]) == int.from_bytes(data[-4:], "little")


def read_session(partition: bytes) -> tuple[int, bytes | None, int]:
    """Generation and data of the session's newest whole slot (None: there is no session), and torn slots."""
    best, data, torn = 0, None, 0
    for at in range(0, len(partition), _SESSION_SLOT):
        slot = partition[at : at + _SESSION_SLOT]
        if not slot.strip(b"\xff"):
            continue
        generation, length = struct.unpack_from("<IB", slot)
        if not _is_sealed(slot) or length > _SESSION_SLOT - 9:
            torn += 1
        elif generation > best:
            best, data = generation, slot[5 : 5 + length] or None
    return best, data, torn


def parse_session(data: bytes) -> dict[str, Any] | None:
    """The session's fields by name, None for another layout."""
    if len(data) != _SESSION.size + _TRIP.size or data[0] != 1 or data[1] >= len(STATES):
        return None
    values: dict[str, Any] = dict(zip(_SESSION_NAMES, _SESSION.unpack_from(data), strict=True))
    bits = values.pop("bits")
    values["state"] = STATES[values["state"]]
    values["modes"] = [name for at, name in enumerate(_BITS) if bits >> at & 1]
    values["locked"] = bool(bits & 8) if bits & 16 else None
    values["badge"], values["last_badge"] = values["badge"].hex(), values["last_badge"].hex()
    trip = zip(_TRIP_NAMES, _TRIP.unpack_from(data, _SESSION.size), strict=True)
    values["trip"] = dict(trip)
    return values


def read_snapshot_file(content: bytes) -> tuple[int, bytes] | None:
    """Generation and data of one file of a snapshot, None if it is not whole."""
    if len(content) < 16 or not _is_sealed(content):
        return None
    magic, generation, length = struct.unpack_from("<4sII", content)
    return (generation, content[12:-4]) if magic == b"GBXS" and length == len(content) - 16 else None


def list_snapshots(files: Mapping[str, bytes], name: str) -> list[bytes]:
    """The whole generations of a snapshot, the newest first."""
    whole = (read_snapshot_file(files[path]) for path in (f"{name}.0", f"{name}.1") if path in files)
    return [data for _, data in sorted((one for one in whole if one), reverse=True)]


def read_snapshot(files: Mapping[str, bytes], name: str) -> bytes | None:
    """What was saved last."""
    return next(iter(list_snapshots(files, name)), None)


@dataclass
class Authorisations:
    """The set in force."""

    version: int = 0
    entries: list[dict[str, Any]] = field(default_factory=list)
    changes: int = 0
    problems: list[str] = field(default_factory=list)


def read_authorisations(files: Mapping[str, bytes]) -> Authorisations:
    """The newest manifest whose file is whole, its changes applied."""
    found = Authorisations()
    for manifest in list_snapshots(files, "authorisations"):
        if len(manifest) < 16:
            found.problems.append("a manifest is too short")
            continue
        version, number, count, crc = struct.unpack_from("<IIII", manifest)
        content = files.get(f"auth.{number}", b"")
        if len(content) != count * _ENTRY.size or zlib.crc32(content) != crc:
            found.problems.append(f"version {version}: auth.{number} is not the file it was")
            continue
        entries = {content[at : at + 12]: content[at : at + 24] for at in range(0, len(content), 24)}
        for at in range(16, len(manifest) - _CHANGE_SIZE + 1, _CHANGE_SIZE):
            entry = manifest[at + 1 : at + _CHANGE_SIZE]
            found.changes += 1
            if manifest[at] == _PUT:
                entries[entry[:12]] = entry
            else:
                entries.pop(entry[:12], None)
        found.version = version
        found.entries = [_parse_entry(data) for _, data in sorted(entries.items())]
        break
    return found


def _parse_entry(data: bytes) -> dict[str, Any]:
    badge, number, starts_s, ends_s, kind, flags, place = _ENTRY.unpack(data)
    name = _KINDS[kind] if 0 < kind < len(_KINDS) else kind
    return {
        "badge": badge.hex(), "authorisation_id": number, "starts_s": starts_s, "ends_s": ends_s,
        "kind": name, "flags": flags, "place": place,
    }  # fmt: skip
