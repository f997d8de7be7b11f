"""What is free: cars for an interval, gaps of one car."""

import math
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, select

from glovebox.boxes import service as boxes
from glovebox.clock import DAY_S, HOUR_S
from glovebox.errors import GloveboxError, Invalid
from glovebox.fleet import service as fleet
from glovebox.fleet.schemas import Site, Vehicle
from glovebox.fleet.tables import vehicles
from glovebox.people import service as people
from glovebox.policies.calendars import load_calendars
from glovebox.policies.checks import Asked, find_quota, find_refusal
from glovebox.policies.resolution import Rulebook
from glovebox.reservations import risk
from glovebox.reservations.schemas import Offer, Slot
from glovebox.reservations.states import GUARDED
from glovebox.reservations.tables import reservations
from glovebox.scope import SYSTEM, Scope

# A dozing box wakes every quarter of an hour; a car silent this long may not learn of a reservation in time.
SILENT_S: Final = 6 * HOUR_S
NEXT_FREE_HORIZON_S: Final = 30 * DAY_S
EARTH_M: Final = 6_371_000


def search(
    tx: Connection,
    now: int,
    scope: Scope,
    starts_at: int,
    ends_at: int,
    *,
    site_id: int | None = None,
    seats: int = 1,
    energy: str | None = None,
    limit: int = 100,
    person_id: int | None = None,
    was: Any = None,
    by_server: bool = False,
) -> list[Offer]:
    """Cars in service that this scope may drive, that no promise and no block holds in [starts_at, ends_at)
    and the rules allow to this person (None: whoever asks); the named site first, then the nearest; of a site
    those with a box first; cars silent for long last. Raises Invalid for an empty interval."""
    found = look(
        tx, now, scope, starts_at, ends_at, site_id=site_id, seats=seats, energy=energy, person_id=person_id,
        was=was, by_server=by_server,
    )  # fmt: skip
    return found.offers[:limit]


class Found(NamedTuple):
    """Cars that can be had, best first, and those that nobody holds but a rule forbids."""

    offers: list[Offer]
    refused: list[tuple[Vehicle, GloveboxError]]


def look(
    tx: Connection,
    now: int,
    scope: Scope,
    starts_at: int,
    ends_at: int,
    *,
    site_id: int | None = None,
    seats: int = 1,
    energy: str | None = None,
    person_id: int | None = None,
    was: Any = None,
    by_server: bool = False,
) -> Found:
    """As `search`, and what forbids the other cars that nobody holds. `was`: the reservation that would get
    one of them, which quotas do not count twice; `by_server`: nobody asks for it, so that lead time and
    horizon do not count."""
    if starts_at >= ends_at:
        raise Invalid("empty_interval")
    taken = select(reservations.c.vehicle_id).where(
        reservations.c.state.in_(GUARDED),
        reservations.c.starts_at < ends_at,
        reservations.c.ends_at > starts_at,
    )
    busy = set(tx.execute(taken.distinct()).scalars()) | risk.blocked_vehicles(tx, starts_at, ends_at)
    free = [
        vehicle
        for vehicle in fleet.list_vehicles(tx, scope, now)
        if vehicle.status == "in_service"
        and vehicle.id not in busy
        and vehicle.seats >= seats
        and energy in (None, vehicle.energy)
    ]
    person_id = scope.person_id if person_id is None else person_id
    free, refused = _sort_out(tx, now, free, person_id, starts_at, ends_at, was, by_server)
    places = {site.id: site for site in fleet.list_sites(tx)}
    live = boxes.list_live(tx, [vehicle.id for vehicle in free])
    wanted = None if site_id is None else places.get(site_id)
    offers = [_offer(now, vehicle, live.get(vehicle.id), wanted, places[vehicle.site_id]) for vehicle in free]
    offers.sort(key=_rank)
    return Found(offers, refused)


def _sort_out(
    tx: Connection,
    now: int,
    free: list[Vehicle],
    person_id: int | None,
    starts_at: int,
    ends_at: int,
    was: Any,
    by_server: bool,
) -> tuple[list[Vehicle], list[tuple[Vehicle, GloveboxError]]]:
    """Cars that the rules allow to the person then, and the others with what forbids them."""
    rulebook = Rulebook(tx, person_id)
    # Callers ask for people whose bookings they may make or change; pool managers do for guests.
    person = None if person_id is None else people.get_person(tx, SYSTEM, person_id)
    calendars = load_calendars(tx, {vehicle.site_id for vehicle in free})
    buffers = {
        vehicle.id: rulebook.of(vehicle.organisation_id, vehicle.pool_id).rules.buffer_s for vehicle in free
    }
    close = _list_close(tx, starts_at, ends_at, buffers)
    allowed, refused = [], []
    full: dict[tuple[int, str], GloveboxError | None] = {}
    for vehicle in free:
        asked = Asked(vehicle, vehicle.site_id, starts_at, ends_at, was=was, by_server=by_server)
        calendar = calendars[vehicle.site_id]
        refusal = find_refusal(now, rulebook, calendars, asked, person)
        if refusal is None and person is not None:
            same = (vehicle.pool_id, calendar.zone.key)
            if same not in full:
                resolved = rulebook.of(vehicle.organisation_id, vehicle.pool_id)
                full[same] = find_quota(tx, now, resolved, asked, person, calendar)
            refusal = full[same]
        if refusal is not None:
            refused.append((vehicle, refusal))
        elif vehicle.id not in close:
            allowed.append(vehicle)
    return allowed, refused


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
    tx: Connection, vehicle_id: int, starts_at: int, duration_s: int, buffer_s: int = 0
) -> Slot | None:
    """The first gap of at least `duration_s` at or after `starts_at`, within 30 days, that far from other
    promises."""
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
        if begins >= candidate + duration_s:
            break
        candidate = max(candidate, ends)
    if candidate >= beyond:
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
    site_id = tx.execute(select(vehicles.c.site_id).where(vehicles.c.id == vehicle_id)).scalar()
    return [
        offer
        for offer in search(
            tx, now, scope, starts_at, ends_at, site_id=site_id, limit=6, person_id=person_id, was=was
        )
        if offer.vehicle_id != vehicle_id
    ][:5]


def distance_m(a: Site, b: Site) -> int:
    """Metres between two sites, over the sphere."""
    lat_a, lat_b = math.radians(a.lat_e7 / 1e7), math.radians(b.lat_e7 / 1e7)
    east = math.radians((b.lon_e7 - a.lon_e7) / 1e7)
    half = math.sin((lat_b - lat_a) / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin(east / 2) ** 2
    return round(2 * EARTH_M * math.asin(min(1.0, math.sqrt(half))))


def _offer(now: int, vehicle: Vehicle, live: Any, wanted: Site | None, home: Site) -> Offer:
    silent_for_s = None
    if live is not None and live.heard_at is not None and now - live.heard_at >= SILENT_S:
        silent_for_s = now - live.heard_at
    return Offer(
        vehicle_id=vehicle.id,
        registration=vehicle.registration,
        vehicle_name=f"{vehicle.make} {vehicle.model}",
        energy=vehicle.energy,
        seats=vehicle.seats,
        site_id=vehicle.site_id,
        site_name=vehicle.site_name,
        bay=vehicle.bay,
        fuel_percent=None if live is None else live.fuel_percent,
        silent_for_s=silent_for_s,
        has_box=live is not None,
        distance_m=0 if wanted is None else distance_m(wanted, home),
    )
