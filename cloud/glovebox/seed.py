"""A fleet to try the product on: three bodies, 5 sites, 66 cars, 450 people, a year of reservations and
trips; the same for the same seed.

Past reservations and trips are written in bulk, in the state they ended in; the coming ones are confirmed
and pass the guard.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, insert, select

from glovebox import seed_data as data
from glovebox.accounts import service as accounts
from glovebox.accounts.passwords import hash_password
from glovebox.accounts.roles import grant_role
from glovebox.clock import DAY_S, HOUR_S, MINUTE_S
from glovebox.errors import Conflict
from glovebox.fleet import service as fleet
from glovebox.fleet.tables import organisations, vehicles
from glovebox.keys import Keyring
from glovebox.people import service as people
from glovebox.reservations.tables import reservations
from glovebox.scope import SYSTEM
from glovebox.seed_rules import add_approval, add_rules
from glovebox.trips.tables import trips

PASSWORD: Final = "saint-nazaire"
DAYS_BACK: Final = 365
DAYS_AHEAD: Final = 21
SIMULATED: Final = 3
# 257 reservations a car and year: a town's fleet of this size was measured at 309, a smaller pool lies below.
BOOKED_SHARE: Final = (0.80, 0.26)
DRIVER_UID: Final = bytes.fromhex("04a1b2c3d4e5f6")
MANAGER_UID: Final = bytes.fromhex("04a1b2c3d4e5f7")
SECOND_DRIVER_UID: Final = bytes.fromhex("04a1b2c3d4e5f8")
STRANGER_UID: Final = bytes.fromhex("0455667788aabb")


@dataclass(frozen=True)
class Login:
    """Somebody to log in as; `uid` is the badge's, in hex."""

    identifier: str
    password: str
    name: str
    uid: str


@dataclass(frozen=True)
class Seeded:
    """What there is now. `simulated` are the registrations of the cars meant to have a box."""

    driver: Login
    second_driver: Login
    manager: Login
    stranger_uid: str
    simulated: tuple[str, ...]
    vehicles: int
    people: int
    reservations: int
    trips: int


@dataclass
class _Car:
    id: int
    organisation_id: int
    site_id: int
    model: data.ModelSeed
    odometer_m: int
    fuel_percent: int


@dataclass
class _Body:
    id: int
    pool_id: int
    site_ids: list[int]
    people: list[int]


def seed(
    tx: Connection,
    now: int,
    keyring: Keyring,
    number: int = 1,
    timezone: str = "Europe/Paris",
    *,
    with_logins: bool = True,
    days_back: int = DAYS_BACK,
) -> Seeded:
    """Fills an empty database with `days_back` days of history. Everything but the passwords' salt and the
    sealed UIDs follows from `number` and `now`.
    Raises Conflict if there is an organisation already."""
    if tx.execute(select(organisations.c.id)).first() is not None:
        raise Conflict("exists_already", what="organisations")
    draw = random.Random(number)
    bodies = _add_bodies(tx, now, days_back)
    cars = [car for index, body in enumerate(bodies) for car in _add_cars(tx, draw, index, body)]
    counts = [
        _add_people(tx, now, draw, keyring, index, body, with_logins) for index, body in enumerate(bodies)
    ]
    second, third = bodies[1], bodies[2]
    add_rules(tx, now, second.id, second.pool_id, second.site_ids, second.people)
    add_approval(tx, now, third.id, [car.id for car in cars if car.organisation_id == third.id])
    booked, driven = _add_history(tx, now, draw, ZoneInfo(timezone), bodies, cars, days_back)
    registrations = tx.execute(
        select(vehicles.c.registration).order_by(vehicles.c.id).limit(SIMULATED)
    ).scalars()
    return Seeded(
        driver=_login(tx, bodies[0].people[0], DRIVER_UID),
        second_driver=_login(tx, bodies[0].people[2], SECOND_DRIVER_UID),
        manager=_login(tx, bodies[0].people[1], MANAGER_UID),
        stranger_uid=STRANGER_UID.hex(),
        simulated=tuple(registrations),
        vehicles=len(cars),
        people=sum(counts),
        reservations=booked,
        trips=driven,
    )


