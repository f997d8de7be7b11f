"""Keys, envelopes and badge hashes, as WIRE.md has them."""

import hashlib
import hmac
import json
import struct
from pathlib import Path
from typing import Any

CODES = json.loads((Path(__file__).parents[1] / "codes.json").read_text())
MASTER = bytes(range(32))
BOX = bytes.fromhex("47420000000000a1")
OTHER_BOX = bytes.fromhex("47420000000000b2")
EPOCH = 0x01020304
NOW_S = 820_454_400  # 2026-01-01T00:00:00Z
IN_2034_S = 1_080_000_000  # past 2^30, where MicroPython's small integers end on 32 bits
IN_2038_S = 1_220_000_000  # past 2038-01-19, where signed Unix seconds end


def sha_mac(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.sha256).digest()


def hkdf(master: bytes, salt: bytes, info: bytes) -> bytes:
    """RFC 5869, one block of output."""
    return sha_mac(sha_mac(salt, master), info + b"\x01")


def key_of(purpose: str, key_id: int = 1, box_id: bytes = BOX) -> bytes:
    return hkdf(MASTER, box_id, f"glovebox/1/{purpose}/{key_id}".encode())


WIRE = key_of("wire")
JOURNAL = key_of("journal")
AUTHORISATIONS = key_of("authorisations")


def tlv(tag: int, value: bytes) -> bytes:
    return struct.pack("<BH", tag, len(value)) + value


def up(body: bytes, counter: int, nonce: bytes, key_id: int = 1, key: bytes | None = None) -> bytes:
    head = struct.pack("<BB8sBIH8sH", 0x55, 1, BOX, key_id, counter, 0, nonce, len(body)) + body
    return head + sha_mac(key_of("wire", key_id) if key is None else key, head)[:16]


def down(
    body: bytes, counter: int, part: int, nonce: bytes, request_nonce: bytes, *, key_id: int = 1
) -> bytes:
    head = struct.pack("<BB8sBIH8sH", 0x44, 1, BOX, key_id, counter, part, nonce, len(body)) + body
    return head + sha_mac(key_of("wire", key_id), head + request_nonce)[:16]


def flip(data: bytes, index: int) -> bytes:
    return data[:index] + bytes([data[index] ^ 1]) + data[index + 1 :]


def badge(uid: bytes) -> bytes:
    return sha_mac(key_of("badge"), bytes([len(uid)]) + uid)[:8]


UIDS = [bytes.fromhex(h) for h in ("04a1b2c3", "04112233445566", "04112233445566778899")]


def entry(fields: dict[str, Any]) -> bytes:
    return struct.pack(
        "<8sIIIBBH",
        bytes.fromhex(fields["badge"]),
        fields["authorisation_id"],
        fields["starts_at"],
        fields["ends_at"],
        fields["kind"],
        fields["flags"],
        fields["place"],
    )


def make_entries() -> list[dict[str, Any]]:
    rows = []
    for number, uid in enumerate(UIDS):
        rows.append(
            {
                "badge": badge(uid).hex(),
                "authorisation_id": 7 + number,
                "starts_at": NOW_S + 3600 * number,
                "ends_at": NOW_S + 3600 * number + 7200,
                "kind": 1,
                "flags": 0,
                "place": number,
            }
        )
    rows.append({**rows[0], "authorisation_id": 0x8000_0001, "kind": 2, "starts_at": 0, "ends_at": IN_2034_S})
    rows.append({**rows[0], "authorisation_id": 0xFFFF_FFFF, "kind": 3, "ends_at": 0xFFFF_FFFF, "flags": 255})
    rows.sort(key=lambda row: entry(row)[:12])
    return rows
