"""Any order of bookings, changes, cancellations and box news: never two promises of one car at one time,
and the box agrees."""

import tempfile
from itertools import pairwise
from pathlib import Path

from glovebox.errors import GloveboxError
from glovebox.reservations import approval, service, swapping
from glovebox.reservations.schemas import AlreadyTaken
from glovebox.rules import apply_rules
from glovebox.scope import SYSTEM
from glovebox.store import guard
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)
from support_cloud import ANNE_UID, HOUR, Depot

HOURS = st.integers(0, 30)
LENGTHS = st.integers(1, 5)
GUARDED = ("pending", "confirmed", "in_use")


class Promises(RuleBasedStateMachine):
    """Two cars, one with a box, against a list of intervals kept by the test."""

    numbers = Bundle("numbers")

    def __init__(self, create_database):
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        path = Path(self.directory.name)
        self.depot = Depot(path, create_database(path))
        self.depot.lay_down(needs_approval=1)
        self.manager = self.depot.manager(self.depot.town)
        self.box = self.depot.claim()
        self.sessions = {}

    def teardown(self):
        self.depot.close()
        self.directory.cleanup()

    def attempt(self, job):
        try:
            return self.depot.run(job)
        except GloveboxError:
            return None

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
            assert all(b <= slot.starts_at or a >= slot.ends_at for a, b in self.held(car))
            assert slot.ends_at - slot.starts_at == end - begin
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
        self.depot.run(lambda tx: apply_rules(tx, self.depot.now))

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
    max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)


def test_whatever_happens_no_car_is_promised_twice_and_the_box_agrees(create_database):
    run_state_machine_as_test(lambda: Promises(create_database), settings=MACHINE)
