"""A small town for tests of the pages: three bodies, two sites, cars with and without a box, people of every
role.

The database is real, the clock stands still until a test moves it, jobs run where they are submitted.
"""

import struct
from datetime import date
from pathlib import Path

from glovebox.accounts import roles
from glovebox.accounts import service as accounts
from glovebox.app import create_app
from glovebox.blocks import service as blocks
from glovebox.boxes import service as boxes
from glovebox.boxes.tables import boxes as boxes_table
from glovebox.config import Config
from glovebox.fleet import service as fleet
from glovebox.incidents import service as incidents
from glovebox.link import codes
from glovebox.messages import service as messages
from glovebox.messages.tables import push_subscriptions
from glovebox.people import service as people
from glovebox.policies import groups, hours
from glovebox.policies import service as policies
from glovebox.policies.schemas import Closure, DayHours, Policy, SiteHours
from glovebox.records.tables import faults, records
from glovebox.reservations import service as reservations
from glovebox.reservations.tables import reservations as reservations_table
from glovebox.scope import SYSTEM
from glovebox.series import acts as series
from glovebox.series.schemas import Rule
from glovebox.trips.tables import stopovers, trips
from sqlalchemy import Connection, insert, update
from support_web import HOUR, NOW, PASSWORD_HASH, Town

EPOCH_2000_S = 946_684_800

PEOPLE = {
    # name: (body, staff number, given, family, role, department)
    "driver": ("town", "S-100", "Nadia", "Le Goff", "", "Voirie"),
    "colleague": ("town", "S-101", "Yann", "Guillou", "", "Espaces verts"),
    "manager": ("town", "S-001", "Claire", "Morvan", "manager", "Parc automobile"),
    "staff": ("town", "S-002", "Erwan", "Tanguy", "site_staff", "Parc automobile"),
    "installer": ("town", "S-003", "Paul", "Quéré", "installer", "Atelier"),
    "administrator": ("town", "S-004", "Anne", "Rolland", "administrator", "Informatique"),
    "guest": ("agglo", "A-200", "Marc", "Dubois", "", "Eau"),
    "guest_manager": ("agglo", "A-001", "Julie", "Perrin", "manager", "Moyens"),
    "stranger": ("hospital", "H-300", "Léa", "Bernard", "", "Logistique"),
    "strange_manager": ("hospital", "H-001", "Hugo", "Petit", "manager", "Logistique"),
}
CARS = {
    # plate: (body, pool, site, make, model, energy, seats, bay)
    "GB-101-NZ": ("town", "town", "hall", "Renault", "Clio", "petrol", 5, "12"),
    "GB-102-NZ": ("town", "town", "hall", "Renault", "Zoe", "electric", 5, "13"),
    "GB-103-NZ": ("town", "town", "hall", "Peugeot", "Partner", "diesel", 2, "14"),
    "GB-104-NZ": ("town", "town", "hall", "Citroën", "C3", "petrol", 5, ""),
    "GB-201-NZ": ("town", "town", "depot", "Dacia", "Jogger", "hybrid", 7, "1"),
    "GB-202-NZ": ("town", "town", "depot", "Renault", "Kangoo", "electric", 5, ""),
    "HO-900-AA": ("hospital", "hospital", "hospital", "Toyota", "Yaris", "hybrid", 5, ""),
}


