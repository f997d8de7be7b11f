"""Answers a wish for a car: what fits, what nearly fits and what would make it fit, and which one to take.

| kind | a car that nearly fits | what would make it fit |
|---|---|---|
| `other_time` | somebody has it then | as long, up to three hours earlier or later |
| `other_site` | it stands at another site | going there, at most ten kilometres |
| `fewer_seats` | it has one seat less | one person less |
| `charge` | it does not go that far on what it has | charging until then, or a shorter trip |
| `rule` | nobody has it, but a rule forbids it | what the rule says |
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

from sqlalchemy import Connection, select

from glovebox.boxes import service as boxes
from glovebox.clock import DAY_S, HOUR_S
from glovebox.fleet import service as fleet
from glovebox.fleet.schemas import Vehicle
from glovebox.reservations import availability, chains, reach, risk
from glovebox.reservations.availability import Found, Wanted
from glovebox.reservations.schemas import CarChoice, Findings, Nearly, Offer, Reason
from glovebox.reservations.states import GUARDED
from glovebox.reservations.tables import reservations
from glovebox.scope import Scope

# Who asks for nine may come at noon, hardly the next day.
SHIFT_S: Final = 3 * HOUR_S
NEAR_M: Final = 10_000
# Of each kind: a phone shows about eight at a glance.
SHOWN: Final = 6
# Cars whose calendar is read for another time.
SHIFTED_CARS: Final = 60
# Larger than wanted by more than this: left for those who need the seats.
SPARE_SEATS: Final = 4


def find(tx: Connection, now: int, scope: Scope, wanted: Wanted, person_id: int | None = None) -> Findings:
    """What fits at the wanted site (None: anywhere), what nearly fits, and the choice between what fits.
    Raises as `availability.look`."""
    found = availability.look(tx, now, scope, wanted, person_id=person_id)
    here = [offer for offer in found.offers if wanted.from_site in (None, offer.site_id)]
    nearly = [
        *_other_times(tx, now, scope, wanted, person_id, {offer.vehicle_id for offer in found.offers}),
        *_other_sites(wanted, found),
        *_fewer_seats(tx, now, scope, wanted, person_id),
        *_charging(tx, now, scope, wanted, found),
        *_forbidden(tx, now, wanted, found),
    ]
    return Findings(here, nearly, choose(tx, now, wanted, here))


def propose(tx: Connection, now: int, scope: Scope, wanted: Wanted) -> CarChoice | None:
    """The choice alone: of the wanted site's cars, else of those near by."""
    found = availability.look(tx, now, scope, wanted)
    here = [offer for offer in found.offers if wanted.from_site in (None, offer.site_id)]
    return choose(tx, now, wanted, here or [one.offer for one in _other_sites(wanted, found)])


def choose(tx: Connection, now: int, wanted: Wanted, offers: list[Offer]) -> CarChoice | None:
    """One of the cars that fit, the same for the same calendar: one that surely goes the distance, that was
    heard from lately, whose box a badge opens; not much larger than wanted; the nearest; where the booking
    leaves the least of the day unused; the one with the most range. None where nothing fits."""
    if not offers:
        return None
    unused_s = _unused(tx, now, wanted, [offer.vehicle_id for offer in offers])

    def rank(offer: Offer) -> dict[str, int | bool | str]:
        is_unsure = bool(wanted.distance_m) and offer.energy == "electric" and offer.range_m is None
        return {
            "range_known": is_unsure,
            "heard_lately": offer.silent_for_s is not None,
            "opened_by_badge": not offer.has_box,
            "right_size": offer.seats - wanted.seats > SPARE_SEATS,
            "nearest": offer.distance_m,
            "fills_gap": unused_s[offer.vehicle_id],
            "most_range": -(offer.range_m or 0),
            "": offer.registration,
        }

    ranked = sorted(offers, key=lambda offer: tuple(rank(offer).values()))
    best, reasons = ranked[0], []
    if wanted.distance_m and best.range_m is not None:
        reasons.append(Reason("range", best.range_m))
    if len(ranked) == 1:
        reasons.append(Reason("only_one", None))
    else:
        first, second = rank(best), rank(ranked[1])
        decisive = next(name for name in first if first[name] != second[name])
        values = {"nearest": best.distance_m, "fills_gap": unused_s[best.vehicle_id]}
        reasons.append(Reason(decisive or "as_good", values.get(decisive)))
    return CarChoice(best, reasons)


