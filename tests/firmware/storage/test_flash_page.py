"""firmware/FLASH.md says what the firmware writes: each field of each table is found at its place."""

from __future__ import annotations

import json
import re
import struct
import zlib
from pathlib import Path

import pytest
from box.access.session import Session
from box.protocols import authorisation, codes
from box.protocols.crypto import Hmac
from box.storage import sector
from box.storage.authorisations import Authorisations
from box.storage.flash import Partition
from box.storage.identity import IdentityStore
from box.storage.snapshot import Snapshot
from box.storage.snapshot_log import SnapshotLog
from support_flash import FlashDevice
from support_rings import make_ring

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "firmware" / "FLASH.md").read_text(encoding="utf-8")
Table = dict[str, tuple[int, int]]


def read_table(title: str, n: int = 0) -> Table:
    """Field -> (offset, size) of the table under a heading; `n` stands for the length."""
    body = PAGE.split(f"### {title}\n```\n")[1].split("```")[0]
    table = {}
    for line in body.splitlines():
        offset, size, field = re.match(r" *([\dn+]+) +([\dn]+)  ?(\w+)", line).groups()
        end = sum(n if part == "n" else int(part) for part in offset.split("+"))
        table[field] = (end, n if size == "n" else int(size))
    return table


def number(data: bytes, place: tuple[int, int]) -> int:
    at, size = place
    return int.from_bytes(data[at : at + size], "little")


def check(title: str, data: bytes, values: dict[str, int | bytes], n: int = 0) -> None:
    """All fields of the table hold `values`, follow each other without holes and fill `data`."""
    table = read_table(title, n)
    assert set(table) == set(values)
    end = 0
    for field, (at, size) in table.items():
        assert at == end, field
        end = at + size
        value = values[field]
        have = data[at:end]
        assert have == value if isinstance(value, bytes) else number(data, table[field]) == value, field
    assert end == len(data)


def test_a_rings_header():
    header = (0x5A5A1234, 1000, 7, 900, 800, 77, bytes(range(16)))
    data = sector.pack_header(codes.RING_TELEMETRY, header)
    names = ("epoch", "first_sequence", "erase_count", "acked", "lost_through", "number", "previous_mac")
    values = dict(zip(names, header, strict=True))
    table = PAGE.split("### ring header")[1].split("```")[1]
    assert len(re.findall(r"zero$", table, re.M)) == 2  # both stand under one name: looked at by hand
    assert (data[6:8], data[48:60]) == (bytes(2), bytes(12))
    places = read_table("ring header")
    for field, value in {
        **values,
        "magic": b"GBXR",
        "ring": 2,
        "layout": 1,
        "crc": zlib.crc32(data[:60]),
    }.items():
        at, size = places[field]
        want = value if isinstance(value, bytes) else value.to_bytes(size, "little")
        assert data[at : at + size] == want, field
    assert len(data) == 64


def test_a_mark():
    data = sector.pack_mark(0x123456)
    values = {"mark": 0xAC, "sequence": 0x123456, "complement": 0x123456 ^ 0xFFFFFFFF}
    check("mark", data, {**values, "crc": zlib.crc32(data[:12])})


def test_a_rings_sector_is_a_header_and_63_slots_and_its_first_record_chains_over_the_header():
    device = FlashDevice(4)
    ring = make_ring(device, codes.RING_VITAL)
    for _ in range(70):
        ring.append(codes.RECORD_BAG, b"\1\0\0\0", 5, 3, 1)
    places = read_table("ring header")
    second = bytes(device.image[4096:8192])
    assert number(second, places["first_sequence"]) == 64
    at, size = places["previous_mac"]
    assert second[at : at + size] == bytes(device.image[63 * 64 + 48 : 64 * 64])
    ring.acknowledge(69)
    assert device.image[4096 + 8 * 64] == 0xAC
    ring.erase_ahead()


def test_a_sessions_slot():
    device = FlashDevice(2)
    log = SnapshotLog(Partition(device))
    log.load()
    log.save(b"first")
    log.save(b"x" * 119)
    data = bytes(device.image[128:256])
    values = {"generation": 2, "length": 119, "data": b"x" * 119, "crc": zlib.crc32(data[:124])}
    check("session slot", data, values)


