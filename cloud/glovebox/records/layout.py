"""The payloads of journal records by kind, as tests/vectors/WIRE.md has them: 36 bytes in, named values
out."""

import struct
from typing import Any, Final, NamedTuple

from glovebox.link import codes

_HEAD: Final = struct.Struct("<BBHII")
LAYOUT: Final = 1


class Record(NamedTuple):
    """One record as it lay in flash. `at_s` in seconds since 2000, 0 where the box did not know the time."""

    kind: int
    trust: int
    layout: int
    boot: int
    sequence: int
    at_s: int
    payload: bytes
    mac: bytes


def read_record(slot: bytes) -> Record:
    """Splits a slot of 64 bytes; says nothing about whether it is genuine."""
    kind, trust, boot, sequence, at_s = _HEAD.unpack_from(slot)
    return Record(kind, trust & 15, trust >> 4, boot, sequence, at_s, slot[12:48], slot[48:64])


_PAYLOADS: Final[dict[int, tuple[struct.Struct, tuple[str, ...]]]] = {
    number: (struct.Struct("<" + form), tuple(names.split()))
    for number, form, names in (
        (1, "BHI", "reset_cause battery_mv boot_count"),
        (2, "I8sBBHIBH", "authorisation_id badge auth_kind via place odometer_hm fuel_percent battery_mv"),
        (
            3,
            "IIBBHIBBIIBBii",
            "session authorisation_id reason flags place distance_m distance_source fuel_source fuel_ml "
            "odometer_hm fuel_percent zero lat_e7 lon_e7",
        ),
        (4, "IH", "session place"),
        (5, "IB", "session from_state"),
        (6, "IIB", "session deadline_s flags"),
        (7, "I", "session"),
        (8, "8sBB", "badge refusal state"),
        (
            9,
            "BBBBHBBIHI",
            "wanted outcome contact motion motion_age_ms source kl15 kl15_off_ms battery_mv session",
        ),
        (10, "BI", "fault detail"),
        (11, "B", "fault"),
        (12, "IBBB", "command_id kind result reason"),
        (13, "BB", "mode on"),
        (14, "B", "cause"),
        (15, "8sB", "badge state"),
        (16, "I", "session"),
        (17, "I", "session"),
        (18, "8sH", "badge place"),
        (19, "I", "session"),
        (20, "BB", "cause times"),
        (32, "HBBIII", "battery_mv fuel_percent zero odometer_hm free_heap uptime_s"),
        (63, "II", "first last"),
    )
}


def read_payload(kind: int, payload: bytes) -> dict[str, Any]:
    """The named values of a payload; empty for a kind this cloud does not know."""
    if kind in _PAYLOADS:
        form, names = _PAYLOADS[kind]
        values: dict[str, Any] = dict(zip(names, form.unpack_from(payload), strict=True))
        if kind == codes.RECORD["boot"]:
            values["firmware"] = payload[form.size :].rstrip(b"\0").decode(errors="replace")
        if kind == codes.RECORD["crash"]:
            values["text"] = payload[form.size :].rstrip(b"\0").decode(errors="replace")
        return values
    if kind == codes.RECORD["codes"]:
        count = min(payload[1], 16)
        return {"mil": payload[0], "dtcs": [dtc_text(payload[2 + 2 * i : 4 + 2 * i]) for i in range(count)]}
    if kind == codes.RECORD["counters"]:
        pairs = struct.iter_unpack("<BI", payload[:35])
        return {"counters": [(code, value) for code, value in pairs if code]}
    return {}


def dtc_text(code: bytes) -> str:
    """A diagnostic trouble code as mechanics write it: two bytes as on the bus to `P0301` (SAE J2012's
    letters)."""
    return "PCBU"[code[0] >> 6] + f"{code[0] >> 4 & 3:X}{code[0] & 15:X}{code[1]:02X}"
