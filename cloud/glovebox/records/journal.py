"""Stores what boxes' journals say: once, in order, verified. What does not verify is stored too, marked,
and changes no fact.

Identity is (box, epoch, ring, sequence): a record sent again is the same record. Acknowledged is only what
lies in this transaction.
"""

import hmac
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from glovebox.clock import from_device_s
from glovebox.incidents.service import close_by_id, open_incident
from glovebox.keys import Keyring
from glovebox.link import codes
from glovebox.link.wire import Records, record_mac
from glovebox.records.layout import LAYOUT, Record, read_payload, read_record
from glovebox.store.plain import Plain, Rows

VERIFIED: Final = 0
DAMAGED: Final = 1
AFTER_GAP: Final = 2
_NO_MAC: Final = bytes(16)
_NO_HEAD: Final = (None, None, None)
_DROPPED: Final = codes.RECORD["dropped"]


class Sender(NamedTuple):
    """The box whose journal it is."""

    box_pk: int
    box_id: bytes
    key_id: int
    vehicle_id: int | None
    assigned_at: int


class Stored(NamedTuple):
    """A record now in the books that was not before. `at`: seconds since 1970."""

    record: Record
    sequence: int
    at: int
    vehicle_id: int | None


class Taken(NamedTuple):
    """What became of one RECORDS field: acknowledge up to `sequence`; `fresh` are new and genuine;
    `refused` counts the rest."""

    sequence: int
    fresh: list[Stored]
    refused: int


_HEAD: Final = Plain(
    "SELECT sequence, mac, key_id FROM ring_heads WHERE box_id = ? AND epoch = ? AND ring = ?"
)
_SET_HEAD: Final = Rows(
    """INSERT INTO ring_heads (box_id, epoch, ring, sequence, mac, key_id) SELECT * FROM {rows}
    ON CONFLICT (box_id, epoch, ring)
    DO UPDATE SET sequence = excluded.sequence, mac = excluded.mac, key_id = excluded.key_id""",
    "int bigint int bigint bytea int",
)
_KNOWN: Final = Plain("""
    SELECT sequence, slot FROM records
    WHERE box_id = ? AND epoch = ? AND ring = ? AND sequence BETWEEN ? AND ?""")
_INSERT: Final = Rows(
    """INSERT INTO records
    (box_id, epoch, ring, sequence, vehicle_id, kind, trust, boot, at, received_at, slot, verdict)
    SELECT * FROM {rows} ON CONFLICT DO NOTHING""",
    "int bigint int bigint int int int int bigint bigint bytea int",
)
_ASSIGNED: Final = Plain("""
    SELECT vehicle_id FROM box_assignments
    WHERE box_id = ? AND from_at <= ? AND (until_at IS NULL OR until_at > ?)""")
_ADD_GAP: Final = Plain("""
    INSERT INTO ring_gaps (box_id, epoch, ring, first, last, cause, found_at, incident_id)
    VALUES (?, ?, ?, ?, ?, 'unexplained', ?, ?)""")
_OPEN_GAPS: Final = Plain("""
    SELECT id, incident_id FROM ring_gaps
    WHERE box_id = ? AND epoch = ? AND ring = ? AND cause = 'unexplained' AND first >= ? AND last <= ?""")
_EXPLAIN_GAP: Final = Plain("UPDATE ring_gaps SET cause = 'dropped' WHERE id = ?")


