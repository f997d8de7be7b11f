"""Any order of bookings, changes, cancellations, series, waiting and box news: never two promises of one car
at one time, each day of a series is told, the list books in time, cars are where they are looked for, and the
box agrees."""

import tempfile
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from glovebox.errors import Conflict, GloveboxError
from glovebox.fleet import service as fleet
from glovebox.fleet.tables import vehicles
from glovebox.reservations import approval, places, service, swapping
from glovebox.reservations.availability import Wanted
from glovebox.reservations.schemas import AlreadyTaken
from glovebox.reservations.tables import reservations
from glovebox.rules import apply_rules
from glovebox.scope import SYSTEM
from glovebox.series import acts
from glovebox.series.days import list_days
from glovebox.series.looking import calendar_of
from glovebox.series.schemas import Rule
from glovebox.series.service import get_series
from glovebox.store import guard
from glovebox.waiting import service as waiting
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select
from support_cloud import ANNE_UID, HOUR, Depot

HOURS = st.integers(0, 30)
LENGTHS = st.integers(1, 5)
GUARDED = ("pending", "confirmed", "in_use")
BOOKS_UNTIL_S = 2 * HOUR
UNDO_S = 30
WEEKDAYS = st.frozensets(st.integers(0, 6), min_size=1, max_size=2)


