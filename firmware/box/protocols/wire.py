"""Envelopes between box and cloud, `/box/v1`: the box's end encodes up and decodes down.

    0  1  direction   0x55 up, 0x44 down
    1  1  version     1
    2  8  box_id
   10  1  key_id
   11  4  counter
   15  2  part
   17  8  nonce
   25  2  length      of the body
   27  n  body        fields: tag u8, length u16, value
 27+n 16  mac

A down envelope is validated whole; only then is it a list of values to act on. Nothing but WireError (one of
its five kinds) comes out of `decode_down`, whatever came in. Pure: no clock, no I/O. Source: WIRE.md.
"""

import struct

from micropython import const

from . import codes
from .authorisation import ENTRY_SIZE, is_ascending
from .crypto import is_equal

MAX_ENVELOPE = const(8192)
NONCE_SIZE = const(8)
_UP = const(0x55)
_DOWN = const(0x44)
_VERSION = const(1)
_HEADER = "<BB8sBIH8sH"
_HEADER_SIZE = const(27)
_MAC_SIZE = const(16)
MAX_BODY = const(8149)  # MAX_ENVELOPE less header and MAC
REMEMBERED_REQUESTS = const(4)  # WIRE.md: answers come to one of the last four

# Fields up
HELLO = const(0x01)
STATE = const(0x02)
RECORDS = const(0x03)
ASK = const(0x04)
COMMAND_RESULT = const(0x05)
FAULTS = const(0x06)
HELD = const(0x07)
COUNTERS = const(0x08)
NEXT_PAGE = const(0x09)

# Fields down; the tuples that `decode_down` returns begin with these
ACK = const(0x81)  # ring, epoch, sequence
TIME = const(0x82)  # now_s
STORE = const(0x83)  # store_epoch
DELTA = const(0x84)  # base_version, version, operations: bytes, each op u8 + entry
PAGE = const(0x85)  # version, page, pages, entries: bytes
SET_MAC = const(0x86)  # version, count, mac
COMMAND = const(0x87)  # command_id, kind, expires_at, role, argument, reason: str
SETTINGS = const(0x88)  # dict of names as the settings of the box
VERDICT = const(0x89)  # ask_id, verdict
PACE = const(0x8A)  # heartbeat_s, mode, more
REFUSED = const(0x8B)  # code, retry_after_s

PUT = const(1)
REMOVE = const(2)
OPERATION_SIZE = const(25)
MAX_PLACES = const(24)
_KNOWN_DOWN = (ACK, TIME, STORE, DELTA, PAGE, SET_MAC, COMMAND, SETTINGS, VERDICT, PACE, REFUSED)
_MAY_REPEAT = (ACK, PAGE, COMMAND, VERDICT)  # ACK once a ring


class WireError(ValueError):
    """An envelope that is not taken."""


class DamagedError(WireError):
    """Wrong size, direction, version, length or field."""


class OversizedError(WireError):
    """More than MAX_ENVELOPE bytes."""


class UnauthenticError(WireError):
    """The MAC is not of this box, this key and these bytes."""


class ReplayedError(WireError):
    """A part that was had already, or one before it."""


class UnaskedError(WireError):
    """An answer to a request that is not remembered."""


class Requests:
    """The last few envelopes sent, to which answers are still taken."""

    def __init__(self):
        self._rows = []  # [counter, nonce, last part had or -1]

    def remember(self, counter, nonce):
        """Keep a request; the oldest of more than REMEMBERED_REQUESTS is forgotten."""
        self._rows.append([counter, bytes(nonce), -1])
        if len(self._rows) > REMEMBERED_REQUESTS:
            self._rows.pop(0)

    def forget(self):
        """Forget all: the link they went over is gone."""
        self._rows = []

    def find(self, counter):
        """Return the row `[counter, nonce, last part]`, or None."""
        for row in self._rows:
            if row[0] == counter:
                return row
        return None


def encode_up(wire_hmac, box_id, key_id, counter, nonce, body):
    """Return the envelope around `body`; raises WireError if the body is longer than MAX_BODY."""
    if len(body) > MAX_BODY:
        raise OversizedError("body")
    size = _HEADER_SIZE + len(body)
    envelope = bytearray(size + _MAC_SIZE)
    struct.pack_into(_HEADER, envelope, 0, _UP, _VERSION, box_id, key_id, counter, 0, nonce, len(body))
    envelope[_HEADER_SIZE:size] = body
    envelope[size:] = wire_hmac.digest(memoryview(envelope)[:size])[:_MAC_SIZE]
    return envelope


