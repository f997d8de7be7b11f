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

import json
import struct
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from vectors.wire_cases.bad import make_bad_down, make_bad_up
from vectors.wire_cases.envelope import (
    AUTHORISATIONS,
    BOX,
    MASTER,
    OTHER_BOX,
    UIDS,
    badge,
    entry,
    key_of,
    make_entries,
    sha_mac,
)
from vectors.wire_cases.fields import SETTINGS, settings_bytes
from vectors.wire_cases.good import make_down, make_time, make_up
from vectors.wire_cases.journal import chain, make_bad_slots, telemetry_cases, vital_cases

HERE = Path(__file__).parent


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
