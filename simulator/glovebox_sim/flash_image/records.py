"""What a record of the journal says, from the tables of WIRE.md ("Records")."""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass
from typing import Any

SLOT_SIZE = 64
MAC_OFFSET = 48
FIRST_MAC = bytes(16)
_LAYOUT = 1
_TRUSTS = ("none", "kept", "gnss", "cloud")
_LAST_KIND = 63

STATES = ("parked", "asking", "open", "driving", "stopover", "ending")
FAULTS = (
    "", "reader_stuck", "can_missing", "can_silent", "gnss_silent", "accelerometer_missing",
    "clock_chip_missing", "relay_contact_disagrees", "parked_not_inhibited", "ring_filling", "ring_full",
    "battery_low", "certificate_refused", "snapshot_damaged", "flash_damaged", "clock_unknown",
    "door_left_open", "task_hung", "authorisations_damaged", "engine_warning", "wifi_missing",
    "safe_mode",
)  # fmt: skip
REFUSALS = (
    "", "unknown_badge", "too_early", "too_late", "another_car", "held_by_another", "revoked",
    "yields_to_reservation", "rights_lapsed", "clock_unknown", "door_open", "key_missing", "ignition_on",
    "several_badges", "random_uid", "journal_full", "expired", "not_parked", "no_proof_of_standstill",
    "battery_low", "driving", "not_fitted",
)  # fmt: skip
CONTACTS = ("unknown", "allow", "inhibit")
_RIGHTS = ("", "reservation", "standing", "service")

# kind -> name and payload: `field type` with B u8, H u16, I u32, i i32, 8s a badge, x nothing; the rest of
# the payload is `text` or `codes` (2 bytes each, as on the bus) or `pairs` (counter u8, value u32).
KINDS: dict[int, tuple[str, str, str]] = {
    1: ("boot", "reset_cause B battery_mv H boot_count I", "text"),
    2: ("session_start", "authorisation_id I badge 8s auth_kind B via B place H odometer_hm I fuel_percent B "
        "battery_mv H", ""),
    3: ("session_end", "session I authorisation_id I reason B flags B place H distance_m I distance_source B "
        "fuel_source B fuel_ml I odometer_hm I fuel_percent B 0 x lat_e7 i lon_e7 i", ""),
    4: ("stopover", "session I place H", ""),
    5: ("resumed", "session I from_state B", ""),
    6: ("ending", "session I deadline_s I flags B", ""),
    7: ("end_taken_back", "session I", ""),
    8: ("refused", "badge 8s refusal B state B", ""),
    9: ("relay", "wanted B outcome B contact B motion B motion_age_ms H source B kl15 B kl15_off_ms I "
        "battery_mv H session I", ""),
    10: ("fault_set", "fault B detail I", ""),
    11: ("fault_cleared", "fault B", ""),
    12: ("command", "command_id I kind B result B reason B", ""),
    13: ("mode", "mode B on B", ""),
    14: ("alarm", "cause B", ""),
    15: ("badge_ignored", "badge 8s state B", ""),
    16: ("driving", "session I", ""),
    17: ("opened", "session I", ""),
    18: ("service", "badge 8s place H", ""),
    19: ("bag", "session I", ""),
    20: ("crash", "cause B times B", "text"),
    32: ("health", "battery_mv H fuel_percent B 0 x odometer_hm I free_heap I uptime_s I", ""),
    33: ("codes", "mil B count B", "codes"),
    34: ("counters", "", "pairs"),
    63: ("dropped", "first I last I", ""),
}  # fmt: skip