def encode_field(tag, *values):
    """Return a field of an up body; `values` are the bytes of its value in parts."""
    size = 0
    for value in values:
        size += len(value)
    if size > MAX_BODY:
        raise OversizedError("field")
    field = bytearray(struct.pack("<BH", tag, size))
    for value in values:
        field.extend(value)
    return field


def encode_hello(reset_cause, boot_count, store_epoch, settings_version, authorisations_version, firmware):
    """Return field HELLO; `firmware` is the version's text."""
    fixed = struct.pack(
        "<BBIIII",
        _VERSION,
        reset_cause,
        boot_count,
        store_epoch,
        settings_version,
        authorisations_version,
    )
    return encode_field(HELLO, fixed, firmware.encode())


def encode_records(ring, epoch, first_sequence, slots):
    """Return field RECORDS; `slots` is a list of slots of 64 bytes in sequence."""
    return encode_field(RECORDS, struct.pack("<BII", ring, epoch, first_sequence), *slots)


def encode_ask(ask_id, badge):
    """Return field ASK for the badge hash of 8 bytes."""
    return encode_field(ASK, bytes((ask_id,)), badge)


def encode_command_result(command_id, result, reason):
    """Return field COMMAND_RESULT."""
    return encode_field(COMMAND_RESULT, struct.pack("<IBB", command_id, result, reason))


def encode_held(version):
    """Return field HELD: the version of the authorisations that are durable in the box."""
    return encode_field(HELD, struct.pack("<I", version))


def encode_counters(pairs):
    """Return field COUNTERS of `(code, value)` pairs."""
    return encode_field(COUNTERS, *[struct.pack("<BI", code, value & 0xFFFFFFFF) for code, value in pairs])


def encode_next_page(version, page):
    """Return field NEXT_PAGE."""
    return encode_field(NEXT_PAGE, struct.pack("<IH", version, page))


def decode_down(envelope, wire_hmac, box_id, key_id, requests):
    """Return the fields of a down envelope as a list of tuples `(tag, value, ...)` in their order.

    `requests` is the Requests of this link; the part is marked as had only when all is valid. Raises a kind
    of WireError, in the order of WIRE.md's checks, and then has changed nothing.
    """
    size = len(envelope)
    if size > MAX_ENVELOPE:
        raise OversizedError("size")
    if size < _HEADER_SIZE + _MAC_SIZE:
        raise DamagedError("size")
    direction, version, to_box, to_key, counter, part, _, length = struct.unpack_from(_HEADER, envelope, 0)
    if direction != _DOWN or version != _VERSION or length != size - _HEADER_SIZE - _MAC_SIZE:
        raise DamagedError("header")
    if to_box != box_id or to_key != key_id:
        raise UnauthenticError("box or generation")
    request = requests.find(counter)
    if request is None:
        raise UnaskedError("counter")
    view = memoryview(envelope)
    end = size - _MAC_SIZE
    if not is_equal(wire_hmac.digest(view[:end], request[1])[:_MAC_SIZE], view[end:]):
        raise UnauthenticError("mac")
    if part <= request[2]:
        raise ReplayedError("part")
    fields = _decode_body(view[_HEADER_SIZE:end])
    request[2] = part
    return fields


def get_counter(envelope):
    """Return the counter of an envelope that was decoded."""
    return struct.unpack_from("<I", envelope, 11)[0]


def _decode_body(body):
    fields = []
    seen = []
    at = 0
    while at < len(body):
        if at + 3 > len(body):
            raise DamagedError("field header")
        tag, length = struct.unpack_from("<BH", body, at)
        at += 3
        value = body[at : at + length]
        if len(value) != length:
            raise DamagedError("field length")
        at += length
        if tag in _KNOWN_DOWN:
            mark = (tag, value[0] if length else 0) if tag == ACK else tag
            if mark in seen and (tag == ACK or tag not in _MAY_REPEAT):
                raise DamagedError("field twice")
            seen.append(mark)
            fields.append(_decode_field(tag, value))
        elif HELLO <= tag <= NEXT_PAGE:
            raise DamagedError("field of the other direction")
    return fields


