"""Records, their chains, and slots that do not verify."""

import struct
from typing import Any

from vectors.wire_cases.envelope import (
    BOX,
    CODES,
    EPOCH,
    IN_2034_S,
    JOURNAL,
    NOW_S,
    UIDS,
    badge,
    flip,
    sha_mac,
)

PAYLOADS: dict[str, tuple[str, list[str]]] = {
    "boot": ("<BHI", ["reset_cause", "battery_mv", "boot_count"]),
    "session_start": (
        "<I8sBBHIBH",
        [
            "authorisation_id",
            "badge",
            "auth_kind",
            "via",
            "place",
            "odometer_hm",
            "fuel_percent",
            "battery_mv",
        ],
    ),
    "session_end": (
        "<IIBBHIBBIIBBii",
        [
            "session",
            "authorisation_id",
            "reason",
            "flags",
            "place",
            "distance_m",
            "distance_source",
            "fuel_source",
            "fuel_ml",
            "odometer_hm",
            "fuel_percent",
            "reserved",
            "lat_e7",
            "lon_e7",
        ],
    ),
    "stopover": ("<IH", ["session", "place"]),
    "resumed": ("<IB", ["session", "from_state"]),
    "ending": ("<IIB", ["session", "deadline_s", "flags"]),
    "end_taken_back": ("<I", ["session"]),
    "refused": ("<8sBB", ["badge", "refusal", "state"]),
    "relay": (
        "<BBBBHBBIHI",
        [
            "wanted",
            "outcome",
            "contact",
            "motion",
            "motion_age_ms",
            "source",
            "kl15",
            "kl15_off_ms",
            "battery_mv",
            "session",
        ],
    ),
    "fault_set": ("<BI", ["fault", "detail"]),
    "fault_cleared": ("<B", ["fault"]),
    "command": ("<IBBB", ["command_id", "kind", "result", "reason"]),
    "mode": ("<BB", ["mode", "on"]),
    "alarm": ("<B", ["cause"]),
    "badge_ignored": ("<8sB", ["badge", "state"]),
    "driving": ("<I", ["session"]),
    "opened": ("<I", ["session"]),
    "service": ("<8sH", ["badge", "place"]),
    "bag": ("<I", ["session"]),
    "crash": ("<BB", ["cause", "times"]),
    "health": ("<HBBIII", ["battery_mv", "fuel_percent", "reserved", "odometer_hm", "free_heap", "uptime_s"]),
    "dropped": ("<II", ["first", "last"]),
}


def payload(name: str, fields: dict[str, Any]) -> bytes:
    if name == "codes":
        dtcs = b"".join(bytes.fromhex(code) for code in fields["dtcs"])
        data = struct.pack("<BB", fields["mil"], len(fields["dtcs"])) + dtcs
    elif name == "counters":
        data = b"".join(struct.pack("<BI", code, value) for code, value in fields["counters"])
    else:
        layout, names = PAYLOADS[name]
        values = [bytes.fromhex(fields[n]) if n == "badge" else fields[n] for n in names]
        data = struct.pack(layout, *values)
        if name == "boot":
            data += fields["version"].encode()
        if name == "crash":
            data += fields["text"].encode()
    assert len(data) <= 36, (name, len(data))
    return data.ljust(36, b"\0")


def slot(ring: int, previous: bytes, row: dict[str, Any]) -> bytes:
    data = bytes.fromhex(row["payload"])
    head = struct.pack("<BBHII", row["kind"], 0x10 | row["trust"], row["boot"], row["sequence"], row["at_s"])
    mac = sha_mac(JOURNAL, previous + BOX + struct.pack("<BI", ring, EPOCH) + head + data)[:16]
    return head + data + mac


def chain(ring: int, cases: list[tuple[str, dict[str, Any]]], first: int = 1, previous: bytes = bytes(16)):
    rows, mac = [], previous
    for number, (name, fields) in enumerate(cases):
        row: dict[str, Any] = {
            "name": name,
            "kind": CODES["record"][name],
            "trust": number % 4,
            "boot": 0xFFF0 + number if number < 16 else number,
            "sequence": first + number,
            "at_s": 0 if number % 4 == 0 else NOW_S + number,
            "fields": fields,
        }
        row["payload"] = payload(name, fields).hex()
        data = slot(ring, mac, row)
        mac = data[48:]
        row["slot"] = data.hex()
        rows.append(row)
    return {"ring": ring, "epoch": EPOCH, "previous_mac": previous.hex(), "records": rows}


