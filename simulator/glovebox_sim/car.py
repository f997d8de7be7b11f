"""A pool car and the person in it: doors, key, ignition, starter, engine or motor, fuel, odometer, place.

The car knows the box only through two wires: the relay's contact, read when somebody starts, and the lock
motors. The contact sits in the starter's wire (or the start button's, or a stored fob's supply), so that it
can keep an engine from starting and can never stop one. Whatever a person cannot do raises `CarRefusal` and
changes nothing.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from . import car_powertrain as powertrain
from .car_battery import CRANK_S, Battery12V
from .car_motion import MotionSensor
from .car_powertrain import CarSpec
from .route import Place, Route
from .speed_trace import KMH_PER_MS, SpeedTrace, braking

DOOR_PASSAGE_S = 2.5
"""How long a door stands open while somebody gets in or out."""
HOLDER, HAND, LOCK = "holder", "hand", "lock"
"""Where the key is: in the glovebox's holder, with the driver, in the ignition lock."""
MAX_STEP_S = 0.5
"""Longest piece `step` takes at once; a longer wait is cut, so that a crank or a slammed door is not
stepped over."""

CarEvent = Callable[[str, dict[str, object]], None]


class CarRefusal(RuntimeError):
    """What a person tried cannot be done with this car now; `code` says why, and nothing has changed."""

    def __init__(self, code: str) -> None:
        super().__init__(code.replace("_", " "))
        self.code = code


@dataclass
class _Drive:
    trace: SpeedTrace
    route: Route | None
    towed: bool
    before_m: float = 0.0
    """Metres along the route already done when this trace began."""
    elapsed_s: float = 0.0

    @property
    def along_route_m(self) -> float:
        return self.before_m + self.trace.distance_m(self.elapsed_s)

    @property
    def speed_ms(self) -> float:
        return self.trace.speed_ms(self.elapsed_s) if self.elapsed_s < self.trace.duration_s else 0.0