_FIXED = {
    ACK: "<BII",
    TIME: "<I",
    STORE: "<I",
    SET_MAC: "<II16s",
    VERDICT: "<BB",
    PACE: "<HBB",
    REFUSED: "<BH",
}


def _decode_field(tag, value):
    layout = _FIXED.get(tag)
    if layout is not None:
        if len(value) != struct.calcsize(layout):
            raise DamagedError("field size")
        values = struct.unpack_from(layout, value, 0)
        if tag == ACK and not codes.RING_VITAL <= values[0] <= codes.RING_TELEMETRY:
            raise DamagedError("ring")
        if tag == STORE and not values[0]:
            raise DamagedError("store epoch")
        return (tag,) + values
    if tag == DELTA:
        return _decode_delta(value)
    if tag == PAGE:
        return _decode_page(value)
    if tag == COMMAND:
        return _decode_command(value)
    return (SETTINGS, decode_settings(value))


def _decode_delta(value):
    operations = bytes(value[8:])
    if len(value) < 8 or len(operations) % OPERATION_SIZE:
        raise DamagedError("delta size")
    base_version, version = struct.unpack_from("<II", value, 0)
    if version <= base_version:
        raise DamagedError("delta goes back")
    for at in range(0, len(operations), OPERATION_SIZE):
        if operations[at] not in (PUT, REMOVE):
            raise DamagedError("operation")
    return (DELTA, base_version, version, operations)


def _decode_page(value):
    if len(value) < 8 or (len(value) - 8) % ENTRY_SIZE:
        raise DamagedError("page size")
    version, page, pages = struct.unpack_from("<IHH", value, 0)
    entries = bytes(value[8:])
    if page >= pages or not is_ascending(entries):
        raise DamagedError("page")
    return (PAGE, version, page, pages, entries)


def _decode_text(value):
    try:
        return str(bytes(value), "utf-8")
    except UnicodeError:
        raise DamagedError("text")


def _decode_command(value):
    if len(value) < 14:
        raise DamagedError("command size")
    return (COMMAND,) + struct.unpack_from("<IBIBI", value, 0) + (_decode_text(value[14:]),)


_SETTING_U32 = {
    2: "early_s",
    3: "walkup_gap_s",
    4: "no_show_s",
    5: "forgotten_s",
    6: "standing_offline_s",
    7: "ending_s",
}
_SETTING_VEHICLE = const(0x01)
_SETTING_PLACE = const(0x10)
_SETTING_WIFI = const(0x11)


def decode_settings(value):
    """Return field SETTINGS as a dict: `version` and the settings it names; unknown ones are skipped.

    `places` is a list of `(place, lat_e7, lon_e7, radius_m)`, `wifi` of `(place, bssid)`. Raises WireError.
    """
    if len(value) < 4:
        raise DamagedError("settings size")
    places = []
    wifi = []
    settings = {"version": struct.unpack_from("<I", value, 0)[0], "places": places, "wifi": wifi}
    at = 4
    while at < len(value):
        tag = value[at]
        size = value[at + 1] if at + 1 < len(value) else 256
        at += 2
        if at + size > len(value):
            raise DamagedError("setting cut")
        if tag in _SETTING_U32:
            (settings[_SETTING_U32[tag]],) = _unpack_setting("<I", value, at, size)
        elif tag == _SETTING_VEHICLE:
            vehicle = _unpack_setting("<BBI", value, at, size)
            settings["interlock_kind"], settings["key_holder_fitted"], settings["tank_ml"] = vehicle
        elif tag == _SETTING_PLACE:
            places.append(_unpack_setting("<HiiH", value, at, size))
        elif tag == _SETTING_WIFI:
            wifi.append(_unpack_setting("<H6s", value, at, size))
        at += size
    if len(places) > MAX_PLACES or len(wifi) > MAX_PLACES:
        raise DamagedError("too many places")
    return settings


def _unpack_setting(layout, value, at, size):
    if size != struct.calcsize(layout):
        raise DamagedError("setting size")
    return struct.unpack_from(layout, value, at)
