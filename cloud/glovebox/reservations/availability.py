"""What is free: cars for an interval, gaps of one car."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, select

from glovebox.boxes import service as boxes
from glovebox.boxes.schemas import Live
from glovebox.clock import DAY_S, HOUR_S
from glovebox.errors import GloveboxError, Invalid
from glovebox.fleet import service as fleet
from glovebox.fleet.schemas import Site, Vehicle
from glovebox.people import service as people
from glovebox.policies.calendars import load_calendars
from glovebox.policies.checks import Asked, find_quota, find_refusal
from glovebox.policies.resolution import Rulebook
from glovebox.reservations import chains, places, reach, risk
from glovebox.reservations.schemas import Offer, Slot
from glovebox.reservations.states import GUARDED
from glovebox.reservations.tables import reservations
from glovebox.scope import SYSTEM, Scope

# A dozing box wakes every quarter of an hour; a car silent this long may not learn of a reservation in time.
SILENT_S: Final = 6 * HOUR_S
NEXT_FREE_HORIZON_S: Final = 30 * DAY_S
EARTH_M: Final = 6_371_000


@dataclass(frozen=True)
class Wanted:
    """A car wished for in [starts_at, ends_at): where it is taken (None: anywhere) and brought back (None:
    where it was taken), seats at least, energy, and how far it must go without charging (0: not said)."""

    starts_at: int
    ends_at: int
    from_site: int | None = None
    to_site: int | None = None
    seats: int = 1
    energy: str | None = None
    distance_m: int = 0


class Found(NamedTuple):
    """Cars that fit, best first: the site's, then the nearest; of a site those with a box first; cars silent
    for long last. `short`: electric ones known not to go that far. `refused`: those that nobody holds but a
    rule forbids, as they stand then."""

    offers: list[Offer]
    short: list[Offer]
    refused: list[tuple[Vehicle, GloveboxError]]


def look(
    tx: Connection,
    now: int,
    scope: Scope,
    wanted: Wanted,
    *,
    person_id: int | None = None,
    was: Any = None,
    by_server: bool = False,
    only: int | None = None,
) -> Found:
    """Cars in service that this scope may drive, that no promise and no block holds then and the rules allow
    to this person (None: whoever asks), where they will be then. `was`: the reservation that would get one of
    them, which quotas do not count twice; `by_server`: nobody asks for it, so that lead time and horizon do
    not count; `only`: this one car.
    Raises Invalid for an empty interval."""
    starts_at, ends_at = wanted.starts_at, wanted.ends_at
    if starts_at >= ends_at:
        raise Invalid("empty_interval")
    taken = select(reservations.c.vehicle_id).where(
        reservations.c.state.in_(GUARDED),
        reservations.c.starts_at < ends_at,
        reservations.c.ends_at > starts_at,
    )
    person_id = scope.person_id if person_id is None else person_id
    busy = set(tx.execute(taken.distinct()).scalars()) | risk.blocked_vehicles(tx, starts_at, ends_at)
    if not by_server and only is None:
        busy |= risk.held_back(tx, starts_at, ends_at, person_id)
    stands = Stands(tx, starts_at)
    free = [
        stands.then(vehicle)
        for vehicle in fleet.list_vehicles(tx, scope, now)
        if vehicle.status == "in_service"
        and vehicle.id not in busy
        and vehicle.seats >= wanted.seats
        and wanted.energy in (None, vehicle.energy)
        and only in (None, vehicle.id)
    ]
    permits = Permits(tx, now, free, person_id, wanted, was, by_server)
    free, refused = _sort_out(tx, free, wanted, permits)
    offers = describe(tx, now, free, wanted, stands.sites)
    short = [one for one in offers if one.range_m is not None and one.range_m < wanted.distance_m]
    fitting = [one for one in offers if one not in short]
    return Found(sorted(fitting, key=_rank), sorted(short, key=_rank), refused)


class Stands:
    """Where cars will stand at a time, read once."""

    def __init__(self, tx: Connection, at: int) -> None:
        """Reads all sites, and the cars that a promise before `at` moves."""
        self.sites = {site.id: site for site in fleet.list_sites(tx)}
        self._moved = places.read_places(tx, at)

    def then(self, vehicle: Vehicle) -> Vehicle:
        """The car as it stands then; its bay is its own only where it is now."""
        site_id = self._moved.get(vehicle.id, vehicle.site_id)
        if site_id == vehicle.site_id:
            return vehicle
        return replace(vehicle, site_id=site_id, site_name=self.sites[site_id].name, bay="")


def _sort_out(
    tx: Connection, free: list[Vehicle], wanted: Wanted, permits: "Permits"
) -> tuple[list[Vehicle], list[tuple[Vehicle, GloveboxError]]]:
    """Cars that the rules allow to the person then, and the others with what forbids them."""
    starts_at, ends_at = wanted.starts_at, wanted.ends_at
    close = _list_close(tx, starts_at, ends_at, {vehicle.id: permits.buffer_s(vehicle) for vehicle in free})
    counted_on = places.read_next_starts(tx, ends_at) if wanted.to_site is not None else {}
    allowed, refused = [], []
    for vehicle in free:
        after = counted_on.get(vehicle.id)
        refusal = permits.find_refusal(vehicle, starts_at, ends_at)
        if refusal is None and after is not None and wanted.to_site not in (vehicle.site_id, after.site_id):
            refusal = chains.counted_on_elsewhere(tx, vehicle, after)
        if refusal is not None:
            refused.append((vehicle, refusal))
        elif vehicle.id not in close:
            allowed.append(vehicle)
    return allowed, refused


class Permits:
    """What the rules say of these cars to one person, read once."""

    def __init__(
        self,
        tx: Connection,
        now: int,
        cars: list[Vehicle],
        person_id: int | None,
        wanted: Wanted,
        was: Any = None,
        by_server: bool = False,
    ) -> None:
        """Reads rules, calendars and the person. Callers ask for people whose bookings they may make or
        change; pool managers do for guests."""
        self._tx, self._now, self._to_site = tx, now, wanted.to_site
        self._was, self._by_server = was, by_server
        self._full: dict[tuple[int, str, int, int], GloveboxError | None] = {}
        self._rulebook = Rulebook(tx, person_id)
        self._person = None if person_id is None else people.get_person(tx, SYSTEM, person_id)
        if wanted.to_site is not None:
            fleet.get_site(tx, wanted.to_site)
        ends = set() if wanted.to_site is None else {wanted.to_site}
        self._calendars = load_calendars(tx, {vehicle.site_id for vehicle in cars} | ends)

    def buffer_s(self, vehicle: Vehicle) -> int:
        """The gap that the rules keep between two promises of the car."""
        return self._rulebook.of(vehicle.organisation_id, vehicle.pool_id).rules.buffer_s

    def find_refusal(self, vehicle: Vehicle, starts_at: int, ends_at: int) -> GloveboxError | None:
        """What forbids the car then; None where nothing does."""
        end_site = vehicle.site_id if self._to_site is None else self._to_site
        asked = Asked(vehicle, end_site, starts_at, ends_at, was=self._was, by_server=self._by_server)
        refusal = find_refusal(self._now, self._rulebook, self._calendars, asked, self._person)
        if refusal is not None or self._person is None:
            return refusal
        calendar = self._calendars[vehicle.site_id]
        same = (vehicle.pool_id, calendar.zone.key, starts_at, ends_at)
        if same not in self._full:
            rules = self._rulebook.of(vehicle.organisation_id, vehicle.pool_id)
            self._full[same] = find_quota(self._tx, self._now, rules, asked, self._person, calendar)
        return self._full[same]


def _list_close(tx: Connection, starts_at: int, ends_at: int, buffers: dict[int, int]) -> set[int]:
    """Cars with a promise within their buffer around [starts_at, ends_at)."""
    widest_s = max(buffers.values(), default=0)
    if not widest_s:
        return set()
    near = select(reservations.c.vehicle_id, reservations.c.starts_at, reservations.c.ends_at).where(
        reservations.c.state.in_(GUARDED),
        reservations.c.starts_at < ends_at + widest_s,
        reservations.c.ends_at > starts_at - widest_s,
    )
    return {
        row.vehicle_id
        for row in tx.execute(near)
        if row.starts_at < ends_at + buffers.get(row.vehicle_id, 0)
        and row.ends_at > starts_at - buffers.get(row.vehicle_id, 0)
    }


def _rank(offer: Offer) -> tuple[bool, int, bool, str]:
    return offer.silent_for_s is not None, offer.distance_m, not offer.has_box, offer.registration


def next_free(
    tx: Connection,
    vehicle_id: int,
    starts_at: int,
    duration_s: int,
    buffer_s: int = 0,
    may_take: Callable[[int, int], bool] = lambda _starts_at, _ends_at: True,
) -> Slot | None:
    """The first gap of at least `duration_s` at or after `starts_at`, within 30 days, that far from other
    promises; `may_take`: whether the car can be had from one instant to the other where it stands then."""
    held = select(reservations.c.starts_at, reservations.c.ends_at).where(
        reservations.c.vehicle_id == vehicle_id,
        reservations.c.state.in_(GUARDED),
        reservations.c.ends_at > starts_at - buffer_s,
        reservations.c.starts_at < starts_at + NEXT_FREE_HORIZON_S + duration_s,
    )
    busy = [(row.starts_at - buffer_s, row.ends_at + buffer_s) for row in tx.execute(held)]
    beyond = starts_at + NEXT_FREE_HORIZON_S + 1
    busy += [
        (begins, beyond if ends is None else ends)
        for begins, ends in risk.list_blocked(tx, vehicle_id, starts_at)
    ]
    candidate = starts_at
    for begins, ends in sorted(busy):
        if begins >= candidate + duration_s and may_take(candidate, candidate + duration_s):
            break
        candidate = max(candidate, ends)
    if candidate >= beyond or not may_take(candidate, candidate + duration_s):
        return None
    return Slot(vehicle_id, candidate, candidate + duration_s)


def others_at_site(
    tx: Connection,
    now: int,
    scope: Scope,
    vehicle_id: int,
    starts_at: int,
    ends_at: int,
    person_id: int | None = None,
    was: Any = None,
) -> list[Offer]:
    """Up to five other cars free at that time: the same site's, then the nearest."""
    site_id = places.read_place(tx, vehicle_id, starts_at)
    return [
        offer
        for offer in look(
            tx, now, scope, Wanted(starts_at, ends_at, from_site=site_id), person_id=person_id, was=was
        ).offers
        if offer.vehicle_id != vehicle_id
    ][:5]


