"""What holds one car over a long time, read at once: for a series of days, where one question a day would be
too many."""

from bisect import bisect_left

from sqlalchemy import Connection, select

from glovebox.errors import Conflict
from glovebox.fleet import service as fleet
from glovebox.fleet.schemas import Vehicle
from glovebox.reservations import places, risk
from glovebox.reservations.states import GUARDED
from glovebox.reservations.tables import reservations

# No instant that anybody asks for is later.
_EVER = 1 << 62


def too_close(before: int | None, after: int | None, buffer_s: int) -> tuple[str, dict[str, int]]:
    """Code and values of the refusal: a neighbour ends at `before` or begins at `after`, and what would
    do."""
    if before is not None:
        return "too_close_before", {"buffer_s": buffer_s, "earliest_start": before + buffer_s}
    assert after is not None
    return "too_close_after", {"buffer_s": buffer_s, "latest_end": after - buffer_s}


class Held:
    """Promises, blocks and journeys of one car from `after` on."""

    def __init__(self, tx: Connection, vehicle: Vehicle, after: int) -> None:
        """Reads all of it: a car has some hundreds of promises ahead at most."""
        query = select(reservations.c.starts_at, reservations.c.ends_at).where(
            reservations.c.vehicle_id == vehicle.id,
            reservations.c.state.in_(GUARDED),
            reservations.c.ends_at > after,
        )
        # No two overlap, so that both starts and ends rise.
        self._promises = [(row[0], row[1]) for row in tx.execute(query.order_by(reservations.c.ends_at))]
        self._ends = [ends_at for _starts_at, ends_at in self._promises]
        self._blocked = risk.list_blocked(tx, vehicle.id, after)
        self._moves = places.list_moves(tx, vehicle.id, _EVER)
        self._vehicle = vehicle
        self._sites = {site.id: site.name for site in fleet.list_sites(tx)} if self._moves else {}

    def find_problem(self, starts_at: int, ends_at: int, zone_name: str) -> Conflict | None:
        """Why the car is not there for [starts_at, ends_at); None: nobody has it, and it stands at its
        site."""
        vehicle = self._vehicle
        touching = [
            end for begins, end in self._blocked if begins < ends_at and (end is None or end > starts_at)
        ]
        if touching:
            known = [end for end in touching if end is not None]
            until = max(known) if len(known) == len(touching) else None
            return Conflict("blocked", registration=vehicle.registration, until=until, time_zone=zone_name)
        if vehicle.status != "in_service":
            return Conflict("not_in_service", registration=vehicle.registration)
        after = bisect_left(self._ends, starts_at + 1)
        if after < len(self._promises) and self._promises[after][0] < ends_at:
            return Conflict("already_taken", time_zone=zone_name)
        place = next((site for at, site in reversed(self._moves) if at < starts_at), vehicle.site_id)
        if place != vehicle.site_id:
            return Conflict(
                "car_elsewhere",
                registration=vehicle.registration,
                site=self._sites[place],
                site_id=place,
                wanted=vehicle.site_name,
            )
        return None

    def find_too_close(self, starts_at: int, ends_at: int, buffer_s: int, zone_name: str) -> Conflict | None:
        """The neighbour to which the rules want more distance; `find_problem` has found nothing."""
        after = bisect_left(self._ends, starts_at + 1)
        if after and self._ends[after - 1] > starts_at - buffer_s:
            code, values = too_close(self._ends[after - 1], None, buffer_s)
            return Conflict(code, time_zone=zone_name, **values)
        if after < len(self._promises) and self._promises[after][0] < ends_at + buffer_s:
            code, values = too_close(None, self._promises[after][0], buffer_s)
            return Conflict(code, time_zone=zone_name, **values)
        return None
