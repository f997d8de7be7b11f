"""Envelopes and fields of `/box/v1`, byte by byte as tests/vectors/WIRE.md has them. Pure: bytes in, values
out.

```
 0  1  direction 0x55 up, 0x44 down     11  4  counter     17  8  nonce    27    n  body: TLV tag u8, length
 u16, value 1  1  version 1                        15  2  part        25  2  length   27+n 16  mac
 2  8  box_id   10 1 key_id
```
Nothing here raises anything but WireError, whatever the input.
"""

import hmac
import struct
from typing import Final, NamedTuple

ENVELOPE_LIMIT: Final = 8_192
VERSION: Final = 1
UP: Final = 0x55
DOWN: Final = 0x44
MAC_BYTES: Final = 16
SLOT_BYTES: Final = 64
PAGE_ENTRIES: Final = 170
# As the wire says: a box keeps so many changes beside its set.
DELTA_OPERATIONS: Final = 128
UNKNOWN_U32: Final = 0xFFFF_FFFF
UNKNOWN_POSITION: Final = 0x7FFF_FFFF

_HEAD: Final = struct.Struct("<BB8sBIH8sH")
_TLV: Final = struct.Struct("<BH")
_HELLO: Final = struct.Struct("<BBIIII")
_STATE: Final = struct.Struct("<BBBBHBBIIHI")
_RECORDS: Final = struct.Struct("<BII")
_ASK: Final = struct.Struct("<B8s")
_RESULT: Final = struct.Struct("<IBB")
_U32: Final = struct.Struct("<I")
_PAGE_WANTED: Final = struct.Struct("<IH")
_COUNTER: Final = struct.Struct("<BI")
ENTRY: Final = struct.Struct("<8sIIIBBH")

# HTTP statuses; a WebSocket closes with 4000 + status.
DAMAGED: Final = 400
UNAUTHENTIC: Final = 401
REPLAYED: Final = 409
OVERSIZED: Final = 413
REASONS: Final = {
    DAMAGED: "damaged",
    UNAUTHENTIC: "unauthentic",
    REPLAYED: "replayed",
    OVERSIZED: "oversized",
}


class WireError(ValueError):
    """An envelope that is not one, or not for us. `status` is the HTTP status that says why."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status

    @property
    def reason(self) -> str:
        """damaged, unauthentic, replayed or oversized."""
        return REASONS[self.status]


class Envelope(NamedTuple):
    """An up envelope whose shape is right; the MAC is checked apart (`verify`), the body too
    (`parse_body`)."""

    box_id: bytes
    key_id: int
    counter: int
    nonce: bytes
    body: bytes


class Hello(NamedTuple):
    """Field 01."""

    protocol: int
    reset_cause: int
    boot_count: int
    store_epoch: int
    settings_version: int
    authorisations_version: int
    firmware: str


class State(NamedTuple):
    """Field 02. `known` says which bits of `inputs` mean anything."""

    state: int
    modes: int
    inputs: int
    known: int
    battery_mv: int
    fuel_percent: int
    trust: int
    odometer_hm: int
    authorisation_id: int
    place: int
    at_s: int


class Records(NamedTuple):
    """Field 03: slot i is the record `first_sequence + i`."""

    ring: int
    epoch: int
    first_sequence: int
    slots: list[bytes]


class Ask(NamedTuple):
    """Field 04."""

    ask_id: int
    badge: bytes


class CommandResult(NamedTuple):
    """Field 05."""

    command_id: int
    result: int
    reason: int


class PageWanted(NamedTuple):
    """Field 09."""

    version: int
    page: int


class Up:
    """The fields of one up envelope; None or empty where absent."""

    __slots__ = (
        "asks",
        "counters",
        "faults",
        "held",
        "hello",
        "page_wanted",
        "records",
        "results",
        "state",
        "state_bytes",
    )

    def __init__(self) -> None:
        self.hello: Hello | None = None
        self.state: State | None = None
        self.state_bytes: bytes | None = None
        self.records: list[Records] = []
        self.asks: list[Ask] = []
        self.results: list[CommandResult] = []
        self.faults: bytes | None = None
        self.held: int | None = None
        self.counters: list[tuple[int, int]] | None = None
        self.page_wanted: PageWanted | None = None


class Entry(NamedTuple):
    """An authorisation as a box keeps it; times in seconds since 2000."""

    badge: bytes
    authorisation_id: int
    starts_s: int
    ends_s: int
    kind: int
    flags: int
    place: int


def parse_envelope(raw: bytes) -> Envelope:
    """Checks size, then the header's shape. Raises WireError (413, 400)."""
    if len(raw) > ENVELOPE_LIMIT:
        raise WireError(OVERSIZED, "more than 8,192 bytes")
    if len(raw) < _HEAD.size + MAC_BYTES:
        raise WireError(DAMAGED, "shorter than an empty envelope")
    direction, version, box_id, key_id, counter, part, nonce, length = _HEAD.unpack_from(raw)
    if direction != UP or version != VERSION or part != 0:
        raise WireError(DAMAGED, "direction, version or part")
    if len(raw) != _HEAD.size + length + MAC_BYTES:
        raise WireError(DAMAGED, "length")
    return Envelope(box_id, key_id, counter, nonce, raw[_HEAD.size : -MAC_BYTES])