class Car:
    """One car. `contact()` answers "allow" or "inhibit"; `on_event(name, data)` is told what happens.

    `step(seconds)` lets time pass. All state may be read at any time; only the methods change it.
    """

    def __init__(
        self,
        spec: CarSpec = powertrain.PETROL_CAR,
        *,
        at: tuple[float, float] = (47.2735, -2.2137),
        odometer_m: float = 18_452_300.0,
        fuel_share: float = 0.62,
        seed: int | str = 1,
        contact: Callable[[], str] = lambda: "allow",
        on_event: CarEvent = lambda _name, _data: None,
    ) -> None:
        self.spec = spec
        self.contact = contact
        self.on_event = on_event
        self.battery = Battery12V()
        self.motion = MotionSensor(random.Random(f"{seed}/motion"))
        self.place = Place(at[0], at[1], 0.0)
        self.odometer_m = odometer_m
        self.fuel_ml = spec.tank_ml * fuel_share
        self.fuel_burnt_ml = 0.0
        self.charge_wh = spec.battery_wh * fuel_share
        self.charge_drawn_wh = 0.0
        self.key = HOLDER if spec.key_holder_fitted else HAND
        self.locked = True
        self.door_open = False
        self.driver_inside = False
        self.kl15 = False
        self.engine_on = False
        self.dtcs: list[int] = []
        """Diagnostic trouble codes the engine's control unit has stored, as on the bus; any one lights the
        lamp."""
        self._cranking_s = 0.0
        self._door_shuts_s = 0.0
        self._drive: _Drive | None = None
        self._burnt_lately: deque[tuple[float, float]] = deque([(0.0, 0.0)])
        self.age_s = 0.0
        self.driven_m = 0.0
        self.engine_on_s = 0.0

    # -- what can be seen ---------------------------------------------------------------------------------

    @property
    def speed_ms(self) -> float:
        """Speed over ground, towed or driven."""
        return self._drive.speed_ms if self._drive else 0.0

    @property
    def wheel_speed_kmh(self) -> float:
        """What the wheels say: 0 on a ferry or a flatbed."""
        return 0.0 if self._drive is None or self._drive.towed else self._drive.speed_ms * KMH_PER_MS

    @property
    def acceleration_ms2(self) -> float:
        return self._drive.trace.acceleration_ms2(self._drive.elapsed_s) if self._drive else 0.0

    @property
    def is_moving(self) -> bool:
        return self.speed_ms > 0

    @property
    def is_driving(self) -> bool:
        """A trip is under way, waiting at a light included."""
        return self._drive is not None

    @property
    def trip_share(self) -> float | None:
        """How much of the trip under way is done, 0..1."""
        drive = self._drive
        return None if drive is None else min(drive.elapsed_s / drive.trace.duration_s, 1.0)

    @property
    def is_cranking(self) -> bool:
        return self._cranking_s > 0

    @property
    def rpm(self) -> float:
        if self.spec.is_electric or not self.engine_on:
            return 180.0 if self.is_cranking else 0.0
        return powertrain.rpm(self.wheel_speed_kmh)

    @property
    def fuel_percent(self) -> float:
        """Share of the tank, or of the traction battery, 0..100."""
        if self.spec.is_electric:
            return 100 * self.charge_wh / self.spec.battery_wh
        return 100 * self.fuel_ml / self.spec.tank_ml

    @property
    def fuel_rate_l_per_h(self) -> float:
        """Mean over the last second, as a control unit reports it."""
        t0, burnt0 = self._burnt_lately[0]
        if self.age_s <= t0:
            return 0.0
        return (self.fuel_burnt_ml - burnt0) / (self.age_s - t0) * 3.6

    @property
    def mil(self) -> bool:
        return bool(self.dtcs)

    # -- what a person does -------------------------------------------------------------------------------

    def _require(self, condition: bool, code: str) -> None:
        if not condition:
            raise CarRefusal(code)

    def _tell(self, name: str, **data: object) -> None:
        self.on_event(name, data)

    def open_door(self) -> None:
        """From outside an unlocked car, or from inside any car: the inner handle always works."""
        self._require(not self.is_moving, "moving")
        self._require(self.driver_inside or not self.locked or self.door_open, "door_locked")
        self._door_shuts_s = 0.0
        if not self.door_open:
            self.door_open = True
            self._tell("door", open=True)

    def close_door(self) -> None:
        self._door_shuts_s = 0.0
        if self.door_open:
            self.door_open = False
            self.motion.knock()
            self._tell("door", open=False)

    def get_in(self) -> None:
        """Open a door, sit down, shut it."""
        self._require(not self.driver_inside, "already_inside")
        self.open_door()
        self.driver_inside = True
        self._door_shuts_s = DOOR_PASSAGE_S

    def get_out(self) -> None:
        """Open a door, get up, shut it. The key in the lock comes along."""
        self._require(self.driver_inside, "nobody_inside")
        self._require(not self.kl15, "ignition_on")
        self.open_door()
        self.driver_inside = False
        if self.key == LOCK:
            self.key = HAND
        self._door_shuts_s = DOOR_PASSAGE_S

    def take_key(self) -> None:
        self._require(self.spec.key_holder_fitted, "no_key_holder")
        self._require(self.driver_inside or self.door_open, "not_inside")
        self._require(self.key == HOLDER, "key_not_in_holder")
        self.key = HAND
        self._tell("key", where=self.key)

    def put_key_back(self) -> None:
        self._require(self.spec.key_holder_fitted, "no_key_holder")
        self._require(self.driver_inside or self.door_open, "not_inside")
        self._require(self.key != HOLDER, "key_in_holder")
        self._require(not self.kl15, "ignition_on")
        self.key = HOLDER
        self._tell("key", where=self.key)

    def ignition_on(self) -> None:
        """KL15 on: turn the key to the second notch, or press the button of a keyless car."""
        self._require(self.driver_inside, "not_inside")
        self._require(self.key != HOLDER, "key_in_holder")
        if self.spec.interlock_kind == "fob_supply" and not self.kl15:
            self._require(self.contact() == "allow", "fob_without_supply")
        if self.spec.key_holder_fitted:
            self.key = LOCK
        if not self.kl15:
            self.kl15 = True
            self._tell("ignition", on=True)

    def ignition_off(self) -> None:
        self._require(not self.is_moving, "moving")
        if self.spec.key_holder_fitted and self.key == LOCK:
            self.key = HAND
        if self.kl15:
            self.kl15 = False
            self._cranking_s = 0.0
            self._drive = None if self._drive is None or not self._drive.towed else self._drive
            self._stop_engine()
            self._tell("ignition", on=False)

    def turn_starter(self) -> str:
        """Try to start. Answers `turns`, `ready` (electric), `interlocked`, `already_running`,
        `battery_flat` or `no_fuel`. A running engine takes no notice of the contact: it sits in the wire of
        the starter."""
        self._require(self.kl15, "ignition_off")
        answer = self._starter_answer()
        if answer == "turns":
            self._cranking_s = CRANK_S
        elif answer == "ready":
            self._start_engine()
        self._tell("starter", answer=answer)
        return answer

    def _starter_answer(self) -> str:
        if self.engine_on or self.is_cranking:
            return "already_running"
        if self.spec.interlock_kind != "none" and self.contact() != "allow":
            return "interlocked"
        if not self.battery.can_crank:
            return "battery_flat"
        if self.spec.is_electric:
            return "ready" if self.charge_wh > 0 else "no_fuel"
        return "turns" if self.fuel_ml > 0 else "no_fuel"

    def drive(self, trace: SpeedTrace, route: Route | None = None) -> None:
        """Follow `trace`, along `route` from its start; without a route the place stays. Needs a running
        engine."""
        self._require(self.engine_on, "engine_off")
        self._require(not self.is_moving, "moving")
        self._drive = _Drive(trace, route, towed=False)
        self._tell(
            "drive", trace=trace.name, route=route.name if route else None, metres=round(trace.total_m, 1)
        )

    def carry(self, trace: SpeedTrace, route: Route | None = None) -> None:
        """A flatbed or a ferry moves the car: speed and place change, wheels, engine and odometer do not."""
        self._require(not self.kl15, "ignition_on")
        self._require(not self.is_moving, "moving")
        self._drive = _Drive(trace, route, towed=True)
        self._tell("carried", trace=trace.name)

    def brake(self) -> None:
        """Come to a stand calmly and end the trip there."""
        if self._drive is None:
            return
        drive = self._drive
        speed = self.speed_ms
        if speed <= 0:
            self._end_drive()
            return
        self._drive = _Drive(braking(speed), drive.route, drive.towed, drive.along_route_m)

    # -- time ---------------------------------------------------------------------------------------------

    def step(self, seconds: float) -> None:
        """Let time pass."""
        while seconds > 1e-9:
            piece = min(seconds, MAX_STEP_S)
            if self.is_cranking:
                piece = min(piece, self._cranking_s)
            if self._door_shuts_s > 0:
                piece = min(piece, self._door_shuts_s)
            self._step_piece(piece)
            seconds -= piece

    def _step_piece(self, seconds: float) -> None:
        self.age_s += seconds
        self._step_starter(seconds)
        self._step_door(seconds)
        driving_j, braked_j = self._step_drive(seconds)
        if self.engine_on:
            self.engine_on_s += seconds
            self._consume(driving_j, braked_j, seconds)
        self.battery.step(seconds, ignition=self.kl15, charging=self.engine_on, cranking=self.is_cranking)
        self._burnt_lately.append((self.age_s, self.fuel_burnt_ml))
        while len(self._burnt_lately) > 1 and self._burnt_lately[1][0] <= self.age_s - 1.0:
            self._burnt_lately.popleft()

    def _step_starter(self, seconds: float) -> None:
        if not self.is_cranking:
            return
        if self.spec.interlock_kind == "starter_wire" and self.contact() != "allow":
            self._cranking_s = (
                0.0  # the wire was opened while the starter turned: it stops, no engine ran yet
            )
            return
        self._cranking_s -= seconds
        if self._cranking_s <= 1e-9:
            self._cranking_s = 0.0
            self._start_engine()

    def _step_door(self, seconds: float) -> None:
        if self._door_shuts_s <= 0:
            return
        self._door_shuts_s -= seconds
        if self._door_shuts_s <= 1e-9:
            self.close_door()

    def _step_drive(self, seconds: float) -> tuple[float, float]:
        """Move; answers the (driving, braking) work at the wheels in joules."""
        drive = self._drive
        if drive is None:
            return 0.0, 0.0
        start, end = drive.elapsed_s, drive.elapsed_s + seconds
        driving = braked = 0.0
        if not drive.towed:
            for v0, v1, dt in drive.trace.segments(start, end):
                more_driving, more_braked = powertrain.wheel_work_j(self.spec, v0, v1, dt)
                driving, braked = driving + more_driving, braked + more_braked
            metres = drive.trace.distance_m(end) - drive.trace.distance_m(start)
            self.odometer_m += metres
            self.driven_m += metres
        drive.elapsed_s = end
        if drive.route is not None:
            self.place = drive.route.at(drive.along_route_m)
        if end >= drive.trace.duration_s:
            self._end_drive()
        return driving, braked

    def _end_drive(self) -> None:
        self._drive = None
        self._tell("stopped", odometer_m=round(self.odometer_m, 1))

    def _consume(self, driving_j: float, braked_j: float, seconds: float) -> None:
        if self.spec.is_electric:
            drawn = powertrain.charge_wh(self.spec, driving_j, braked_j, seconds)
            drawn = min(drawn, self.charge_wh)
            self.charge_drawn_wh += drawn
            self.charge_wh = min(self.charge_wh - drawn, float(self.spec.battery_wh))
            empty = self.charge_wh <= 0
        else:
            burnt = min(powertrain.fuel_ml(self.spec, driving_j, seconds), self.fuel_ml)
            self.fuel_burnt_ml += burnt
            self.fuel_ml -= burnt
            empty = self.fuel_ml <= 0
        if empty:
            self._stop_engine()
            self.brake()

    def _start_engine(self) -> None:
        self.engine_on = True
        self._tell("engine", on=True)

    def _stop_engine(self) -> None:
        if self.engine_on:
            self.engine_on = False
            self._tell("engine", on=False)
