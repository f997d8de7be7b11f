"""What must hold all along, watched from outside: registers, pins, flash operations and the cloud's books.

The watcher sees each record as it reaches the flash and knows at every instant what the box has promised;
nothing here asks the firmware or the cloud's code what they think.
"""

from __future__ import annotations

import hashlib
import hmac
import random
import struct
from typing import Any

from glovebox.records.layout import read_payload, read_record

from seeds.town import RIGHTS
from seeds.trace import CODES, KINDS, describe

VITAL = 1
SLOT = 64
SECTOR = 4096
ACK_MARK = 0xAC
MARK = 16
EPOCH_2000_S = 946_684_800
CLOUD_TRUST = CODES["trust"]["cloud"]
RESERVATION, STANDING, SERVICE = 1, 2, 3
EARLY_S = 900
TIME_SLACK_S = 5
"""A second of each clock, and what a record waits for its flash."""
BACK_SLACK_S = 3
"""The clock chip counts whole seconds and is set anew when it is off by two."""
ANSWER_S = 1.5
"""The second a driver waits, and how long the card takes to be polled."""
HANDSHAKE_S = 1.5
"""A handshake that was under way when the card came holds everything up (1.2 s, modelled)."""
NETWORK_SETTLES_S = 30
TRIMMED_S = 3_600 + 15
"""Satellites may trim a clock that the cloud has set, by an hour in all."""
LINKED_S = 3.0
BINARY = 2
"""The opcode of a WebSocket's binary message."""
UNLOCK_S = 4.0
ANNOUNCED_S = 1.0
"""From a session's record to its snapshot and its signal: some writes to flash."""
MENDED_S = 10.0
"""Three tries of a relay that was thrown over by a blow."""
SETTLED_S = 5.0
"""Longer than the three seconds in which a badge held again is the same tap."""
_STATES = {
    "session_start": "open", "resumed": "open", "end_taken_back": "open", "opened": "open",
    "stopover": "stopover", "ending": "ending", "driving": "driving", "session_end": "parked",
}  # fmt: skip


class Violation(AssertionError):
    """An invariant does not hold; the message says which and what was seen."""


class Session:
    """Who has a car, as its journal says."""

    def __init__(self, number: int, values: dict[str, Any]) -> None:
        self.number = number
        self.authorisation_id = values["authorisation_id"]
        self.badge = bytes(values["badge"])
        self.kind = values["auth_kind"]


