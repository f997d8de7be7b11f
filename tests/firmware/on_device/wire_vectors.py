"""Runs tests/vectors/wire.json under CPython and MicroPython alike; prints `OK <cases>` at the end."""

# ruff: noqa: PT017, PT018, RUF005 -- MicroPython's dialect, and no pytest in it

import json
import sys
from binascii import unhexlify

from box.protocols import authorisation, codes, records, wire
from box.protocols.crypto import Hmac

TIME_KEYS = ("early_s", "walkup_gap_s", "no_show_s", "forgotten_s", "standing_offline_s", "ending_s")
STATE_NAMES = ("state", "modes", "inputs", "known", "battery_mv", "fuel_percent", "trust")
STATE_NAMES_WIDE = ("odometer_hm", "authorisation_id", "place", "at_s")


def key_of(vectors, purpose, key_id=1):
    for row in vectors["keys"]:
        if row["box_id"] == vectors["box_id"] and row["purpose"] == purpose and row["key_id"] == key_id:
            return Hmac(unhexlify(row["key"]))
    raise KeyError(purpose)


def encode_field(field):
    import struct

    name = field["field"]
    if name == "HELLO":
        assert field["protocol"] == 1
        return wire.encode_hello(
            field["reset_cause"],
            field["boot_count"],
            field["store_epoch"],
            field["settings_version"],
            field["authorisations_version"],
            field["firmware"],
        )
    if name == "STATE":
        values = [field[n] for n in STATE_NAMES + STATE_NAMES_WIDE]
        return wire.encode_field(wire.STATE, struct.pack("<BBBBHBBIIHI", *values))
    if name == "RECORDS":
        slots = [unhexlify(s) for s in field["slots"]]
        return wire.encode_records(field["ring"], field["epoch"], field["first_sequence"], slots)
    if name == "ASK":
        return wire.encode_ask(field["ask_id"], unhexlify(field["badge"]))
    if name == "COMMAND_RESULT":
        return wire.encode_command_result(field["command_id"], field["result"], field["reason"])
    if name == "FAULTS":
        return wire.encode_field(wire.FAULTS, bytes(field["faults"]))
    if name == "HELD":
        return wire.encode_held(field["authorisations_version"])
    if name == "COUNTERS":
        return wire.encode_counters(field["counters"])
    if name == "NEXT_PAGE":
        return wire.encode_next_page(field["version"], field["page"])
    assert name == "UNKNOWN"
    return wire.encode_field(field["tag"], unhexlify(field["value"]))


def pack_entry(e):
    values = (e["authorisation_id"], e["starts_at"], e["ends_at"], e["kind"], e["flags"], e["place"])
    return authorisation.pack((unhexlify(e["badge"]),) + values)


def settings_of(told):
    settings = {name: told[name] for name in TIME_KEYS}
    settings.update(told["vehicle"])
    settings["places"] = [(p["place"], p["lat_e7"], p["lon_e7"], p["radius_m"]) for p in told["places"]]
    settings["wifi"] = [(w["place"], unhexlify(w["bssid"])) for w in told["wifi"]]
    return settings


def expected_down(f):
    """The tuple that decode_down must give for a field, or None for one it must skip."""
    name = f["field"]
    if name == "UNKNOWN":
        return None
    tag = getattr(wire, name)
    if name == "DELTA":
        operations = b"".join(bytes([o["op"]]) + pack_entry(o) for o in f["operations"])
        return (tag, f["base_version"], f["version"], operations)
    if name == "PAGE":
        return (tag, f["version"], f["page"], f["pages"], b"".join(pack_entry(e) for e in f["entries"]))
    if name == "SETTINGS":
        settings = settings_of(f["settings"])
        settings["version"] = f["version"]
        return (tag, settings)
    names = {
        "ACK": ("ring", "epoch", "sequence"),
        "TIME": ("now_s",),
        "STORE": ("store_epoch",),
        "SET_MAC": ("version", "count", "mac"),
        "COMMAND": ("command_id", "kind", "expires_at", "role", "argument", "reason"),
        "VERDICT": ("ask_id", "verdict"),
        "PACE": ("heartbeat_s", "mode", "more"),
        "REFUSED": ("code", "retry_after_s"),
    }[name]
    return (tag,) + tuple(unhexlify(f[n]) if n == "mac" else f[n] for n in names)


def check_up(vectors):
    box_id = unhexlify(vectors["box_id"])
    for case in vectors["up"]:
        body = b"".join(bytes(encode_field(f)) for f in case["fields"])
        envelope = wire.encode_up(
            key_of(vectors, "wire", case["key_id"]),
            box_id,
            case["key_id"],
            case["counter"],
            unhexlify(case["nonce"]),
            body,
        )
        assert bytes(envelope) == unhexlify(case["bytes"]), case["name"]
    return len(vectors["up"])


def check_down(vectors):
    box_id, mac = unhexlify(vectors["box_id"]), key_of(vectors, "wire")
    for case in vectors["down"]:
        requests = wire.Requests()
        requests.remember(case["counter"], unhexlify(case["request_nonce"]))
        have = wire.decode_down(unhexlify(case["bytes"]), mac, box_id, case["key_id"], requests)
        want = [row for row in [expected_down(f) for f in case["fields"]] if row is not None]
        assert have == want, (case["name"], have, want)
        row = requests.find(case["counter"])
        assert row is not None and row[2] == case["part"], case["name"]
    return len(vectors["down"])


REASONS = {
    "damaged": wire.DamagedError,
    "oversized": wire.OversizedError,
    "unauthentic": wire.UnauthenticError,
    "replayed": wire.ReplayedError,
    "unasked": wire.UnaskedError,
}


