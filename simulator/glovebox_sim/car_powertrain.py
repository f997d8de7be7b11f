"""What moves a car and what that costs: forces, fuel, charge.

The model, all of it (so that a test can do the same sum by itself):

* force at the wheels   F = m k a + m g c_rr + 1/2 rho C_dA v^2      (m mass, k 1.04, level road)
* petrol: fuel power    P = P_idle + max(0, F v) / e                 while the engine runs; no overrun cut-off
* electric: battery     P = P_aux + max(0, F v) / e - r max(0, -F v) while the motor is ready (r:
  recuperated share)

Speed is linear over each piece of a trace, so F v is a cubic in time and its positive part is integrated
exactly: the fuel burnt over a trip does not depend on the step of the simulation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

GRAVITY_MS2 = 9.80665
AIR_KG_M3 = 1.2
TURNING_MASS_FACTOR = 1.04
PETROL_J_PER_ML = 32_200.0
"""Lower heating value of petrol E10, about 43 MJ/kg at 0.745 kg/l; rounded."""


@dataclass(frozen=True)
class CarSpec:
    """One model of car. `interlock_kind` is how the box's relay is wired; see the hardware's wiring page."""

    model: str
    fuel: str = "petrol"
    """petrol, or electric."""
    interlock_kind: str = "starter_wire"
    """none, starter_wire, start_button or fob_supply."""
    key_holder_fitted: bool = True
    mass_kg: float = 1_180.0
    drag_area_m2: float = 0.66
    rolling: float = 0.010
    efficiency: float = 0.36
    idle_ml_per_h: float = 650.0
    tank_ml: int = 45_000
    battery_wh: int = 0
    auxiliary_w: float = 300.0
    recuperation: float = 0.60

    def __post_init__(self) -> None:
        if self.fuel not in ("petrol", "electric"):
            raise ValueError(f"{self.model}: no fuel {self.fuel!r}")
        if self.interlock_kind not in ("none", "starter_wire", "start_button", "fob_supply"):
            raise ValueError(f"{self.model}: no interlock kind {self.interlock_kind!r}")

    @property
    def is_electric(self) -> bool:
        return self.fuel == "electric"


PETROL_CAR = CarSpec("petrol town car")
ELECTRIC_CAR = CarSpec(
    "electric town car",
    fuel="electric",
    interlock_kind="fob_supply",
    key_holder_fitted=False,
    mass_kg=1_550.0,
    drag_area_m2=0.68,
    efficiency=0.86,
    tank_ml=0,
    battery_wh=50_000,
)
SPECS = {"petrol": PETROL_CAR, "electric": ELECTRIC_CAR}


def wheel_work_j(spec: CarSpec, v0: float, v1: float, seconds: float) -> tuple[float, float]:
    """(driving, braking) joules at the wheels while the speed goes linearly from `v0` to `v1` m/s; both >= 0.

    With x the speed, F = b + k x^2 and b constant over the piece: the sign of F changes at most once, at
    x = sqrt(-b / k), and the pieces on either side are integrated in closed form.
    """
    if seconds <= 0 or (v0 <= 0 and v1 <= 0):
        return 0.0, 0.0
    a = (v1 - v0) / seconds
    b = spec.mass_kg * (TURNING_MASS_FACTOR * a + GRAVITY_MS2 * spec.rolling)
    k = 0.5 * AIR_KG_M3 * spec.drag_area_m2
    cuts = [v0, v1]
    if b < 0:
        turning = math.sqrt(-b / k)
        if min(v0, v1) < turning < max(v0, v1):
            cuts = [v0, turning, v1]
    driving = braked = 0.0
    for x0, x1 in pairwise(cuts):
        span = seconds if len(cuts) == 2 else seconds * (x1 - x0) / (v1 - v0)
        # mean of x and of x^3 over a linear passage from x0 to x1
        work = span * (b * (x0 + x1) / 2 + k * (x0 + x1) * (x0 * x0 + x1 * x1) / 4)
        driving, braked = (driving + work, braked) if work > 0 else (driving, braked - work)
    return driving, braked


def fuel_ml(spec: CarSpec, driving_j: float, running_s: float) -> float:
    """Petrol burnt for so much work at the wheels and so long with the engine on, millilitres."""
    return spec.idle_ml_per_h * running_s / 3600 + driving_j / spec.efficiency / PETROL_J_PER_ML


def charge_wh(spec: CarSpec, driving_j: float, braked_j: float, ready_s: float) -> float:
    """Charge drawn from the traction battery, watt-hours; negative when braking gave more than the rest
    took."""
    joules = spec.auxiliary_w * ready_s + driving_j / spec.efficiency - spec.recuperation * braked_j
    return joules / 3600


_GEARS = ((0, 0.0), (5, 115.0), (18, 62.0), (32, 42.0), (48, 32.0), (68, 25.5))
"""(from km/h, engine revolutions a minute per km/h): a five-speed box shifted early."""
IDLE_RPM = 800.0


def rpm(speed_kmh: float) -> float:
    """Engine speed of a petrol car in the gear a calm driver would have chosen, 1/min."""
    ratio = 0.0
    for from_kmh, per_kmh in _GEARS:
        if speed_kmh >= from_kmh:
            ratio = per_kmh
    return max(IDLE_RPM, speed_kmh * ratio)
