"""The cloud's end of the wire: the shared vectors, codes, and whatever bytes somebody may send."""

import json
from pathlib import Path

import pytest
from glovebox.keys import Keyring
from glovebox.link import codes, wire
from hypothesis import given
from hypothesis import strategies as st

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "wire.json").read_text())
CODES = json.loads((Path(__file__).parents[1] / "vectors" / "codes.json").read_text())
KEYRING = Keyring(bytes.fromhex(VECTORS["master"]), bytes(32), bytes(32))
BOX_ID = bytes.fromhex(VECTORS["box_id"])
GOOD = {case["name"]: bytes.fromhex(case["bytes"]) for case in VECTORS["up"]}


def by_name(cases):
    return [pytest.param(case, id=case["name"]) for case in cases]


def open_up(raw, last_counter=0, valid_key_ids=range(256)):
    """The checks of the wire's description, in its order."""
    envelope = wire.parse_envelope(raw)
    if envelope.key_id not in valid_key_ids:
        raise wire.WireError(wire.UNAUTHENTIC, "generation")
    wire.verify(raw, KEYRING.box_key(envelope.box_id, envelope.key_id, "wire"))
    if envelope.counter <= last_counter:
        raise wire.WireError(wire.REPLAYED, "counter")
    return envelope, wire.parse_body(envelope.body)


@pytest.mark.parametrize(
    "case", VECTORS["keys"], ids=lambda c: f"{c['box_id'][-2:]}-{c['key_id']}-{c['purpose']}"
)
def test_keys_are_derived_as_the_vectors_say(case):
    key = KEYRING.box_key(bytes.fromhex(case["box_id"]), case["key_id"], case["purpose"])
    assert key.hex() == case["key"]


@pytest.mark.parametrize("case", VECTORS["badges"], ids=lambda c: c["uid"])
def test_badges_are_hashed_as_the_vectors_say(case):
    assert KEYRING.badge_hash(BOX_ID, 1, bytes.fromhex(case["uid"])).hex() == case["badge"]


def test_entries_and_the_mac_of_a_set_are_as_the_vectors_say():
    packed = [wire.pack_entry(to_entry(entry)) for entry in VECTORS["entries"]]
    assert [entry.hex() for entry in packed] == [entry["bytes"] for entry in VECTORS["entries"]]
    mac = wire.pack_set_mac(
        VECTORS["set_mac"]["version"], packed, KEYRING.box_key(BOX_ID, 1, "authorisations")
    )
    assert mac[-16:].hex() == VECTORS["set_mac"]["mac"]


@pytest.mark.parametrize("case", by_name(VECTORS["up"]))
def test_a_good_envelope_gives_the_fields_of_the_vector(case):
    envelope, up = open_up(bytes.fromhex(case["bytes"]))
    assert (envelope.box_id, envelope.key_id, envelope.counter) == (BOX_ID, case["key_id"], case["counter"])
    assert envelope.nonce.hex() == case["nonce"]
    told = [field for field in case["fields"] if field["field"] != "UNKNOWN"]
    assert sorted(map(str, told)) == sorted(map(str, to_fields(up)))


@pytest.mark.parametrize("case", by_name(VECTORS["bad_up"]))
def test_a_bad_envelope_is_refused_for_the_reason_of_the_vector(case):
    with pytest.raises(wire.WireError) as refused:
        open_up(bytes.fromhex(case["bytes"]), case["last_counter"], case["valid_key_ids"])
    assert refused.value.reason == case["reason"]


@pytest.mark.parametrize("case", by_name(VECTORS["down"]))
def test_what_goes_down_has_the_bytes_of_the_vector(case):
    body = b"".join(pack_down(field) for field in case["fields"])
    nonces = bytes.fromhex(case["nonce"]), bytes.fromhex(case["request_nonce"])
    key = KEYRING.box_key(BOX_ID, case["key_id"], "wire")
    head = (BOX_ID, case["key_id"], case["counter"], case["part"])
    assert wire.pack_envelope(*head, nonces[0], body, key, nonces[1]).hex() == case["bytes"]


@pytest.mark.parametrize("case", by_name(VECTORS["time"]["good"]))
def test_a_time_request_is_answered_as_the_vectors_say(case):
    key = KEYRING.box_key(BOX_ID, case["key_id"], "time")
    assert (
        wire.answer_time_request(bytes.fromhex(case["request"]), case["now_s"], key).hex() == case["answer"]
    )


@pytest.mark.parametrize("chain", VECTORS["chains"], ids=lambda c: f"ring {c['ring']}")
def test_records_are_chained_as_the_vectors_say(chain):
    mac = bytes.fromhex(chain["previous_mac"])
    for record in chain["records"]:
        slot = bytes.fromhex(record["slot"])
        key = KEYRING.box_key(BOX_ID, 1, "journal")
        mac = wire.record_mac(key, mac, BOX_ID, chain["ring"], chain["epoch"], slot)
        assert mac == slot[48:]


