"""Whether a booking obeys the rules. Each refusal carries the rule's value and what would do, as instants and
seconds; `time_zone` says on whose clock a sentence tells them.

A change is held against a rule only where it changes what the rule is about: who brings a car back sooner
is not told that the lead time is over.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, func, or_, select

from glovebox.errors import Conflict, Forbidden, GloveboxError, Invalid
from glovebox.fleet.schemas import Vehicle
from glovebox.fleet.tables import vehicles
from glovebox.people.schemas import Person
from glovebox.people.tables import people
from glovebox.policies.calendars import read_time_zone, read_zones
from glovebox.policies.opening import Calendar, next_week_start, week_start
from glovebox.policies.readings import Readings
from glovebox.policies.resolution import Rulebook
from glovebox.policies.schemas import Policy, Resolved
from glovebox.reservations.states import GUARDED, State
from glovebox.reservations.tables import reservations

COUNTED: Final = (*GUARDED, State.COMPLETED)
"""States whose hours a week's quota counts: what was promised or used."""


@dataclass(frozen=True)
class Asked:
    """A booking as asked for: car, where it is brought back, interval; `was`: the reservation's row before
    a change; `by_server`: nobody asked, the server moves it to another car; `is_part`: one of a series;
    `readings`: the rules, shared with others of the same transaction."""

    vehicle: Vehicle
    end_site_id: int
    starts_at: int
    ends_at: int
    was: Any = None
    by_server: bool = False
    is_part: bool = False
    readings: Readings = field(default_factory=Readings, compare=False)

    @property
    def is_other_car(self) -> bool:
        """A new booking, or one that moves to another car."""
        return self.was is None or self.was.vehicle_id != self.vehicle.id

    @property
    def is_other_start(self) -> bool:
        """The start is new, at least for this car."""
        return self.is_other_car or self.was.starts_at != self.starts_at

    @property
    def is_new_wish(self) -> bool:
        """The start is new to the person, too: lead time and horizon are about when one asks."""
        is_kept = self.by_server and (self.was is None or self.starts_at == self.was.starts_at)
        return self.is_other_start and not is_kept

    @property
    def is_other_place(self) -> bool:
        """Another car, or brought back to another site."""
        if self.is_other_car:
            return True
        was_site = self.was.end_site_id or self.was.start_site_id  # neither: from before journeys were told
        return was_site not in (None, self.end_site_id)

    @property
    def is_other_end(self) -> bool:
        """The end is new, at least for this car and site."""
        return self.is_other_place or bool(self.was.ends_at != self.ends_at)


def check(tx: Connection, now: int, asked: Asked, person: Person) -> Resolved:
    """The rules that hold, if the booking obeys them all but the buffer (the reservations' service knows what
    is free instead). Takes the person's row locked: two bookings at once do not both fit into one quota.
    Raises Forbidden (groups, licence), Invalid (times), Conflict (quotas)."""
    vehicle = asked.vehicle
    rulebook = asked.readings.rulebook(tx, person.id)
    calendars = asked.readings.calendars(tx, {vehicle.site_id, asked.end_site_id})
    refusal = find_refusal(now, rulebook, calendars, asked, person)
    if refusal is not None:
        raise refusal
    resolved = rulebook.of(vehicle.organisation_id, vehicle.pool_id)
    if resolved.rules.open_bookings or resolved.rules.week_s:
        tx.execute(select(people.c.id).where(people.c.id == person.id).with_for_update(key_share=True)).all()
    refusal = find_quota(tx, now, resolved, asked, person, calendars[vehicle.site_id])
    if refusal is not None:
        raise refusal
    return resolved


def find_quota(
    tx: Connection,
    now: int,
    resolved: Resolved,
    asked: Asked,
    person: Person,
    calendar: Calendar,
    planned: Sequence[tuple[int, int]] = (),
) -> GloveboxError | None:
    """Which quota of the person's is full; None where the booking fits. The same for all cars of a pool and
    time zone. `calendar`: of the car's site; `planned`: intervals that would be booked before it."""
    return _find_open_bookings(
        tx, now, resolved, asked, person, calendar.zone.key, len(planned)
    ) or _find_week(tx, resolved, asked, person, calendar, planned)


def find_refusal(
    now: int, rulebook: Rulebook, calendars: dict[int, Calendar], asked: Asked, person: Person | None
) -> GloveboxError | None:
    """What forbids this car at that time, whatever else is booked; None where nothing does."""
    vehicle = asked.vehicle
    if asked.is_other_car and not rulebook.admits(vehicle.pool_id):
        return Forbidden("pool_for_groups", pool=vehicle.pool_name)
    zone_name = calendars[vehicle.site_id].zone.key
    return (
        _find_licence(asked, person, zone_name)
        or _find_times(now, rulebook.of(vehicle.organisation_id, vehicle.pool_id), asked, zone_name)
        or _find_closed(calendars[vehicle.site_id], calendars[asked.end_site_id], asked)
    )


def _find_licence(asked: Asked, person: Person | None, zone_name: str) -> GloveboxError | None:
    if person is None:
        return None
    if person.licence_until is not None and person.licence_until < asked.ends_at:
        return Forbidden("licence_expired", until=person.licence_until, time_zone=zone_name)
    category = asked.vehicle.licence_category
    if category not in person.licence_categories.split():
        held = person.licence_categories or "-"
        return Forbidden(
            "licence_category", category=category, held=held, registration=asked.vehicle.registration
        )
    return None


