"""A year in the life of the seeded fleet, event by event: who asks for a car and who gives it back, cars
that break, come back late and fall silent; drivers take offers or wait at the car.

The fleet, the 17,000 bookings and who cancels or does not come are `glovebox.seed`'s. All of them pass
through the product's own services on a virtual clock, which goes from one event to the next. Faults are
drawn here.
"""

import heapq
import random
import shutil
from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise

from glovebox.blocks import service as blocks
from glovebox.boxes.tables import boxes
from glovebox.errors import GloveboxError
from glovebox.fleet.tables import vehicles
from glovebox.messages.service import UNDO_S
from glovebox.reservations import approval, authorisations, availability, rehousing, risk, service
from glovebox.reservations.causes import LATE_GRACE_S, LATE_NOTICE_S, LOST_S, SILENT_NOTICE_S, SILENT_S
from glovebox.reservations.risk import AHEAD
from glovebox.reservations.tables import freed_cars, rehousings, reservations
from glovebox.rules import apply_rules
from glovebox.scope import SYSTEM, Scope
from glovebox.seed import seed
from glovebox.trips import facts
from glovebox.trips.tables import trips
from sqlalchemy import bindparam, delete, func, insert, select, update
from support_cloud import DAY, HOUR, Depot
from support_town import pack_state

MINUTE = 60
START = 1_773_028_800  # Monday 2026-03-09, 5 in the morning in Saint-Nazaire
# Who comes to a car that is not there waits so long, and then is left standing.
PATIENCE_S = 30 * MINUTE
# An hour passes until somebody says that a car is broken: whoever comes before finds it out alone.
UNSAID_S = HOUR
APPROVED_AFTER_S = 20 * MINUTE
# The timed rules run each second in the server. Here: as soon as something can be due, this much later.
SOON_S = 31
KNOWS_ALL = 2**31


@dataclass(frozen=True)
class Rates:
    """Per car and day: a breakdown or damage, a fall into silence; per trip: late, 10 minutes to 2 hours."""

    breaks: float = 0.01
    silences: float = 0.01
    late: float = 0.1


@dataclass(frozen=True)
class Wish:
    """What the seeded year tells of one booking: asked for `at`; `fate`: what became of it there."""

    at: int
    vehicle_id: int
    person_id: int
    organisation_id: int
    starts_at: int
    ends_at: int
    fate: str


_FREED = select(func.count()).select_from(freed_cars)
_FREED_FOR_GOOD = select(freed_cars.c.vehicle_id).where(freed_cars.c.freed_at <= bindparam("by"))
_NEXT = (
    select(reservations.c.starts_at)
    .where(
        reservations.c.vehicle_id == bindparam("car"),
        reservations.c.state.in_(AHEAD),
        reservations.c.ends_at > bindparam("after"),
        reservations.c.starts_at < bindparam("before"),
    )
    .order_by(reservations.c.starts_at)
)
_DUE = (
    select(reservations)
    .where(
        reservations.c.state == "confirmed",
        reservations.c.starts_at + 0 <= bindparam("now"),
        reservations.c.ends_at > bindparam("now"),
    )
    .order_by(reservations.c.id)
)
_OFFERED = (
    select(reservations)
    .join(rehousings, rehousings.c.reservation_id == reservations.c.id)
    .where(
        rehousings.c.outcome == "offered",
        rehousings.c.closed_at.is_(None),
        reservations.c.state == "confirmed",
        reservations.c.id % 2 == 0,
    )
)
_PARKED = (
    update(boxes)
    .where(boxes.c.vehicle_id.in_(bindparam("cars", expanding=True)))
    .values(heard_at=bindparam("at"), state=bindparam("said"))
)