def _add_bodies(tx: Connection, now: int, days_back: int) -> list[_Body]:
    bodies = []
    for name in data.BODIES:
        organisation_id = fleet.add_organisation(tx, now, name)
        bodies.append(
            _Body(organisation_id, fleet.add_pool(tx, organisation_id, "Véhicules partagés"), [], [])
        )
    for site in data.SITES:
        body = bodies[site.body]
        place = (round(site.lat * 1e7), round(site.lon * 1e7), site.radius_m)
        body.site_ids.append(fleet.add_site(tx, body.id, site.name, *place, address=site.address))
    start, end = now - days_back * DAY_S, now + 3 * 365 * DAY_S
    for pool, guest in ((0, 1), (1, 0), (2, 1)):
        fleet.add_agreement(tx, bodies[pool].pool_id, bodies[guest].id, start, end, cents_per_km=32)
    return bodies


def _add_cars(tx: Connection, draw: random.Random, index: int, body: _Body) -> Iterator[_Car]:
    letters = "ABCDEFGHJKLMNPQRSTVWXYZ"
    for number in range(data.CARS_PER_BODY[index]):
        first = index == 0 and number < SIMULATED
        model = (
            data.MODELS[number] if first else draw.choices(data.MODELS, [m.weight for m in data.MODELS])[0]
        )
        plate = "".join(draw.choices(letters, k=4))
        site_id = body.site_ids[0] if first else draw.choice(body.site_ids)
        vehicle_id = fleet.add_vehicle(
            tx,
            organisation_id=body.id,
            pool_id=body.pool_id,
            site_id=site_id,
            registration=f"{plate[:2]}-{100 + 8 * number + index:03d}-{plate[2:]}",
            make=model.make,
            model=model.model,
            energy=model.energy,
            seats=model.seats,
            tank_ml=model.tank_ml,
            battery_wh=model.battery_wh,
            consumption_wh_per_km=model.consumption_wh_per_km,
            charge_w=model.charge_w,
            interlock_kind=model.interlock_kind,
            key_holder_fitted=model.key_holder_fitted,
            bay=f"{'ABC'[index]}{number + 1}",
        )
        yield _Car(
            vehicle_id, body.id, site_id, model, draw.randrange(5, 90) * 1_000_000, draw.randrange(40, 95)
        )


def _add_people(
    tx: Connection,
    now: int,
    draw: random.Random,
    keyring: Keyring,
    index: int,
    body: _Body,
    with_logins: bool,
) -> int:
    fixed = (DRIVER_UID, MANAGER_UID, SECOND_DRIVER_UID) if index == 0 else ()
    password_hash = hash_password(PASSWORD) if with_logins else ""
    for number in range(data.PEOPLE_PER_BODY[index]):
        given, family = draw.choice(data.GIVEN_NAMES), draw.choice(data.FAMILY_NAMES)
        person_id = people.add_person(
            tx,
            now - DAYS_BACK * DAY_S,
            organisation_id=body.id,
            staff_number=f"{'VAE'[index]}{1001 + number}",
            given_name=given,
            family_name=family.replace("-", " "),
            email=f"{given}.{family}.{number}@example.org".lower(),
            department=draw.choice(data.DEPARTMENTS[index]),
            licence_until=now + draw.randrange(400, 4000) * DAY_S,
        )
        body.people.append(person_id)
        uid = fixed[number] if number < len(fixed) else b"\x04" + draw.randbytes(6)
        people.add_badge(tx, now - DAYS_BACK * DAY_S, keyring, draw.randbytes, person_id, uid)
        if with_logins:
            accounts.set_password(tx, now, person_id, password_hash)
    for role in ("manager", "installer", "site_staff"):
        grant_role(tx, body.people[1], role, organisation_id=body.id)
    return len(body.people)


def _login(tx: Connection, person_id: int, uid: bytes) -> Login:
    person = people.get_person(tx, SYSTEM, person_id)
    return Login(person.staff_number, PASSWORD, person.name, uid.hex())