def _unused(tx: Connection, now: int, wanted: Wanted, vehicle_ids: list[int]) -> dict[int, int]:
    """vehicle -> seconds that would lie free beside the booking, a day to each side at most."""
    first, last = max(now, wanted.starts_at - DAY_S), wanted.ends_at + DAY_S
    before = dict.fromkeys(vehicle_ids, min(first, wanted.starts_at))
    after = dict.fromkeys(vehicle_ids, last)
    query = select(reservations.c.vehicle_id, reservations.c.starts_at, reservations.c.ends_at).where(
        reservations.c.state.in_(GUARDED), reservations.c.ends_at > first, reservations.c.starts_at < last
    )
    for vehicle_id, starts_at, ends_at in tx.execute(query):
        if vehicle_id not in before:
            continue
        if ends_at <= wanted.starts_at:
            before[vehicle_id] = max(before[vehicle_id], ends_at)
        elif starts_at >= wanted.ends_at:
            after[vehicle_id] = min(after[vehicle_id], starts_at)
    return {
        number: wanted.starts_at - before[number] + after[number] - wanted.ends_at for number in vehicle_ids
    }


def _other_times(
    tx: Connection, now: int, scope: Scope, wanted: Wanted, person_id: int | None, but: set[int]
) -> list[Nearly]:
    """Cars of the site that somebody has then, for as long a little earlier or later."""
    if wanted.from_site is None or wanted.to_site not in (None, wanted.from_site):
        return []
    person_id = scope.person_id if person_id is None else person_id
    stands = availability.Stands(tx, wanted.starts_at)
    cars = [
        car
        for car in map(stands.then, fleet.list_vehicles(tx, scope, now))
        if car.site_id == wanted.from_site
        and car.status == "in_service"
        and car.seats >= wanted.seats
        and wanted.energy in (None, car.energy)
        and car.id not in but
    ][:SHIFTED_CARS]
    permits = availability.Permits(tx, now, cars, person_id, wanted)
    held = _held(tx, wanted, cars)
    found = []
    for car in cars:
        may_take = partial(chains.may_take, tx, car.id, car.site_id, None)
        start = _shifted(now, wanted, held[car.id], permits.buffer_s(car), may_take)
        length_s = wanted.ends_at - wanted.starts_at
        if start is not None and permits.find_refusal(car, start, start + length_s) is None:
            found.append((abs(start - wanted.starts_at), car, start))
    found.sort(key=lambda one: (one[0], one[1].registration))
    shown = [car for _shift, car, _start in found[:SHOWN]]
    offers = availability.describe(tx, now, shown, wanted, stands.sites)
    return [
        Nearly("other_time", offer, start, start + wanted.ends_at - wanted.starts_at)
        for offer, (_shift, _car, start) in zip(offers, found, strict=False)
        if offer.range_m is None or offer.range_m >= wanted.distance_m
    ]


