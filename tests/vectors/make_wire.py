"""Writes `wire.json` beside it, from WIRE.md alone: plain struct, hmac and hashlib; no code of either end.

Run `python tests/vectors/make_wire.py` after a change of WIRE.md; `--check` only compares.
The file is deterministic. Bytes are hexadecimal text. Every good case gives the fields and the bytes, so that
an end that only encodes and one that only decodes are both held to it. Every bad case gives the one reason:

  damaged      HTTP 400, WebSocket close 4400: wrong size, direction, version, length or field
  unauthentic  401, 4401: the MAC is not of this key and these bytes
  replayed     409, 4409: the counter is not above `last_counter`; on the box: the part was had already
  oversized    413, 4413: above 8,192 bytes
  unasked      the box only: an answer to a counter it does not remember
"""

import hashlib
import hmac
import json
import struct
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
CODES = json.loads((HERE / "codes.json").read_text())
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


def state_bytes(fields: dict[str, Any]) -> bytes:
    return struct.pack(
        "<BBBBHBBIIHI",
        *(
            fields[name]
            for name in (
                "state",
                "modes",
                "inputs",
                "known",
                "battery_mv",
                "fuel_percent",
                "trust",
                "odometer_hm",
                "authorisation_id",
                "place",
                "at_s",
            )
        ),
    )


STATE_PARKED = {
    "state": 0,
    "modes": 4,
    "inputs": 0b101100,
    "known": 0b111111,
    "battery_mv": 12_650,
    "fuel_percent": 63,
    "trust": 3,
    "odometer_hm": 1_234_567,
    "authorisation_id": 0,
    "place": 5,
    "at_s": NOW_S,
}
STATE_UNKNOWN = {
    "state": 3,
    "modes": 0,
    "inputs": 1,
    "known": 1,
    "battery_mv": 14_100,
    "fuel_percent": 255,
    "trust": 0,
    "odometer_hm": 0xFFFF_FFFF,
    "authorisation_id": 0xFFFF_FFFF,
    "place": 0xFFFF,
    "at_s": IN_2038_S,
}

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