def _find_times(now: int, resolved: Resolved, asked: Asked, zone_name: str) -> GloveboxError | None:
    rules, starts_at, ends_at = resolved.rules, asked.starts_at, asked.ends_at
    was_s = 0 if asked.is_other_car else asked.was.ends_at - asked.was.starts_at
    if ends_at - starts_at > max(rules.longest_s, was_s):
        return Invalid(
            "too_long",
            longest_s=rules.longest_s,
            latest_end=starts_at + rules.longest_s,
            set_by=resolved.origin("longest_s"),
            time_zone=zone_name,
        )
    if asked.is_new_wish and starts_at > now + rules.horizon_s:
        return Invalid(
            "too_far",
            horizon_s=rules.horizon_s,
            latest_start=now + rules.horizon_s,
            bookable_at=starts_at - rules.horizon_s,
            set_by=resolved.origin("horizon_s"),
            time_zone=zone_name,
        )
    if asked.is_new_wish and rules.lead_s and starts_at < now + rules.lead_s:
        return Invalid(
            "too_soon",
            lead_s=rules.lead_s,
            earliest_start=now + rules.lead_s,
            set_by=resolved.origin("lead_s"),
            time_zone=zone_name,
        )
    return None


def _find_closed(start_site: Calendar, end_site: Calendar, asked: Asked) -> GloveboxError | None:
    if asked.is_other_start and not start_site.may_start(asked.starts_at):
        return _closed("closed_at_start", start_site, asked.starts_at)
    if asked.is_other_end and not end_site.is_open(asked.ends_at):
        return _closed("closed_at_end", end_site, asked.ends_at)
    return None


def _closed(code: str, calendar: Calendar, at: int) -> Invalid:
    opens_at = calendar.next_opening(at)
    before = calendar.last_closing(at)
    values = {"site": calendar.site_name, "at": at, "time_zone": calendar.zone.key}
    if code == "closed_at_start":
        return (
            Invalid("closed_at_start", opens_at=opens_at, **values)
            if opens_at is not None
            else Invalid("closed_for_long", **values)
        )
    if before is None or opens_at is None:
        return Invalid("closed_for_long", **values)
    return Invalid("closed_at_end", closed_at=before, opens_at=opens_at, **values)


def zone_of(tx: Connection, site_id: int) -> str:
    """The name of a site's time zone."""
    return read_zones(tx, site_id).get(site_id) or read_time_zone(tx)


def _counted_where(source: Policy | None) -> Any:
    """A quota counts the bookings of the cars for which it was laid down."""
    assert source is not None, "no quota is built in"
    if source.pool_id is not None:
        return vehicles.c.pool_id == source.pool_id
    return vehicles.c.organisation_id == source.organisation_id


def _find_open_bookings(
    tx: Connection,
    now: int,
    resolved: Resolved,
    asked: Asked,
    person: Person,
    zone_name: str,
    planned_count: int,
) -> GloveboxError | None:
    limit = resolved.rules.open_bookings
    if not limit or not asked.is_other_car:
        return None
    query = (
        select(func.count(), func.min(reservations.c.ends_at))
        .join(vehicles, vehicles.c.id == reservations.c.vehicle_id)
        .where(
            reservations.c.person_id == person.id,
            _counted_where(resolved.sources["open_bookings"]),
            reservations.c.id != (0 if asked.was is None else asked.was.id),
            or_(
                reservations.c.state == State.IN_USE,
                reservations.c.state.in_((State.PENDING, State.CONFIRMED)) & (reservations.c.ends_at > now),
            ),
        )
    )
    count, first_end = tx.execute(query).one()
    count += planned_count
    if count < limit:
        return None
    return Conflict(
        "too_many_bookings",
        limit=limit,
        booked=count,
        first_end=max(int(first_end or asked.ends_at), now),
        set_by=resolved.origin("open_bookings"),
        time_zone=zone_name,
    )


def _find_week(
    tx: Connection,
    resolved: Resolved,
    asked: Asked,
    person: Person,
    calendar: Calendar,
    planned: Sequence[tuple[int, int]],
) -> GloveboxError | None:
    limit_s = resolved.rules.week_s
    if not limit_s:
        return None
    zone = calendar.zone
    start = week_start(asked.starts_at, zone)
    query = (
        select(reservations.c.starts_at, reservations.c.ends_at)
        .join(vehicles, vehicles.c.id == reservations.c.vehicle_id)
        .where(
            reservations.c.person_id == person.id,
            _counted_where(resolved.sources["week_s"]),
            reservations.c.id != (0 if asked.was is None else asked.was.id),
            reservations.c.state.in_(COUNTED),
            reservations.c.ends_at > start,
            reservations.c.starts_at < next_week_start(week_start(asked.ends_at, zone), zone),
        )
    )
    booked = [*planned, *((row.starts_at, row.ends_at) for row in tx.execute(query))]
    while start < asked.ends_at:
        after = next_week_start(start, zone)
        used_s = sum(_shared_s(one, (start, after)) for one in booked)
        wanted_s = _shared_s((asked.starts_at, asked.ends_at), (start, after))
        was = (0, 0) if asked.is_other_car else (asked.was.starts_at, asked.was.ends_at)
        was_s = _shared_s(was, (start, after))
        if used_s + wanted_s > limit_s and wanted_s > was_s:
            return Conflict(
                "week_full",
                week_s=limit_s,
                left_s=max(0, limit_s - used_s),
                week_starts_at=start,
                next_week_at=after,
                set_by=resolved.origin("week_s"),
                time_zone=zone.key,
            )
        start = after
    return None


def _shared_s(one: tuple[int, int], other: tuple[int, int]) -> int:
    return max(0, min(one[1], other[1]) - max(one[0], other[0]))