# Fields whose numbers have names; of others the number stands.
NAMES: dict[str, tuple[str, ...]] = {
    "reset_cause": ("", "power_on", "hard", "watchdog", "deep_sleep", "soft"),
    "auth_kind": _RIGHTS,
    "via": ("", "badge", "command", "takeover"),
    "refusal": REFUSALS,
    "state": STATES,
    "from_state": STATES,
    "fault": FAULTS,
    "wanted": CONTACTS,
    "contact": CONTACTS,
    "motion": ("unknown", "still", "moving"),
    "kl15": ("off", "on", "unknown"),
    "source": ("", "session", "parked", "shock", "command", "service", "self_test"),
    "outcome": ("done", "already", "vetoed_motion", "vetoed_ignition", "no_proof", "battery_low",
                "contact_disagrees", "not_fitted", "contradiction"),
    "distance_source": ("unknown", "odometer", "wheel_speed", "gnss"),
    "fuel_source": ("unknown", "level", "rate"),
    "cause": ("", "motion", "ignition"),
    "result": ("done", "refused", "expired", "unknown"),
    "mode": ("garage", "carried", "dozing", "safe"),
}  # fmt: skip
_NAMES_OF_KIND: dict[tuple[str, str], tuple[str, ...]] = {
    ("session_end", "reason"): ("", "badge", "taken_over", "forgotten", "command", "not_begun"),
    ("command", "reason"): REFUSALS,
    ("crash", "cause"): ("", "error", "task_hung", "stood_still"),
    ("command", "kind"): (
        "", "open_for", "lock", "end_session", "flash_lights", "self_test", "refresh", "garage", "track",
    ),
}  # fmt: skip


@dataclass
class Record:
    """One record: `is_verified` is None without a key."""

    sequence: int
    kind: int
    name: str
    trust: str
    boot: int
    at_s: int
    values: dict[str, Any]
    is_verified: bool | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "sequence": self.sequence, "kind": self.name, "at_s": self.at_s if self.trust != "none" else None,
            "trust": self.trust, "boot": self.boot, "verified": self.is_verified, **self.values,
        }  # fmt: skip


def claimed_sequence(slot: bytes) -> int | None:
    """The sequence a slot claims, None for one that is no record whatever its mac."""
    kind, trust, _, sequence = struct.unpack_from("<BBHI", slot)
    if not 0 < kind <= _LAST_KIND or trust >> 4 != _LAYOUT or trust & 15 >= len(_TRUSTS) or not sequence:
        return None
    return int(sequence)


def parse_record(slot: bytes) -> Record | None:
    """What a slot says, or None."""
    if claimed_sequence(slot) is None:
        return None
    kind, trust, boot, sequence, at_s = struct.unpack_from("<BBHII", slot)
    name, _, _ = KINDS.get(kind, (f"kind {kind}", "", ""))
    return Record(sequence, kind, name, _TRUSTS[trust & 15], boot, at_s, _parse_payload(kind, slot[12:48]))


def compute_mac(key: bytes, box_id: bytes, ring: int, epoch: int, previous: bytes, slot: bytes) -> bytes:
    """The mac of a slot that follows the record with mac `previous`."""
    data = previous + box_id + struct.pack("<BI", ring, epoch) + slot[:MAC_OFFSET]
    return hmac.digest(key, data, hashlib.sha256)[:16]


def _parse_payload(kind: int, payload: bytes) -> dict[str, Any]:
    if kind not in KINDS:
        return {"payload": payload.hex()}
    record, layout, rest = KINDS[kind]
    words = layout.split()
    values: dict[str, Any] = {}
    at = 0
    for field, form in zip(words[::2], words[1::2], strict=True):
        read = struct.unpack_from("<" + form, payload, at)
        at += struct.calcsize("<" + form)
        if read:
            values[field] = _name_of(record, field, read[0])
    tail = payload[at:]
    if rest == "text":
        values["version" if record == "boot" else "text"] = tail.rstrip(b"\0").decode("utf-8", "replace")
    elif rest == "codes":
        count = min(int(values["count"]), len(tail) // 2)
        values["codes"] = [tail[2 * i : 2 * i + 2].hex() for i in range(count)]
    elif rest == "pairs":
        pairs = [struct.unpack_from("<BI", tail, i) for i in range(0, len(tail) - 4, 5)]
        values["counters"] = {str(counter): value for counter, value in pairs if counter}
    return values


def _name_of(record: str, field: str, value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    names = _NAMES_OF_KIND.get((record, field)) or NAMES.get(field, ())
    return names[value] if 0 <= value < len(names) and names[value] else value