def vital_cases() -> list[tuple[str, dict[str, Any]]]:
    who = badge(UIDS[0]).hex()
    return [
        ("boot", {"reset_cause": 1, "battery_mv": 12_400, "boot_count": 65_521, "version": "0.1.0+g1234567"}),
        (
            "session_start",
            {
                "authorisation_id": 7,
                "badge": who,
                "auth_kind": 1,
                "via": 1,
                "place": 5,
                "odometer_hm": 1_234_567,
                "fuel_percent": 63,
                "battery_mv": 12_650,
            },
        ),
        (
            "relay",
            {
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
            },
        ),
        ("driving", {"session": 2}),
        ("badge_ignored", {"badge": who, "state": 3}),
        ("opened", {"session": 2}),
        ("stopover", {"session": 2, "place": 0xFFFF}),
        ("resumed", {"session": 2, "from_state": 4}),
        ("ending", {"session": 2, "deadline_s": IN_2034_S, "flags": 4}),
        ("end_taken_back", {"session": 2}),
        (
            "session_end",
            {
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
            },
        ),
        ("refused", {"badge": badge(UIDS[1]).hex(), "refusal": 2, "state": 0}),
        ("fault_set", {"fault": 4, "detail": 0xFFFF_FFFF}),
        ("fault_cleared", {"fault": 4}),
        ("command", {"command_id": 0xFFFF_FFFE, "kind": 3, "result": 1, "reason": 17}),
        ("mode", {"mode": 1, "on": 1}),
        ("alarm", {"cause": 2}),
        ("service", {"badge": badge(UIDS[2]).hex(), "place": 5}),
        ("bag", {"session": 2}),
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


def field(name: str, **values: Any) -> dict[str, Any]:
    return {"field": name, **values}


def field_bytes(f: dict[str, Any]) -> bytes:  # one branch a field
    name = f["field"]
    if name == "HELLO":
        packed = struct.pack(
            "<BBIIII",
            f["protocol"],
            f["reset_cause"],
            f["boot_count"],
            f["store_epoch"],
            f["settings_version"],
            f["authorisations_version"],
        )
        return tlv(0x01, packed + f["firmware"].encode())
    if name == "STATE":
        return tlv(0x02, state_bytes(f))
    if name == "RECORDS":
        slots = b"".join(bytes.fromhex(s) for s in f["slots"])
        return tlv(0x03, struct.pack("<BII", f["ring"], f["epoch"], f["first_sequence"]) + slots)
    if name == "ASK":
        return tlv(0x04, bytes([f["ask_id"]]) + bytes.fromhex(f["badge"]))
    if name == "COMMAND_RESULT":
        return tlv(0x05, struct.pack("<IBB", f["command_id"], f["result"], f["reason"]))
    if name == "FAULTS":
        return tlv(0x06, bytes(f["faults"]))
    if name == "HELD":
        return tlv(0x07, struct.pack("<I", f["authorisations_version"]))
    if name == "COUNTERS":
        return tlv(0x08, b"".join(struct.pack("<BI", code, value) for code, value in f["counters"]))
    if name == "NEXT_PAGE":
        return tlv(0x09, struct.pack("<IH", f["version"], f["page"]))
    if name == "ACK":
        return tlv(0x81, struct.pack("<BII", f["ring"], f["epoch"], f["sequence"]))
    if name == "TIME":
        return tlv(0x82, struct.pack("<I", f["now_s"]))
    if name == "STORE":
        return tlv(0x83, struct.pack("<I", f["store_epoch"]))
    if name == "DELTA":
        operations = b"".join(bytes([o["op"]]) + entry(o) for o in f["operations"])
        return tlv(0x84, struct.pack("<II", f["base_version"], f["version"]) + operations)
    if name == "PAGE":
        entries = b"".join(entry(e) for e in f["entries"])
        return tlv(0x85, struct.pack("<IHH", f["version"], f["page"], f["pages"]) + entries)
    if name == "SET_MAC":
        return tlv(0x86, struct.pack("<II", f["version"], f["count"]) + bytes.fromhex(f["mac"]))
    if name == "COMMAND":
        packed = struct.pack("<IBIBI", f["command_id"], f["kind"], f["expires_at"], f["role"], f["argument"])
        return tlv(0x87, packed + f["reason"].encode())
    if name == "SETTINGS":
        return tlv(0x88, struct.pack("<I", f["version"]) + settings_bytes(f["settings"]))
    if name == "VERDICT":
        return tlv(0x89, bytes([f["ask_id"], f["verdict"]]))
    if name == "PACE":
        return tlv(0x8A, struct.pack("<HBB", f["heartbeat_s"], f["mode"], f["more"]))
    if name == "REFUSED":
        return tlv(0x8B, struct.pack("<BH", f["code"], f["retry_after_s"]))
    assert name == "UNKNOWN"
    return tlv(f["tag"], bytes.fromhex(f["value"]))


SETTING_TAGS = {
    "early_s": 2,
    "walkup_gap_s": 3,
    "no_show_s": 4,
    "forgotten_s": 5,
    "standing_offline_s": 6,
    "ending_s": 7,
}


def settings_bytes(settings: dict[str, Any]) -> bytes:
    out = b""
    if "vehicle" in settings:
        v = settings["vehicle"]
        out += bytes([1, 6]) + struct.pack("<BBI", v["interlock_kind"], v["key_holder_fitted"], v["tank_ml"])
    for name, tag in SETTING_TAGS.items():
        if name in settings:
            out += bytes([tag, 4]) + struct.pack("<I", settings[name])
    for p in settings.get("places", []):
        packed = struct.pack("<HiiH", p["place"], p["lat_e7"], p["lon_e7"], p["radius_m"])
        out += bytes([0x10, len(packed)]) + packed
    for w in settings.get("wifi", []):
        out += bytes([0x11, 8]) + struct.pack("<H", w["place"]) + bytes.fromhex(w["bssid"])
    return out


SETTINGS = {
    "vehicle": {"interlock_kind": 1, "key_holder_fitted": 1, "tank_ml": 42_000},
    "early_s": 900,
    "walkup_gap_s": 1800,
    "no_show_s": 3600,
    "forgotten_s": 1800,
    "standing_offline_s": 604_800,
    "ending_s": 120,
    "places": [
        {"place": 5, "lat_e7": 472_735_000, "lon_e7": -22_137_000, "radius_m": 150},
        {"place": 65_534, "lat_e7": -900_000_000, "lon_e7": 1_800_000_000, "radius_m": 65_535},
    ],
    "wifi": [{"place": 5, "bssid": "aabbccddeeff"}],
}


def make_up(vital: dict[str, Any], telemetry: dict[str, Any]) -> list[dict[str, Any]]:
    hello = field(
        "HELLO",
        protocol=1,
        reset_cause=1,
        boot_count=65_521,
        store_epoch=0,
        settings_version=0,
        authorisations_version=0,
        firmware="0.1.0",
    )
    cases: list[tuple[str, list[dict[str, Any]]]] = [
        ("nothing but the envelope: a heartbeat", []),
        ("hello and state, as first on every link", [hello, field("STATE", **STATE_PARKED)]),
        ("a state with everything unknown", [field("STATE", **STATE_UNKNOWN)]),
        (
            "records of both rings",
            [
                field(
                    "RECORDS",
                    ring=1,
                    epoch=EPOCH,
                    first_sequence=1,
                    slots=[r["slot"] for r in vital["records"]],
                ),
                field(
                    "RECORDS",
                    ring=2,
                    epoch=EPOCH,
                    first_sequence=1,
                    slots=[r["slot"] for r in telemetry["records"]],
                ),
            ],
        ),
        (
            "no record at all in a records field",
            [field("RECORDS", ring=1, epoch=EPOCH, first_sequence=9, slots=[])],
        ),
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
    rows = []
    for number, (name, fields) in enumerate(cases):
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


def make_down(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    packed = b"".join(entry(e) for e in entries)
    mac = sha_mac(AUTHORISATIONS, struct.pack("<II", 42, len(entries)) + packed)[:16]
    cases: list[tuple[str, int, list[dict[str, Any]]]] = [
        ("nothing new", 0, []),
        (
            "acknowledgements, time, store and pace",
            0,
            [
                field("ACK", ring=1, epoch=EPOCH, sequence=19),
                field("ACK", ring=2, epoch=EPOCH, sequence=0xFFFF_FFFF),
                field("TIME", now_s=IN_2038_S),
                field("STORE", store_epoch=0xDEAD_BEEF),
                field("PACE", heartbeat_s=300, mode=0, more=1),
            ],
        ),
        (
            "a reservation comes down, another goes",
            1,
            [
                field(
                    "DELTA",
                    base_version=41,
                    version=42,
                    operations=[{"op": 1, **entries[0]}, {"op": 2, **entries[1]}],
                )
            ],
        ),
        (
            "a full set of one page with its MAC",
            2,
            [
                field("PAGE", version=42, page=0, pages=1, entries=entries),
                field("SET_MAC", version=42, count=len(entries), mac=mac.hex()),
            ],
        ),
        (
            "an empty set",
            3,
            [
                field("PAGE", version=43, page=0, pages=1, entries=[]),
                field(
                    "SET_MAC",
                    version=43,
                    count=0,
                    mac=sha_mac(AUTHORISATIONS, struct.pack("<II", 43, 0))[:16].hex(),
                ),
            ],
        ),
        (
            "a command with a reason",
            4,
            [
                field(
                    "COMMAND",
                    command_id=77,
                    kind=1,
                    expires_at=NOW_S + 60,
                    role=3,
                    argument=7,
                    reason="badge oublié",
                )
            ],
        ),
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
    rows = []
    for number, (name, part, fields) in enumerate(cases):
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


def flip(data: bytes, index: int) -> bytes:
    return data[:index] + bytes([data[index] ^ 1]) + data[index + 1 :]


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


def make() -> dict[str, Any]:
    entries = make_entries()
    packed = [entry(e) for e in entries]
    vital, telemetry = chain(1, vital_cases()), chain(2, telemetry_cases())
    # After a gap: 101 chains over 100, which the cloud never saw; then the record that tells of it.
    gap = chain(2, [telemetry_cases()[0], ("dropped", {"first": 6, "last": 100})], 101, bytes(range(16)))
    purposes = ("wire", "time", "badge", "journal", "authorisations")
    return {
        "about": "Written by make_wire.py, which tells of the reasons; bytes are hexadecimal.",
        "master": MASTER.hex(),
        "box_id": BOX.hex(),
        "keys": [
            {
                "box_id": box.hex(),
                "key_id": key_id,
                "purpose": purpose,
                "key": key_of(purpose, key_id, box).hex(),
            }
            for box in (BOX, OTHER_BOX)
            for key_id in (1, 2, 255)
            for purpose in purposes
        ],
        "badges": [{"uid": uid.hex(), "badge": badge(uid).hex()} for uid in UIDS],
        "entries": [{**e, "bytes": p.hex()} for e, p in zip(entries, packed, strict=True)],
        "set_mac": {
            "version": 42,
            "count": len(entries),
            "mac": sha_mac(AUTHORISATIONS, struct.pack("<II", 42, len(entries)) + b"".join(packed))[
                :16
            ].hex(),
        },
        "settings": {"settings": SETTINGS, "bytes": settings_bytes(SETTINGS).hex()},
        "chains": [vital, telemetry],
        "gap": gap,
        "bad_slots": make_bad_slots(vital),
        "up": make_up(vital, telemetry),
        "bad_up": make_bad_up(),
        "down": make_down(entries),
        "bad_down": make_bad_down(entries),
        "time": make_time(),
    }


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


def main(arguments: list[str]) -> int:
    text = json.dumps(make(), indent=1, ensure_ascii=False) + "\n"
    path = HERE / "wire.json"
    if "--check" in arguments:
        if path.read_text() == text:
            return 0
        print("wire.json is not what make_wire.py writes", file=sys.stderr)
        return 1
    path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