def verify(raw: bytes, wire_key: bytes) -> None:
    """Checks the MAC of an up envelope. Raises WireError (401)."""
    if not hmac.compare_digest(
        hmac.digest(wire_key, raw[:-MAC_BYTES], "sha256")[:MAC_BYTES], raw[-MAC_BYTES:]
    ):
        raise WireError(UNAUTHENTIC, "MAC")


def parse_body(body: bytes) -> Up:
    """All fields, or WireError (400) and nothing. Unknown tags are skipped."""
    up = Up()
    seen: set[tuple[int, int]] = set()
    at = 0
    while at < len(body):
        if at + _TLV.size > len(body):
            raise WireError(DAMAGED, "a field's header is cut off")
        tag, length = _TLV.unpack_from(body, at)
        at += _TLV.size
        value = body[at : at + length]
        if len(value) != length:
            raise WireError(DAMAGED, "a field is longer than the body")
        at += length
        if tag & 0x80:
            raise WireError(DAMAGED, "a field of the other direction")
        reader = _READERS.get(tag)
        if reader is None:
            continue
        if tag not in _REPEATED:
            once = (tag, value[0] if tag == 0x03 and value else 0)
            if once in seen:
                raise WireError(DAMAGED, "a field comes twice")
            seen.add(once)
        try:
            reader(up, value)
        except (struct.error, UnicodeDecodeError) as error:
            raise WireError(DAMAGED, f"field {tag:02x}: {error}") from error
    return up


def _read_hello(up: Up, value: bytes) -> None:
    head = _HELLO.unpack_from(value)
    up.hello = Hello._make((*head, value[_HELLO.size :].decode()))


def _read_state(up: Up, value: bytes) -> None:
    up.state, up.state_bytes = State(*_STATE.unpack(value)), value


def _read_records(up: Up, value: bytes) -> None:
    ring, epoch, first = _RECORDS.unpack_from(value)
    count, rest = divmod(len(value) - _RECORDS.size, SLOT_BYTES)
    if rest or ring not in (1, 2) or first == 0 or first + max(count - 1, 0) > UNKNOWN_U32:
        raise WireError(DAMAGED, "records")
    starts = range(_RECORDS.size, len(value), SLOT_BYTES)
    up.records.append(Records(ring, epoch, first, [value[start : start + SLOT_BYTES] for start in starts]))


def _read_ask(up: Up, value: bytes) -> None:
    up.asks.append(Ask(*_ASK.unpack(value)))


def _read_result(up: Up, value: bytes) -> None:
    up.results.append(CommandResult(*_RESULT.unpack(value)))


def _read_faults(up: Up, value: bytes) -> None:
    up.faults = value


def _read_held(up: Up, value: bytes) -> None:
    (up.held,) = _U32.unpack(value)


def _read_counters(up: Up, value: bytes) -> None:
    up.counters = list(_COUNTER.iter_unpack(value))


def _read_page_wanted(up: Up, value: bytes) -> None:
    up.page_wanted = PageWanted(*_PAGE_WANTED.unpack(value))


_READERS: Final = {
    0x01: _read_hello,
    0x02: _read_state,
    0x03: _read_records,
    0x04: _read_ask,
    0x05: _read_result,
    0x06: _read_faults,
    0x07: _read_held,
    0x08: _read_counters,
    0x09: _read_page_wanted,
}
_REPEATED: Final = frozenset((0x04, 0x05))


def parse_state(value: bytes) -> State:
    """The 22 bytes of a stored STATE again. Raises WireError."""
    if len(value) != _STATE.size:
        raise WireError(DAMAGED, "state")
    return State(*_STATE.unpack(value))


