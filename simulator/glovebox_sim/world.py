"""One simulated car around one box: the car and its bus on the box's inputs, the box's outputs on the car.

`CarWorld` is what the bench page, scenarios and tests act upon. It runs by the simulation's clock, virtual
or real, and is seeded by the simulation's seed and the box's name. All methods may be called from any
thread: they take `sim.lock`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chips.iso14443_card import Card

from . import route as routes
from . import speed_trace
from .car import HOLDER, Car, CarRefusal
from .car_powertrain import PETROL_CAR, CarSpec
from .ecu import DEFAULT_FRAMES_PER_S, CarNetwork
from .gnss_world import Receiver
from .recorder import Recorder
from .route import Route
from .speed_trace import SpeedTrace

TICK_S = 0.1
"""The car moves and its sensors are read out ten times a second, as the accelerometer samples."""
LOOK_S = 1.0
"""How often a recording looks at the car."""
UID_LENGTHS = (4, 7, 10)
MIFARE_CLASSIC_SAK, DESFIRE_SAK = 0x08, 0x20
MAX_LOG_BYTES = 65_536
"""Console text taken at once; more than this in a second is a box gone mad."""


class CarWorld:
    """A car, its control units, its receiver and the person at its windscreen, wired to `box`.

    `spec` is the model of car, `at` where it is parked. `traces` is a folder of published driving cycles,
    if there is one. `frames_per_s` is the traffic on the car's own bus.
    """

    def __init__(
        self,
        sim: Any,
        box: Any,
        *,
        spec: CarSpec = PETROL_CAR,
        at: tuple[float, float] = (47.2735, -2.2137),
        odometer_m: float = 18_452_300.0,
        fuel_share: float = 0.62,
        frames_per_s: float = DEFAULT_FRAMES_PER_S,
        traces: Path | None = None,
    ) -> None:
        self.sim = sim
        self.box = box
        self.name: str = box.name
        self.traces = traces
        self.home = at
        """Where the car first stood: its site."""
        self.faults: set[str] = set()
        """What is broken now, by the names of `faults.FAULTS`."""
        self.cards: dict[str, Card] = {}
        """Cards in the field, by UID in hex."""
        self.kl15_override: bool | None = None
        self.battery_override_mv: int | None = None
        self._last_s = sim.now
        self._console_at = box.log_path.stat().st_size if box.log_path.exists() else 0
        self._ends: list[Callable[[], None]] = []
        seed = f"{sim.seed}/{box.name}"
        self.car = Car(
            spec,
            at=at,
            odometer_m=odometer_m,
            fuel_share=fuel_share,
            seed=seed,
            contact=lambda: str(box.board.relay.contact),
            on_event=lambda name, data: sim.emit(self.name, "car", name, data),
        )
        self.bus = CarNetwork(sim, box.board.can_channel, self.car, frames_per_s=frames_per_s)
        self.receiver = Receiver(seed)
        self._push()
        self._ends.append(sim.every(TICK_S, self._tick))
        sim.at(math.ceil(sim.now), self._start_receiver)

    def close(self) -> None:
        with self.sim.lock:
            for end in self._ends:
                end()
            self._ends.clear()
            self.bus.close()

    # -- time ---------------------------------------------------------------------------------------------
    def _start_receiver(self) -> None:
        self._second()
        self._ends.append(self.sim.every(1.0, self._second))

    def _second(self) -> None:
        self._console()
        self.receiver.set_power(self.box.is_on, self.sim.now)
        data = self.receiver.second(self.sim.now, self.car.place, self.car.speed_ms)
        if data:
            self.box.board.gnss.feed(data)

    def _tick(self) -> None:
        now = self.sim.now
        seconds, self._last_s = now - self._last_s, now
        self._read_locks()
        self.car.step(seconds)
        self._push()
        sensor = self.car.motion.read_mg(
            seconds,
            acceleration_ms2=self.car.acceleration_ms2,
            speed_ms=self.car.speed_ms,
            engine=self.car.engine_on and not self.car.spec.is_electric,
        )
        self.box.board.accelerometer.set_mg(*sensor)

    def _read_locks(self) -> None:
        if self.box.board.locked is not None:
            self.car.locked = self.box.board.locked

    def _push(self) -> None:
        """Put the car's state on the box's inputs, only what changed. The bus wakes with the ignition."""
        board, car = self.box.board, self.car
        self.bus.step()
        board.can.is_bus_awake = self.bus.is_awake and not self.bus.is_broken
        kl15 = car.kl15 if self.kl15_override is None else self.kl15_override
        key_in_holder = car.spec.key_holder_fitted and car.key == HOLDER
        battery_mv = car.battery.mv if self.battery_override_mv is None else self.battery_override_mv
        if board.kl15 != kl15:
            board.kl15 = kl15
        if board.door_open != car.door_open:
            board.door_open = car.door_open
        if board.key_in_holder != key_in_holder:
            board.key_in_holder = key_in_holder
        if board.battery_mv != battery_mv:
            board.battery_mv = battery_mv

    def _console(self) -> None:
        """Tell what the box has printed since the last time."""
        if not self.box.log_path.exists():
            return
        with self.box.log_path.open("rb") as file:
            file.seek(self._console_at)
            data = file.read(MAX_LOG_BYTES)
        end = data.rfind(b"\n") + 1
        if len(data) == MAX_LOG_BYTES and not end:
            end = len(data)
        self._console_at += end
        for line in data[:end].decode("utf-8", "replace").splitlines():
            self.sim.emit(self.name, "log", "line", {"text": line})

    def record_to(self, recorder: Recorder) -> None:
        """Look at this car once a second for a recording; the recorder gets the events from
        `sim.on_event`."""
        self._ends.append(
            self.sim.every(LOOK_S, lambda: recorder.car(self.sim.now, self.name, **self.columns()))
        )

    def columns(self) -> dict[str, object]:
        """The car as a row of a recording."""
        car = self.car
        return {
            "lat": round(car.place.lat, 7),
            "lon": round(car.place.lon, 7),
            "speed_kmh": round(car.speed_ms * 3.6, 2),
            "odometer_m": round(car.odometer_m, 1),
            "fuel_ml": round(car.fuel_ml, 2),
            "fuel_burnt_ml": round(car.fuel_burnt_ml, 3),
            "battery_mv": self.box.board.battery_mv,
            "kl15": int(self.box.board.kl15),
            "engine": int(car.engine_on),
            "door_open": int(car.door_open),
            "locked": int(car.locked),
            "key": car.key,
            "contact": self.box.board.relay.contact,
            "has_fix": int(self.receiver.has_fix),
            "faults": " ".join(sorted(self.faults)),
        }

    # -- cards --------------------------------------------------------------------------------------------
    def hold_card(self, uid: bytes) -> None:
        """Hold a card to the windscreen and keep it there. 4, 7 or 10 bytes. Raises ValueError for any
        other."""
        card = make_card(uid)
        with self.sim.lock:
            if uid.hex() not in self.cards:
                self.cards[uid.hex()] = card
                self.box.board.reader.present(card)

    def take_card_away(self, uid: bytes | None = None) -> None:
        """Take one card away, or all of them."""
        with self.sim.lock:
            for key in [uid.hex()] if uid is not None else list(self.cards):
                card = self.cards.pop(key, None)
                if card is not None:
                    self.box.board.reader.remove(card)

    def tap(self, uid: bytes, seconds: float = 0.8) -> None:
        """Hold a card for a moment."""
        self.hold_card(uid)
        self.sim.call_later(seconds, lambda: self.take_card_away(uid))

    # -- driving ------------------------------------------------------------------------------------------
    def person(self, action: str) -> object:
        """Let the person do one of the car's actions by its name; raises `car.CarRefusal`."""
        with self.sim.lock:
            self._read_locks()
            answer = getattr(self.car, action)()
            self._push()
            return answer

    def drive(
        self, trace: SpeedTrace | str, route: Route | str | None = None, metres: float | None = None
    ) -> None:
        """Drive a trace along a route that starts where the car is.

        With `metres` the trace is repeated or cut to end there. A loop is scaled to the trace's distance,
        so that it comes home; any other route ends the drive where it ends. Raises `car.CarRefusal`,
        TraceError, RouteError.
        """
        found = speed_trace.find(trace, self.traces) if isinstance(trace, str) else trace
        road = routes.find(route) if isinstance(route, str) else route
        with self.sim.lock:
            here = self.car.place
            if road is not None:
                road = road.starting_at(here.lat, here.lon)
                if not road.is_loop:
                    metres = road.length_m if metres is None else min(metres, road.length_m)
            if metres is not None:
                found = found.ending_after(metres)
            if road is not None and road.is_loop:
                road = road.fitted(found.total_m)
            self.car.drive(found, road)

    def drive_to(self, trace: SpeedTrace | str, place: tuple[float, float]) -> None:
        """Drive to a place by a road of our own, in the manner of a trace. Raises `CarRefusal`."""
        here = self.car.place
        if routes.metres_between((here.lat, here.lon), place) < 50:
            raise CarRefusal("already_there")
        self.drive(trace, routes.between((here.lat, here.lon), place))

    def carry(self, trace: SpeedTrace | str = "town") -> None:
        """A flatbed takes the car along a road of the town."""
        found = speed_trace.find(trace, self.traces) if isinstance(trace, str) else trace
        with self.sim.lock:
            here = self.car.place
            road = routes.find("town_loop").starting_at(here.lat, here.lon).fitted(found.total_m)
            self.car.carry(found, road)

    # -- the box ------------------------------------------------------------------------------------------
    def set_network(self, up: bool) -> None:
        with self.sim.lock:
            self.box.network.up(up)

    def set_power(self, on: bool) -> None:
        """The box's own supply; the car keeps its battery."""
        with self.sim.lock:
            if on:
                self.box.power_on()
            else:
                self.box.power_off()
            self.receiver.set_power(on, self.sim.now)


def make_card(uid: bytes) -> Card:
    """A card of the usual kind for the length of its UID. Raises ValueError for a length that no card has."""
    if len(uid) not in UID_LENGTHS:
        raise ValueError(f"a card's UID has 4, 7 or 10 bytes, not {len(uid)}")
    return Card(uid, sak=MIFARE_CLASSIC_SAK if len(uid) == 4 else DESFIRE_SAK)
