"""The image of a box's flash as values, and in words for a person. Secrets are in neither."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from .littlefs import read_files
from .rings import SECTOR_SIZE, Ring, Seal, read_ring
from .state import parse_session, read_authorisations, read_identity, read_session, read_snapshot

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_RINGS = (("vital", 1), ("telemetry", 2))
_SECRET = ("keys", "wifi")
_WORDS = ("boot", "counter", "link")
_SHOWN = 40  # records and entries of each kind; --all shows the rest


class KeysError(ValueError):
    """The file of keys is no claim's bundle."""


def read_image(
    image: bytes, partitions: list[list[Any]], keys: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Everything in the image; `keys` is a claim's bundle. Raises KeysError for a bundle that is none."""
    parts = {label: image[offset : offset + size] for _, _, offset, size, label in partitions}
    table = [_describe(row, parts[row[4]]) for row in partitions]
    files = read_files(parts["vfs"])
    identity = read_identity(parts["identity"], files.contents)
    seal, source = _choose_seal(keys, identity.get_key("journal"), (identity.values or {}).get("box_id"))
    told = (identity.values or {}).get("epoch")
    rings = {name: read_ring(parts[name], number, seal, told) for name, number in _RINGS}
    generation, data, torn = read_session(parts["session"])
    rights = read_authorisations(files.contents)
    return {
        "partitions": table,
        "identity": {
            "copies": identity.copies,
            "counters_taken": identity.counters_taken,
            **{name: value for name, value in (identity.values or {}).items() if name not in _SECRET},
            "networks": [network[0] for network in (identity.values or {}).get("wifi", ())],
        },
        "chain_key": source,
        "session": {
            "generation": generation,
            "torn": torn,
            "data": parse_session(data) if data else None,
            "unknown_layout": data.hex() if data and parse_session(data) is None else None,
        },
        "snapshots": _read_words(files.contents),
        "authorisations": {
            "version": rights.version,
            "count": len(rights.entries),
            "changes": rights.changes,
            "entries": rights.entries,
        },
        "files": {name: len(content) for name, content in sorted(files.contents.items())},
        "rings": {name: ring.as_dict() for name, ring in rings.items()},
        "problems": [
            *(f"{part['label']}: the image ends before it does" for part in table if part["is_cut"]),
            *files.problems,
            *identity.problems,
            *([] if identity.values else ["no whole identity"]),
            *rights.problems,
            *(line for name, ring in rings.items() for line in _list_problems(name, ring)),
        ],
    }


def _describe(row: list[Any], data: bytes) -> dict[str, Any]:
    _, _, offset, size, label = row
    sectors = (data[at : at + SECTOR_SIZE] for at in range(0, len(data), SECTOR_SIZE))
    return {
        "label": label, "offset": offset, "size": size, "sectors": size // SECTOR_SIZE,
        "written": sum(1 for sector in sectors if sector.strip(b"\xff")), "is_cut": len(data) < size,
    }  # fmt: skip


def _choose_seal(
    keys: dict[str, Any] | None, own: bytes | None, box_id: str | None
) -> tuple[Seal | None, str]:
    if keys is not None:
        try:
            return Seal(bytes.fromhex(keys["keys"]["journal"]), bytes.fromhex(keys["box_id"])), "given"
        except (KeyError, TypeError, ValueError) as problem:
            raise KeysError(f"no claim's bundle: {problem}") from problem
    if own and box_id:
        return Seal(own, bytes.fromhex(box_id)), "image"
    return None, "none"


def _read_words(files: dict[str, bytes]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in _WORDS:
        data = read_snapshot(files, name)
        values[name] = int.from_bytes(data, "little") if data is not None and len(data) == 4 else None
    clock = read_snapshot(files, "clock") or b""
    is_clock = len(clock) == 8
    values["bound_s"] = int.from_bytes(clock[:4], "little") if is_clock else None
    values["cloud_s"] = int.from_bytes(clock[4:], "little") if is_clock else None
    try:
        values["settings"] = json.loads(read_snapshot(files, "settings") or b"null")
    except ValueError:
        values["settings"] = None
    return values


def _list_problems(name: str, ring: Ring) -> Iterator[str]:
    for first, last in ring.gaps:
        told = any(
            record.name == "dropped" and record.values["first"] <= first and last <= record.values["last"]
            for record in ring.records
        )
        if not told:
            yield f"{name}: {first}..{last} is missing"
    for sequence in ring.breaks:
        yield f"{name}: {sequence} does not follow the sector before"
    for sector, slot in ring.damaged:
        yield f"{name}: sector {sector} slot {slot} is damaged"
    for sector, slots in ring.orphans:
        yield f"{name}: sector {sector} has no header and {slots} slots that look like records"


# --- in words ---


def tell(seconds: int | None) -> str:
    """An instant of the box as text."""
    return f"{_EPOCH + timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S}Z" if seconds else "unknown"


def print_lines(report: dict[str, Any], show_all: bool = False) -> Iterator[str]:
    """The report for a person, line by line."""
    yield "partition   offset    size      sectors  written"
    for part in report["partitions"]:
        place = f"{part['label']:10}  {part['offset']:#08x}  {part['size']:#08x}"
        yield f"{place}  {part['sectors']:7}  {part['written']:7}"
    yield ""
    yield from _tell_state(report)
    yield ""
    yield from _tell_rights(report["authorisations"], show_all)
    for name, ring in report["rings"].items():
        yield ""
        yield from _tell_ring(name, ring, show_all)
    yield ""
    yield {
        "given": "chains verified with the keys given",
        "image": "chains verified with the key in this image: whoever wrote the image may have had it",
        "none": "chains not verified: no key here, and none given with --keys",
    }[report["chain_key"]]
    yield from (f"PROBLEM {problem}" for problem in report["problems"])


def _tell_state(report: dict[str, Any]) -> Iterator[str]:
    who, snapshots, session = report["identity"], report["snapshots"], report["session"]
    if "box_id" in who:
        yield f"identity    box {who['box_id']}, key {who.get('key_id')}, epoch {who.get('epoch', 0):#x}"
        networks = ", ".join(who["networks"])
        yield f"cloud       {who.get('cloud_host')}:{who.get('cloud_port')}; networks: {networks}"
    copies = ", ".join(f"{where} (generation {number})" for where, number in who["copies"].items())
    yield f"copies      {copies or 'none whole'}; envelope counters taken up to {who['counters_taken']}"
    yield f"clock       not before {tell(snapshots['bound_s'])}; the cloud spoke {tell(snapshots['cloud_s'])}"
    settings = snapshots["settings"] or {}
    yield f"starts      {snapshots['boot']}; settings version {settings.get('version', 'none')}"
    data = session["data"]
    if data is None:
        yield f"session     {'of another layout' if session['unknown_layout'] else 'none saved'}"
        return
    yield f"session     {data['state']}, saved {session['generation']} times, place {data['place']}"
    if data["number"]:
        yield f"            number {data['number']} by badge {data['badge']} since {tell(data['started_s'])}"


def _tell_rights(rights: dict[str, Any], show_all: bool) -> Iterator[str]:
    yield f"authorisations: version {rights['version']}, {rights['count']} in force"
    entries = rights["entries"]
    for entry in entries if show_all else entries[:_SHOWN]:
        span = f"{tell(entry['starts_s'])} to {tell(entry['ends_s'])}"
        yield f"  {entry['badge']} {entry['kind']:11} {entry['authorisation_id']:10} {span}"
    if not show_all and len(entries) > _SHOWN:
        yield f"  ... and {len(entries) - _SHOWN} more: --all"


def _tell_ring(name: str, ring: dict[str, Any], show_all: bool) -> Iterator[str]:
    records = ring["records"]
    held = f"{ring['first']}..{ring['last']}" if records else "nothing"
    yield (
        f"{name}: {held}, acknowledged up to {ring['acked']}, epoch {ring['epoch']:#x}, {ring['sectors']} "
        f"sectors, most erased {ring['erase_count_max']} times, {len(ring['torn'])} torn slots"
    )
    if not show_all and len(records) > _SHOWN:
        yield f"  {len(records) - _SHOWN} before these: --all"
        records = records[-_SHOWN:]
    for record in records:
        yield f"  {_tell_record(record)}"


def _tell_record(record: dict[str, Any]) -> str:
    fixed = ("sequence", "kind", "at_s", "trust", "boot", "verified")
    words = []
    for field, value in record.items():
        if field in fixed:
            continue
        is_instant = field.endswith("_s") and field != "uptime_s"
        words.append(f"{field}={tell(value) if is_instant else value}")
    mark = {True: " ", None: "?", False: "!"}[record["verified"]]
    return f"{record['sequence']:8}{mark} {tell(record['at_s']):20} {record['kind']:14} {' '.join(words)}"
