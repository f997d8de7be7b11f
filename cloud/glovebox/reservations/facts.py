"""What a message says of a reservation."""

from typing import Any

from sqlalchemy import Connection

from glovebox.policies.checks import zone_of
from glovebox.reservations.schemas import Reservation


def facts_of(tx: Connection, one: Reservation) -> dict[str, Any]:
    """Which car, where and when, by the clock of the site it is taken from."""
    return {
        "reservation_id": one.id,
        "car": f"{one.registration} {one.vehicle_name}",
        "place": one.site_name,
        "starts_at": one.starts_at,
        "ends_at": one.ends_at,
        "time_zone": zone_of(tx, one.site_id),
    }