class Entropy:
    """Bytes that differ each time and are the same in each run."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, length: int) -> bytes:
        self.count += 1
        return (self.count.to_bytes(4, "big") * (length // 4 + 1))[:length]


def build_town(directory: Path, config: Config | None = None) -> Town:
    """The town on a Tuesday morning in March, 9:40."""
    time = [NOW]
    apps = create_app(config or Config(directory), clock=lambda: float(time[0]), entropy=Entropy())
    town = Town(apps, time)
    with apps.cloud.store.write() as tx:
        _fill(tx, town)
    return town


def _fill(tx: Connection, town: Town) -> None:
    _add_bodies(tx, town)
    _add_people(tx, town)
    _add_cars(tx, town)
    _add_badges(tx, town)
    _add_boxes(tx, town)
    _add_bookings(tx, town)
    _add_history(tx, town)
    _add_rules(tx, town)
    _add_incidents(tx, town)
    _add_series(tx, town)
    _add_messages(tx, town)
    interval = (NOW + 6 * HOUR, NOW + 30 * HOUR)
    town.block = blocks.add_block(
        tx, NOW - HOUR, SYSTEM, town.car["GB-202-NZ"], "workshop", *interval, "Contrôle technique"
    )


def _add_bodies(tx: Connection, town: Town) -> None:
    """The three bodies, their pools, sites, and who lends to whom."""
    for key, name in (
        ("town", "Ville de Saint-Nazaire"),
        ("agglo", "CARENE"),
        ("hospital", "Centre hospitalier"),
    ):
        town.body[key] = fleet.add_organisation(tx, NOW, name)
    town.pool["town"] = fleet.add_pool(tx, town.body["town"], "Voitures partagées")
    town.pool["hospital"] = fleet.add_pool(tx, town.body["hospital"], "Hôpital")
    fleet.add_agreement(tx, town.pool["town"], town.body["agglo"], NOW - 30 * 86_400, NOW + 300 * 86_400)
    for key, body, name, lat, lon, address in (
        ("hall", "town", "Hôtel de ville", 472_735_000, -22_137_000, "Place François-Blancho"),
        ("depot", "town", "Centre technique", 472_850_000, -22_300_000, "Rue de la Ville Halluard"),
        ("hospital", "hospital", "Cité sanitaire", 472_600_000, -22_400_000, "Boulevard Georges-Charpak"),
    ):
        town.site[key] = fleet.add_site(tx, town.body[body], name, lat, lon, 150, address)


def _add_people(tx: Connection, town: Town) -> None:
    for key, (body, number, given, family, role, department) in PEOPLE.items():
        person_id = people.add_person(
            tx,
            NOW - 86_400 * 200,
            organisation_id=town.body[body],
            staff_number=number,
            given_name=given,
            family_name=family,
            email=f"{key}@example.org",
            department=department,
        )
        town.person[key] = person_id
        accounts.set_password(tx, NOW, person_id, PASSWORD_HASH)
        if role:
            roles.grant_role(tx, person_id, role, organisation_id=town.body[body])


def _add_cars(tx: Connection, town: Town) -> None:
    for plate, (body, pool, site, make, model, energy, seats, bay) in CARS.items():
        town.car[plate] = fleet.add_vehicle(
            tx,
            organisation_id=town.body[body],
            pool_id=town.pool[pool],
            site_id=town.site[site],
            registration=plate,
            make=make,
            model=model,
            energy=energy,
            seats=seats,
            tank_ml=45_000,
            interlock_kind="starter_wire",
            key_holder_fitted=1,
            bay=bay,
        )


def _add_badges(tx: Connection, town: Town) -> None:
    cloud = town.apps.cloud
    for index, key in enumerate(("driver", "manager", "guest")):
        uid = bytes((4, 17, 34, 51, 68, 85, 0xA0 + index))
        people.add_badge(tx, NOW - 9 * 86_400, cloud.keyring, cloud.entropy, town.person[key], uid)


def pack_state(
    state: str, place: int, *, fuel: int = 70, battery_mv: int = 12_600, inputs: int = 0b101100, at: int = NOW
) -> bytes:
    """STATE as a box sends it: parked, key in its holder, next start prevented, locked."""
    number = codes.STATE.index(state)
    odometer_hm = 412_345
    return struct.pack(
        "<BBBBHBBIIHI", number, 0, inputs, 0x3F, battery_mv, fuel, 3, odometer_hm, 0, place, at - EPOCH_2000_S
    )


def _add_boxes(tx: Connection, town: Town) -> None:
    cloud = town.apps.cloud
    said = {
        "GB-101-NZ": (pack_state("parked", town.site["hall"]), NOW - 20, b""),
        "GB-102-NZ": (pack_state("driving", 0xFFFF, fuel=55, inputs=0b000001), NOW - 5, b""),
        "GB-103-NZ": (
            pack_state("parked", town.site["hall"], fuel=9, battery_mv=11_500),
            NOW - 40,
            b"\x04\x0b",
        ),
        "GB-201-NZ": (pack_state("parked", town.site["depot"]), NOW - 3 * 86_400, b""),
        "HO-900-AA": (pack_state("parked", town.site["hospital"]), NOW - 60, b""),
    }
    for index, (plate, (state, heard_at, fault_codes)) in enumerate(said.items()):
        token = boxes.add_claim_token(tx, NOW - 86_400, SYSTEM, cloud.keyring, cloud.entropy, town.car[plate])
        claimed = boxes.claim(
            tx, NOW - 86_400, cloud.keyring, cloud.entropy, token, f"24:6f:28:00:00:{index:02x}"
        )
        values = {"state": state, "heard_at": heard_at, "faults": fault_codes, "firmware": "0.1.0"}
        tx.execute(update(boxes_table).where(boxes_table.c.id == claimed.box_pk).values(**values))
        for code in fault_codes:
            fault = {
                "vehicle_id": town.car[plate],
                "box_id": claimed.box_pk,
                "code": code,
                "set_at": NOW - HOUR,
            }
            tx.execute(insert(faults).values(**fault))
        _add_records(tx, claimed.box_pk, town.car[plate])


def _add_records(tx: Connection, box_pk: int, vehicle_id: int) -> None:
    payloads = [
        (1, struct.pack("<BHI5s", 1, 12_600, 7, b"0.1.0")),
        (2, struct.pack("<I8sBBHIBH", 1, bytes(8), 1, 1, 1, 412_000, 72, 12_500)),
        (9, struct.pack("<BBBBHBBIHI", 1, 0, 1, 1, 100, 1, 0, 5_000, 12_500, 2)),
        (16, struct.pack("<I", 2)),
        (8, struct.pack("<8sBB", bytes(8), 5, 2)),
        (10, struct.pack("<BI", 4, 0)),
    ]
    for sequence, (kind, payload) in enumerate(payloads, 1):
        at = NOW - HOUR + sequence * 60
        head = struct.pack("<BBHII", kind, 0x13, 7, sequence, at - EPOCH_2000_S)
        tx.execute(
            insert(records).values(
                box_id=box_pk,
                epoch=1,
                ring=1,
                sequence=sequence,
                vehicle_id=vehicle_id,
                kind=kind,
                trust=3,
                boot=7,
                at=at,
                received_at=at,
                slot=head + payload.ljust(36, b"\0") + bytes(16),
                verdict=0,
            )
        )


def _add_bookings(tx: Connection, town: Town) -> None:
    wanted = {
        "next": ("driver", "GB-101-NZ", NOW + 5 * 60, NOW + 3 * HOUR, "Chantier rue du Port"),
        "later": ("driver", "GB-201-NZ", NOW + 26 * HOUR, NOW + 30 * HOUR, ""),
        "colleague": ("colleague", "GB-102-NZ", NOW - HOUR, NOW + 2 * HOUR, "Visite de parc"),
        "guest": ("guest", "GB-103-NZ", NOW + HOUR, NOW + 4 * HOUR, "Réunion confidentielle"),
        "night": ("colleague", "GB-104-NZ", NOW + 8 * HOUR, NOW + 24 * HOUR, ""),
        "strange": ("stranger", "HO-900-AA", NOW + HOUR, NOW + 2 * HOUR, ""),
    }
    for key, (name, plate, starts_at, ends_at, purpose) in wanted.items():
        town.booking[key] = reservations.book(
            tx, NOW, SYSTEM, town.car[plate], town.person[name], starts_at, ends_at, purpose=purpose
        )
    table = reservations_table
    tx.execute(update(table).where(table.c.id == town.booking["colleague"]).values(state="in_use"))


def _add_history(tx: Connection, town: Town) -> None:
    for days in range(1, 26):
        starts_at = NOW - days * 86_400
        town.booking[f"past{days}"] = reservation_id = int(
            tx.execute(
                insert(reservations_table)
                .values(
                    vehicle_id=town.car["GB-101-NZ"],
                    organisation_id=town.body["town"],
                    person_id=town.person["driver"],
                    starts_at=starts_at,
                    ends_at=starts_at + 2 * HOUR,
                    state="completed" if days % 5 else "no_show",
                    created_at=starts_at - HOUR,
                    changed_at=starts_at + 2 * HOUR,
                )
                .returning(reservations_table.c.id)
            ).scalar_one()
        )
        if days % 5 == 0:
            continue
        town.trip = int(
            tx.execute(
                insert(trips)
                .values(
                    vehicle_id=town.car["GB-101-NZ"],
                    organisation_id=town.body["town"],
                    reservation_id=reservation_id,
                    person_id=town.person["driver"],
                    kind="reservation",
                    via="badge",
                    started_at=starts_at + 300,
                    ended_at=starts_at + 6300,
                    start_site_id=town.site["hall"],
                    end_site_id=town.site["hall"],
                    distance_m=23_266 + days * 150,
                    distance_source="odometer",
                    fuel_ml=1_412,
                    fuel_source="rate",
                    end_fuel_percent=64,
                    end_reason="badge",
                    end_flags=4 if days == 3 else 0,
                )
                .returning(trips.c.id)
            ).scalar_one()
        )
    stop = {"trip_id": town.trip, "stopped_at": NOW - 86_400, "resumed_at": NOW - 85_000, "site_id": None}
    tx.execute(insert(stopovers).values(**stop))


def _add_rules(tx: Connection, town: Town) -> None:
    """A group in a pool with rules of its own, hours over midnight, and a reservation that waits."""
    town.group = groups.add_group(tx, SYSTEM, town.body["town"], "Astreinte", 5)
    groups.add_member(tx, SYSTEM, town.group, town.person["colleague"])
    of_group = Policy(town.body["town"], town.pool["town"], town.group, horizon_s=90 * 86_400)
    policies.set_policy(tx, NOW, SYSTEM, of_group)
    policies.set_policy(tx, NOW, SYSTEM, Policy(town.body["town"], approval_due_s=24 * HOUR))
    nights = tuple(DayHours(weekday, 6 * 60, 26 * 60) for weekday in range(7))
    closed = (Closure("2026-08-10", "2026-08-14", "Inventaire"),)
    site_hours = SiteHours(town.site["depot"], nights, closed, "FR")
    hours.set_hours(tx, NOW, SYSTEM, site_hours)
    where = (town.car["GB-201-NZ"], town.person["driver"], NOW + 98 * HOUR, NOW + 100 * HOUR)
    town.booking["asked"] = reservations.book(tx, NOW, SYSTEM, *where, purpose="Salon")
    table = reservations_table
    waits = {"state": "pending", "approval_due_at": NOW + 24 * HOUR}
    tx.execute(update(table).where(table.c.id == town.booking["asked"]).values(**waits))


def _add_incidents(tx: Connection, town: Town) -> None:
    town.incident = incidents.open_incident(tx, NOW - HOUR, "silent_reservation", town.car["GB-201-NZ"])
    whose = {"person_id": town.person["colleague"], "reservation_id": town.booking["colleague"]}
    wording = "Rétroviseur droit cassé"
    town.damage = incidents.open_incident(
        tx, NOW - 600, "damage", town.car["GB-102-NZ"], **whose, detail=wording
    )
    gone = incidents.open_incident(
        tx, NOW - 2 * 86_400, "journal_gap", town.car["GB-101-NZ"], detail="ring 1, 5..9"
    )
    incidents.close_incident(tx, NOW - 86_400, SYSTEM, gone, "Boîtier contrôlé", "checked")


def _add_series(tx: Connection, town: Town) -> None:
    """Two Tuesdays in June."""
    rule = Rule(frozenset({1}), date(2026, 6, 2), date(2026, 6, 9), 8 * 60, 12 * 60)
    where = (town.car["GB-202-NZ"], town.person["driver"], rule)
    run = lambda job: job(tx)  # noqa: E731
    town.series = series.book(run, NOW, SYSTEM, *where, purpose="Tournée").series_id


def _add_messages(tx: Connection, town: Town) -> None:
    """A mail that came back, and a browser that takes pushes."""
    facts = {"car": "GB-101-NZ", "place": "Hôtel de ville", "starts_at": NOW + 300, "ends_at": NOW + 3 * HOUR}
    said = {"reservation_id": town.booking["next"]}
    messages.put(tx, NOW - 60, town.person["driver"], "booked_for_you", "seed-1", facts, **said)
    claimed = messages.claim(tx, NOW - 60, ("mail",))[0]
    messages.settle(tx, NOW - 50, claimed, "550 no such user", is_final=True)
    town.device = tx.execute(
        insert(push_subscriptions).values(
            person_id=town.person["driver"], endpoint="https://fcm.googleapis.com/fcm/send/seed",
            p256dh=bytes(65), auth=bytes(16), browser="Firefox", system="Android", created_at=NOW - 86_400,
            last_taken_at=NOW - HOUR, last_refused_at=NOW - 600, last_refusal="HTTP 503",
        )
    ).inserted_primary_key[0]  # fmt: skip