def _held(tx: Connection, wanted: Wanted, cars: list[Vehicle]) -> dict[int, list[tuple[int, int]]]:
    """vehicle -> when it cannot be had around the wish, by start."""
    held: dict[int, list[tuple[int, int]]] = {car.id: [] for car in cars}
    first, last = wanted.starts_at - SHIFT_S - DAY_S, wanted.ends_at + SHIFT_S + DAY_S
    query = select(reservations.c.vehicle_id, reservations.c.starts_at, reservations.c.ends_at).where(
        reservations.c.state.in_(GUARDED), reservations.c.ends_at > first, reservations.c.starts_at < last
    )
    for vehicle_id, starts_at, ends_at in tx.execute(query):
        if vehicle_id in held:
            held[vehicle_id].append((starts_at, ends_at))
    for vehicle_id in risk.blocked_vehicles(tx, wanted.starts_at - SHIFT_S, wanted.ends_at + SHIFT_S):
        for starts_at, until in risk.list_blocked(tx, vehicle_id, first) if vehicle_id in held else ():
            held[vehicle_id].append((starts_at, last if until is None else until))
    return {number: sorted(found) for number, found in held.items()}


def _shifted(
    now: int,
    wanted: Wanted,
    held: list[tuple[int, int]],
    buffer_s: int,
    may_take: Callable[[int, int], bool],
) -> int | None:
    """The start nearest to the wished one at which the car is free as long, and stands there."""
    length_s = wanted.ends_at - wanted.starts_at
    busy = [(starts_at - buffer_s, ends_at + buffer_s) for starts_at, ends_at in held]
    edges = [edge for starts_at, ends_at in busy for edge in (starts_at - length_s, ends_at)]
    fitting = [
        start
        for start in edges
        if start >= now
        and 0 < abs(start - wanted.starts_at) <= SHIFT_S
        and not any(begins < start + length_s and start < ends for begins, ends in busy)
    ]
    fitting.sort(key=lambda start: (abs(start - wanted.starts_at), start))
    return next((start for start in fitting if may_take(start, start + length_s)), None)


def _other_sites(wanted: Wanted, found: Found) -> list[Nearly]:
    if wanted.from_site is None:
        return []
    near = [
        offer for offer in found.offers if offer.site_id != wanted.from_site and offer.distance_m <= NEAR_M
    ]
    return [Nearly("other_site", offer, wanted.starts_at, wanted.ends_at) for offer in near[:SHOWN]]


def _fewer_seats(
    tx: Connection, now: int, scope: Scope, wanted: Wanted, person_id: int | None
) -> list[Nearly]:
    if wanted.seats < 2:
        return []
    fewer = availability.look(
        tx, now, scope, replace(wanted, seats=wanted.seats - 1), person_id=person_id
    ).offers
    fitting = [
        offer for offer in fewer if offer.seats < wanted.seats and wanted.from_site in (None, offer.site_id)
    ]
    return [Nearly("fewer_seats", offer, wanted.starts_at, wanted.ends_at) for offer in fitting[:SHOWN]]


def _charging(tx: Connection, now: int, scope: Scope, wanted: Wanted, found: Found) -> list[Nearly]:
    """Electric cars that do not go that far yet: when they do if they charge until then."""
    short = [offer for offer in found.short if wanted.from_site in (None, offer.site_id)][:SHOWN]
    if not short:
        return []
    cars = {car.id: car for car in fleet.list_vehicles(tx, scope, now)}
    live = boxes.list_live(tx, [offer.vehicle_id for offer in short])
    nearly = []
    for offer in short:
        level = live[offer.vehicle_id].fuel_percent
        assert level is not None, "its range is known"
        enough_at = reach.charged_at(cars[offer.vehicle_id], level, now, wanted.distance_m)
        nearly.append(Nearly("charge", offer, wanted.starts_at, wanted.ends_at, enough_at=enough_at))
    return nearly


def _forbidden(tx: Connection, now: int, wanted: Wanted, found: Found) -> list[Nearly]:
    refused = [(car, error) for car, error in found.refused if wanted.from_site in (None, car.site_id)]
    offers = availability.describe(
        tx, now, [car for car, _error in refused], wanted, availability.Stands(tx, wanted.starts_at).sites
    )
    return [
        Nearly("rule", offer, wanted.starts_at, wanted.ends_at, rule=error.code, values=dict(error.values))
        for offer, (_car, error) in zip(offers, refused, strict=True)
    ]
