"""Days in the life of the seeded fleet: cars break, come back late and fall silent; drivers take offers or
wait. Seeded, on a virtual clock, the real services; prints what became of everybody concerned."""

import random
import shutil
from collections import Counter
from itertools import pairwise

import pytest
from glovebox.blocks import service as blocks
from glovebox.boxes.tables import boxes
from glovebox.errors import GloveboxError
from glovebox.fleet.tables import vehicles
from glovebox.messages.tables import messages
from glovebox.reservations import rehousing
from glovebox.reservations.states import GUARDED
from glovebox.reservations.tables import rehousings, reservations
from glovebox.rules import apply_rules
from glovebox.scope import SYSTEM, Scope
from glovebox.seed import seed
from glovebox.store import guard
from glovebox.trips import facts
from sqlalchemy import insert, select, update
from support_cloud import DAY, HOUR, Depot

MINUTE = 60
STEP_S = 10 * MINUTE
START = 1_773_028_800  # Monday 2026-03-09, 5 in the morning in Saint-Nazaire
# Per car and day: a breakdown or damage, a fall into silence; per trip: late by 10 minutes to 2 hours.
BREAKS, SILENCES, LATE = 0.05, 0.05, 0.2
PATIENCE_S = 30 * MINUTE


class Town:
    """The fleet with its world outside: which cars really stand there, who is on the road until when."""

    def __init__(self, depot, number, filled):
        self.depot, self.draw = depot, random.Random(number)
        self.dead, self.mute, self.blocked = {}, {}, {}
        self.on_road, self.standing, self.drove = {}, {}, set()
        depot.run(lambda tx: seed(tx, depot.now, depot.cloud.keyring, number, with_logins=False))
        depot.run(self._fit_boxes)
        depot.run(lambda tx: self._fill(tx, filled))

    def _fit_boxes(self, tx):
        self.cars = list(tx.execute(select(vehicles.c.id).order_by(vehicles.c.id)).scalars())
        for car in self.cars:
            known = {"held_version": 2**31, "heard_at": self.depot.now, "created_at": self.depot.now}
            names = {"box_id": car.to_bytes(8, "big"), "hardware_id": f"board-{car}", "vehicle_id": car}
            tx.execute(insert(boxes).values(key_id=1, journal_epoch=1, **names, **known))

    def _fill(self, tx, share):
        """Books that share of the hours between promises, so that little is free to be had instead."""
        columns = ("organisation_id", "person_id", "created_at", "changed_at")
        for car in self.cars:
            one = select(reservations).where(reservations.c.vehicle_id == car, reservations.c.ends_at > START)
            held = tx.execute(one.order_by(reservations.c.starts_at)).mappings().all()
            for before, following in pairwise(held):
                first, last = (self.draw.choice((0, 15, 30)) * MINUTE for _ in range(2))
                begins = before["ends_at"] + first
                ends = min(following["starts_at"] - last, begins + 8 * HOUR)
                if ends - begins >= HOUR and self.draw.random() < share:
                    same = {name: before[name] for name in columns}
                    values = {"vehicle_id": car, "starts_at": begins, "ends_at": ends, "state": "confirmed"}
                    tx.execute(insert(reservations).values(**same, **values))

    def step(self):
        now = self.depot.clock.now = self.depot.now + STEP_S
        self.depot.run(self._fate)
        self.depot.run(lambda tx: apply_rules(tx, now))
        self.depot.run(self._return)
        self.depot.run(self._choose)
        self.depot.run(self._depart)

    def _fate(self, tx):
        now, share = self.depot.now, STEP_S / DAY
        for car in self.cars:
            if car not in self.blocked and self.draw.random() < BREAKS * share:
                # An hour passes until somebody says so: whoever comes before finds it out alone.
                self.dead[car] = now + self.draw.randrange(6, 48) * HOUR
                self.blocked[car] = now + HOUR
            if car not in self.mute and self.draw.random() < SILENCES * share:
                self.mute[car] = now + self.draw.randrange(8, 60) * HOUR
        for car, at in list(self.blocked.items()):
            if isinstance(at, int) and at <= now and car in self.dead:
                number = blocks.add_block(tx, now, SYSTEM, car, "damage", now)
                self.blocked[car] = (number,)
            if car in self.dead and self.dead[car] <= now:
                del self.dead[car]
                if isinstance(self.blocked[car], tuple):
                    blocks.end_block(tx, now, SYSTEM, self.blocked[car][0])
                del self.blocked[car]
        self.mute = {car: until for car, until in self.mute.items() if until > now}
        heard = [car for car in self.cars if car not in self.mute]
        tx.execute(update(boxes).where(boxes.c.vehicle_id.in_(heard)).values(heard_at=now))

    def _return(self, tx):
        for car, (number, until) in list(self.on_road.items()):
            if until <= self.depot.now:
                facts._apply_event(tx, self.depot.now, number, "end")
                del self.on_road[car]

    def _choose(self, tx):
        """Half of those who are offered something take the first of it."""
        query = (
            select(reservations)
            .join(rehousings, rehousings.c.reservation_id == reservations.c.id)
            .where(
                rehousings.c.outcome == "offered",
                rehousings.c.closed_at.is_(None),
                reservations.c.state == "confirmed",
                reservations.c.id % 2 == 0,
            )
        )
        for row in tx.execute(query).all():
            scope = Scope(row.organisation_id, row.person_id, frozenset({"driver"}))
            found = rehousing.list_alternatives(tx, self.depot.now, scope, row.id)
            offers = [(offer.vehicle_id, row.starts_at, row.ends_at) for offer in found.others]
            offers += [(slot.vehicle_id, slot.starts_at, slot.ends_at) for slot in found.later]
            if offers:
                try:
                    with tx.begin_nested():
                        rehousing.take(tx, self.depot.now, scope, row.id, *offers[0])
                except GloveboxError:
                    continue

    def _depart(self, tx):
        now = self.depot.now
        due = select(reservations).where(
            reservations.c.state == "confirmed", reservations.c.starts_at <= now, reservations.c.ends_at > now
        )
        for row in tx.execute(due.order_by(reservations.c.id)).all():
            car = row.vehicle_id
            if car in self.on_road or car in self.dead:
                self.standing.setdefault(row.id, now)
                continue
            if facts._apply_event(tx, now, row.id, "start"):
                late_s = self.draw.randrange(10, 120) * MINUTE if self.draw.random() < LATE else 0
                self.on_road[car] = (row.id, row.ends_at + late_s)
                self.drove.add(row.id)
                if now - self.standing.get(row.id, now) <= PATIENCE_S:
                    self.standing.pop(row.id, None)

    def table(self, tx):
        """Counts of reservations whose start lies in the days lived through, and of causes in all."""
        due = (reservations.c.starts_at > START) & (reservations.c.starts_at <= self.depot.now)
        begins = {row.id: row.starts_at for row in tx.execute(select(reservations).where(due)).all()}
        answers = [row for row in tx.execute(select(rehousings)).all() if row.reservation_id in begins]
        told = {}
        at_risk = messages.c.message_key.like("rehouse-%")
        query = select(messages.c.reservation_id, messages.c.created_at).where(at_risk)
        for number, at in tx.execute(query.order_by(messages.c.id.desc())).all():
            told[number] = at
        concerned = {row.reservation_id for row in answers}
        standing = {number for number in self.standing if number in begins}

        def with_outcome(name):
            return len({row.reservation_id for row in answers if row.outcome == name})

        counted = {
            "reservations due": len(begins),
            "concerned by a cause": len(concerned),
            "given another car of the site": with_outcome("moved"),
            "offered something else": with_outcome("offered"),
            "told that nothing is free": with_outcome("told"),
            "told before the start": sum(told[number] < begins[number] for number in concerned),
            "... or within 15 min of it": sum(told[n] < begins[n] + 15 * MINUTE for n in concerned),
            "concerned and drove": len(concerned & self.drove),
            "left standing": len(standing),
            "... told before the start": sum(told.get(n, 2**40) < begins[n] for n in standing),
            "... told at the car": sum(told.get(n, -1) >= begins[n] for n in standing),
            "... never told": len(standing - set(told)),
        }
        causes = Counter(row.cause for row in answers)
        return counted | {f"cause {name}": causes[name] for name in sorted(causes)}


