"""What the rules refuse: the code, the rule's value, what would do, and the sentence in both languages; and
that what is said to do does."""

from dataclasses import asdict, dataclass
from typing import Any

import pytest
from glovebox import words
from glovebox.errors import Conflict, Forbidden, GloveboxError, Invalid
from glovebox.fleet import service as fleet
from glovebox.people import service as people
from glovebox.policies import groups, hours
from glovebox.policies.schemas import Closure, DayHours, SiteHours
from glovebox.reservations import availability, service
from glovebox.reservations.availability import Wanted
from glovebox.reservations.schemas import AlreadyTaken, TooClose
from glovebox.scope import SYSTEM
from support_at_once import all_at_once, in_its_own
from support_cloud import DAY, HOUR, NOW

MINUTE = 60
WEEKDAYS = tuple(DayHours(day, 8 * 60, 18 * 60) for day in range(5))
TODAY_8 = NOW  # Tuesday 10 March 2026, 8:00 in Saint-Nazaire


def open_site(depot, site_id=None, hours_of=WEEKDAYS, **values):
    wanted = SiteHours(site_id or depot.site, hours_of, **values)
    depot.run(lambda tx: hours.set_hours(tx, depot.now, SYSTEM, wanted))


def change(depot, number, scope=SYSTEM, **values):
    depot.run(lambda tx: service.change(tx, depot.now, scope, number, **values))


def refusal(depot, *booking, **options):
    with pytest.raises(GloveboxError) as refused:
        depot.book(*booking, **options)
    return refused.value


@dataclass(frozen=True)
class Refused:
    """A booking that a rule forbids, how it is told, and the same booking as it would do."""

    prepare: Any
    start: int
    end: int
    kind: type
    code: str
    values: dict[str, Any]
    english: str
    french: str
    would_do: tuple[int, int] | None


def expire_licence(depot):
    depot.run(lambda tx: people.change_person(tx, SYSTEM, depot.anne, licence_until=NOW + 2 * HOUR))


def lorry(depot):
    depot.run(lambda tx: fleet.change_vehicle(tx, SYSTEM, depot.car, licence_category="C1"))


def keep_for_somebody(depot):
    def keep(tx):
        group_id = groups.add_group(tx, SYSTEM, depot.town, "Astreinte")
        groups.keep_pool(tx, SYSTEM, depot.pool, {group_id})

    depot.run(keep)


def two_booked(depot):
    depot.book(depot.anne, 20 * HOUR, 22 * HOUR, depot.car_2)
    depot.book(depot.anne, 30 * HOUR, 31 * HOUR, depot.car_2)
    depot.lay_down(open_bookings=2)


def week_nearly_full(depot):
    depot.lay_down(week_s=10 * HOUR)
    depot.book(depot.anne, 20 * HOUR, 28 * HOUR, depot.car_2)