def distance_m(a: Site, b: Site) -> int:
    """Metres between two sites, over the sphere."""
    lat_a, lat_b = math.radians(a.lat_e7 / 1e7), math.radians(b.lat_e7 / 1e7)
    east = math.radians((b.lon_e7 - a.lon_e7) / 1e7)
    half = math.sin((lat_b - lat_a) / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin(east / 2) ** 2
    return round(2 * EARTH_M * math.asin(min(1.0, math.sqrt(half))))


def describe(
    tx: Connection, now: int, cars: list[Vehicle], wanted: Wanted, sites: dict[int, Site]
) -> list[Offer]:
    """These cars as offers for the wish, with what their boxes said last."""
    ids = [vehicle.id for vehicle in cars]
    live = boxes.list_live(tx, ids)
    driven = _driven_before(tx, now, wanted.starts_at) if wanted.distance_m else set()
    here = None if wanted.from_site is None else sites.get(wanted.from_site)
    return [
        _offer(now, vehicle, live.get(vehicle.id), here, sites[vehicle.site_id], vehicle.id in driven)
        for vehicle in cars
    ]


def _driven_before(tx: Connection, now: int, starts_at: int) -> set[int]:
    """Cars that somebody has between now and the start."""
    query = select(reservations.c.vehicle_id).where(
        reservations.c.state.in_(GUARDED), reservations.c.ends_at > now, reservations.c.starts_at < starts_at
    )
    return set(tx.execute(query.distinct()).scalars())


def _offer(
    now: int, vehicle: Vehicle, live: Live | None, wanted: Site | None, place: Site, is_driven: bool
) -> Offer:
    silent_for_s = None
    if live is not None and live.heard_at is not None and now - live.heard_at >= SILENT_S:
        silent_for_s = now - live.heard_at
    level = None if live is None else live.fuel_percent
    return Offer(
        vehicle_id=vehicle.id,
        registration=vehicle.registration,
        vehicle_name=f"{vehicle.make} {vehicle.model}",
        energy=vehicle.energy,
        seats=vehicle.seats,
        site_id=vehicle.site_id,
        site_name=vehicle.site_name,
        bay=vehicle.bay,
        fuel_percent=level,
        silent_for_s=silent_for_s,
        has_box=live is not None,
        distance_m=0 if wanted is None else distance_m(wanted, place),
        range_m=None if is_driven or silent_for_s is not None else reach.range_m(vehicle, level),
    )
