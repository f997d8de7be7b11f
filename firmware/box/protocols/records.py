"""The journal's records: a slot of 64 bytes, the same on flash and on the wire.

    0  1  kind
    1  1  trust in the low nibble, layout 1 in the high one
    2  2  boot      low 16 bits of the boot count
    4  4  sequence  from 1, without gaps, per (box_id, epoch, ring)
    8  4  at_s      0 with trust none
   12 36  payload   zero-padded
   48 16  mac       over the mac of the record before, box_id, ring, epoch and bytes 0..48

Pure: bytes in, values out; raises only RecordError. Source: WIRE.md, Records.
"""

import struct

from micropython import const

from . import codes
from .crypto import is_equal

SLOT_SIZE = const(64)
MAC_OFFSET = const(48)
MAC_SIZE = const(16)
PAYLOAD_SIZE = const(36)
FIRST_MAC = bytes(16)  # what sequence 1 chains over
_PAYLOAD_OFFSET = const(12)
_HEAD = "<BBHII"
_LAYOUT_1 = const(0x10)
_FIRST_TELEMETRY_KIND = const(32)
_LAST_KIND = const(63)


# CPython has struct.error, which is no ValueError; MicroPython raises ValueError.
_StructError = getattr(struct, "error", ValueError)


class RecordError(ValueError):
    """A record that cannot be: kind, trust or payload out of range, or a slot of another size."""


# kind -> struct layout of the payload's fixed part; the order of the values is WIRE.md's.
LAYOUTS = {
    codes.RECORD_BOOT: "<BHI",  # reset_cause battery_mv boot_count, then the version's text
    codes.RECORD_SESSION_START: "<I8sBBHIBH",
    codes.RECORD_SESSION_END: "<IIBBHIBBIIBBii",
    codes.RECORD_STOPOVER: "<IH",
    codes.RECORD_RESUMED: "<IB",
    codes.RECORD_ENDING: "<IIB",
    codes.RECORD_END_TAKEN_BACK: "<I",
    codes.RECORD_REFUSED: "<8sBB",
    codes.RECORD_RELAY: "<BBBBHBBIHI",
    codes.RECORD_FAULT_SET: "<BI",
    codes.RECORD_FAULT_CLEARED: "<B",
    codes.RECORD_COMMAND: "<IBBB",
    codes.RECORD_MODE: "<BB",
    codes.RECORD_ALARM: "<B",
    codes.RECORD_BADGE_IGNORED: "<8sB",
    codes.RECORD_DRIVING: "<I",
    codes.RECORD_OPENED: "<I",
    codes.RECORD_SERVICE: "<8sH",
    codes.RECORD_BAG: "<I",
    codes.RECORD_CRASH: "<BB",  # cause times, then the text
    codes.RECORD_HEALTH: "<HBBIII",
    codes.RECORD_CODES: "<BB",  # mil count, then 2 bytes a code
    codes.RECORD_COUNTERS: "<",  # pairs "<BI"
    codes.RECORD_DROPPED: "<II",
}


def ring_of(kind):
    """Return the ring a kind of record belongs to; raises RecordError for a kind not known."""
    if kind not in LAYOUTS:
        raise RecordError("kind")
    return codes.RING_VITAL if kind < _FIRST_TELEMETRY_KIND else codes.RING_TELEMETRY


def pack(kind, *values, tail=b""):
    """Return the payload of a record: the fixed part of `values`, then `tail` (a text, codes, pairs).

    Raises RecordError for values that do not fit.
    """
    layout = LAYOUTS.get(kind)
    if layout is None:
        raise RecordError("kind")
    try:
        payload = struct.pack(layout, *values) + tail
    except (ValueError, TypeError, OverflowError, _StructError):
        raise RecordError("payload")
    if len(payload) > PAYLOAD_SIZE:
        raise RecordError("payload size")
    return payload


def unpack(kind, payload):
    """Return the values of the fixed part of a payload of 36 bytes; raises RecordError."""
    layout = LAYOUTS.get(kind)
    if layout is None:
        raise RecordError("kind")
    if len(payload) != PAYLOAD_SIZE:
        raise RecordError("payload size")
    return struct.unpack_from(layout, payload, 0)


class Chain:
    """Seals and verifies the slots of one (box, ring, epoch) with the `Hmac` of the journal key."""

    def __init__(self, journal_hmac, box_id, ring, epoch):
        self._hmac = journal_hmac
        self._scope = bytes(box_id) + struct.pack("<BI", ring, epoch)

    def seal(self, previous_mac, kind, trust, boot, sequence, at_s, payload):
        """Return the slot that follows the record with `previous_mac`; raises RecordError."""
        if not 0 < kind <= _LAST_KIND or not 0 <= trust <= codes.TRUST_CLOUD:
            raise RecordError("kind or trust")
        if len(payload) > PAYLOAD_SIZE or not 0 < sequence <= 0xFFFFFFFF or not 0 <= at_s <= 0xFFFFFFFF:
            raise RecordError("payload, sequence or time")
        slot = bytearray(SLOT_SIZE)
        struct.pack_into(_HEAD, slot, 0, kind, _LAYOUT_1 | trust, boot & 0xFFFF, sequence, at_s)
        slot[_PAYLOAD_OFFSET : _PAYLOAD_OFFSET + len(payload)] = payload
        slot[MAC_OFFSET:] = self.compute_mac(previous_mac, slot)
        return slot

    def verify(self, previous_mac, slot):
        """Tell whether `slot` is what was sealed after the record with `previous_mac`."""
        return is_equal(self.compute_mac(previous_mac, slot), memoryview(slot)[MAC_OFFSET:SLOT_SIZE])

    def compute_mac(self, previous_mac, slot):
        """Return the mac that bytes 0..48 of `slot` have after the record with `previous_mac`."""
        return self._hmac.digest(previous_mac, self._scope, memoryview(slot)[:MAC_OFFSET])[:MAC_SIZE]


def unpack_slot(slot):
    """Return `(kind, trust, boot, sequence, at_s, payload, mac)`; raises RecordError for no record."""
    if len(slot) != SLOT_SIZE:
        raise RecordError("slot size")
    kind, trust, boot, sequence, at_s = struct.unpack_from(_HEAD, slot, 0)
    if (
        not 0 < kind <= _LAST_KIND
        or trust & 0xF0 != _LAYOUT_1
        or trust & 0x0F > codes.TRUST_CLOUD
        or not sequence
    ):
        raise RecordError("no record")
    view = memoryview(slot)
    return (
        kind,
        trust & 0x0F,
        boot,
        sequence,
        at_s,
        bytes(view[_PAYLOAD_OFFSET:MAC_OFFSET]),
        bytes(view[MAC_OFFSET:SLOT_SIZE]),
    )


def get_sequence(slot):
    """Return the sequence a slot claims, or None if it is no record."""
    kind, trust, _, sequence, _ = struct.unpack_from(_HEAD, slot, 0)
    if (
        0 < kind <= _LAST_KIND
        and trust & 0xF0 == _LAYOUT_1
        and trust & 0x0F <= codes.TRUST_CLOUD
        and sequence
    ):
        return sequence
    return None
