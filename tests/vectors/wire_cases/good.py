"""Whole envelopes that each end takes."""

import struct
from typing import Any

from vectors.wire_cases.envelope import (
    AUTHORISATIONS,
    BOX,
    EPOCH,
    IN_2034_S,
    IN_2038_S,
    NOW_S,
    UIDS,
    badge,
    down,
    entry,
    flip,
    key_of,
    sha_mac,
    up,
)
from vectors.wire_cases.fields import SETTINGS, STATE_PARKED, STATE_UNKNOWN, field, field_bytes

Fields = list[dict[str, Any]]

HELLO = field(
    "HELLO",
    protocol=1,
    reset_cause=1,
    boot_count=65_521,
    store_epoch=0,
    settings_version=0,
    authorisations_version=0,
    firmware="0.1.0",
)


def records(ring: int, slots: list[str], first_sequence: int = 1) -> dict[str, Any]:
    return field("RECORDS", ring=ring, epoch=EPOCH, first_sequence=first_sequence, slots=slots)


def list_up(vital: dict[str, Any], telemetry: dict[str, Any]) -> list[tuple[str, Fields]]:
    rings = [records(1, [r["slot"] for r in vital["records"]])]
    rings += [records(2, [r["slot"] for r in telemetry["records"]])]
    return [
        ("nothing but the envelope: a heartbeat", []),
        ("hello and state, as first on every link", [HELLO, field("STATE", **STATE_PARKED)]),
        ("a state with everything unknown", [field("STATE", **STATE_UNKNOWN)]),
        ("records of both rings", rings),
        ("no record at all in a records field", [records(1, [], first_sequence=9)]),
        ("a badge asks", [field("ASK", ask_id=200, badge=badge(UIDS[0]).hex())]),
        (
            "two commands answered",
            [
                field("COMMAND_RESULT", command_id=1, result=0, reason=0),
                field("COMMAND_RESULT", command_id=0xFFFF_FFFF, result=1, reason=18),
            ],
        ),
        ("faults", [field("FAULTS", faults=[4, 8])]),
        ("no fault", [field("FAULTS", faults=[])]),
        ("holds a version", [field("HELD", authorisations_version=0x8000_0001)]),
        ("the next page of a full set, over HTTP", [field("NEXT_PAGE", version=42, page=1)]),
        ("counters", [field("COUNTERS", counters=[[1, 2], [7, 0xFFFF_FFFF]])]),
        (
            "an unknown field is skipped",
            [field("UNKNOWN", tag=0x7F, value="0102"), field("HELD", authorisations_version=3)],
        ),
    ]


def make_up(vital: dict[str, Any], telemetry: dict[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for number, (name, fields) in enumerate(list_up(vital, telemetry)):
        key_id = 2 if number == 3 else 1
        counter = 0xFFFF_FFFF if number == 2 else 1000 + number
        nonce = sha_mac(b"nonce", name.encode())[:8]
        body = b"".join(field_bytes(f) for f in fields)
        rows.append(
            {
                "name": name,
                "key_id": key_id,
                "counter": counter,
                "nonce": nonce.hex(),
                "fields": fields,
                "bytes": up(body, counter, nonce, key_id).hex(),
            }
        )
    return rows


def full_set(version: int, entries: Fields) -> Fields:
    """A set of authorisations that fits one page, and its MAC."""
    packed = struct.pack("<II", version, len(entries)) + b"".join(entry(e) for e in entries)
    return [
        field("PAGE", version=version, page=0, pages=1, entries=entries),
        field("SET_MAC", version=version, count=len(entries), mac=sha_mac(AUTHORISATIONS, packed)[:16].hex()),
    ]


def list_down(entries: Fields) -> list[tuple[str, int, Fields]]:
    pace = [
        field("ACK", ring=1, epoch=EPOCH, sequence=19),
        field("ACK", ring=2, epoch=EPOCH, sequence=0xFFFF_FFFF),
        field("TIME", now_s=IN_2038_S),
        field("STORE", store_epoch=0xDEAD_BEEF),
        field("PACE", heartbeat_s=300, mode=0, more=1),
    ]
    operations = [{"op": 1, **entries[0]}, {"op": 2, **entries[1]}]
    command = {"command_id": 77, "kind": 1, "expires_at": NOW_S + 60, "role": 3, "argument": 7}
    return [
        ("nothing new", 0, []),
        ("acknowledgements, time, store and pace", 0, pace),
        (
            "a reservation comes down, another goes",
            1,
            [field("DELTA", base_version=41, version=42, operations=operations)],
        ),
        ("a full set of one page with its MAC", 2, full_set(42, entries)),
        ("an empty set", 3, full_set(43, [])),
        ("a command with a reason", 4, [field("COMMAND", **command, reason="badge oublié")]),
        ("settings", 5, [field("SETTINGS", version=9, settings=SETTINGS)]),
        ("a verdict: look again", 6, [field("VERDICT", ask_id=200, verdict=0)]),
        ("a verdict: too early", 7, [field("VERDICT", ask_id=200, verdict=2)]),
        ("refused for a while", 0, [field("REFUSED", code=1, retry_after_s=3600)]),
        (
            "an unknown field is skipped",
            65_535,
            [field("UNKNOWN", tag=0xFE, value=""), field("TIME", now_s=NOW_S)],
        ),
    ]


def make_down(entries: Fields) -> list[dict[str, Any]]:
    rows = []
    for number, (name, part, fields) in enumerate(list_down(entries)):
        nonce = sha_mac(b"down", name.encode())[:8]
        request = sha_mac(b"request", name.encode())[:8]
        counter = 2000 + number
        body = b"".join(field_bytes(f) for f in fields)
        rows.append(
            {
                "name": name,
                "key_id": 1,
                "counter": counter,
                "part": part,
                "nonce": nonce.hex(),
                "request_nonce": request.hex(),
                "fields": fields,
                "bytes": down(body, counter, part, nonce, request).hex(),
            }
        )
    return rows


def make_time() -> dict[str, Any]:
    nonce = bytes(range(8))
    rows = []
    for name, now_s in (("today", NOW_S), ("past 2^30", IN_2034_S), ("past 2038", IN_2038_S)):
        packed = struct.pack("<I", now_s)
        mac = sha_mac(key_of("time"), b"time" + BOX + nonce + packed)[:16]
        request = BOX + bytes([1]) + nonce
        rows.append(
            {"name": name, "key_id": 1, "nonce": nonce.hex(), "now_s": now_s}
            | {"request": request.hex(), "answer": (packed + mac).hex()}
        )
    answer = bytes.fromhex(rows[0]["answer"])
    bad = [
        {"name": "cut", "answer": answer[:-1].hex()},
        {"name": "a byte too many", "answer": (answer + b"\0").hex()},
        {"name": "a bit of the time changed", "answer": flip(answer, 0).hex()},
        {"name": "to another nonce", "answer": (answer[:4] + bytes(16)).hex()},
    ]
    return {"good": rows, "bad": [{**row, "nonce": nonce.hex()} for row in bad]}
