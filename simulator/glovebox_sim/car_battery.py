"""The car's 12 V battery as the box sees it: rest, load, cranking, alternator.

Modelled: rest voltage by state of charge (a lead battery's straight line), a first-order approach to each
new level, a starter that pulls it down to about 8.9 V, charge counted in ampere-hours. Not modelled:
temperature, ageing, ripple.
"""

from __future__ import annotations

import math

REST_EMPTY_MV = 11_800
REST_FULL_MV = 12_750
CHARGING_MV = 14_150
"""Alternator, or the DC/DC converter of an electric car."""
LIGHT_LOAD_MV = -220
"""Ignition on, engine off: lamps, pumps, control units."""
CRANKING_DROP_MV = 3_700
"""A warm engine at the first turn: 12.6 V falls to 8.9 V."""
CRANK_S = 0.9
SETTLING_S = 20.0
"""Time constant with which a charged battery falls back to rest after the alternator stops."""
PARKED_A = 0.025
IGNITION_A = 6.0
CRANKING_A = 160.0
CHARGE_A = 18.0


class Battery12V:
    """A lead battery of `capacity_ah`, charged to `charge` (0..1). Voltage in whole millivolts."""

    def __init__(self, capacity_ah: float = 50.0, charge: float = 0.85) -> None:
        self.capacity_ah = capacity_ah
        self.charge = charge
        self._surface_mv = 0.0
        self._load_mv = 0.0

    @property
    def rest_mv(self) -> float:
        return REST_EMPTY_MV + (REST_FULL_MV - REST_EMPTY_MV) * self.charge

    @property
    def mv(self) -> int:
        return round(self.rest_mv + self._load_mv + self._surface_mv)

    @property
    def can_crank(self) -> bool:
        """Below a tenth of its charge it only clicks."""
        return self.charge > 0.10

    def step(self, seconds: float, *, ignition: bool, charging: bool, cranking: bool) -> None:
        """Let `seconds` pass under one load."""
        ampere = -PARKED_A
        if cranking:
            ampere = -CRANKING_A
        elif charging:
            ampere = CHARGE_A
        elif ignition:
            ampere = -IGNITION_A
        self.charge = min(max(self.charge + ampere * seconds / 3600 / self.capacity_ah, 0.0), 1.0)
        if cranking:
            self._surface_mv = 0.0
            self._load_mv = -CRANKING_DROP_MV
        elif charging:
            self._surface_mv = CHARGING_MV - self.rest_mv
            self._load_mv = 0.0
        else:
            self._surface_mv *= math.exp(-seconds / SETTLING_S)
            self._load_mv = float(LIGHT_LOAD_MV) if ignition else 0.0