def _add_history(
    tx: Connection,
    now: int,
    draw: random.Random,
    zone: ZoneInfo,
    bodies: list[_Body],
    cars: list[_Car],
    days_back: int,
) -> tuple[int, int]:
    """Reservations and trips of all cars; returns how many of each."""
    drivers = {body.id: body for body in bodies}
    today = datetime.fromtimestamp(now, UTC).astimezone(zone).date()
    rows: list[dict[str, Any]] = []
    for index, car in enumerate(cars):
        for offset in range(-days_back, DAYS_AHEAD):
            if index < SIMULATED and -1 <= offset <= 2:
                continue  # those who try the product find these cars free
            day = today + timedelta(days=offset)
            midnight = int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())
            for start, end in _draw_day(draw, midnight, day.weekday(), offset > 2):
                rows.append(_draw_reservation(draw, now, car, drivers, start, end))
    tx.execute(insert(reservations), rows)
    numbers = {
        (vehicle_id, starts_at): number
        for number, vehicle_id, starts_at in tx.execute(
            select(reservations.c.id, reservations.c.vehicle_id, reservations.c.starts_at)
        )
    }
    by_id = {car.id: car for car in cars}
    facts = [
        _draw_trip(draw, by_id[row["vehicle_id"]], row, numbers[row["vehicle_id"], row["starts_at"]])
        for row in rows
        if row["state"] == "completed"
    ]
    tx.execute(insert(trips), facts)
    return len(rows), len(facts)


def _draw_day(draw: random.Random, midnight: int, weekday: int, is_ahead: bool) -> Iterator[tuple[int, int]]:
    """The intervals for which one car is promised on one day: none to two on working days, few at
    weekends."""
    share = 0.04 if weekday >= 5 else BOOKED_SHARE[0] * (0.55 if is_ahead else 1.0)
    if draw.random() >= share:
        return
    quarter = 15 * MINUTE_S
    start = midnight + 7 * HOUR_S + draw.randrange(0, 16) * quarter
    end = start + draw.choice((4, 6, 8, 10, 12, 16, 24, 36)) * quarter
    yield start, end
    start = end + draw.randrange(0, 8) * quarter
    if start < midnight + 17 * HOUR_S and draw.random() < BOOKED_SHARE[1]:
        yield start, start + draw.choice((4, 6, 8, 12)) * quarter


def _draw_reservation(
    draw: random.Random, now: int, car: _Car, drivers: dict[int, _Body], start: int, end: int
) -> dict[str, Any]:
    body = drivers[car.organisation_id]
    person_id = draw.choice(body.people)
    if end <= now:
        state = draw.choices(("completed", "cancelled", "no_show"), (93, 5, 2))[0]
    else:
        state = "confirmed"
    booked_at = min(start, now) - draw.randrange(1, 10 * 24) * HOUR_S
    return {
        "vehicle_id": car.id,
        "organisation_id": body.id,
        "person_id": person_id,
        "starts_at": start,
        "ends_at": end,
        "state": state,
        "purpose": draw.choice(data.PURPOSES),
        "created_at": booked_at,
        "created_by": person_id,
        "changed_at": max(booked_at, min(end, now)),
    }


def _draw_trip(draw: random.Random, car: _Car, row: dict[str, Any], reservation_id: int) -> dict[str, Any]:
    started_at = row["starts_at"] + draw.randrange(-8, 25) * MINUTE_S
    ended_at = max(started_at + 20 * MINUTE_S, row["ends_at"] - draw.randrange(-4, 60) * MINUTE_S)
    limit_m = (ended_at - started_at) * 14  # 50 km/h on average at most
    distance_m = min(limit_m, round(draw.lognormvariate(3.15, 0.8) * 1000))
    fuel_ml = distance_m * car.model.ml_per_km // 1000
    start_fuel, start_odometer = car.fuel_percent, car.odometer_m // 100 * 100
    if car.model.tank_ml:
        car.fuel_percent -= round(100 * fuel_ml / car.model.tank_ml)
    else:
        car.fuel_percent -= round(distance_m / 3_000)
    car.odometer_m += distance_m
    end_fuel = max(car.fuel_percent, 4)
    if car.fuel_percent < 25:
        car.fuel_percent = draw.randrange(85, 100)  # filled or charged before the next
    return {
        "vehicle_id": car.id,
        "organisation_id": car.organisation_id,
        "reservation_id": reservation_id,
        "person_id": row["person_id"],
        "kind": "reservation",
        "via": "badge",
        "started_at": started_at,
        "ended_at": ended_at,
        "start_site_id": car.site_id,
        "end_site_id": car.site_id,
        "distance_m": distance_m,
        "distance_source": "odometer",
        "fuel_ml": fuel_ml if car.model.tank_ml else None,
        "fuel_source": "rate" if car.model.tank_ml else "unknown",
        "start_fuel_percent": start_fuel,
        "end_fuel_percent": end_fuel,
        "start_odometer_m": start_odometer,
        "end_odometer_m": car.odometer_m // 100 * 100,
        "end_reason": draw.choices(("badge", "forgotten"), (97, 3))[0],
    }