def check(tx):
    guard.check(tx)
    keys = Counter(tx.execute(select(messages.c.message_key)).scalars())
    for row in tx.execute(select(rehousings)).all():
        assert keys[f"rehouse-{row.reservation_id}-{row.cause}-{row.cause_id}"] == 1
    held = tx.execute(
        select(reservations.c.vehicle_id, reservations.c.starts_at, reservations.c.ends_at)
        .where(reservations.c.state.in_(GUARDED))
        .order_by(reservations.c.vehicle_id, reservations.c.starts_at)
    ).all()
    for one, following in pairwise(held):
        assert one.vehicle_id != following.vehicle_id or one.ends_at <= following.starts_at


def live(directory, template, number, days, filled):
    path = directory / "town.sqlite"
    shutil.copy(template, path)
    depot = Depot(directory / "cloud", f"sqlite:///{path}", is_filled=True)
    depot.clock.now = START
    town = Town(depot, number, filled)
    for _ in range(days * DAY // STEP_S):
        town.step()
    depot.read(check)
    table = depot.read(town.table)
    depot.close()
    return table


def show(title, table, capsys):
    with capsys.disabled():
        print(f"\n{title}")
        for name, count in table.items():
            print(f"  {name:32} {count:5}")


def test_whoever_loses_a_car_of_a_busy_fleet_is_given_another_or_told_and_once(
    tmp_path, sqlite_template, capsys
):
    table = live(tmp_path, sqlite_template, 1, 1, 0.9)
    show("one day, seed 1, 90% of the gaps booked", table, capsys)
    assert table["concerned by a cause"] >= 10
    assert table["given another car of the site"] >= 5
    assert table["offered something else"] + table["told that nothing is free"] >= 1
    assert table["... or within 15 min of it"] == table["concerned by a cause"]
    assert table["... never told"] == 0


@pytest.mark.sweep
@pytest.mark.parametrize("filled", [0.0, 0.9], ids=["as seeded", "nine tenths of the gaps booked"])
def test_a_working_week(tmp_path, sqlite_template, filled, capsys):
    table = live(tmp_path, sqlite_template, 2, 5, filled)
    show(f"five days, seed 2, {filled:.0%} of the gaps booked", table, capsys)
    assert table["concerned by a cause"] >= 10
    # Who comes to a car that broke down within the hour finds it out before anybody says so.
    assert table["... or within 15 min of it"] >= 0.95 * table["concerned by a cause"]
    assert table["... never told"] == 0
