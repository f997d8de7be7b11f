"""Envelopes that each end refuses, with the one reason."""

import struct
from typing import Any

from vectors.wire_cases.envelope import (
    BOX,
    EPOCH,
    NOW_S,
    OTHER_BOX,
    WIRE,
    down,
    entry,
    flip,
    key_of,
    sha_mac,
    tlv,
    up,
)

BAD_UP_FIELDS = [
    ("a field longer than the body", bytes([0x06]) + struct.pack("<H", 9) + b"\1"),
    ("a field's header cut off", b"\x06\x00"),
    ("a hello too short", tlv(1, bytes(17))),
    ("a hello whose version is no text", tlv(1, bytes([1]) + bytes(17) + b"\xff\xfe")),
    ("a state of 21 bytes", tlv(2, bytes(21))),
    ("a state of 23 bytes", tlv(2, bytes(23))),
    ("records that end inside a slot", tlv(3, struct.pack("<BII", 1, EPOCH, 1) + bytes(63))),
    ("records of a ring that does not exist", tlv(3, struct.pack("<BII", 3, EPOCH, 1) + bytes(64))),
    ("records from sequence 0", tlv(3, struct.pack("<BII", 1, EPOCH, 0) + bytes(64))),
    ("records past the last sequence", tlv(3, struct.pack("<BII", 1, EPOCH, 0xFFFF_FFFF) + bytes(128))),
    ("an ask too short", tlv(4, bytes(8))),
    ("a command's result too long", tlv(5, bytes(7))),
    ("a held version of 3 bytes", tlv(7, bytes(3))),
    ("a next page too short", tlv(9, bytes(5))),
    ("counters that end inside a pair", tlv(8, bytes(9))),
    ("a field of the other direction", tlv(0x82, struct.pack("<I", NOW_S))),
    ("two states", tlv(2, bytes(22)) * 2),
    ("good field, then a broken one", tlv(7, bytes(4)) + tlv(7, b"\0")),
]


def make_bad_up() -> list[dict[str, Any]]:
    nonce = bytes(range(8))
    body = tlv(7, struct.pack("<I", 5))
    good = up(body, 1001, nonce)
    rows = [
        {"name": "empty", "reason": "damaged", "bytes": ""},
        {"name": "cut inside the header", "reason": "damaged", "bytes": good[:20].hex()},
        {"name": "cut inside the MAC", "reason": "damaged", "bytes": good[:-1].hex()},
        {"name": "one byte after the MAC", "reason": "damaged", "bytes": (good + b"\0").hex()},
        {"name": "the other direction", "reason": "damaged", "bytes": (b"\x44" + good[1:]).hex()},
        {
            "name": "a version not yet spoken",
            "reason": "damaged",
            "bytes": (good[:1] + b"\2" + good[2:]).hex(),
        },
        {"name": "too long", "reason": "oversized", "bytes": up(tlv(0x7F, bytes(8147)), 1001, nonce).hex()},
        {"name": "a bit of the body changed", "reason": "unauthentic", "bytes": flip(good, 30).hex()},
        {
            "name": "a bit of the MAC changed",
            "reason": "unauthentic",
            "bytes": flip(good, len(good) - 1).hex(),
        },
        {
            "name": "another box's name",
            "reason": "unauthentic",
            "bytes": (good[:2] + OTHER_BOX + good[10:]).hex(),
        },
        {
            "name": "a generation that is not valid",
            "reason": "unauthentic",
            "bytes": up(body, 1001, nonce, 9).hex(),
        },
        {"name": "signed with the time key", "reason": "unauthentic"}
        | {"bytes": up(body, 1001, nonce, 1, key_of("time")).hex()},
        {"name": "the counter accepted last", "reason": "replayed", "bytes": up(body, 1000, nonce).hex()},
        {"name": "a counter from before", "reason": "replayed", "bytes": up(body, 999, nonce).hex()},
        {"name": "a part other than 0", "reason": "damaged", "bytes": with_part(body, nonce).hex()},
    ]
    for name, broken in BAD_UP_FIELDS:
        rows.append({"name": name, "reason": "damaged", "bytes": up(broken, 1001, nonce).hex()})
    return [{**row, "last_counter": 1000, "valid_key_ids": [1, 2]} for row in rows]


def with_part(body: bytes, nonce: bytes) -> bytes:
    head = struct.pack("<BB8sBIH8sH", 0x55, 1, BOX, 1, 1001, 1, nonce, len(body)) + body
    return head + sha_mac(WIRE, head)[:16]