SESSION_START = {
    "authorisation_id": 7,
    "badge": badge(UIDS[0]).hex(),
    "auth_kind": 1,
    "via": 1,
    "place": 5,
    "odometer_hm": 1_234_567,
    "fuel_percent": 63,
    "battery_mv": 12_650,
}
RELAY = {
    "wanted": 1,
    "outcome": 0,
    "contact": 1,
    "motion": 1,
    "motion_age_ms": 120,
    "source": 1,
    "kl15": 0,
    "kl15_off_ms": 0xFFFF_FFFF,
    "battery_mv": 12_650,
    "session": 2,
}
SESSION_END = {
    "session": 2,
    "authorisation_id": 7,
    "reason": 1,
    "flags": 0,
    "place": 0,
    "distance_m": 23_266,
    "distance_source": 2,
    "fuel_source": 2,
    "fuel_ml": 1_611,
    "odometer_hm": 1_234_800,
    "fuel_percent": 60,
    "reserved": 0,
    "lat_e7": 472_735_000,
    "lon_e7": -1_800_000_000,
}


def vital_cases() -> list[tuple[str, dict[str, Any]]]:
    return [
        ("boot", {"reset_cause": 1, "battery_mv": 12_400, "boot_count": 65_521, "version": "0.1.0+g1234567"}),
        ("session_start", SESSION_START),
        ("relay", RELAY),
        ("driving", {"session": 2}),
        ("badge_ignored", {"badge": badge(UIDS[0]).hex(), "state": 3}),
        ("opened", {"session": 2}),
        ("stopover", {"session": 2, "place": 0xFFFF}),
        ("resumed", {"session": 2, "from_state": 4}),
        ("ending", {"session": 2, "deadline_s": IN_2034_S, "flags": 4}),
        ("end_taken_back", {"session": 2}),
        ("session_end", SESSION_END),
        ("refused", {"badge": badge(UIDS[1]).hex(), "refusal": 2, "state": 0}),
        ("fault_set", {"fault": 4, "detail": 0xFFFF_FFFF}),
        ("fault_cleared", {"fault": 4}),
        ("command", {"command_id": 0xFFFF_FFFE, "kind": 3, "result": 1, "reason": 17}),
        ("mode", {"mode": 1, "on": 1}),
        ("alarm", {"cause": 2}),
        ("service", {"badge": badge(UIDS[2]).hex(), "place": 5}),
        ("bag", {"session": 2}),
        ("crash", {"cause": 1, "times": 3, "text": "ValueError effects.py:143"}),
    ]


def telemetry_cases() -> list[tuple[str, dict[str, Any]]]:
    return [
        (
            "health",
            {
                "battery_mv": 12_500,
                "fuel_percent": 255,
                "reserved": 0,
                "odometer_hm": 0xFFFF_FFFF,
                "free_heap": 65_536,
                "uptime_s": 86_400,
            },
        ),
        ("codes", {"mil": 1, "dtcs": ["0301", "c155"]}),
        ("codes", {"mil": 0, "dtcs": []}),
        ("counters", {"counters": [[1, 3], [7, 0xFFFF_FFFF]]}),
        ("dropped", {"first": 100, "last": 162}),
    ]


def make_bad_slots(vital: dict[str, Any]) -> list[dict[str, Any]]:
    """Slots that do not verify as the second of the vital chain."""
    first, second, third = (bytes.fromhex(r["slot"]) for r in vital["records"][:3])
    return [
        {"name": "a bit of the payload changed", "slot": flip(second, 20).hex()},
        {"name": "a bit of the MAC changed", "slot": flip(second, 63).hex()},
        {"name": "another sequence", "slot": flip(second, 4).hex()},
        {"name": "the record after it", "slot": third.hex()},
        {"name": "the record before it", "slot": first.hex()},
        {"name": "erased flash", "slot": "ff" * 64},
        {"name": "torn", "slot": (second[:40] + b"\xff" * 24).hex()},
    ]
