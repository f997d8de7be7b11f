"""The fields of both directions."""

import struct
from typing import Any

from vectors.wire_cases.envelope import IN_2038_S, NOW_S, entry, tlv


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