class Town:
    """The fleet with its world outside: which cars really stand there, who is on the road until when."""

    def __init__(self, depot, number, days, rates, filled):
        self.depot, self.rates = depot, rates
        self.draw = random.Random(number)
        self.until = START + days * DAY
        self.dead, self.mute, self.on_road = {}, {}, {}
        self.wanted, self.standing, self.drove, self.no_shows = {}, {}, set(), set()
        self.counts, self.refused = Counter(), Counter()
        self.events, self.sequence, self.heard_at = [], 0, START
        depot.run(lambda tx: seed(tx, START + 365 * DAY, depot.cloud.keyring, number, with_logins=False))
        depot.run(self._empty)
        self._fill(filled)
        for wish in self.wishes:
            self.push(max(wish.at, START), self._ask, wish)
        for car in self.cars:
            self._draw_fate(car, START, self.rates.breaks, self._break)
            self._draw_fate(car, START, self.rates.silences, self._fall_silent)
        for day in range(days):
            self.push(START + day * DAY, self._rules)

    def _empty(self, tx):
        """Takes the year's bookings out, as wishes, and fits a box to each car."""
        year = (reservations.c.starts_at >= START) & (reservations.c.starts_at < self.until)
        columns = (
            "created_at",
            "vehicle_id",
            "person_id",
            "organisation_id",
            "starts_at",
            "ends_at",
            "state",
        )
        query = select(*(reservations.c[name] for name in columns)).where(year).order_by(reservations.c.id)
        self.wishes = [Wish(*row) for row in tx.execute(query)]
        tx.execute(delete(trips))
        tx.execute(delete(reservations))
        self.cars = list(tx.execute(select(vehicles.c.id).order_by(vehicles.c.id)).scalars())
        for car in self.cars:
            names = {"box_id": car.to_bytes(8, "big"), "hardware_id": f"board-{car}", "vehicle_id": car}
            known = {"held_version": KNOWS_ALL, "heard_at": START, "created_at": START}
            tx.execute(insert(boxes).values(key_id=1, journal_epoch=1, **names, **known))

    def _fill(self, share):
        """Wishes for that share of the hours between two promises, so that little is free instead."""
        if not share:
            return
        by_car = sorted(self.wishes, key=lambda wish: (wish.vehicle_id, wish.starts_at))
        for before, following in pairwise(by_car):
            first, last = (self.draw.choice((0, 15, 30)) * MINUTE for _ in range(2))
            begins = before.ends_at + first
            ends = min(following.starts_at - last, begins + 8 * HOUR)
            is_gap = before.vehicle_id == following.vehicle_id and ends - begins >= HOUR
            if is_gap and self.draw.random() < share:
                self.wishes.append(replace(before, starts_at=begins, ends_at=ends, fate="completed"))

    def push(self, at, act, *values):
        self.sequence += 1
        heapq.heappush(self.events, (at, self.sequence, act, values))

    def _rules(self, tx, now):
        """A time at which a rule may have something to do: they follow all events of the moment."""
        self.is_ruled = True

    def live(self):
        while self.events and self.events[0][0] < self.until:
            now = self.depot.clock.now = self.events[0][0]
            self.is_ruled = False
            acts = []
            while self.events and self.events[0][0] == now:
                acts.append(heapq.heappop(self.events)[2:])
            self.depot.run(lambda tx, acts=acts, now=now: self._step(tx, now, acts))

    def _step(self, tx, now, acts):
        if now - self.heard_at >= HOUR:
            self._hear(tx, now)
        for act, values in acts:
            act(tx, now, *values)
        if self.is_ruled:
            self._hear(tx, now)
            freed = list(tx.execute(_FREED_FOR_GOOD, {"by": now - UNDO_S}).scalars())
            apply_rules(tx, now)
            self._check_given(tx, now, freed)
            self._choose(tx, now)
        self._depart(tx, now)
        if tx.execute(_FREED).scalar():
            self.push(now + SOON_S, self._rules)

    # -- the world
    def _hear(self, tx, now):
        """The boxes that are not silent say where their cars are."""
        self.heard_at = now
        heard = [car for car in self.cars if car not in self.mute]
        for said in ("parked", "driving"):
            cars = [car for car in heard if (car in self.on_road) == (said == "driving")]
            tx.execute(_PARKED, {"cars": cars, "at": now, "said": pack_state(said, 0, at=now)})

    def _draw_fate(self, car, now, share, act):
        """The next such fault of this car, an exponential time ahead."""
        if share:
            self.push(now + round(self.draw.expovariate(share) * 24 * 60) * MINUTE + MINUTE, act, car)

    def _break(self, tx, now, car):
        self.counts["broke"] += 1
        self.dead[car] = now + self.draw.randrange(6, 48) * HOUR
        self.push(now + UNSAID_S, self._say_broken, car)

    def _say_broken(self, tx, now, car):
        number = blocks.add_block(tx, now, SYSTEM, car, "damage", now)
        self.push(now + SOON_S, self._rules)
        self.push(self.dead[car], self._repair, car, number)

    def _repair(self, tx, now, car, number):
        del self.dead[car]
        blocks.end_block(tx, now, SYSTEM, number)
        self.is_ruled = True
        self._draw_fate(car, now, self.rates.breaks, self._break)

    def _fall_silent(self, tx, now, car):
        self.counts["fell silent"] += 1
        self.mute[car] = now + self.draw.randrange(8, 60) * HOUR
        known = {"heard_at": now, "held_version": authorisations.read_version(tx, car)}
        tx.execute(update(boxes).where(boxes.c.vehicle_id == car).values(**known))
        for after in (SILENT_S, LOST_S):
            self.push(now + after, self._rules)
        self._watch(tx, now, car, self.mute[car], SILENT_NOTICE_S)
        self.push(self.mute[car], self._speak, car)

    def _speak(self, tx, now, car):
        del self.mute[car]
        tx.execute(
            update(boxes).where(boxes.c.vehicle_id == car).values(heard_at=now, held_version=KNOWS_ALL)
        )
        self.is_ruled = True
        self._draw_fate(car, now, self.rates.silences, self._fall_silent)

    def _watch(self, tx, now, car, until, notice_s):
        """The rules look at who waits for this car as soon as they may."""
        waiting = {"car": car, "after": now, "before": until + notice_s}
        for starts_at in tx.execute(_NEXT, waiting).scalars():
            self.push(max(now + 1, starts_at - notice_s), self._rules)

    # -- people
    def _ask(self, tx, now, wish):
        """Books it; where it is refused, the first of the other cars that the refusal names."""
        scope = Scope(wish.organisation_id, wish.person_id, frozenset({"driver"}))
        number = self._book(tx, now, scope, wish)
        if number is None:
            return
        self.wanted[number] = wish
        row = tx.execute(select(reservations).where(reservations.c.id == number)).one()
        if row.state == "pending":
            self.push(now + APPROVED_AFTER_S, self._approve, number)
        if wish.fate == "cancelled":
            self.push(
                self.draw.randrange(now + MINUTE, max(wish.starts_at, now + 2 * MINUTE)), self._cancel, number
            )
        elif wish.fate == "no_show":
            self.no_shows.add(number)
            self.push(wish.starts_at + HOUR + MINUTE, self._rules)
        self.push(max(wish.starts_at, now + 1), self._come)
        self.push(wish.ends_at, self._end, number)
        if row.vehicle_id in self.mute:
            self.push(max(now + 1, wish.starts_at - SILENT_NOTICE_S), self._rules)
        if row.vehicle_id in self.on_road:
            self.push(max(now + 1, wish.starts_at - LATE_NOTICE_S), self._rules)

    def _book(self, tx, now, scope, wish):
        self.counts["asked for"] += 1
        cars = [wish.vehicle_id]
        for car in cars:
            try:
                with tx.begin_nested():
                    return service.book(tx, now, scope, car, wish.person_id, wish.starts_at, wish.ends_at)
            except GloveboxError as error:
                if car == wish.vehicle_id:
                    first = error.code
                    cars += [offer.vehicle_id for offer in getattr(error, "others", [])[:3]]
        self.refused[first] += 1
        return None

    def _approve(self, tx, now, number):
        row = tx.execute(select(reservations).where(reservations.c.id == number)).one()
        if row.state == "pending":
            owner = frozenset(tx.execute(select(vehicles.c.organisation_id)).scalars())
            approval.approve(
                tx, now, Scope(None, None, frozenset({"manager"}), owner, approves_ids=owner), number
            )

    def _cancel(self, tx, now, number):
        row = tx.execute(select(reservations).where(reservations.c.id == number)).one()
        if row.state in AHEAD:
            scope = Scope(row.organisation_id, row.person_id, frozenset({"driver"}))
            service.cancel(tx, now, scope, number)

    def _come(self, tx, now):
        """Somebody's time has come; `_depart` sees who."""

    def _end(self, tx, now, number):
        """Whoever still stands there by then leaves."""
        self.is_ruled = self.is_ruled or number in self.standing

    def _depart(self, tx, now):
        for row in tx.execute(_DUE, {"now": now}).all():
            if row.id in self.no_shows:
                continue
            why = self._find_obstacle(tx, row)
            if why:
                self.standing.setdefault(row.id, (now, why))
                continue
            if facts._apply_event(tx, now, row.id, "start"):
                self._drive_off(tx, now, row)

    def _find_obstacle(self, tx, row):
        """Why the person cannot drive off; a badge means nothing to a silent box that has not heard of it."""
        car = row.vehicle_id
        if car in self.on_road:
            return "late"
        if car in self.dead:
            return "broken"
        if car in self.mute:
            held = tx.execute(select(boxes.c.held_version).where(boxes.c.vehicle_id == car)).scalar()
            return "" if 0 < row.known_version <= held else "silent"
        return ""

    def _drive_off(self, tx, now, row):
        late_s = self.draw.randrange(10, 120) * MINUTE if self.draw.random() < self.rates.late else 0
        self.on_road[row.vehicle_id] = row.id
        self.drove.add(row.id)
        if now - self.standing.get(row.id, (now,))[0] <= PATIENCE_S:
            self.standing.pop(row.id, None)
        back = row.ends_at + late_s
        if late_s:
            self.counts["came back late"] += 1
            self.push(row.ends_at + LATE_GRACE_S, self._overdue, row.vehicle_id, back)
        self.push(back, self._return, row.vehicle_id, row.id, late_s)

    def _overdue(self, tx, now, car, back):
        self.is_ruled = True
        self._watch(tx, now, car, back, LATE_NOTICE_S)

    def _return(self, tx, now, car, number, late_s):
        facts._apply_event(tx, now, number, "end")
        del self.on_road[car]
        self.is_ruled = self.is_ruled or late_s > 0

    def _check_given(self, tx, now, freed):
        """No car that was free to give is left over while it would help somebody at risk."""
        at_risk = select(reservations).join(rehousings, risk.needs_car()).where(reservations.c.ends_at > now)
        for row in tx.execute(at_risk).all() if freed else ():
            lost, overdue = rehousing._lost(tx, row), risk.overdue_vehicles(tx, now)
            wanted = availability.Wanted(
                row.starts_at, row.ends_at, lost.site_id, row.end_site_id, lost.seats
            )
            viewer = rehousing._viewer(row)
            for car in set(freed) - overdue:
                look = availability.look(tx, now, viewer, wanted, was=row, by_server=True, only=car)
                fits = [
                    one for one in look.offers if one.site_id == lost.site_id and rehousing._fits(lost, one)
                ]
                self.counts["freed and withheld from those at risk"] += len(fits)

    def _choose(self, tx, now):
        """Half of those who are offered something take the first of it."""
        for row in tx.execute(_OFFERED).all():
            scope = Scope(row.organisation_id, row.person_id, frozenset({"driver"}))
            found = rehousing.list_alternatives(tx, now, scope, row.id)
            offers = [(offer.vehicle_id, row.starts_at, row.ends_at) for offer in found.others]
            offers += [(slot.vehicle_id, slot.starts_at, slot.ends_at) for slot in found.later]
            if offers:
                try:
                    with tx.begin_nested():
                        rehousing.take(tx, now, scope, row.id, *offers[0])
                except GloveboxError:
                    continue
                self.counts["took an offer"] += 1
                self.push(max(now + 1, offers[0][1]), self._come)
                self.push(offers[0][2], self._end, row.id)


def live(directory, template, number, days, rates=None, filled=0.0):
    """Lives through so many days; returns the town, its depot still open."""
    path = directory / "town.sqlite"
    shutil.copy(template, path)
    depot = Depot(directory / "cloud", f"sqlite:///{path}", is_filled=True)
    depot.clock.now = START
    town = Town(depot, number, days, rates or Rates(), filled)
    town.live()
    return town
