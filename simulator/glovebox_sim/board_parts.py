"""Chips of the board with their wires, their events and what the world does to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chips.gnss_uart import GnssUart
from chips.iso14443_card import Card
from chips.latching_relay import LatchingRelay
from chips.lis2dh12 import Lis2dh12
from chips.mfrc522 import Mfrc522
from chips.rv3028 import Rv3028

if TYPE_CHECKING:
    from glovebox_sim.board import Board


class Relay:
    """The relay on its two driver pins and its feedback pin. `chip` has the faults."""

    def __init__(self, board: Board, position: str) -> None:
        self._board = board
        self.chip = LatchingRelay(position)
        self._due_us: int | None = None

    def attach(self) -> None:
        self.chip.on_contact = self._on_contact
        self._on_contact(self.chip.contact_level())

    @property
    def contact(self) -> str:
        """Where the armature is: "allow" or "inhibit"."""
        return str(self.chip.position)

    @property
    def is_stuck(self) -> bool:
        """The armature no longer moves."""
        return bool(self.chip.is_stuck)

    @is_stuck.setter
    def is_stuck(self, is_stuck: bool) -> None:
        self.chip.is_stuck = is_stuck

    def break_wire(self, is_broken: bool = True) -> None:
        """Cut the feedback line: its pull-up reads allow."""
        self._wire("is_wire_broken", is_broken)

    def short_wire(self, is_shorted: bool = True) -> None:
        """Lay the feedback line on ground: it reads inhibit."""
        self._wire("is_wire_shorted", is_shorted)

    def reverse_contact(self, is_reversed: bool = True) -> None:
        """Take the other contact of the pair for feedback: it reads the opposite."""
        self._wire("is_reversed", is_reversed)

    def _wire(self, what: str, value: bool) -> None:
        with self._board.lock:
            setattr(self.chip, what, value)
            self._on_contact(self.chip.contact_level())

    def chatter(self, is_worn: bool = True) -> None:
        """The feedback contact is worn: it opens and closes by itself."""
        with self._board.lock:
            self.chip.set_chatter(is_worn, self._board.now_us)
            self._schedule()

    def drive(self, coil: str, is_on: bool) -> None:
        self.chip.drive(coil, is_on, self._board.now_us)
        self._board.emit("relay", "coil", coil=coil, on=is_on)
        self._schedule()

    def set_supply(self, mv: int) -> None:
        self.chip.set_supply(mv, self._board.now_us)

    def shock(self, position: str) -> None:
        """A blow throws the armature over."""
        with self._board.lock:
            before = self.chip.position
            self.chip.shock(position, self._board.now_us)
            self._tell(before, "shock")
            self._schedule()

    def _on_contact(self, level: int) -> None:
        self._board.pins.drive("relay_contact", level)

    def _schedule(self) -> None:
        at_us = self.chip.next_us()
        if at_us is None:
            return
        at_us = max(at_us, self._board.now_us)
        if self._due_us is None or at_us < self._due_us:
            self._due_us = at_us
            self._board.call_at(at_us, self._advance)

    def _advance(self) -> None:
        if self._due_us is None or self._board.now_us < self._due_us:
            return  # an earlier call has done it
        self._due_us = None
        before = self.chip.position
        self.chip.advance(self._board.now_us)
        self._tell(before, "coil")
        self._schedule()

    def _tell(self, before: str, by: str) -> None:
        if self.chip.position != before:
            self._board.emit("relay", "contact", contact=self.chip.position, by=by)
            self._board.save()


class Gnss:
    """The receiver's line to the box. `feed` sends NMEA (or anything) at 9600 baud."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._line = GnssUart()
        self._is_open = False
        self._due_us = -1
        self.is_dead = False
        self.bytes_fed = 0

    def feed(self, data: bytes) -> None:
        with self._board.lock:
            if not self._board.is_on or self.is_dead:
                return
            self.bytes_fed += len(data)
            self._line.feed(data, self._board.now_us)
            self._schedule()

    def open(self, baudrate: int) -> None:
        self._line.host_baudrate = baudrate
        self._is_open = True
        self._schedule()

    def power_off(self) -> None:
        self._line.clear()
        self._is_open = False

    def take(self) -> bytes:
        if not self._line.is_pending:
            return b""
        data: bytes = self._line.take(self._board.now_us)
        return data if self._is_open else b""

    def is_ready(self) -> bool:
        at_us = self._line.ready_us()
        return at_us is not None and at_us <= self._board.now_us

    def _schedule(self) -> None:
        at_us = self._line.ready_us()
        if at_us is not None and self._is_open and not self._due_us >= self._board.now_us:
            self._due_us = max(at_us, self._board.now_us)
            self._board.call_at(self._due_us, self._signal)

    def _signal(self) -> None:
        self._due_us = -1
        if self.is_ready():
            self._board.wake_uart()
        at_us = self._line.ready_us()
        if at_us is not None and at_us > self._board.now_us:
            self._schedule()


class Reader:
    """The contactless reader and the cards held to the windscreen."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self.chip = Mfrc522()

    def present(self, card: Card) -> None:
        with self._board.lock:
            self.chip.present(card, self._board.now_us)
            self._board.emit("reader", "card", uid=card.uid.hex(), present=True)

    def remove(self, card: Card) -> None:
        with self._board.lock:
            self.chip.remove(card, self._board.now_us)
            self._board.emit("reader", "card", uid=card.uid.hex(), present=False)

    @property
    def cards(self) -> list[Card]:
        return list(self.chip.cards)


class Accelerometer:
    """The accelerometer and its knock line."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self.chip = Lis2dh12()
        self.chip.on_int1 = self._on_int1
        self._due_us = -1

    def set_mg(self, x: float, y: float, z: float) -> None:
        """What the box feels, in thousandths of g; at rest on a level road (0, 0, 1000)."""
        with self._board.lock:
            self.chip.set_mg(x, y, z, self._board.now_us)
            self.schedule()

    def power_on(self) -> None:
        self.chip.power_on(self._board.now_us)

    def power_off(self) -> None:
        self.chip.power_off(self._board.now_us)
        self._board.pins.drive("accelerometer_int", None)

    def schedule(self) -> None:
        """Follow the chip's own samples as long as they may move its interrupt line."""
        at_us = self.chip.next_us()
        if at_us is not None and self._due_us <= self._board.now_us:
            self._due_us = max(at_us, self._board.now_us + 1)
            self._board.call_at(self._due_us, self._advance)

    def _advance(self) -> None:
        if self._board.now_us >= self._due_us:
            self._due_us = -1
        self.chip.advance(self._board.now_us)
        self.schedule()

    def _on_int1(self, level: int) -> None:
        self._board.pins.drive("accelerometer_int", level)


class ClockChip:
    """The real-time clock, which a backup capacitor keeps running if the firmware has told it so."""

    def __init__(self, board: Board, saved: dict[str, Any] | None) -> None:
        self._board = board
        self.chip = Rv3028()
        if saved is not None:
            elapsed_s = max(0, int(board.unix_s - saved["unix_s"]))
            self.chip.restore(saved["state"], elapsed_s, board.now_us)

    def save(self) -> dict[str, Any]:
        return {"unix_s": self._board.unix_s, "state": self.chip.save(self._board.now_us)}

    def forget(self) -> None:
        """The backup capacitor is empty: the next power-on finds PORF set."""
        with self._board.lock:
            self.chip.backup_s = -1