def pack_envelope(
    box_id: bytes,
    key_id: int,
    counter: int,
    part: int,
    nonce: bytes,
    body: bytes,
    wire_key: bytes,
    request_nonce: bytes,
) -> bytes:
    """A down envelope; its MAC also covers the nonce of the request it answers. ValueError where the body
    is too long: a bug."""
    if len(body) > ENVELOPE_LIMIT - _HEAD.size - MAC_BYTES:
        raise ValueError(f"a body of {len(body)} bytes does not fit an envelope")
    head = _HEAD.pack(DOWN, VERSION, box_id, key_id, counter, part, nonce, len(body)) + body
    return head + hmac.digest(wire_key, head + request_nonce, "sha256")[:MAC_BYTES]


def pack_field(tag: int, value: bytes) -> bytes:
    """One TLV field."""
    return _TLV.pack(tag, len(value)) + value


def pack_ack(ring: int, epoch: int, sequence: int) -> bytes:
    """81: everything of that ring up to `sequence` is stored."""
    return pack_field(0x81, _RECORDS.pack(ring, epoch, sequence))


def pack_time(now_s: int) -> bytes:
    """82: seconds since 2000."""
    return pack_field(0x82, _U32.pack(now_s))


def pack_store(store_epoch: int) -> bytes:
    """83."""
    return pack_field(0x83, _U32.pack(store_epoch))


def pack_refused(code: int, retry_after_s: int) -> bytes:
    """8B: the box ends the link and comes back after that time, at the earliest in a minute."""
    return pack_field(0x8B, struct.pack("<BH", code, retry_after_s))


def pack_entry(entry: Entry) -> bytes:
    """24 bytes; entries are sorted by the first 12 of them."""
    return ENTRY.pack(*entry)


def pack_delta(base_version: int, version: int, operations: list[tuple[int, Entry]]) -> bytes:
    """84: (1 put or 2 remove, entry) on top of what the box holds as `base_version`."""
    body = b"".join(bytes((op,)) + pack_entry(entry) for op, entry in operations)
    return pack_field(0x84, struct.pack("<II", base_version, version) + body)


def pack_page(version: int, page: int, pages: int, entries: list[bytes]) -> bytes:
    """85: one page of the full set, packed entries in order."""
    return pack_field(0x85, struct.pack("<IHH", version, page, pages) + b"".join(entries))


def pack_set_mac(version: int, entries: list[bytes], authorisations_key: bytes) -> bytes:
    """86: the MAC over the whole set, after which the box switches to it."""
    head = struct.pack("<II", version, len(entries))
    mac = hmac.digest(authorisations_key, head + b"".join(entries), "sha256")[:MAC_BYTES]
    return pack_field(0x86, head + mac)


def pack_command(command_id: int, kind: int, expires_s: int, role: int, argument: int, reason: str) -> bytes:
    """87: the reason is cut to 120 bytes of UTF-8 (it goes into a light journal, not into a file)."""
    text = reason.encode()[:120].decode(errors="ignore").encode()
    return pack_field(0x87, struct.pack("<IBIBI", command_id, kind, expires_s, role, argument) + text)


def pack_settings(version: int, settings: bytes) -> bytes:
    """88: `settings` as `pack_setting` makes them, joined."""
    return pack_field(0x88, _U32.pack(version) + settings)


def pack_setting(tag: int, value: bytes) -> bytes:
    """One setting: tag u8, length u8, value."""
    return bytes((tag, len(value))) + value


def pack_verdict(ask_id: int, verdict: int) -> bytes:
    """89: 0 look again, else a refusal code."""
    return pack_field(0x89, bytes((ask_id, verdict)))


def pack_pace(heartbeat_s: int, mode: int, more: bool) -> bytes:
    """8A: mode 0 ready, 1 dozing."""
    return pack_field(0x8A, struct.pack("<HBB", heartbeat_s, mode, more))


def record_mac(
    journal_key: bytes, previous_mac: bytes, box_id: bytes, ring: int, epoch: int, slot: bytes
) -> bytes:
    """The MAC a record's last 16 bytes should be, chained over the record before (zeros before sequence
    1)."""
    data = previous_mac + box_id + struct.pack("<BI", ring, epoch) + slot[:48]
    return hmac.digest(journal_key, data, "sha256")[:MAC_BYTES]


def answer_time_request(request: bytes, now_s: int, time_key: bytes) -> bytes:
    """The answer to `box_id 8, key_id u8, nonce 8`: now_s u32 and its MAC under the box's time key."""
    data = b"time" + request[:8] + request[9:17] + _U32.pack(now_s)
    return _U32.pack(now_s) + hmac.digest(time_key, data, "sha256")[:MAC_BYTES]
