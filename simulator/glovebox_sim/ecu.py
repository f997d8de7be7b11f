"""The car's control units on the CAN bus, and the traffic any car talks to itself.

`CarNetwork` puts an engine's (or motor's) unit, a gearbox's unit and broadcast frames on a python-can
`virtual` channel. Everything sleeps while KL15 is off: no frame, no answer; what was sent meanwhile is
counted in `frames_while_asleep`, because a box that polls a sleeping car drains it. Answers come after a
latency in simulation time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import can
import isotp

from .car import Car
from .ecu_services import BUSY, ELECTRIC_PIDS, GEARBOX_PIDS, PENDING, PETROL_PIDS, Services
from .ecu_transport import CanPort, Clockwork, SteppedIsoTp

REQUESTS_KEPT = 10_000
"""How many requests a unit remembers, for tests that look for one that should not have been sent."""
AFTER_RUN_S = 0.5
"""The bus stays awake this long after KL15 goes off."""
PENDING_EACH_S = 2.0
"""A unit that needs longer says so again within the tester's 5 s."""
DEFAULT_FRAMES_PER_S = 50.0
LATELY_KEPT = 12
DIAGNOSTIC_FROM = 0x700


@dataclass(frozen=True)
class EcuAddress:
    """Where a unit listens and answers. `functional` is the id by which every unit is asked at once."""

    request: int
    response: int
    functional: int = 0x7DF
    extended: bool = False


ENGINE_11BIT = EcuAddress(0x7E0, 0x7E8)
GEARBOX_11BIT = EcuAddress(0x7E1, 0x7E9)
ENGINE_29BIT = EcuAddress(0x18DA10F1, 0x18DAF110, 0x18DB33F1, extended=True)
GEARBOX_29BIT = EcuAddress(0x18DA18F1, 0x18DAF118, 0x18DB33F1, extended=True)
DASHBOARD_11BIT = EcuAddress(0x743, 0x763)
"""Renault's dashboard, whose odometer is data identifier 0207 where PID A6 is absent."""


class Ecu:
    """One control unit: ISO-TP by can-isotp, services by `ecu_services`, latency in simulation time.

    `pending_s[service]` makes it say "response pending" first; `busy` holds how often each service answers
    "busy" before it answers. Both are for tests. `requests` holds (time, arbitration id, payload) of what
    it was asked.
    """

    def __init__(
        self,
        clockwork: Clockwork,
        transmit: Callable[[int, bytes, bool], None],
        address: EcuAddress,
        services: Services,
        latency_s: float = 0.012,
    ) -> None:
        self._clockwork = clockwork
        self.address = address
        self.services = services
        self.latency_s = latency_s
        self.pending_s: dict[int, float] = {}
        self.busy: dict[int, int] = {}
        self.requests: deque[tuple[float, int, bytes]] = deque(maxlen=REQUESTS_KEPT)
        mode = isotp.AddressingMode.Normal_29bits if address.extended else isotp.AddressingMode.Normal_11bits
        self._physical = SteppedIsoTp(
            clockwork,
            transmit,
            isotp.Address(mode, txid=address.response, rxid=address.request),
            lambda payload: self._asked(address.request, payload),
        )
        self._functional = SteppedIsoTp(
            clockwork,
            lambda *_frame: None,  # a functional request is one frame: flow control is never due
            isotp.Address(mode, txid=address.response, rxid=address.functional),
            lambda payload: self._asked(address.functional, payload),
        )

    @property
    def errors(self) -> Mapping[str, int]:
        """Errors of the transport by name, as can-isotp calls them."""
        return self._physical.errors

    def feed(self, message: can.Message) -> None:
        if (
            message.is_extended_id != self.address.extended
            or message.is_error_frame
            or message.is_remote_frame
        ):
            return
        if message.arbitration_id == self.address.request:
            self._physical.feed(message)
        elif message.arbitration_id == self.address.functional and message.data and message.data[0] >> 4 == 0:
            self._functional.feed(message)

    def fall_asleep(self) -> None:
        """Forget a transfer under way."""
        self._physical.reset()
        self._functional.reset()

    def _asked(self, arbitration_id: int, payload: bytes) -> None:
        self.requests.append((self._clockwork.now, arbitration_id, payload))
        service = payload[0]
        if self.busy.get(service, 0) > 0:
            self.busy[service] -= 1
            self._later(self.latency_s, bytes([0x7F, service, BUSY]))
            return
        wait_s = self.pending_s.get(service, 0.0)
        said_s = self.latency_s
        while said_s < wait_s:
            self._later(said_s, bytes([0x7F, service, PENDING]))
            said_s += PENDING_EACH_S
        answer = self.services.answer(payload, arbitration_id == self.address.functional)
        if answer is not None:
            self._later(max(self.latency_s, wait_s), answer)

    def _later(self, delay_s: float, answer: bytes) -> None:
        self._clockwork.call_later(delay_s, lambda: self._physical.answer(answer))


