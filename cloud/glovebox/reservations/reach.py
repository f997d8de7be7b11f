"""How far an electric car goes on what it has, with a margin; what nobody knows stays unknown.

The level is the one the box told last. A car that others drive before the start, or that has been silent
for long, has no known level then.
"""

from typing import Final

from glovebox.fleet.schemas import Vehicle

# Stays in the battery: winter, a detour, and what a gauge gets wrong.
MARGIN_PERCENT: Final = 20
# Of what the plug gives, what reaches the battery.
CHARGED_PERCENT: Final = 90


def range_m(vehicle: Vehicle, level_percent: int | None) -> int | None:
    """Metres that the car goes on that level, the margin left in the battery; None where level, battery or
    consumption is not known, and for a car with a tank: it is filled on the way."""
    battery_wh, per_km = vehicle.battery_wh, vehicle.consumption_wh_per_km
    if vehicle.energy != "electric" or level_percent is None or not battery_wh or not per_km:
        return None
    usable_percent = max(0, level_percent - MARGIN_PERCENT)
    return usable_percent * battery_wh * 10 // per_km


def charged_at(vehicle: Vehicle, level_percent: int, now: int, distance_m: int) -> int | None:
    """When the car goes that far if it charges at its bay from now on; None where it never does, or where
    the plug is not known."""
    battery_wh, per_km, charge_w = vehicle.battery_wh, vehicle.consumption_wh_per_km, vehicle.charge_w
    if not (battery_wh and per_km and charge_w):
        return None
    needed_wh = distance_m * per_km // 1000 + battery_wh * MARGIN_PERCENT // 100
    if needed_wh > battery_wh:
        return None
    missing_wh = max(0, needed_wh - battery_wh * level_percent // 100)
    return now + -(-missing_wh * 3600 * 100 // (charge_w * CHARGED_PERCENT))
