"""What happened in one seed: lines that a person can read, and a digest of everything, to compare runs by."""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path
from typing import Any

from glovebox.records.layout import read_payload, read_record

CODES = json.loads((Path(__file__).parents[1] / "vectors" / "codes.json").read_text())
KINDS = {number: name for name, number in CODES["record"].items()}
_WORDS = {
    "refusal": "refusal",
    "outcome": "relay_outcome",
    "motion": "motion",
    "contact": "contact",
    "wanted": "contact",
    "fault": "fault",
    "via": "via",
    "auth_kind": "authorisation_kind",
    "state": "state",
    "from_state": "state",
    "kind": "command",
    "source": "relay_source",
}
_QUIET = frozenset((("light", "frame"), ("log", "line"), ("flash", "erase"), ("gnss", "written")))
_LONGEST = 200_000


def word(group: str, number: int) -> str:
    return next((name for name, value in CODES[group].items() if value == number), str(number))


def _say(kind: str, name: str, value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex()[:8]
    if name == "reason":
        return word("end_reason" if kind == "session_end" else "refusal", value)
    if name in _WORDS and isinstance(value, int):
        return word(_WORDS[name], value)
    return str(value)


def describe(slot: bytes) -> str:
    """A record of the journal in words."""
    record = read_record(slot)
    kind = KINDS.get(record.kind, str(record.kind))
    try:
        values = read_payload(record.kind, record.payload)
    except (ValueError, KeyError, struct.error):
        return f"record {record.sequence} {kind} (not readable)"
    told = [f"{name}={_say(kind, name, value)}" for name, value in values.items()]
    trust = word("trust", record.trust)
    return f"record {record.sequence} {kind} at {record.at_s} ({trust}): {', '.join(told)}"


class Trace:
    """Lines and digest of one run; times are virtual seconds since it began."""

    def __init__(self, sim: Any) -> None:
        self._sim = sim
        self._digest = hashlib.sha256()
        self.lines: list[str] = []
        sim.on_event.append(self._event)

    def say(self, who: str, text: str) -> None:
        self._digest.update(f"{self._sim.now_us} {who} {text}\n".encode())
        if len(self.lines) < _LONGEST:
            self.lines.append(f"{self._sim.now_us / 1e6:10.3f}  {who:<10} {text}")

    def _event(self, _t: float, box: str, source: str, name: str, data: dict[str, Any]) -> None:
        if source == "log":  # as printed within the last second; a traceback's numbers are no part of a run
            self.lines.append(f"{self._sim.now_us / 1e6:10.3f}  {box:<10} prints {data['text']}")
            return
        text = f"{source} {name} " + " ".join(f"{key}={value}" for key, value in data.items())
        self._digest.update(f"{self._sim.now_us} {box} {text}\n".encode())
        is_flash = source == "flash" and name == "program"
        if (source, name) not in _QUIET and not is_flash and len(self.lines) < _LONGEST:
            self.lines.append(f"{self._sim.now_us / 1e6:10.3f}  {box:<10} {text[:300]}")

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()
