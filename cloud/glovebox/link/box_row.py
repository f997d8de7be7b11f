"""The row of the box that speaks: read before each envelope, stored after it. Both are plain SQL, gathered
over the envelopes of a batch."""

from typing import Any, Final

from sqlalchemy import Connection

from glovebox.link.wire import Up
from glovebox.records.journal import Sender
from glovebox.store.plain import Keyed, Rows

_COLUMNS: Final = """
    b.id, b.key_id, b.next_key_id, b.counter, b.vehicle_id, b.assigned_at, b.held_version, b.sent_version,
    b.settings_version, b.links_lost, b.heartbeat_s, b.used_at, b.faults, b.store_epoch,
    CASE WHEN p.version > a.version THEN p.version ELSE a.version END, a.pool_id,
    s.opens_minute, s.closes_minute,
    EXISTS (SELECT 1 FROM commands c WHERE c.vehicle_id = b.vehicle_id AND c.state = 'queued'),
    h.sequence, h.mac, h.key_id"""
_JOINS: Final = """
    LEFT JOIN authorisation_versions a ON a.vehicle_id = b.vehicle_id
    LEFT JOIN pool_versions p ON p.pool_id = a.pool_id
    LEFT JOIN vehicles v ON v.id = b.vehicle_id
    LEFT JOIN sites s ON s.id = v.site_id"""
BOX: Final = Keyed(
    f"""SELECT {_COLUMNS} FROM boxes b
    LEFT JOIN ring_heads h ON h.box_id = b.id AND h.epoch = ? AND h.ring = ? {_JOINS} WHERE b.box_id = ?""",
    f"""SELECT k.box_id, {_COLUMNS} FROM {{keys}} AS k (epoch, ring, box_id)
    JOIN boxes b ON b.box_id = k.box_id
    LEFT JOIN ring_heads h ON h.box_id = b.id AND h.epoch = k.epoch AND h.ring = k.ring {_JOINS}""",
    "bigint int bytea",
)
_UPDATE: Final = Rows(
    """UPDATE boxes SET key_id = n.key_id, next_key_id = n.next_key_id, counter = n.counter,
           heard_at = n.heard_at, state = COALESCE(n.state, boxes.state),
           faults = COALESCE(n.faults, boxes.faults), held_version = n.held_version,
           sent_version = n.sent_version, settings_version = n.settings_version, links_lost = n.links_lost,
           heartbeat_s = n.heartbeat_s, store_epoch = n.store_epoch,
           records_refused = boxes.records_refused + n.refused
    FROM {rows} AS n (key_id, next_key_id, counter, heard_at, state, faults, held_version, sent_version,
           settings_version, links_lost, heartbeat_s, store_epoch, refused, id)
    WHERE boxes.id = n.id""",
    "int int bigint bigint bytea bytea bigint bigint bigint bigint int bigint int int",
    """UPDATE boxes SET key_id = ?, next_key_id = ?, counter = ?, heard_at = ?,
           state = COALESCE(?, state), faults = COALESCE(?, faults), held_version = ?, sent_version = ?,
           settings_version = ?, links_lost = ?, heartbeat_s = ?, store_epoch = ?,
           records_refused = records_refused + ?
    WHERE id = ?""",
)
_TOLD: Final = Rows(
    """UPDATE boxes SET sent_version = n.sent_version, settings_version = n.settings_version
    FROM {rows} AS n (sent_version, settings_version, id) WHERE boxes.id = n.id""",
    "bigint bigint int",
    "UPDATE boxes SET sent_version = ?, settings_version = ? WHERE id = ?",
)


class Box:
    """The row of the box that speaks, as this envelope changes it."""

    __slots__ = (
        "assigned_at",
        "box_id",
        "closes_minute",
        "counter",
        "faults",
        "has_commands",
        "head",
        "heartbeat_s",
        "held_version",
        "key_id",
        "links_lost",
        "next_key_id",
        "opens_minute",
        "pk",
        "pool_id",
        "sent_version",
        "settings_version",
        "store_epoch",
        "used_at",
        "vehicle_id",
        "wanted_version",
    )

    def __init__(self, box_id: bytes, row: Any) -> None:
        self.box_id = box_id
        (
            self.pk,
            self.key_id,
            self.next_key_id,
            self.counter,
            self.vehicle_id,
            self.assigned_at,
            self.held_version,
            self.sent_version,
            self.settings_version,
            self.links_lost,
            self.heartbeat_s,
            self.used_at,
            self.faults,
            self.store_epoch,
            self.wanted_version,
            self.pool_id,
            self.opens_minute,
            self.closes_minute,
            self.has_commands,
            *self.head,
        ) = row

    def sender(self) -> Sender:
        """Who sends records."""
        return Sender(self.pk, self.box_id, self.key_id, self.vehicle_id, self.assigned_at)

    def store(self, tx: Connection, now: int, body: Up, refused: int) -> None:
        """Stores it, before the commit, after an envelope with so many refused records."""
        values = (
            self.held_version,
            self.sent_version,
            self.settings_version,
            self.links_lost,
            self.heartbeat_s,
            self.store_epoch,
            refused,
        )
        head = (self.key_id, self.next_key_id, self.counter, now, body.state_bytes, body.faults)
        _UPDATE.queue(tx, self.box_id, [(*head, *values, self.pk)])

    def store_told(self, tx: Connection) -> None:
        """Stores what it was told by itself, before the commit."""
        _TOLD.queue(tx, self.box_id, [(self.sent_version, self.settings_version, self.pk)])
