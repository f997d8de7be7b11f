"""The CAN controller's place on the car's bus: a python-can `virtual` channel, one frame at a time.

What others put on the channel reaches the chip when the frame would have ended on the wire, one after the
other; what the chip sends appears on the channel at its end. Arbitration is first come, first served. A
frame is acknowledged if somebody else is on the channel and `is_bus_awake`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import can
from chips.mcp2515 import Mcp2515

from glovebox_sim import can_channel

if TYPE_CHECKING:
    from glovebox_sim.board import Board

DEFAULT_BIT_RATE = 500_000
CRYSTAL_HZ = 16_000_000  # as in hardware/bom.csv
_MAX_WAITING = 8192

Frame = tuple[int, bool, bool, bytes]


def count_bits(frame: Frame) -> int:
    """Bits of a classic frame with the space after it, and stuff bits at the mean of one in twelve."""
    _, is_extended, is_remote, data = frame
    length = (67 if is_extended else 47) + (0 if is_remote else 8 * len(data))
    return length + length // 12


class CanSide:
    """`bit_rate` is the car's; `is_bus_awake` False: nobody acknowledges; `sent` counts the box's frames."""

    def __init__(self, board: Board, channel: str) -> None:
        self._board = board
        self.channel = channel
        self.chip = Mcp2515(CRYSTAL_HZ)
        self.chip.on_transmit = self._on_transmit
        self.chip.on_int = self._on_int
        self.bit_rate = DEFAULT_BIT_RATE
        self.is_bus_awake = True
        self.sent = 0
        self.received = 0
        self.unread = 0
        self._free_us = 0
        self._generation = 0
        self._is_drain_due = False
        self._bus = can_channel.join(channel, self._told)

    def power_on(self) -> None:
        self._generation += 1
        self.chip.power_on(self._board.now_us)

    def power_off(self) -> None:
        self._generation += 1
        self.chip.power_off(self._board.now_us)
        self._board.pins.drive("can_int", None)

    def close(self) -> None:
        self._bus.shutdown()

    def disturb(self) -> None:
        """An error frame on the bus."""
        self.chip.receive_error(self._board.now_us)

    def _has_listener(self) -> bool:
        return self.is_bus_awake and len(self._bus.channel) > 1

    def _on_int(self, level: int) -> None:
        self._board.pins.drive("can_int", level)

    def _take_wire(self, frame: Frame) -> int:
        """When a frame that is ready now will have ended, microseconds."""
        start_us = max(self._board.now_us, self._free_us)
        self._free_us = start_us + count_bits(frame) * 1_000_000 // self.bit_rate
        return self._free_us

    # -- from the car ---------------------------------------------------------------------------------------
    def _told(self) -> None:
        if not self._is_drain_due:
            self._is_drain_due = True
            self._board.call_at(self._board.now_us, self._drain)

    def _drain(self) -> None:
        self._is_drain_due = False
        for count in range(self._bus.queue.qsize()):
            message = self._bus.queue.get_nowait()
            if message.is_error_frame:
                self.disturb()
                continue
            if count > _MAX_WAITING:
                self.unread += 1
                continue
            frame = (
                message.arbitration_id,
                message.is_extended_id,
                message.is_remote_frame,
                bytes(message.data),
            )
            self._board.call_at(self._take_wire(frame), lambda frame=frame: self._deliver(frame))

    def _deliver(self, frame: Frame) -> None:
        self.received += 1
        self.chip.receive(frame, self.bit_rate, self._board.now_us)

    # -- from the box ---------------------------------------------------------------------------------------
    def _on_transmit(self, frame: Frame) -> None:
        generation = self._generation
        self._board.call_at(self._take_wire(frame), lambda: self._finish(frame, generation))

    def _finish(self, frame: Frame, generation: int) -> None:
        if generation != self._generation:
            return
        now_us = self._board.now_us
        if not self.chip.is_on_bus(self.bit_rate):
            self.chip.end_transmission("error", now_us)
            return
        if not self._has_listener():
            self._board.emit("can", "unacknowledged", id=frame[0], extended=frame[1], data=frame[3].hex())
            self.chip.end_transmission("unacknowledged", now_us)
            return
        self.sent += 1
        self._board.emit("can", "sent", id=frame[0], extended=frame[1], remote=frame[2], data=frame[3].hex())
        self._bus.send(
            can.Message(
                arbitration_id=frame[0], is_extended_id=frame[1], is_remote_frame=frame[2], data=frame[3]
            )
        )
        self.chip.end_transmission("acknowledged", now_us)