class Promises(RuleBasedStateMachine):
    """Two cars, one with a box, against a list of intervals kept by the test."""

    numbers = Bundle("numbers")
    series = Bundle("series")
    waits = Bundle("waits")

    def __init__(self, create_database):
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        path = Path(self.directory.name)
        self.depot = Depot(path, create_database(path))
        self.depot.lay_down(needs_approval=1)
        self.manager = self.depot.manager(self.depot.town)
        self.box = self.depot.claim()
        self.sessions = {}
        self.anne, self.bob = (self.depot.driver(one) for one in (self.depot.anne, self.depot.bob))
        self.taken_offers = set()

    def teardown(self):
        self.depot.close()
        self.directory.cleanup()

    def attempt(self, job):
        try:
            return self.depot.run(job)
        except GloveboxError:
            return None

    def attempt_in_slices(self, act, number, **values):
        try:
            act(self.depot.run, self.depot.now, self.anne, number, **values)
        except GloveboxError:
            pass

    def held(self, vehicle_id, but=None):
        states = ", ".join(f"'{state}'" for state in GUARDED)
        rows = self.depot.rows(
            "SELECT id, starts_at, ends_at FROM reservations "
            f"WHERE vehicle_id = :car AND state IN ({states})",
            car=vehicle_id,
        )
        return [(start, end) for number, start, end in rows if number != but]

    def promised(self):
        rows = self.depot.rows("SELECT id, vehicle_id, starts_at, ends_at, state FROM reservations")
        return {row[0]: tuple(row[1:]) for row in rows}

    @rule(target=numbers, start=HOURS, length=LENGTHS, second=st.booleans(), pending=st.booleans())
    def book(self, start, length, second, pending):
        car = self.depot.car_2 if second else self.depot.car
        begin, end = self.depot.now + start * HOUR, self.depot.now + (start + length) * HOUR
        is_free = all(b <= begin or a >= end for a, b in self.held(car))
        try:
            number = self.depot.book(
                self.depot.anne,
                start * HOUR,
                (start + length) * HOUR,
                car,
                scope=SYSTEM if pending else self.manager,
            )
        except AlreadyTaken as refused:
            assert not is_free
            slot = refused.next_free
            if slot is None:  # somebody leaves the car elsewhere
                assert self.depot.rows(
                    "SELECT id FROM reservations WHERE vehicle_id = :car AND end_site_id IS NOT NULL", car=car
                )
                return 0
            assert all(b <= slot.starts_at or a >= slot.ends_at for a, b in self.held(car))
            assert slot.ends_at - slot.starts_at == end - begin
            return 0
        except Conflict as refused:
            if refused.code != "waiting_first":
                raise
            assert self.depot.rows("SELECT vehicle_id FROM freed_cars WHERE vehicle_id = :car", car=car)
            return 0
        assert is_free
        return number

    @rule(number=numbers, start=HOURS, length=LENGTHS, second=st.booleans())
    def change(self, number, start, length, second):
        car = self.depot.car_2 if second else self.depot.car
        times = {
            "starts_at": self.depot.now + start * HOUR,
            "ends_at": self.depot.now + (start + length) * HOUR,
        }
        self.attempt(lambda tx: service.change(tx, self.depot.now, SYSTEM, number, vehicle_id=car, **times))

    @rule(number=numbers)
    def cancel(self, number):
        self.attempt(lambda tx: service.cancel(tx, self.depot.now, SYSTEM, number))

    @rule(number=numbers, gives_up=st.booleans())
    def change_ones_mind(self, number, gives_up):
        """The driver's own act and, sometimes after another's booking, its undoing."""
        driver = self.depot.driver(self.depot.anne)
        if gives_up:
            self.attempt(lambda tx: service.cancel(tx, self.depot.now, driver, number))
        else:
            self.attempt(
                lambda tx: service.change(tx, self.depot.now, driver, number, starts_at=self.depot.now + HOUR)
            )

    @rule(number=numbers)
    def take_back(self, number):
        driver = self.depot.driver(self.depot.anne)
        self.attempt(lambda tx: service.take_back(tx, self.depot.now, driver, number))

    @rule(number=numbers, other=numbers)
    def swap(self, number, other):
        before = self.promised()
        self.attempt(lambda tx: swapping.swap(tx, self.depot.now, self.manager, number, other))
        after = self.promised()
        mine, others = before.get(number), before.get(other)
        if after == before:
            return
        assert after == before | {
            number: (others[0], *mine[1:]),
            other: (mine[0], *others[1:]),
        }

    @rule(target=numbers, start=HOURS, length=LENGTHS, second=st.booleans(), away=st.booleans())
    def book_one_way(self, start, length, second, away):
        where = (self.depot.anne, start * HOUR, (start + length) * HOUR)
        car = self.depot.car_2 if second else self.depot.car
        site = self.depot.station if away else self.depot.site
        try:
            return self.depot.book(*where, car, scope=self.manager, to_site=site)
        except GloveboxError:
            return 0

    @rule(target=series, weekdays=WEEKDAYS, start=st.integers(0, 20), length=LENGTHS, second=st.booleans())
    def book_series(self, weekdays, start, length, second):
        first = datetime.fromtimestamp(self.depot.now, UTC).date()
        but = frozenset({first + timedelta(days=2)})
        days = Rule(weekdays, first, first + timedelta(days=8), start * 60, (start + length) * 60, but=but)
        where = (self.depot.car_2 if second else self.depot.car, self.depot.anne, days)
        try:
            return acts.book(self.depot.run, self.depot.now, self.anne, *where).series_id
        except GloveboxError:
            return 0

    @rule(number=series, start=st.integers(0, 20), second=st.booleans())
    def change_series(self, number, start, second):
        car = self.depot.car_2 if second else self.depot.car
        times = {"starts_minute": start * 60, "ends_minute": start * 60 + 90, "vehicle_id": car}
        self.attempt_in_slices(acts.change, number, **times)

    @rule(number=series)
    def cancel_series(self, number):
        self.attempt_in_slices(acts.cancel, number)

    @rule(number=series)
    def take_series_back(self, number):
        self.attempt(lambda tx: acts.take_back(tx, self.depot.now, self.anne, number))

    @rule(target=waits, start=HOURS, length=LENGTHS, gives_back=st.booleans())
    def wait(self, start, length, gives_back):
        """Both cars are taken, bob waits, and sometimes one of them is given back."""
        begin = self.depot.now + start * HOUR
        where = (self.depot.anne, begin, begin + length * HOUR)
        took = [
            self.attempt(lambda tx, car=car: service.book(tx, self.depot.now, SYSTEM, car, *where))
            for car in (self.depot.car, self.depot.car_2)
        ]
        wanted = Wanted(begin, begin + length * HOUR, self.depot.site)
        job = lambda tx: waiting.join(tx, self.depot.now, self.bob, self.depot.bob, wanted)  # noqa: E731
        number = self.attempt(job) or 0
        if number and gives_back and any(took):
            one = next(filter(None, took))
            self.attempt(lambda tx: service.cancel(tx, self.depot.now, SYSTEM, one))
            self.depot.clock.now += UNDO_S
            self.depot.run(lambda tx: apply_rules(tx, self.depot.now))
        return number

    @rule(number=waits, takes=st.booleans())
    def answer_the_list(self, number, takes):
        if not takes:
            self.attempt(lambda tx: waiting.leave(tx, self.depot.now, self.bob, number))
        elif self.attempt(lambda tx: waiting.take(tx, self.depot.now, self.bob, number)):
            self.taken_offers.add(number)

    @rule(number=numbers)
    def approve(self, number):
        self.attempt(lambda tx: approval.approve(tx, self.depot.now, SYSTEM, number))

    @rule(number=numbers)
    def start_session(self, number):
        self.sessions[number] = self.box.session_start(self.depot.now, number, ANNE_UID)

    @rule(number=numbers)
    def end_session(self, number):
        if number in self.sessions:
            self.box.session_end(self.depot.now, self.sessions[number], number)

    @rule(with_state=st.booleans())
    def sync(self, with_state):
        last = len(self.box.slots[1])
        acknowledged = self.depot.rows("SELECT max(sequence) FROM ring_heads")[0][0] or 0
        fields = [self.box.records(1, acknowledged + 1)] if last > acknowledged else []
        fields += [self.box.state(self.depot.now)] if with_state else []
        self.box.greet(*fields)

    @rule(hours=st.integers(1, 12))
    def let_time_pass(self, hours):
        self.depot.clock.now += hours * HOUR
        for _ in range(3):  # who is given another car may leave it elsewhere: the next look answers that
            self.depot.run(lambda tx: apply_rules(tx, self.depot.now))
        broken = (
            select(reservations.c.id)
            .join(vehicles, vehicles.c.id == reservations.c.vehicle_id)
            .where(places.is_broken(), reservations.c.state.in_(("pending", "confirmed")))
            .where(reservations.c.ends_at > self.depot.now)
        )
        answered = self.depot.rows(
            "SELECT reservation_id FROM rehousings WHERE cause = 'broken_chain' AND closed_at IS NULL"
        )
        found = self.depot.read(lambda tx: set(tx.execute(broken).scalars()))
        assert found <= {row[0] for row in answered}, "nobody looks in vain for a car without an answer"

    @invariant()
    def every_day_of_a_series_is_booked_or_told_and_no_other_is(self):
        for (number,) in self.depot.rows("SELECT id FROM series"):
            one = self.depot.read(lambda tx, number=number: get_series(tx, SYSTEM, number))
            car = self.depot.read(lambda tx, one=one: fleet.get_vehicle(tx, SYSTEM, one.vehicle_id))
            days, _free = list_days(one.rule, self.depot.read(lambda tx, car=car: calendar_of(tx, car)))
            booked = [day for day, _is_exception, _reservation in one.occurrences]
            told = self.depot.rows("SELECT day, code FROM series_refusals WHERE series_id = :id", id=number)
            assert len(set(booked)) == len(booked)
            assert set(booked) | {datetime.fromisoformat(day).date() for day, _code in told} == set(days)
            assert "series_interrupted" not in [code for _day, code in told]

    @invariant()
    def the_list_books_two_hours_before_at_the_latest(self):
        rows = self.depot.rows(
            "SELECT waits.id, waits.starts_at, reservations.created_at FROM waits"
            " JOIN reservations ON reservations.id = waits.reservation_id WHERE waits.state = 'booked'"
        )
        for number, starts_at, booked_at in rows:
            assert number in self.taken_offers or booked_at <= starts_at - BOOKS_UNTIL_S

    @invariant()
    def no_two_promises_overlap(self):
        for car in (self.depot.car, self.depot.car_2):
            held = sorted(self.held(car))
            assert all(before[1] <= after[0] for before, after in pairwise(held))

    @invariant()
    def nothing_is_left_between_two_cars(self):
        assert self.depot.rows("SELECT id FROM reservations WHERE state = 'moving'") == []

    @invariant()
    def the_guard_is_whole(self):
        self.depot.read(guard.check)

    @invariant()
    def every_session_sent_is_one_trip(self):
        sent = self.depot.rows("SELECT count(*) FROM records WHERE kind = 2")
        assert sent == self.depot.rows("SELECT count(*) FROM trips WHERE is_time_unsure = 0")

    @invariant()
    def a_box_that_holds_the_newest_set_holds_exactly_what_may_be_used(self):
        rows = self.depot.rows(
            "SELECT version FROM authorisation_versions WHERE vehicle_id = :car", car=self.depot.car
        )
        if rows != [(self.box.version,)]:
            return
        held = {number for _, number in self.box.authorisations()}
        current = (
            "SELECT id FROM reservations "
            "WHERE vehicle_id = :car AND state IN ('confirmed', 'in_use') AND ends_at > :now"
        )
        usable = {row[0] for row in self.depot.rows(current, car=self.depot.car, now=self.depot.now)}
        assert usable <= held


MACHINE = settings(
    max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)


def test_whatever_happens_no_car_is_promised_twice_and_the_box_agrees(create_database):
    run_state_machine_as_test(lambda: Promises(create_database), settings=MACHINE)