def bad_down_fields(entries: list[dict[str, Any]]) -> list[tuple[str, bytes]]:
    first, second = entry(entries[0]), entry(entries[1])
    page = struct.pack("<IHH", 42, 0, 1)
    return [
        ("a field longer than the body", bytes([0x82]) + struct.pack("<H", 4) + b"\1"),
        ("an acknowledgement too short", tlv(0x81, bytes(8))),
        ("an acknowledgement of a ring that does not exist", tlv(0x81, struct.pack("<BII", 0, EPOCH, 1))),
        ("a time of 5 bytes", tlv(0x82, bytes(5))),
        ("a store epoch of 0", tlv(0x83, bytes(4))),
        ("a delta that ends inside an operation", tlv(0x84, struct.pack("<II", 41, 42) + b"\1" + first[:-1])),
        ("a delta with an operation not known", tlv(0x84, struct.pack("<II", 41, 42) + b"\3" + first)),
        ("a delta that goes back", tlv(0x84, struct.pack("<II", 42, 41) + b"\1" + first)),
        ("a page that ends inside an entry", tlv(0x85, page + first[:-1])),
        ("a page out of order", tlv(0x85, page + second + first)),
        ("a page with one entry twice", tlv(0x85, page + first + first)),
        ("a page of an empty set of pages", tlv(0x85, struct.pack("<IHH", 42, 0, 0))),
        ("a page past the last", tlv(0x85, struct.pack("<IHH", 42, 1, 1) + first)),
        ("a set's MAC too short", tlv(0x86, bytes(23))),
        ("a command too short", tlv(0x87, bytes(13))),
        ("a command whose reason is no text", tlv(0x87, bytes(14) + b"\xff")),
        ("settings that end inside a setting", tlv(0x88, struct.pack("<I", 9) + bytes([2, 4, 0, 0]))),
        ("a setting of the wrong size", tlv(0x88, struct.pack("<I", 9) + bytes([2, 3, 0, 0, 0]))),
        ("25 places", tlv(0x88, struct.pack("<I", 9) + (bytes([0x10, 12]) + bytes(12)) * 25)),
        ("a verdict too long", tlv(0x89, bytes(3))),
        ("a pace too short", tlv(0x8A, bytes(3))),
        ("a refusal too short", tlv(0x8B, bytes(2))),
        ("a field of the other direction", tlv(0x07, bytes(4))),
        ("two times", tlv(0x82, bytes(4)) * 2),
        ("good field, then a broken one", tlv(0x82, bytes(4)) + tlv(0x89, b"\0")),
    ]


def make_bad_down(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    nonce, request = bytes(range(8)), bytes(range(8, 16))
    body = tlv(0x82, struct.pack("<I", NOW_S))
    good = down(body, 1001, 1, nonce, request)
    rows = [
        {"name": "empty", "reason": "damaged", "bytes": ""},
        {"name": "cut", "reason": "damaged", "bytes": good[:-1].hex()},
        {"name": "one byte after the MAC", "reason": "damaged", "bytes": (good + b"\0").hex()},
        {"name": "the other direction", "reason": "damaged", "bytes": (b"\x55" + good[1:]).hex()},
        {
            "name": "a version not yet spoken",
            "reason": "damaged",
            "bytes": (good[:1] + b"\2" + good[2:]).hex(),
        },
        {"name": "too long", "reason": "oversized"}
        | {"bytes": down(tlv(0xFE, bytes(8147)), 1001, 1, nonce, request).hex()},
        {"name": "a bit of the body changed", "reason": "unauthentic", "bytes": flip(good, 30).hex()},
        {"name": "another box's", "reason": "unauthentic", "bytes": (good[:2] + OTHER_BOX + good[10:]).hex()},
        {"name": "a generation the box does not have", "reason": "unauthentic"}
        | {"bytes": down(body, 1001, 1, nonce, request, key_id=2).hex()},
        {"name": "the answer to another request's nonce", "reason": "unauthentic"}
        | {"bytes": down(body, 1001, 1, nonce, bytes(8)).hex()},
        {"name": "an answer to what was never asked", "reason": "unasked"}
        | {"bytes": down(body, 1002, 1, nonce, request).hex()},
        {
            "name": "a part had already",
            "reason": "replayed",
            "bytes": down(body, 1001, 0, nonce, request).hex(),
        },
    ]
    for name, broken in bad_down_fields(entries):
        rows.append({"name": name, "reason": "damaged", "bytes": down(broken, 1001, 1, nonce, request).hex()})
    return [{**row, "request_counter": 1001, "request_nonce": request.hex(), "last_part": 0} for row in rows]