GROUPS = [
    "refusal",
    "command",
    "fault",
    "counter",
    "record",
    "relay_outcome",
    "relay_source",
    "end_reason",
    "reset_cause",
    "authorisation_kind",
    "interlock_kind",
    "trust",
    "contact",
    "motion",
    "via",
    "distance_source",
    "fuel_source",
    "alarm_cause",
    "command_result",
]


@pytest.mark.parametrize("group", GROUPS)
def test_codes_are_those_of_the_shared_table(group):
    assert getattr(codes, group.upper()) == CODES[group]


@pytest.mark.parametrize("group", ["state", "mode_bit", "end_flag_bit", "input_bit"])
def test_positions_are_those_of_the_shared_table(group):
    assert dict(zip(getattr(codes, group.upper()), range(99), strict=False)) == CODES[group]


@given(st.binary(max_size=9_000))
def test_no_bytes_make_the_codec_raise_anything_but_its_own_error(raw):
    for read, kind in (
        (wire.parse_envelope, wire.Envelope),
        (wire.parse_body, wire.Up),
        (wire.parse_state, wire.State),
    ):
        try:
            parsed = read(raw)
        except wire.WireError:
            continue
        assert isinstance(parsed, kind)


@given(st.sampled_from(sorted(GOOD)), st.integers(0, 4_000), st.integers(1, 255))
def test_a_changed_byte_anywhere_is_refused(name, position, change):
    raw = bytearray(GOOD[name])
    raw[position % len(raw)] ^= change
    with pytest.raises(wire.WireError):
        open_up(bytes(raw))


@given(st.sampled_from(sorted(GOOD)), st.integers(0, 4_000))
def test_a_cut_envelope_is_refused(name, length):
    raw = GOOD[name]
    with pytest.raises(wire.WireError):
        open_up(raw[: length % len(raw)])


def to_entry(entry):
    names = ("authorisation_id", "starts_at", "ends_at", "kind", "flags", "place")
    return wire.Entry(bytes.fromhex(entry["badge"]), *(entry[name] for name in names))


def to_fields(up):
    """The parsed fields in the vectors' own words."""
    if up.hello:
        yield {"field": "HELLO", **up.hello._asdict()}
    if up.state:
        yield {"field": "STATE", **up.state._asdict()}
    for field in up.records:
        yield {"field": "RECORDS", **field._asdict(), "slots": [slot.hex() for slot in field.slots]}
    for ask in up.asks:
        yield {"field": "ASK", "ask_id": ask.ask_id, "badge": ask.badge.hex()}
    for result in up.results:
        yield {"field": "COMMAND_RESULT", **result._asdict()}
    if up.faults is not None:
        yield {"field": "FAULTS", "faults": list(up.faults)}
    if up.held is not None:
        yield {"field": "HELD", "authorisations_version": up.held}
    if up.counters is not None:
        yield {"field": "COUNTERS", "counters": [list(pair) for pair in up.counters]}
    if up.page_wanted is not None:
        yield {"field": "NEXT_PAGE", **up.page_wanted._asdict()}


def pack_down(field):
    kind = field["field"]
    if kind == "ACK":
        return wire.pack_ack(field["ring"], field["epoch"], field["sequence"])
    if kind == "TIME":
        return wire.pack_time(field["now_s"])
    if kind == "STORE":
        return wire.pack_store(field["store_epoch"])
    if kind == "DELTA":
        operations = [(operation["op"], to_entry(operation)) for operation in field["operations"]]
        return wire.pack_delta(field["base_version"], field["version"], operations)
    if kind == "PAGE":
        entries = [wire.pack_entry(to_entry(entry)) for entry in field["entries"]]
        return wire.pack_page(field["version"], field["page"], field["pages"], entries)
    if kind == "SET_MAC":
        value = field["version"].to_bytes(4, "little") + field["count"].to_bytes(4, "little")
        return wire.pack_field(0x86, value + bytes.fromhex(field["mac"]))
    if kind == "COMMAND":
        names = ("command_id", "kind", "expires_at", "role", "argument", "reason")
        return wire.pack_command(*(field[name] for name in names))
    if kind == "SETTINGS":
        return wire.pack_settings(field["version"], bytes.fromhex(VECTORS["settings"]["bytes"]))
    if kind == "VERDICT":
        return wire.pack_verdict(field["ask_id"], field["verdict"])
    if kind == "PACE":
        return wire.pack_pace(field["heartbeat_s"], field["mode"], field["more"])
    if kind == "REFUSED":
        return wire.pack_field(0x8B, bytes((field["code"],)) + field["retry_after_s"].to_bytes(2, "little"))
    return wire.pack_field(field["tag"], bytes.fromhex(field["value"]))
