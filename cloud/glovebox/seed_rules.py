"""The seeded fleet's rules: enough to see each kind at work. The town's own cars stay without, for those who
try the product."""

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection

from glovebox.clock import DAY_S, HOUR_S, MINUTE_S
from glovebox.fleet import service as fleet
from glovebox.policies import groups, hours, service
from glovebox.policies.schemas import Closure, DayHours, Policy, SiteHours
from glovebox.scope import SYSTEM

OFFICE_HOURS: Final = tuple(DayHours(weekday, 7 * 60, 19 * 60 + 30) for weekday in range(5))
DIRECTORS_CARS: Final = 2
ON_CALL: Final = 5


def add_rules(
    tx: Connection, now: int, organisation_id: int, pool_id: int, site_ids: list[int], people: list[int]
) -> None:
    """A body whose cars keep a gap, whose office closes at night, on holidays and at the year's end, and
    whose people on call book further ahead."""
    year = datetime.fromtimestamp(now, UTC).year
    closures = (Closure(f"{year}-12-24", f"{year + 1}-01-02", "Fermeture de fin d'année"),)
    hours.set_hours(tx, now, SYSTEM, SiteHours(site_ids[0], OFFICE_HOURS, closures, "FR"))
    general = Policy(
        organisation_id, buffer_s=15 * MINUTE_S, horizon_s=90 * DAY_S, open_bookings=8, week_s=60 * HOUR_S
    )
    service.set_policy(tx, now, SYSTEM, general)
    on_call = groups.add_group(tx, SYSTEM, organisation_id, "Astreinte", 10)
    for person_id in people[-ON_CALL:]:
        groups.add_member(tx, SYSTEM, on_call, person_id)
    further = Policy(organisation_id, pool_id, on_call, horizon_s=180 * DAY_S)
    service.set_policy(tx, now, SYSTEM, further)


def add_approval(tx: Connection, now: int, organisation_id: int, car_ids: list[int]) -> None:
    """A second pool of a body, whose few cars somebody has to approve."""
    pool_id = fleet.add_pool(tx, organisation_id, "Véhicules de direction")
    for vehicle_id in car_ids[-DIRECTORS_CARS:]:
        fleet.change_vehicle(tx, SYSTEM, vehicle_id, pool_id=pool_id)
    asked = Policy(organisation_id, pool_id, needs_approval=1, approval_due_s=DAY_S)
    service.set_policy(tx, now, SYSTEM, asked)