def check_bad_down(vectors):
    box_id, mac = unhexlify(vectors["box_id"]), key_of(vectors, "wire")
    for case in vectors["bad_down"]:
        requests = wire.Requests()
        requests.remember(case["request_counter"], unhexlify(case["request_nonce"]))
        requests.find(case["request_counter"])[2] = case["last_part"]
        try:
            wire.decode_down(unhexlify(case["bytes"]), mac, box_id, 1, requests)
        except wire.WireError as error:
            assert type(error) is REASONS[case["reason"]], (case["name"], error)
        else:
            raise AssertionError("taken: " + case["name"])
        assert requests.find(case["request_counter"])[2] == case["last_part"], case["name"]
    return len(vectors["bad_down"])


PAYLOAD_ORDER = {
    "boot": "reset_cause battery_mv boot_count",
    "session_start": "authorisation_id badge auth_kind via place odometer_hm fuel_percent battery_mv",
    "session_end": "session authorisation_id reason flags place distance_m distance_source fuel_source "
    "fuel_ml odometer_hm fuel_percent reserved lat_e7 lon_e7",
    "stopover": "session place",
    "resumed": "session from_state",
    "ending": "session deadline_s flags",
    "end_taken_back": "session",
    "refused": "badge refusal state",
    "relay": "wanted outcome contact motion motion_age_ms source kl15 kl15_off_ms battery_mv session",
    "fault_set": "fault detail",
    "fault_cleared": "fault",
    "command": "command_id kind result reason",
    "mode": "mode on",
    "alarm": "cause",
    "badge_ignored": "badge state",
    "driving": "session",
    "opened": "session",
    "service": "badge place",
    "bag": "session",
    "crash": "cause times",
    "health": "battery_mv fuel_percent reserved odometer_hm free_heap uptime_s",
    "dropped": "first last",
    "codes": "mil",
    "counters": "",
}


def payload_of(row):
    import struct

    fields, name, tail = row["fields"], row["name"], b""
    values = [unhexlify(fields[n]) if n == "badge" else fields[n] for n in PAYLOAD_ORDER[name].split()]
    if name == "boot":
        tail = fields["version"].encode()
    elif name == "crash":
        tail = fields["text"].encode()
    elif name == "codes":
        values.append(len(fields["dtcs"]))
        tail = b"".join(unhexlify(code) for code in fields["dtcs"])
    elif name == "counters":
        tail = b"".join(struct.pack("<BI", code, value) for code, value in fields["counters"])
    return records.pack(row["kind"], *values, tail=tail), values


def check_chain(vectors, told):
    journal = key_of(vectors, "journal")
    chain = records.Chain(journal, unhexlify(vectors["box_id"]), told["ring"], told["epoch"])
    mac = unhexlify(told["previous_mac"])
    for row in told["records"]:
        payload, values = payload_of(row)
        want = unhexlify(row["slot"])
        slot = chain.seal(mac, row["kind"], row["trust"], row["boot"], row["sequence"], row["at_s"], payload)
        assert bytes(slot) == want, row["name"]
        assert chain.verify(mac, want), row["name"]
        have = records.unpack_slot(want)
        assert have[:5] == (row["kind"], row["trust"], row["boot"], row["sequence"], row["at_s"]), row["name"]
        assert have[5] == unhexlify(row["payload"]), row["name"]
        assert list(records.unpack(row["kind"], have[5])) == values, row["name"]
        assert records.ring_of(row["kind"]) == told["ring"], row["name"]
        mac = have[6]
    return len(told["records"])


def check_bad_slots(vectors):
    told = vectors["chains"][0]
    chain = records.Chain(
        key_of(vectors, "journal"), unhexlify(vectors["box_id"]), told["ring"], told["epoch"]
    )
    first = unhexlify(told["records"][0]["slot"])
    for case in vectors["bad_slots"]:
        assert not chain.verify(first[48:], unhexlify(case["slot"])), case["name"]
    return len(vectors["bad_slots"])


def check_authorisations(vectors):
    import struct

    badge = key_of(vectors, "badge")
    for row in vectors["badges"]:
        assert authorisation.hash_badge(badge, unhexlify(row["uid"])) == unhexlify(row["badge"])
    packed = []
    for row in vectors["entries"]:
        data = unhexlify(row["bytes"])
        assert pack_entry(row) == data
        entry = authorisation.unpack(data)
        assert entry[authorisation.ENDS_AT] == row["ends_at"] and entry[authorisation.PLACE] == row["place"]
        assert authorisation.pack(entry) == data
        packed.append(data)
    assert authorisation.is_ascending(b"".join(packed))
    assert not authorisation.is_ascending(b"".join(reversed(packed)))
    told = vectors["set_mac"]
    mac = key_of(vectors, "authorisations")
    begun = mac.begin()
    begun.update(struct.pack("<II", told["version"], told["count"]))
    for data in packed:
        begun.update(data)
    assert mac.finish(begun)[:16] == unhexlify(told["mac"])
    return len(packed)


def run(path):
    """All cases; returns how many."""
    with open(path + "/wire.json") as file:
        vectors = json.load(file)
    count = check_up(vectors) + check_down(vectors) + check_bad_down(vectors) + check_bad_slots(vectors)
    for chain in vectors["chains"] + [vectors["gap"]]:
        count += check_chain(vectors, chain)
    assert codes.RING_VITAL == 1
    return count + check_authorisations(vectors)


if __name__ == "__main__":
    print("OK", run(sys.argv[1]))
