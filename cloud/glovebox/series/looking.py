"""What can be had of a series before it is booked. It only reads, never in the writer: what holds the car and
the rules are read once for all its days."""

from typing import Final

from sqlalchemy import Connection

from glovebox.clock import DAY_S
from glovebox.errors import Conflict, Forbidden, GloveboxError
from glovebox.fleet import service as fleet
from glovebox.fleet.schemas import Vehicle
from glovebox.people import service as people
from glovebox.people.schemas import Person
from glovebox.policies.calendars import load_calendars
from glovebox.policies.checks import Asked, find_quota, find_refusal
from glovebox.policies.opening import Calendar
from glovebox.policies.resolution import Rulebook
from glovebox.reservations import availability
from glovebox.reservations.availability import Wanted
from glovebox.reservations.held import Held
from glovebox.reservations.schemas import Offer
from glovebox.scope import Scope
from glovebox.series.days import check_rule, instants, list_days
from glovebox.series.schemas import Looked, Preview, Rule

# Days for which another car is looked for; with more in the way another car for all of them is the answer.
OTHERS_FOR: Final = 20


def preview(tx: Connection, now: int, scope: Scope, vehicle_id: int, person_id: int, rule: Rule) -> Preview:
    """What can be had of a series, day by day. Nothing is held: booking asks again. Raises Invalid, NotFound,
    Forbidden where nothing at all could be booked."""
    vehicle, person, calendar = load(tx, now, scope, vehicle_id, person_id, rule)
    days, free = list_days(rule, calendar)
    viewer = viewer_of(person)
    prospect = _Prospect(tx, now, vehicle, person, calendar)
    looked: list[Looked] = []
    searches = 0
    for day in days:
        starts_at = ends_at = 0
        instead: Offer | None = None
        try:
            starts_at, ends_at = instants(day, rule.starts_minute, rule.ends_minute, calendar)
            problem = prospect.find_problem(starts_at, ends_at)
        except GloveboxError as error:
            problem = error
        if problem is not None and ends_at > now and searches < OTHERS_FOR:
            searches += 1
            instead = find_other(tx, now, viewer, vehicle, starts_at, ends_at)
        looked.append(Looked(day, starts_at, ends_at, problem, instead))
    return Preview(looked, free if calendar.holidays else None)


def load(
    tx: Connection, now: int, scope: Scope, vehicle_id: int, person_id: int, rule: Rule
) -> tuple[Vehicle, Person, Calendar]:
    """Car, person and the calendar of the car's site. Raises NotFound, Forbidden, Invalid."""
    vehicle = fleet.get_vehicle(tx, scope, vehicle_id, now)
    person = people.get_person(tx, scope, person_id)
    if person_id != scope.person_id and not scope.may_manage(person.organisation_id):
        raise Forbidden()
    calendar = calendar_of(tx, vehicle)
    check_rule(rule, calendar.day_of(now))
    return vehicle, person, calendar


def calendar_of(tx: Connection, vehicle: Vehicle) -> Calendar:
    """The calendar of the car's own site."""
    return load_calendars(tx, {vehicle.site_id})[vehicle.site_id]


def viewer_of(person: Person) -> Scope:
    """The person, as one who books for oneself."""
    return Scope(person.organisation_id, person.id, frozenset({"driver"}))


def find_other(
    tx: Connection, now: int, viewer: Scope, vehicle: Vehicle, starts_at: int, ends_at: int
) -> Offer | None:
    """The first other car of the same site that can be had then."""
    wanted = Wanted(starts_at, ends_at, vehicle.site_id)
    found = availability.look(tx, now, viewer, wanted, person_id=viewer.person_id)
    here = [one for one in found.offers if one.site_id == vehicle.site_id and one.vehicle_id != vehicle.id]
    return here[0] if here else None


class _Prospect:
    """One car for one person on many days, in the order in which they would be booked."""

    def __init__(
        self, tx: Connection, now: int, vehicle: Vehicle, person: Person, calendar: Calendar
    ) -> None:
        self._tx, self._now = tx, now
        self._vehicle, self._person, self._calendar = vehicle, person, calendar
        self._rulebook = Rulebook(tx, person.id)
        self._resolved = self._rulebook.of(vehicle.organisation_id, vehicle.pool_id)
        self._held = Held(tx, vehicle, now - DAY_S)
        self._planned: list[tuple[int, int]] = []

    def find_problem(self, starts_at: int, ends_at: int) -> GloveboxError | None:
        """Why it cannot be had then; None: it can, and counts from now on."""
        if ends_at <= self._now:
            return Conflict("over_already")
        vehicle, zone_name = self._vehicle, self._calendar.zone.key
        asked = Asked(vehicle, vehicle.site_id, starts_at, ends_at)
        problem = (
            find_refusal(self._now, self._rulebook, {vehicle.site_id: self._calendar}, asked, self._person)
            or find_quota(
                self._tx, self._now, self._resolved, asked, self._person, self._calendar, self._planned
            )
            or self._held.find_problem(starts_at, ends_at, zone_name)
            or self._held.find_too_close(starts_at, ends_at, self._resolved.rules.buffer_s, zone_name)
        )
        if problem is None:
            self._planned.append((starts_at, ends_at))
        return problem