class CarNetwork:
    """Everything on a car's bus but the box.

    `frames_per_s` is the rate of broadcast frames (0 for none). `is_broken` cuts the wire: nothing is sent
    or heard. `step()` must be called now and then (with the car's own step): it wakes and sends to sleep by
    KL15.
    """

    def __init__(
        self,
        clockwork: Clockwork,
        channel: str,
        car: Car,
        *,
        vin: str = "VF1GLOVEBOX000001",
        frames_per_s: float = DEFAULT_FRAMES_PER_S,
        extended: bool = False,
    ) -> None:
        self._clockwork = clockwork
        self.car = car
        self.channel = channel
        self.vin = vin
        self.frames_per_s = frames_per_s
        self.is_awake = False
        self.is_broken = False
        self.frames_seen = 0
        self.frames_sent = 0
        self.frames_while_asleep = 0
        self._asleep_at: float | None = None
        self._is_talking = False
        self._count = 0
        self.lately: deque[tuple[str, int, bytes]] = deque(maxlen=LATELY_KEPT)
        """The last diagnostic frames: who sent it, arbitration id, data. Broadcast ones are only counted."""
        self.port = CanPort(clockwork, channel, self._heard)
        engine_pids = ELECTRIC_PIDS if car.spec.is_electric else PETROL_PIDS
        dids = {0xF190: lambda _car: vin.encode("ascii")}
        self.engine = Ecu(
            clockwork,
            self._transmit,
            ENGINE_29BIT if extended else ENGINE_11BIT,
            Services(car, engine_pids, vin=vin, name="ECM-EngineControl", dids=dids),
        )
        self.gearbox = Ecu(
            clockwork,
            self._transmit,
            GEARBOX_29BIT if extended else GEARBOX_11BIT,
            Services(car, GEARBOX_PIDS, name="TCM-Gearbox", holds_dtcs=False),
            latency_s=0.019,
        )
        self.units: list[Ecu] = [self.engine, self.gearbox]
        if not extended:
            odometer = {0x0207: lambda c: int(c.odometer_m / 1000).to_bytes(3, "big")}
            self.dashboard = Ecu(
                clockwork,
                self._transmit,
                DASHBOARD_11BIT,
                Services(car, {}, name="Dashboard", holds_dtcs=False, dids=odometer),
                latency_s=0.015,
            )
            self.units.append(self.dashboard)

    def step(self) -> None:
        """Follow KL15."""
        if self.car.kl15:
            self._asleep_at = None
            if not self.is_awake:
                self.is_awake = True
                if not self._is_talking:
                    self._talk()
        elif self.is_awake:
            if self._asleep_at is None:
                self._asleep_at = self._clockwork.now + AFTER_RUN_S
            elif self._clockwork.now >= self._asleep_at:
                self.is_awake = False
                for unit in self.units:
                    unit.fall_asleep()

    def close(self) -> None:
        self.is_awake = False
        self.port.close()

    def _heard(self, message: can.Message) -> None:
        if self.is_broken:
            return
        if not self.is_awake:
            self.frames_while_asleep += 1
            return
        self.frames_seen += 1
        self.lately.append(("tester", message.arbitration_id, bytes(message.data)))
        for unit in self.units:
            unit.feed(message)

    def _transmit(self, arbitration_id: int, data: bytes, extended: bool) -> None:
        if self.is_awake and not self.is_broken:
            self.frames_sent += 1
            self.port.send(arbitration_id, data, extended)
            if extended or arbitration_id >= DIAGNOSTIC_FROM:
                self.lately.append(("car", arbitration_id, data))

    def _talk(self) -> None:
        """Broadcast one frame and come back for the next."""
        self._is_talking = self.is_awake and self.frames_per_s > 0
        if not self._is_talking:
            return
        self._count += 1
        self._transmit(*self._broadcast(self._count), False)
        self._clockwork.call_later(1.0 / self.frames_per_s, self._talk)

    def _broadcast(self, count: int) -> tuple[int, bytes]:
        """Our own layout; every car maker has another: a changing counter, speed, engine speed, a sum."""
        kind = count % 8
        body = bytes([count & 0xFF, kind])
        body += round(self.car.wheel_speed_kmh * 100).to_bytes(2, "big") + round(self.car.rpm).to_bytes(
            2, "big"
        )
        body += bytes([0x55])
        return (0x0C6, 0x12E, 0x186, 0x1F9, 0x242, 0x29A, 0x354, 0x5D7)[kind], body + bytes(
            [sum(body) & 0xFF]
        )