def take(
    tx: Connection,
    now: int,
    keyring: Keyring,
    box: Sender,
    field: Records,
    *,
    may_leave_gap: bool = True,
    head: Sequence[Any] | None = None,
) -> Taken:
    """Stores one RECORDS field. Never refuses as a whole: one bad flash cell must not hold up what lies
    behind it. But a box that does not know this store yet has what is missing before its records, and will
    send it: without `may_leave_gap` nothing beyond a gap is taken. `head`: that ring's last sequence,
    MAC and generation, where the caller knows them."""
    if head is None:
        head = _HEAD.run(tx, (box.box_pk, field.epoch, field.ring)).fetchone() or _NO_HEAD
    last, mac, key_id = head[0] or 0, bytes(head[1] or _NO_MAC), head[2] or box.key_id
    known = max(last - field.first_sequence + 1, 0)
    refused = _count_contradictions(tx, now, box, field, known) if known else 0
    slots = field.slots[known:]
    if not slots:
        return Taken(last, [], refused)
    first = field.first_sequence + known
    is_after_gap = first > last + 1
    if is_after_gap and not may_leave_gap:
        return Taken(last, [], refused)
    if is_after_gap:
        _note_gap(tx, now, box, field, last + 1, first - 1)
    checked, mac, key_id = _verify(keyring, box, field, slots, first, mac, is_after_gap, key_id)
    fresh: list[Stored] = []
    rows: list[tuple[Any, ...]] = []
    for sequence, slot, record, verdict in checked:
        known_at = record.trust != 0 and verdict != DAMAGED
        at = from_device_s(record.at_s) if known_at else now
        vehicle_id = _attribute(tx, box, at)
        head_values = (box.box_pk, field.epoch, field.ring, sequence, vehicle_id)
        rows.append((*head_values, record.kind, record.trust, record.boot, at, now, slot, verdict))
        if verdict != DAMAGED and record.layout == LAYOUT:
            fresh.append(Stored(record, sequence, at, vehicle_id))
    _INSERT.queue(tx, box.box_id, rows)
    last = first + len(slots) - 1
    _SET_HEAD.queue(tx, box.box_id, [(box.box_pk, field.epoch, field.ring, last, mac, key_id)])
    damaged = sum(1 for row in rows if row[-1] == DAMAGED)
    if damaged:
        _incident(tx, now, box, "journal_damaged", f"ring {field.ring}, {damaged} of {first}..{last}")
    for stored in fresh:
        if stored.record.kind == _DROPPED and field.ring == 2:
            _explain_gaps(tx, now, box, field, stored.record)
    return Taken(last, fresh, refused + damaged)


def _verify(
    keyring: Keyring,
    box: Sender,
    field: Records,
    slots: list[bytes],
    first: int,
    mac: bytes,
    is_after_gap: bool,
    head_key_id: int,
) -> tuple[list[tuple[int, bytes, Record, int]], bytes, int]:
    """(sequence, slot, record, verdict) of each, then the last MAC and the generation whose journal key
    fits. A journal begun under the previous generation goes on under its key until the box begins a new
    epoch."""
    generations = dict.fromkeys((head_key_id, box.key_id, max(box.key_id - 1, 1)))
    checked = []
    for index, slot in enumerate(slots):
        record = read_record(slot)
        verdict = DAMAGED
        if record.sequence == first + index:
            for key_id in generations:
                key = keyring.box_key(box.box_id, key_id, "journal")
                wanted = record_mac(key, mac, box.box_id, field.ring, field.epoch, slot)
                if hmac.compare_digest(wanted, record.mac):
                    verdict, generations = VERIFIED, {key_id: None}
                    break
            else:
                verdict = AFTER_GAP if is_after_gap and index == 0 else DAMAGED
        checked.append((first + index, slot, record, verdict))
        mac = record.mac
    return checked, mac, next(iter(generations))


def _attribute(tx: Connection, box: Sender, at: int) -> int | None:
    """The car the box was in at that time; the present one for a time before any assignment."""
    if at >= box.assigned_at:
        return box.vehicle_id
    row = _ASSIGNED.run(tx, (box.box_pk, at, at)).fetchone()
    return row[0] if row else box.vehicle_id


def _count_contradictions(tx: Connection, now: int, box: Sender, field: Records, known: int) -> int:
    """Records sent again must be the same bytes; others change nothing, and are told."""
    first, last = field.first_sequence, field.first_sequence + min(known, len(field.slots)) - 1
    stored = dict(_KNOWN.run(tx, (box.box_pk, field.epoch, field.ring, first, last)).fetchall())
    other = sum(
        1
        for index, slot in enumerate(field.slots[:known])
        if first + index in stored and bytes(stored[first + index]) != slot
    )
    if other:
        _incident(tx, now, box, "journal_contradicts", f"ring {field.ring}, {other} of {first}..{last}")
    return other


def _note_gap(tx: Connection, now: int, box: Sender, field: Records, first: int, last: int) -> None:
    incident_id = _incident(tx, now, box, "journal_gap", f"ring {field.ring}, {first}..{last}")
    _ADD_GAP.run(tx, (box.box_pk, field.epoch, field.ring, first, last, now, incident_id))


def _explain_gaps(tx: Connection, now: int, box: Sender, field: Records, record: Record) -> None:
    values = read_payload(record.kind, record.payload)
    where = (box.box_pk, field.epoch, field.ring, values["first"], values["last"])
    for gap_id, incident_id in _OPEN_GAPS.run(tx, where).fetchall():
        _EXPLAIN_GAP.run(tx, (gap_id,))
        if incident_id is not None:
            close_by_id(tx, now, incident_id, f"dropped {values['first']}..{values['last']}")


def _incident(tx: Connection, now: int, box: Sender, kind: str, detail: str) -> int | None:
    return None if box.vehicle_id is None else open_incident(tx, now, kind, box.vehicle_id, detail=detail)
