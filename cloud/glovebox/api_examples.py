"""One example of each value the JSON API answers with, for its description: the seeded fleet's Tuesday."""

from typing import Any, Final

from glovebox.accounts.schemas import LoginSession
from glovebox.blocks.schemas import Block
from glovebox.boxes.schemas import CarBox, ClaimToken, Command
from glovebox.feeds.schemas import Feed
from glovebox.fleet.schemas import Pool, Site, Vehicle
from glovebox.fleet.wifi import AccessPoint
from glovebox.incidents.schemas import Incident
from glovebox.messages.schemas import Choice, Delivery, Device, Message
from glovebox.people.schemas import Badge, FirstPassword, Person
from glovebox.people.standing import StandingRight
from glovebox.policies.schemas import Closure, DayHours, Group, Policy, PoolRules, Rules, SiteHours
from glovebox.reservations.schemas import (
    Alternatives,
    CarChoice,
    Findings,
    Nearly,
    Offer,
    Reason,
    Rehousing,
    Reservation,
    Slot,
)
from glovebox.today.schemas import Line
from glovebox.trips.schemas import Stopover, Trip
from glovebox.waiting.schemas import Wait

_STARTS, _ENDS = 1_773_129_600, 1_773_136_800

_OFFER: Final = Offer(7, "AA-101-AA", "Renault Clio", "petrol", 5, 1, "Mairie", "12", 80, None, has_box=True)
_NEARLY: Final = Nearly("other_time", _OFFER, _STARTS + 1_800, _ENDS + 1_800)
_CHOICE: Final = CarChoice(_OFFER, [Reason("fills_gap", 1_800)])
_RESERVATION: Final = Reservation(
    id=42, vehicle_id=7, registration="AA-101-AA", vehicle_name="Renault Clio", site_id=1,
    site_name="Mairie", organisation_id=1, organisation_name="Ville de Saint-Nazaire", person_id=3,
    person_name="Anne Morin", starts_at=_STARTS, ends_at=_ENDS, state="confirmed", purpose="Formation",
    end_site_id=None, is_at_risk=False, created_at=_STARTS - 86_400, changed_at=_STARTS - 86_400,
    car_knows=True, car_heard_at=_STARTS - 60, car_has_box=True,
)  # fmt: skip

EXAMPLES: Final[tuple[Any, ...]] = (
    Site(1, 1, "Mairie", "Place François-Blancho", 472_735_000, -22_137_000, 150, 420, 1_140),
    Vehicle(
        7, 1, "Ville de Saint-Nazaire", 1, "Voitures partagées", 1, "Mairie", "AA-101-AA", "Renault", "Clio",
        "petrol", 5, 42_000, "starter_wire", True, "12", "in_service",
    ),
    _OFFER,
    Findings([_OFFER], [_NEARLY], _CHOICE),
    _NEARLY,
    _CHOICE,
    Reason("fills_gap", 1_800),
    _RESERVATION,
    Rehousing(3, _RESERVATION, "late_car", "offered", _STARTS - 1_800, None),
    Alternatives([_OFFER], [Slot(7, _ENDS, _ENDS + 7_200)]),
    Slot(7, _ENDS, _ENDS + 7_200),
    Wait(
        8, 3, "Anne Morin", 1, "Mairie", None, _STARTS, _ENDS, 4, "", 0, "Formation", _STARTS - 86_400,
        "waiting", None, None,
    ),
    Message(
        11, "booked_for_you",
        {"car": "AA-101-AA", "place": "Mairie", "starts_at": _STARTS, "ends_at": _ENDS}, 42,
        _STARTS - 3_600, None,
    ),
    Choice("sms", "+33612345678"),
    Device(3, "Firefox", "Android", _STARTS - 86_400, _STARTS - 3_600, None, ""),
    Feed(
        "https://cars.town.example/calendar/6Jk2V0mW4cR8sT1yB3nD5fG7hL9pQ-xZ_aEiOuXvCtM.ics",
        _STARTS - 86_400,
    ),
    Delivery(
        11, 3, "Anne Morin", "booked_for_you", "failed", "mail", 10, "550 no such user",
        _STARTS - 7_200, _STARTS - 3_600, _STARTS - 3_600,
    ),
    Block(4, 7, "workshop", _STARTS, None, "Contrôle technique", _STARTS - 3_600),
    Incident(
        id=6, kind="damage", organisation_id=1, vehicle_id=7, registration="AA-101-AA", site_id=1,
        reservation_id=42, trip_id=None, person_id=3, person_name="Anne Morin",
        detail="Rétroviseur droit cassé", opened_at=_STARTS, asked_at=None, closed_at=None,
        closed_by_name="", resolution="", closing_note="", steps=("take_out", "repaired"),
    ),
    Line("not_back", 42, 7, "AA-101-AA", "Renault Clio", 1, "Mairie", _ENDS, 3, "Anne Morin"),
    Trip(
        id=99, vehicle_id=7, registration="AA-101-AA", vehicle_name="Renault Clio", reservation_id=42,
        person_id=3, person_name="Anne Morin", kind="reservation", via="badge", started_at=_STARTS + 120,
        ended_at=_ENDS - 300, site_id=1, start_site="Mairie", end_site="Mairie",
        end_lat_e7=None, end_lon_e7=None,
        distance_m=23_266, distance_source="odometer", fuel_ml=1_412, fuel_source="rate",
        start_fuel_percent=80, end_fuel_percent=77, start_odometer_m=41_200_000, end_odometer_m=41_223_300,
        end_reason="badge", end_flags=(), is_time_unsure=False,
    ),
    Stopover(_STARTS + 1_800, _STARTS + 3_000, None),
    Person(
        3, 1, "Ville de Saint-Nazaire", "1042", "Anne", "Morin", "anne@example.org", "Sports", "fr", None,
        is_active=True, licence_categories="B BE", phone="+33612345678",
    ),
    Badge(5, 3, "F6", _STARTS - 9 * 86_400, None),
    FirstPassword("mfra-gg43-2aea-c7yd", 1_773_388_800),
    LoginSession(7, "Firefox", "Windows", 1_773_043_200, 1_773_129_300, is_this=True),
    StandingRight(2, 3, 1, "Voitures partagées", "standing", _STARTS, _STARTS + 365 * 86_400),
    Pool(1, 1, "Voitures partagées"),
    AccessPoint(3, 1, "24:6F:28:00:00:01"),
    CarBox(7, "AA-101-AA", "Mairie", "24:6f:28:00:00:01", "1.0.0", _STARTS - 60, 0, 0),
    ClaimToken("000000010000000100000001000000010000000b", _STARTS + 900),
    Command(
        12, 7, "flash_lights", "manager", 3, "Find it on the car park", 0, _STARTS, _STARTS + 60, "done", 0,
        _STARTS + 2,
    ),
    Policy(1, 1, None, buffer_s=1_800, horizon_s=90 * 86_400),
    Rules(buffer_s=1_800),
    PoolRules(1, Rules(buffer_s=1_800), {"buffer_s": "pool", "longest_s": "built_in"}),
    Group(2, 1, "Astreinte", 5, 12, (1,)),
    DayHours(0, 480, 1_080),
    Closure("2026-08-10", "2026-08-14", "Été"),
    SiteHours(1, (DayHours(0, 480, 1_080),), (Closure("2026-08-10", "2026-08-14", "Été"),), "FR", ""),
)  # fmt: skip