class CarWatch:
    """One car's books as the watcher keeps them."""

    def __init__(self, life: Any, side: Any) -> None:
        self.life, self.side = life, side
        board = side.box.board
        self.start, self.size = next(row[2:4] for row in board.partitions if row[4] == "vital")
        self.slots: dict[tuple[int, int], bytes] = {}
        self.where: dict[tuple[int, int], int] = {}
        self.damaged: set[tuple[int, int]] = set()
        self.acked = 0
        self.kept_out_at: float | None = None
        self.begun_at = 0.0
        self.off_at = 0.0
        self.session: Session | None = None
        self.state = "parked"
        self.other_state: str | None = None  # where power went before the state was made durable
        self.garage = False
        self.changed_at = 0.0
        self._state_before = "parked"
        self.answered_at = -1.0
        self.tapped_at = -100.0
        self.disturbed_at = 0.0
        self.network_at = 0.0
        self._replayed_to = 0
        self.has_lost_clock = False
        self._checked: dict[int, tuple[int, bytes]] = {}
        self._books_version: tuple[int, int] = (0, 0)
        self._last_time: tuple[int, int] = (0, 0)
        self._undo: tuple[Any, ...] | None = None

    # -- events ---------------------------------------------------------------------------------------------
    def on_event(self, source: str, name: str, data: dict[str, Any]) -> None:
        if source == "flash" and name == "program":
            self._on_program(data["address"], data["length"])
        elif source == "flash" and name == "power_cut" and data["what"].startswith("program"):
            address = int(data["what"].split()[2].rstrip(","))
            is_mark = self.side.box.board.flash.memory[address] == ACK_MARK
            if "unreported" in data["what"]:
                self._on_program(address, MARK if is_mark else SLOT)
            elif not is_mark and self._is_whole_at(address):  # torn after its last bit
                self._on_program(address, SLOT)
        elif source == "box" and name in ("power_off", "reset"):
            self.disturbed_at = self.life.t
            if name == "power_off":
                self.off_at = self.life.t
                if self.life.t - self.changed_at < ANNOUNCED_S:
                    self.other_state = self._state_before
            self._look_whether_torn()
        elif source == "relay" and name == "coil" and data["coil"] == "inhibit" and data["on"]:
            self._check_inhibit()
        elif (source, name) == ("network", "replay"):
            self._replayed_to = self._get_counter()
        elif (source, name) == ("network", "replay_answered"):
            self._check_replay(data["answers"])
        elif source in ("light", "buzzer"):
            self.answered_at = self.life.t
        elif source == "box" and name in ("crash", "hang"):
            text = str(data.get("traceback", "")).strip().splitlines()[-1:]
            self.fail(f"the firmware ended: {name} {text}")

    def note_fault(self, is_felt: bool) -> None:
        """Something begins or ends that the driver feels, or the network alone."""
        if is_felt:
            self.disturbed_at = self.life.t
        self.network_at = self.life.t

    def _get_counter(self) -> int:
        return int(self.life.books("select counter from boxes where id = ?", self.side.keys["pk"])[0][0])

    def _check_replay(self, answers: bytes) -> None:
        """The cloud answers nothing that it has had before. What it had not had, it may take."""
        for message in read_messages(answers):
            (counter,) = struct.unpack_from("<I", message, 11)
            if counter <= self._replayed_to:
                self.fail(f"envelope {counter} is answered a second time, after {self._replayed_to}")

    def look(self) -> None:
        """Once a second: whoever has the car can start it, and the cloud knows whose link it has."""
        side = self.side
        link_s = side.network.get_link_age_s()
        linked = self.life.town.cloud.cloud.hub.linked()
        if link_s is not None and link_s > LINKED_S and side.vehicle not in linked:
            self.fail("its link is open, but the cloud does not know of it")
        relay = side.box.board.relay
        is_kept_out = (
            self.state in ("open", "driving")
            and self.other_state is None
            and relay.contact == "inhibit"
            and self.is_well()
            and not relay.is_stuck
            and not relay.chip.is_wire_broken
        )
        if not is_kept_out:
            self.kept_out_at = None
        elif self.kept_out_at is None:
            self.kept_out_at = self.life.t
        elif self.life.t - self.kept_out_at > MENDED_S:
            self.fail(f"session {self.session and self.session.number} cannot start for {MENDED_S} s")
        self.check_books()

    def fail(self, text: str) -> None:
        raise Violation(f"{self.side.name}: {text}")

    def _check_inhibit(self) -> None:
        car = self.side.car
        if car.is_moving:
            self.fail(f"inhibit while it moves at {car.speed_ms * 3.6:.1f} km/h")
        if car.kl15 and self.side.world.kl15_override is None:
            self.fail("inhibit with the ignition on")

    # -- flash ----------------------------------------------------------------------------------------------
    def _on_program(self, address: int, length: int) -> None:
        memory = self.side.box.board.flash.memory
        at = address - self.start
        if not 0 <= at < self.size:
            return
        if at % SECTOR < SLOT:
            if memory[address : address + 4] == b"GBXR":
                self._on_acknowledged(struct.unpack_from("<I", memory, address + 20)[0])
            return
        if memory[address] == ACK_MARK and length == MARK:
            self._on_acknowledged(struct.unpack_from("<I", memory, address + 4)[0])
        if length != SLOT or not 0 < memory[address] < 32:
            return
        epoch = struct.unpack_from("<I", memory, address - at % SECTOR + 8)[0]
        slot = bytes(memory[address : address + SLOT])
        self._undo = (address, epoch, slot, self.session, self.state, self._last_time, self.garage)
        self._take(epoch, slot, address)

    def _is_whole_at(self, address: int) -> bool:
        """Whether a vital record lies there, sealed upon the one before."""
        memory = self.side.box.board.flash.memory
        at = address - self.start
        if not 0 <= at < self.size or at % SECTOR < SLOT:
            return False
        epoch = struct.unpack_from("<I", memory, address - at % SECTOR + 8)[0]
        slot = bytes(memory[address : address + SLOT])
        before = self.slots.get((epoch, struct.unpack_from("<I", slot, 4)[0] - 1))
        return before is not None and self._is_sealed(epoch, before[48:], slot)

    def _is_sealed(self, epoch: int, before: bytes, slot: bytes) -> bool:
        key, box_id = bytes.fromhex(self.side.keys["journal"]), self.side.keys["box_id"]
        chained = before + box_id + struct.pack("<BI", VITAL, epoch) + slot[:48]
        return hmac.digest(key, chained, hashlib.sha256)[:16] == slot[48:]

    def _look_whether_torn(self) -> None:
        """Power went while the last program was still under way: it may never have been."""
        if self._undo is None:
            return
        address, epoch, slot, session, state, last_time, garage = self._undo
        self._undo = None
        if bytes(self.side.box.board.flash.memory[address : address + SLOT]) != slot:
            del self.slots[epoch, struct.unpack_from("<I", slot, 4)[0]]
            self.session, self.state, self._last_time, self.garage = session, state, last_time, garage
            self.life.trace.say(self.side.name, "  that record was torn")

    def _take(self, epoch: int, slot: bytes, address: int) -> None:
        record = read_record(slot)
        kind = KINDS[record.kind]
        values = read_payload(record.kind, record.payload)
        self.life.trace.say(self.side.name, "  " + describe(slot))
        self.slots[epoch, record.sequence] = slot
        self.where[epoch, record.sequence] = address
        self._check_time(record)
        if kind == "session_start":
            if self.session is not None:
                self.fail(f"a session begins within session {self.session.number}")
            self.session = Session(record.sequence, values)
            self.begun_at = self.life.t
            self._check_right(record, values)
        elif kind == "session_end":
            if self.session is None or self.session.number != values["session"]:
                self.fail(f"session {values['session']} ends, which was not under way")
            is_not_begun = values["reason"] == CODES["end_reason"]["not_begun"]
            if is_not_begun and self.off_at - self.begun_at > ANNOUNCED_S:
                self.fail(f"session {values['session']}, announced, is closed as not begun after a power cut")
            self.session = None
        elif kind == "mode" and values["mode"] == 0:
            self.garage = bool(values["on"])
        if kind in _STATES:
            self._state_before, self.other_state = self.state, None
            self.state, self.changed_at = _STATES[kind], self.life.t

    def _check_time(self, record: Any) -> None:
        if record.trust == 0 or self.life.has_jumped:
            return
        at_s, before = record.at_s, self._last_time[0]
        off_s = at_s - self.life.cloud_s
        if not self.has_lost_clock and abs(off_s) > TRIMMED_S:
            self.fail(f"a date {off_s / 86_400:.1f} days off is believed")
        if record.trust == CLOUD_TRUST and abs(off_s) > TIME_SLACK_S + 10:
            self.fail(f"by the cloud's own word it is {off_s:.0f} s off")
        is_correction = record.trust == CLOUD_TRUST and abs(at_s - self.life.cloud_s) <= TIME_SLACK_S + 10
        if at_s + BACK_SLACK_S < before and not is_correction:
            self.fail(f"time goes back from {before} to {at_s} without the cloud's word")
        self._last_time = (at_s, record.trust)

    def _on_acknowledged(self, sequence: int) -> None:
        """The box may forget these records now: the cloud has to have them."""
        self.acked = max(self.acked, sequence)
        if self.life.restored_at is not None:
            return
        held = self.life.books(
            "select max(sequence) from records where box_id = ? and ring = 1", self.side.keys["pk"]
        )[0][0]
        if sequence > (held or 0):
            self.fail(f"acknowledged up to {sequence}, but the cloud has {held}")

    def choose_dispensable(self, rng: random.Random) -> tuple[int, int] | None:
        """A record that tells of no session, and is followed by one that does not."""
        sessions = (CODES["record"]["session_start"], CODES["record"]["session_end"])
        keys = [
            key
            for key, slot in self.slots.items()
            if slot[0] not in sessions
            and self.slots.get((key[0], key[1] + 1), b"\xff")[0] not in (0xFF, *sessions)
        ]
        return rng.choice(keys) if keys else None

    # -- rights ---------------------------------------------------------------------------------------------
    def hash_of(self, uid: bytes) -> bytes:
        key = bytes.fromhex(self.side.keys["badge"])
        return hmac.digest(key, bytes([len(uid)]) + uid, "sha256")[:8]

    def _check_right(self, record: Any, values: dict[str, Any]) -> None:
        life = self.life
        number, badge = values["authorisation_id"], bytes(values["badge"])
        if values["via"] == CODES["via"]["command"]:
            if (self.side.vehicle, number) not in life.opened:
                self.fail(f"a command nobody gave opened it for {number}")
            return
        now = record.at_s + EPOCH_2000_S
        early_s = EARLY_S if values["auth_kind"] == RESERVATION else 0
        held = self._get_held()
        mine = [
            right[2:]
            for uid, *right in life.rights
            if right[:2] == [self.side.vehicle, number] and self.hash_of(uid) == badge
        ]
        # What the box has said to hold stands for all before it; newer ones may be on their way.
        known = max((version for version, *_ in mine if version <= held), default=0)
        is_valid = any(
            version >= known and starts_at - early_s - TIME_SLACK_S <= now < ends_at + TIME_SLACK_S
            for version, starts_at, ends_at in mine
        )
        if not is_valid and (values["auth_kind"] != SERVICE or record.trust):
            self.fail(f"session {record.sequence} of {badge.hex()} by {number}: no such right then")
        self._check_not_revoked(number, badge, held)

    def _get_held(self) -> int:
        """The version the box has said to hold; 0 where a restored store counts anew."""
        if self.life.restored_at is not None:
            return 0
        return int(self.life.books("select held_version from boxes where id = ?", self.side.keys["pk"])[0][0])

    def _check_not_revoked(self, number: int, badge: bytes, held: int) -> None:
        """What the box has said to hold does not contain a right that was taken back."""
        rows = self.life.books(
            f"select version, is_removed, badge_id from {RIGHTS} where vehicle_id = ? and "
            "authorisation_id = ?",
            self.side.vehicle,
            number,
        )
        mine = [row for row in rows if self.life.badges.get(row[2]) is not None
                and self.hash_of(self.life.badges[row[2]]) == badge]  # fmt: skip
        if any(row[1] and row[0] <= held for row in mine):
            self.fail(f"a session by right {number}, taken back in version {mine[0][0]}; it holds {held}")

    # -- somebody taps --------------------------------------------------------------------------------------
    def is_well(self) -> bool:
        """Nothing that a driver would blame: power, reader and battery as they should be, and for a while."""
        side = self.side
        return bool(
            side.box.is_on
            and side.box.host is not None
            and not side.box.board.reader.chip.is_dead
            and self.life.t - self.disturbed_at > 15
            and side.car.battery.mv > 11_000
            and side.world.battery_override_mv is None
        )

    def is_network_calm(self) -> bool:
        """No handshake is to be expected."""
        return self.life.t - self.network_at > NETWORK_SETTLES_S

    def note_tap(self, uid: bytes, seconds: float) -> None:
        t = self.life.t
        is_alone = t - self.tapped_at > SETTLED_S and len(self.side.box.board.reader.cards) == 0
        self.tapped_at = t
        is_calm = self.is_network_calm()
        if not self.is_well() or not is_alone or not (is_calm or seconds > HANDSHAKE_S):
            return
        disturbed_at = self.disturbed_at
        answer_s = ANSWER_S + (0 if is_calm else HANDSHAKE_S)
        self.life.town.sim.call_later(answer_s, lambda: self._check_answer(t, disturbed_at, uid))
        is_his = self.session is not None and self.session.badge == self.hash_of(uid)
        is_shut = self.state in ("stopover", "ending") and self.other_state is None
        if is_his and is_shut and t - self.changed_at > SETTLED_S:
            self.life.town.sim.call_later(UNLOCK_S, lambda: self._check_unlocked(t, disturbed_at, uid))

    def _is_undisturbed(self, t: float, disturbed_at: float) -> bool:
        return self.is_well() and self.disturbed_at == disturbed_at and self.tapped_at == t

    def _check_answer(self, t: float, disturbed_at: float, uid: bytes) -> None:
        if self._is_undisturbed(t, disturbed_at) and self.answered_at < t:
            self.fail(f"{uid.hex()} was held to it {self.life.t - t:.1f} s ago and got no answer")

    def _check_unlocked(self, t: float, disturbed_at: float, uid: bytes) -> None:
        if self._is_undisturbed(t, disturbed_at) and self.side.box.board.locked:
            self.fail(f"{uid.hex()} has session {self.session and self.session.number} and stays locked out")

    # -- the cloud's books ----------------------------------------------------------------------------------
    def check_books(self) -> None:
        """Each record in the cloud once, in order, whole, and the one that lay on the flash."""
        version = self.life.town.cloud.get_books_version()
        if version == self._books_version:
            return
        self._books_version = version
        rows = self.life.books(
            "select epoch, sequence, slot, verdict from records where box_id = ? and ring = 1 "
            "order by epoch, sequence",
            self.side.keys["pk"],
        ) if not self._checked else self._newer()  # fmt: skip
        for epoch, sequence, stored, verdict in rows:
            before, mac = self._checked.get(epoch, (0, bytes(16)))
            slot = bytes(stored)
            if sequence != before + 1:
                self.fail(f"the cloud has record {sequence} of epoch {epoch} after {before}")
            is_whole = self._is_sealed(epoch, mac, slot)
            seen = self.slots.get((epoch, sequence))
            if (epoch, sequence) not in self.damaged:
                if not is_whole or verdict:
                    self.fail(f"the chain breaks at record {sequence} (verdict {verdict})")
                if seen != slot:
                    self.fail(f"record {sequence} of the cloud is not the one on the flash")
            self._checked[epoch] = sequence, slot[48:]

    def _newer(self) -> list[tuple[Any, ...]]:
        found = []
        for epoch in [row[0] for row in self.life.books(
            "select distinct epoch from records where box_id = ? and ring = 1", self.side.keys["pk"]
        )]:  # fmt: skip
            last = self._checked.get(epoch, (0,))[0]
            found += self.life.books(
                "select epoch, sequence, slot, verdict from records where box_id = ? and ring = 1 and "
                "epoch = ? and sequence > ? order by sequence",
                self.side.keys["pk"], epoch, last,
            )  # fmt: skip
        return found

    def forget_checked(self) -> None:
        """The cloud's store is another one."""
        self._checked.clear()


def read_messages(stream: bytes) -> list[bytes]:
    """The binary messages of a WebSocket server's stream (RFC 6455, 5.2), behind its answer's head."""
    at, found = stream.find(b"\r\n\r\n") + 4, []
    while at >= 4 and at + 2 <= len(stream):
        opcode, length = stream[at] & 0x0F, stream[at + 1] & 0x7F
        at += 2
        if length == 126:
            length = int.from_bytes(stream[at : at + 2], "big")
            at += 2
        if opcode == BINARY:
            found.append(stream[at : at + length])
        at += length
    return found
