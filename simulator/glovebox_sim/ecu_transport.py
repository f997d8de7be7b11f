"""The car's side of the CAN bus: a port on a python-can `virtual` channel, and ISO-TP by the can-isotp
package.

Neither library knows virtual time, so two seams are bent here, each in one place:

* `can_channel` swaps a bus's queue for one that says "something came", so that nobody polls 200 times a
  second.
* `SteppedIsoTp` gives can-isotp timers that read the simulation's clock. A test holds both seams to the
  installed
  versions (a flow-control time-out in virtual time, a frame that wakes the port).
"""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

import can
import isotp

from . import can_channel

FRAME_S = 0.000_23
"""Time of a full classic frame at 500 kbit/s: about 115 bits with stuffing."""
MAX_WAITING = 4096
"""Frames a port keeps while nobody steps the simulation; beyond it the oldest are dropped and counted."""
_SOON_S = 0.000_001


class Clockwork(Protocol):
    """What the car needs of a simulation: the time and a call later on."""

    @property
    def now(self) -> float: ...

    def call_later(self, delay_s: float, fn: Callable[[], None], /) -> object: ...


class CanPort:
    """One node on a virtual channel. `receive(message)` is called in simulation time.

    `send` is at once. `close` leaves the channel. Frames that arrive faster than they are taken are bounded
    by `MAX_WAITING`; `dropped` counts the rest.
    """

    def __init__(self, clockwork: Clockwork, channel: str, receive: Callable[[can.Message], None]) -> None:
        self._clockwork = clockwork
        self._receive = receive
        self._is_drain_due = False
        self.dropped = 0
        self.bus = can_channel.join(channel, self._told)

    def send(self, arbitration_id: int, data: bytes, extended: bool = False) -> None:
        self.bus.send(can.Message(arbitration_id=arbitration_id, data=data, is_extended_id=extended))

    def close(self) -> None:
        self.bus.shutdown()

    def _told(self) -> None:
        if not self._is_drain_due:
            self._is_drain_due = True
            self._clockwork.call_later(0.0, self._drain)

    def _drain(self) -> None:
        self._is_drain_due = False
        for _ in range(self.bus.queue.qsize()):
            try:
                message = self.bus.queue.get_nowait()
            except queue.Empty:
                return
            if self.bus.queue.qsize() > MAX_WAITING:
                self.dropped += 1
                continue
            self._receive(message)


class _VirtualTimer(isotp.tools.Timer):  # type: ignore[misc]
    """can-isotp's timer on the simulation's clock."""

    def __init__(self, timeout: float, now: Callable[[], float]) -> None:
        super().__init__(timeout)
        self._now = now

    def start(self, timeout: float | None = None) -> None:
        if timeout is not None:
            self.set_timeout(timeout)
        self.start_time = round(self._now() * 1e9)

    def elapsed_ns(self) -> int:
        return 0 if self.start_time is None else round(self._now() * 1e9) - self.start_time

    def elapsed(self) -> float:
        return self.elapsed_ns() / 1e9


class SteppedIsoTp(isotp.TransportLayerLogic):  # type: ignore[misc]
    """can-isotp's transport layer in simulation time, stepped by what it needs.

    `feed(message)` gives it a frame; `received(payload)` is called for each whole message; `send(payload)`
    starts an answer. Errors of the transport are counted by their class's name in `errors` and never raised.
    """

    def __init__(
        self,
        clockwork: Clockwork,
        transmit: Callable[[int, bytes, bool], None],
        address: isotp.Address,
        received: Callable[[bytes], None],
        params: dict[str, Any] | None = None,
    ) -> None:
        self._clockwork = clockwork
        self._inbox: deque[isotp.CanMessage] = deque(maxlen=MAX_WAITING)
        self._received = received
        self._wake_at: float | None = None
        self.errors: dict[str, int] = {}
        settings = {"tx_padding": 0xAA, "stmin": 0, "blocksize": 0, "logger_name": "glovebox_sim.isotp"}
        super().__init__(
            rxfn=self._take,
            txfn=lambda m: transmit(m.arbitration_id, bytes(m.data), m.is_extended_id),
            address=address,
            error_handler=self._count,
            params={**settings, **(params or {})},
        )
        self.logger.disabled = True  # its errors are counted here instead
        self.timer_tx_stmin = self._timer(0)

    def feed(self, message: can.Message) -> None:
        self._inbox.append(
            isotp.CanMessage(
                arbitration_id=message.arbitration_id,
                dlc=message.dlc,
                data=bytes(message.data),
                extended_id=message.is_extended_id,
            )
        )
        self.step()

    def answer(self, payload: bytes) -> None:
        self.send(payload)
        self.step()

    def step(self) -> None:
        """Let the machine do what is due, hand over whole messages, come back when the next thing is due."""
        self.process()
        while (payload := self.recv()) is not None:
            self._received(bytes(payload))
        delays = [t.remaining() for t in (self.timer_rx_fc, self.timer_rx_cf) if not t.is_stopped()]
        if (next_frame := self.next_cf_delay()) is not None:
            delays.append(max(next_frame, FRAME_S))
        if delays:
            self._wake_in(min(delays) + _SOON_S)

    def _wake_in(self, delay_s: float) -> None:
        due = self._clockwork.now + delay_s
        if self._wake_at is not None and self._clockwork.now <= self._wake_at <= due:
            return
        self._wake_at = due
        self._clockwork.call_later(delay_s, lambda: self._woken(due))

    def _woken(self, due: float) -> None:
        if self._wake_at == due:
            self._wake_at = None
            self.step()

    def _take(self, _timeout_s: float) -> isotp.CanMessage | None:
        return self._inbox.popleft() if self._inbox else None

    def _count(self, error: isotp.errors.IsoTpError) -> None:
        name = type(error).__name__
        self.errors[name] = self.errors.get(name, 0) + 1

    def _timer(self, timeout_s: float) -> _VirtualTimer:
        return _VirtualTimer(timeout_s, lambda: self._clockwork.now)

    def _start_rx_fc_timer(self) -> None:
        self.timer_rx_fc = self._timer(self.params.rx_flowcontrol_timeout / 1000)
        self.timer_rx_fc.start()

    def _start_rx_cf_timer(self) -> None:
        self.timer_rx_cf = self._timer(self.params.rx_consecutive_frame_timeout / 1000)
        self.timer_rx_cf.start()