REFUSED = [
    Refused(
        lambda depot: depot.lay_down(longest_s=4 * HOUR),
        HOUR, 6 * HOUR, Invalid, "too_long",
        {"longest_s": 4 * HOUR, "latest_end": NOW + 5 * HOUR, "set_by": "organisation"},
        "A reservation lasts 4 h at most. An end by Tuesday 10 March 2026, 13:00 would do.",
        "Une réservation dure 4 h au plus. Une fin le mardi 10 mars 2026 à 13:00 au plus tard conviendrait.",
        (HOUR, 5 * HOUR),
    ),
    Refused(
        lambda depot: depot.lay_down(pool_id=depot.pool, horizon_s=7 * DAY),
        8 * DAY, 8 * DAY + HOUR, Invalid, "too_far",
        {"horizon_s": 7 * DAY, "latest_start": NOW + 7 * DAY, "bookable_at": NOW + DAY, "set_by": "pool"},
        "Cars are booked 7 days ahead at most, for now until Tuesday 17 March 2026, 08:00. This start can be "
        "booked from Wednesday 11 March 2026, 08:00.",
        "On réserve au plus 7 jours à l'avance, pour l'instant jusqu'au mardi 17 mars 2026 à 08:00. Ce début "
        "pourra être réservé à partir du mercredi 11 mars 2026 à 08:00.",
        (7 * DAY, 7 * DAY + HOUR),
    ),
    Refused(
        lambda depot: depot.lay_down(lead_s=90 * MINUTE),
        HOUR, 3 * HOUR, Invalid, "too_soon",
        {"lead_s": 90 * MINUTE, "earliest_start": NOW + 90 * MINUTE, "set_by": "organisation"},
        "Cars are booked at least 1 h 30 ahead. A start from Tuesday 10 March 2026, 09:30 would do.",
        "On réserve au moins 1 h 30 à l'avance. Un début à partir du mardi 10 mars 2026 à 09:30 "
        "conviendrait.",
        (90 * MINUTE, 3 * HOUR),
    ),
    Refused(
        open_site, 11 * HOUR, 12 * HOUR, Invalid, "closed_at_start",
        {"site": "Mairie", "at": NOW + 11 * HOUR, "opens_at": NOW + DAY},
        "Mairie is closed at Tuesday 10 March 2026, 19:00. A start from Wednesday 11 March 2026, 08:00 would "
        "do.",
        "Mairie : fermé le mardi 10 mars 2026 à 19:00. Un début à partir du mercredi 11 mars 2026 à 08:00 "
        "conviendrait.",
        (DAY, DAY + HOUR),
    ),
    Refused(
        open_site, 8 * HOUR, 12 * HOUR, Invalid, "closed_at_end",
        {"site": "Mairie", "at": NOW + 12 * HOUR, "closed_at": NOW + 10 * HOUR, "opens_at": NOW + DAY},
        "Mairie is closed at Tuesday 10 March 2026, 20:00: the car cannot be brought back then. An end by "
        "Tuesday 10 March 2026, 18:00 would do, or from Wednesday 11 March 2026, 08:00.",
        "Mairie : fermé le mardi 10 mars 2026 à 20:00, le véhicule ne peut pas y être rendu. Une fin "
        "le mardi "
        "10 mars 2026 à 18:00 au plus tard conviendrait, ou à partir du mercredi 11 mars 2026 à 08:00.",
        (8 * HOUR, 10 * HOUR),
    ),
    Refused(
        lambda depot: open_site(depot, closures=(Closure("2026-01-01", "2026-12-31"),)),
        HOUR, 2 * HOUR, Invalid, "closed_for_long", {"site": "Mairie"},
        "Mairie is closed at Tuesday 10 March 2026, 09:00, and for long. Choose another site.",
        "Mairie : fermé le mardi 10 mars 2026 à 09:00, et pour longtemps. Choisissez un autre site.",
        None,
    ),
    Refused(
        expire_licence, HOUR, 3 * HOUR, Forbidden, "licence_expired", {"until": NOW + 2 * HOUR},
        "The driving licence on file is valid until Tuesday 10 March 2026, 10:00, and the reservation ends "
        "later. An earlier end would do, or ask the fleet manager to check the renewed licence.",
        "Le permis enregistré est valable jusqu'au mardi 10 mars 2026 à 10:00, et la réservation finit plus "
        "tard. Une fin plus tôt conviendrait, ou demandez au gestionnaire de vérifier le permis renouvelé.",
        (HOUR, 2 * HOUR),
    ),
    Refused(
        lorry, HOUR, 2 * HOUR, Forbidden, "licence_category", {"category": "C1", "held": "B"},
        "AA-101-AA needs a driving licence of category C1; on file: B. Take another car, or ask the fleet "
        "manager to check the licence.",
        "AA-101-AA exige le permis de catégorie C1 ; enregistré : B. Prenez un autre véhicule, ou "
        "demandez au "
        "gestionnaire de vérifier le permis.",
        None,
    ),
    Refused(
        keep_for_somebody, HOUR, 2 * HOUR, Forbidden, "pool_for_groups", {"pool": "Partagés"},
        "The cars of Partagés are kept for certain groups of people. Take another car, or ask the fleet "
        "manager.",
        "Les véhicules de Partagés sont réservés à certains groupes. Prenez un autre véhicule, ou "
        "demandez au "
        "gestionnaire.",
        None,
    ),
    Refused(
        two_booked, HOUR, 2 * HOUR, Conflict, "too_many_bookings",
        {"limit": 2, "booked": 2, "first_end": NOW + 22 * HOUR},
        "At most 2 bookings of one person may be open, and 2 are. Cancel one, or book once the first "
        "is over: "
        "Wednesday 11 March 2026, 06:00.",
        "Une personne a au plus 2 réservations en cours ou à venir, et il y en a 2. Annulez-en une, ou "
        "réservez quand la première sera terminée : mercredi 11 mars 2026 à 06:00.",
        None,
    ),
    Refused(
        week_nearly_full, HOUR, 5 * HOUR, Conflict, "week_full",
        {"week_s": 10 * HOUR, "left_s": 2 * HOUR, "next_week_at": NOW + 5 * DAY + 16 * HOUR},
        "One person books 10 h a week at most; 2 h are left in this one. A shorter booking would do, or one "
        "from Monday 16 March 2026, 00:00.",
        "Une personne réserve au plus 10 h par semaine ; il en reste 2 h dans celle-ci. Une réservation plus "
        "courte conviendrait, ou à partir du lundi 16 mars 2026 à 00:00.",
        (HOUR, 3 * HOUR),
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", REFUSED, ids=[case.code for case in REFUSED])
def test_a_refusal_names_the_rule_its_value_and_what_would_do(depot, case):
    case.prepare(depot)
    error = refusal(depot, depot.anne, case.start, case.end)
    assert (type(error), error.code) == (case.kind, case.code)
    assert {name: error.values[name] for name in case.values} == case.values
    told = [
        words.say(language, f"error.{error.code}", **error.values).replace("\u00a0", " ")
        for language in ("en", "fr")
    ]
    assert told == [case.english, case.french]
    if case.would_do is not None:
        assert depot.reservation(depot.book(depot.anne, *case.would_do)).state == "confirmed"


@pytest.mark.parametrize("case", REFUSED, ids=[case.code for case in REFUSED])
def test_what_a_rule_forbids_is_not_offered_and_a_change_to_it_is_refused(sqlite_depot, case):
    depot = sqlite_depot
    number = depot.book(depot.anne, 2 * HOUR, 3 * HOUR, depot.car_2)
    wanted = {"vehicle_id": depot.car, "starts_at": NOW + case.start, "ends_at": NOW + case.end}
    case.prepare(depot)
    before = asdict(depot.reservation(number))
    scope = depot.driver(depot.anne)
    found = depot.read(
        lambda tx: availability.look(tx, NOW, scope, Wanted(wanted["starts_at"], wanted["ends_at"]))
    )
    assert depot.car not in [offer.vehicle_id for offer in found.offers]
    assert case.code in [error.code for vehicle, error in found.refused if vehicle.id == depot.car]
    with pytest.raises(case.kind) as refused:
        change(depot, number, **wanted)
    assert refused.value.code == case.code
    assert asdict(depot.reservation(number)) == before


def test_the_gap_between_two_bookings_is_kept_on_both_sides(depot):
    depot.lay_down(pool_id=depot.pool, buffer_s=30 * MINUTE)
    depot.book(depot.bob, 4 * HOUR, 6 * HOUR)
    after = refusal(depot, depot.anne, 6 * HOUR + 29 * MINUTE, 8 * HOUR)
    assert (type(after), after.code) == (TooClose, "too_close_before")
    assert (after.values["buffer_s"], after.values["earliest_start"]) == (1_800, NOW + 6 * HOUR + 1_800)
    assert after.next_free.starts_at == NOW + 6 * HOUR + 1_800
    assert depot.car_2 in [offer.vehicle_id for offer in after.others]
    before = refusal(depot, depot.anne, 2 * HOUR, 4 * HOUR)
    assert (before.code, before.values["latest_end"]) == ("too_close_after", NOW + 3 * HOUR + 1_800)
    told = [words.say(language, f"error.{before.code}", **before.values) for language in ("en", "fr")]
    assert [text.replace("\u00a0", " ") for text in told] == [
        "30 min stay free between two bookings of this car, and another begins shortly after. An end by "
        "Tuesday 10 March 2026, 11:30 would do.",
        "30 min restent libres entre deux réservations de ce véhicule, et une autre commence juste après. "
        "Une fin le mardi 10 mars 2026 à 11:30 au plus tard conviendrait.",
    ]
    depot.book(depot.anne, 6 * HOUR + 1_800, 8 * HOUR)
    depot.book(depot.anne, 2 * HOUR, 3 * HOUR + 1_800)


def test_a_car_too_close_to_another_booking_is_not_offered(sqlite_depot):
    depot = sqlite_depot
    depot.book(depot.bob, 4 * HOUR, 6 * HOUR)
    scope = depot.driver(depot.anne)

    def offered():
        found = depot.read(
            lambda tx: availability.look(tx, NOW, scope, Wanted(NOW + 6 * HOUR, NOW + 7 * HOUR)).offers
        )
        return [offer.vehicle_id for offer in found]

    assert depot.car in offered()
    depot.lay_down(buffer_s=1)
    assert depot.car not in offered()


def test_what_overlaps_is_told_as_taken_and_the_next_gap_keeps_the_buffer(depot):
    depot.lay_down(buffer_s=30 * MINUTE)
    depot.book(depot.bob, 4 * HOUR, 6 * HOUR)
    taken = refusal(depot, depot.anne, 5 * HOUR, 7 * HOUR)
    assert (type(taken), taken.code) == (AlreadyTaken, "already_taken")
    assert taken.next_free.starts_at == NOW + 6 * HOUR + 1_800


# -- changes are held only against what they change
def test_a_reservation_made_before_a_rule_may_be_shortened_but_not_lengthened(depot):
    number = depot.book(depot.anne, HOUR, 30 * HOUR)
    depot.lay_down(longest_s=4 * HOUR, horizon_s=HOUR, lead_s=20 * HOUR, week_s=HOUR, open_bookings=1)
    change(depot, number, ends_at=NOW + 20 * HOUR)
    change(depot, number, purpose="Réunion")
    with pytest.raises(Invalid) as longer:
        change(depot, number, ends_at=NOW + 21 * HOUR)
    assert longer.value.code == "too_long"
    with pytest.raises(Invalid) as sooner:
        change(depot, number, starts_at=NOW + 2 * HOUR)
    assert sooner.value.code in ("too_soon", "too_far")


def test_a_car_in_use_comes_back_whenever_the_site_is_open_and_no_other_rule_of_the_start_counts(depot):
    number = depot.book(depot.anne, 0, 2 * HOUR)
    box = depot.claim()
    box.greet(box.state(depot.now))
    box.session_start(depot.now, number, bytes.fromhex("04a1b2c3d4e5f6"))
    box.sync(box.records())
    assert depot.reservation(number).state == "in_use"
    depot.lay_down(lead_s=DAY, horizon_s=HOUR, needs_approval=1)
    open_site(depot)
    change(depot, number, ends_at=NOW + 4 * HOUR)
    assert depot.reservation(number).state == "in_use"
    with pytest.raises(Invalid) as late:
        change(depot, number, ends_at=NOW + 12 * HOUR)
    assert late.value.code == "closed_at_end"


def test_a_car_brought_back_elsewhere_ends_by_that_sites_hours_and_zone(depot):
    open_site(depot)
    open_site(depot, depot.station, (DayHours(1, 22 * 60, 26 * 60),), time_zone="Indian/Reunion")
    # 22:00 to 2:00 on the island is 19:00 to 23:00 in Saint-Nazaire.
    depot.book(depot.anne, HOUR, 12 * HOUR, to_site=depot.station)
    error = refusal(depot, depot.bob, HOUR, 9 * HOUR, depot.car_2, to_site=depot.station)
    assert (error.code, error.values["time_zone"]) == ("closed_at_end", "Indian/Reunion")
    assert error.values["opens_at"] == NOW + 11 * HOUR


def test_the_server_moves_a_reservation_to_another_car_whatever_the_lead_time_and_the_person_does_not(depot):
    number = depot.book(depot.anne, HOUR, 2 * HOUR)
    depot.lay_down(lead_s=DAY)
    with pytest.raises(Invalid) as refused:
        change(depot, number, depot.driver(depot.anne), vehicle_id=depot.car_2)
    assert refused.value.code == "too_soon"
    anne, when = depot.driver(depot.anne), Wanted(NOW + HOUR, NOW + 2 * HOUR)
    assert depot.read(lambda tx: availability.look(tx, NOW, anne, when)).offers == []
    kept = depot.read(lambda tx: availability.look(tx, NOW, anne, when, by_server=True)).offers
    assert [offer.vehicle_id for offer in kept] == [depot.car_2]
    change(depot, number, vehicle_id=depot.car_2)
    with pytest.raises(Invalid):
        change(depot, number, starts_at=NOW + HOUR + MINUTE)


# -- quotas
def test_a_quota_counts_the_bookings_of_the_cars_for_which_it_was_laid_down(depot):
    other = depot.run(lambda tx: fleet.add_pool(tx, depot.town, "Utilitaires"))
    depot.run(lambda tx: fleet.change_vehicle(tx, SYSTEM, depot.car_2, pool_id=other))
    depot.lay_down(pool_id=depot.pool, open_bookings=1)
    depot.book(depot.anne, HOUR, 2 * HOUR, depot.car_2)
    depot.book(depot.anne, HOUR, 2 * HOUR)
    assert refusal(depot, depot.anne, 3 * HOUR, 4 * HOUR).code == "too_many_bookings"
    depot.book(depot.bob, 3 * HOUR, 4 * HOUR)
    depot.lay_down(pool_id=depot.pool)
    depot.lay_down(open_bookings=2)
    assert refusal(depot, depot.anne, 5 * HOUR, 6 * HOUR).code == "too_many_bookings"


def test_a_booking_that_is_over_or_given_back_is_no_longer_open(depot):
    depot.lay_down(open_bookings=1)
    number = depot.book(depot.anne, HOUR, 2 * HOUR)
    assert refusal(depot, depot.anne, 3 * HOUR, 4 * HOUR).code == "too_many_bookings"
    depot.run(lambda tx: service.cancel(tx, NOW, SYSTEM, number))
    assert depot.reservation(depot.book(depot.anne, HOUR, 2 * HOUR)).state == "confirmed"
    depot.clock.now += 3 * HOUR
    assert depot.reservation(depot.book(depot.anne, HOUR, 2 * HOUR)).state == "confirmed"


def test_a_weeks_hours_count_what_lies_in_that_week(depot):
    """A booking over Sunday midnight counts in both weeks, by its part."""
    depot.lay_down(week_s=10 * HOUR)
    monday = 5 * DAY + 16 * HOUR  # Monday 16 March, 0:00
    depot.book(depot.anne, monday - 6 * HOUR, monday + 8 * HOUR)
    assert refusal(depot, depot.anne, monday + 20 * HOUR, monday + 23 * HOUR).values["left_s"] == 2 * HOUR
    depot.book(depot.anne, monday + 20 * HOUR, monday + 22 * HOUR)
    depot.book(depot.anne, DAY, DAY + 4 * HOUR)
    assert refusal(depot, depot.anne, 3 * DAY, 3 * DAY + HOUR).code == "week_full"


@pytest.mark.parametrize("quota", [{"open_bookings": 1}, {"week_s": 2 * HOUR}])
def test_a_full_quota_leaves_nothing_to_find_but_another_car_for_the_same_booking(sqlite_depot, quota):
    depot = sqlite_depot
    number = depot.book(depot.anne, HOUR, 3 * HOUR)
    depot.lay_down(**quota)
    kept, scope = depot.reservation(number), depot.driver(depot.anne)
    when = (kept.starts_at, kept.ends_at)
    assert depot.read(lambda tx: availability.look(tx, NOW, scope, Wanted(*when))).offers == []
    others = depot.read(
        lambda tx: availability.others_at_site(tx, NOW, scope, depot.car, *when, depot.anne, was=kept)
    )
    assert [offer.vehicle_id for offer in others] == [depot.car_2]
    change(depot, number, scope, vehicle_id=depot.car_2)


@pytest.mark.parametrize("quota", [{"open_bookings": 1}, {"week_s": 2 * HOUR}])
def test_two_bookings_at_once_do_not_both_fit_into_one_quota(depot, quota):
    """Each in a transaction of its own on another car, as two processes would."""
    depot.lay_down(**quota)

    def want(car):
        where = (car, depot.anne, NOW + HOUR, NOW + 3 * HOUR)
        return in_its_own(depot, lambda tx: service.book(tx, NOW, SYSTEM, *where))

    outcomes = all_at_once(want(depot.car), want(depot.car_2))
    (refused,) = [outcome for outcome in outcomes if not isinstance(outcome, int)]
    assert refused.code in ("too_many_bookings", "week_full")
    assert depot.rows("SELECT count(*) FROM reservations") == [(1,)]


def test_two_bookings_at_once_do_not_both_come_close(depot):
    depot.lay_down(buffer_s=30 * MINUTE)

    def want(start):
        where = (depot.car, depot.anne, NOW + start, NOW + start + HOUR)
        return in_its_own(depot, lambda tx: service.book(tx, NOW, SYSTEM, *where))

    outcomes = all_at_once(want(HOUR), want(2 * HOUR))
    assert sorted(isinstance(outcome, TooClose) for outcome in outcomes) == [False, True]


# -- licences and groups
def test_a_licence_with_the_category_opens_the_car(sqlite_depot):
    lorry(sqlite_depot)
    values = {"licence_categories": "B C1 C1E"}
    sqlite_depot.run(lambda tx: people.change_person(tx, SYSTEM, sqlite_depot.anne, **values))
    assert sqlite_depot.reservation(sqlite_depot.book(sqlite_depot.anne)).state == "confirmed"


def test_a_group_books_further_ahead_than_the_others(depot):
    depot.lay_down(horizon_s=7 * DAY)

    def fill(tx):
        group_id = groups.add_group(tx, SYSTEM, depot.town, "Astreinte", 5)
        groups.add_member(tx, SYSTEM, group_id, depot.anne)
        return group_id

    depot.lay_down(pool_id=depot.pool, group_id=depot.run(fill), horizon_s=30 * DAY)
    depot.book(depot.anne, 20 * DAY, 20 * DAY + HOUR)
    assert refusal(depot, depot.bob, 20 * DAY, 20 * DAY + HOUR, depot.car_2).code == "too_far"


def test_a_pool_kept_for_a_group_is_that_groups_alone(depot):
    def fill(tx):
        group_id = groups.add_group(tx, SYSTEM, depot.town, "Astreinte")
        groups.add_member(tx, SYSTEM, group_id, depot.anne)
        groups.keep_pool(tx, SYSTEM, depot.pool, {group_id})

    depot.run(fill)
    depot.book(depot.anne)
    assert refusal(depot, depot.bob, 5 * HOUR, 6 * HOUR).code == "pool_for_groups"
    depot.run(lambda tx: groups.keep_pool(tx, SYSTEM, depot.pool, set()))
    depot.book(depot.bob, 5 * HOUR, 6 * HOUR)