def test_a_sessions_data():
    """Each field is set alone; only its bytes may change."""
    table = read_table("session data")
    plain = Session().pack()
    assert sum(size for _, size in table.values()) == len(plain) <= 119
    trip = {name for name, (at, _) in table.items() if at >= 80}
    for field, (at, size) in table.items():
        session = Session()
        holder = session.trip if field in trip else session
        name = field if hasattr(holder, field) else "_" + field
        if field in {"version", "bits"}:
            continue
        assert hasattr(holder, name), field
        old = getattr(holder, name)
        new = bytes(range(1, 9)) if isinstance(old, bytes) else (old + 1) & (1 << 8 * size) - 1
        setattr(holder, name, new)
        changed = session.pack()
        have = changed[at : at + size]
        assert have == (new if isinstance(new, bytes) else new.to_bytes(size, "little")), field
        assert changed[:at] + changed[at + size :] == plain[:at] + plain[at + size :], field
    session = Session()
    for bit, name in enumerate(("garage", "carried", "is_service_here")):
        setattr(session, name, True)
        assert number(session.pack(), table["bits"]) == (2 << bit) - 1
    session.is_locked = False
    assert number(session.pack(), table["bits"]) == 0b10111
    session.is_locked = True
    assert number(session.pack(), table["bits"]) == 0b11111


IDENTITY = {
    "box_id": b"GB\0\0\0\0\0\xa1",
    "key_id": 1,
    "keys": {name: bytes(32) for name in ("wire", "time", "badge", "journal", "authorisations")},
    "cloud_host": "cloud.example",
    "cloud_port": 8443,
    "time_port": 8080,
    "ca_der": b"\x30",
    "wifi": [("pool", "secret")],
    "epoch": 0x12340000,
}


def test_an_identitys_sector_and_its_copy(tmp_path):
    device = FlashDevice(2)
    store = IdentityStore(str(tmp_path), Partition(device))
    store.save(IDENTITY).take_counter()
    data = bytes(device.image[:4096])
    n = number(data, (8, 4))
    places = read_table("identity sector", n)
    assert data[:4] == b"GBXI"
    assert number(data, places["generation"]) == 1
    values = json.loads(data[12 : 12 + n])
    told = PAGE.split("## Identity")[1].split("###")[0]
    assert all(f"`{name}`" in told for name in values)
    assert set(values) == set(IDENTITY)
    assert bytes.fromhex(values["box_id"]) == IDENTITY["box_id"]
    assert number(data, places["crc"]) == zlib.crc32(data[: 12 + n])
    at, size = places["marks"]
    assert at + size == 4096
    assert data[at : at + 32] == sector.pack_mark(0) + sector.pack_mark(1000)
    copy = Snapshot(str(tmp_path), "identity").load()
    assert copy is not None
    assert copy == struct.pack("<I", 1) + data[12 : 12 + n]


def test_a_snapshots_file(tmp_path):
    snapshot = Snapshot(str(tmp_path), "clock")
    snapshot.save(b"before")
    snapshot.save(b"12345678")
    data = (tmp_path / "clock.0").read_bytes()
    values = {"magic": b"GBXS", "generation": 2, "length": 8, "data": b"12345678"}
    check("snapshot file", data, {**values, "crc": zlib.crc32(data[:-4])}, n=8)


def test_a_manifest_with_its_changes_and_its_file(tmp_path):
    key = Hmac(b"a" * 32)
    held = Authorisations(str(tmp_path), key)
    entries = [authorisation.pack((bytes([who] * 8), who, 1, 2, 1, 0, 0)) for who in (1, 2)]
    held.begin_set(6, 1)
    held.put_page(6, 0, b"".join(entries))
    mac = key.digest(struct.pack("<II", 6, 2), b"".join(entries))[:16]
    for _ in held.finish_set(6, 2, mac):
        pass
    held.apply_delta(6, 7, b"\2" + entries[0])
    manifest = Snapshot(str(tmp_path), "authorisations").load()
    assert manifest is not None
    gone = b"\2" + entries[0][:12] + bytes(12)
    values = {"version": 7, "file_number": 1, "count": 2, "changes": gone}
    check("manifest", manifest, {**values, "file_crc": zlib.crc32(b"".join(entries))}, n=len(gone))
    assert (tmp_path / "auth.1").read_bytes() == b"".join(entries)


@pytest.mark.parametrize("label", ["identity", "vital", "telemetry", "vfs", "session"])
def test_the_partitions(label):
    (row,) = re.findall(rf"^{label} +(0x\w+) +(0x\w+)  (.*)$", PAGE, re.M)
    table = (ROOT / "hardware" / "partitions.csv").read_text(encoding="utf-8")
    (line,) = [line for line in table.splitlines() if line.startswith(f"{label},")]
    offset, size = (int(cell, 0) for cell in line.split(",")[3:5])
    assert (int(row[0], 0), int(row[1], 0)) == (offset, size)
    for sectors, kept in re.findall(r"(\d+) sectors: ([\d,]+) records", row[2]):
        assert int(sectors) == size // 4096
        assert int(kept.replace(",", "")) == size // 4096 * 63
