"""One seed: boxes, cars, people, cloud, faults in virtual time; then the faults stop and all must agree."""

from __future__ import annotations

import logging
import random
import traceback
from collections.abc import Callable
from typing import Any

from glovebox.boxes import service as boxes
from glovebox.errors import GloveboxError
from glovebox.people import service as people_service
from glovebox.reservations import service as reservations
from glovebox.scope import SYSTEM
from glovebox_sim.process import ProcessError

from seeds import agree, faults
from seeds.people import SCRIPTS, Person, Script, delivered, fitter
from seeds.town import FOREVER_S, RIGHTS, CarSide, Template, Town
from seeds.trace import Trace
from seeds.watch import EPOCH_2000_S, CarWatch, Violation

STARTS_AT = (1_773_126_000, 2_020_426_000, 2_147_483_400)
"""Tuesday 2026-03-10, 07:00 UTC; before small integers end in 2034; before 2038-01-19, 03:14 UTC."""
LIFE_S = (60.0, 110.0)
CALM_S = 8.0
"""The boot's own seconds, before the first fault."""
LOOK_S = 1.0
DRIVES = ("errand", "stops_over", "drives_off_all_the_same", "taps_while_driving")
OPENINGS = (*DRIVES, "comes_late")
COMMANDS = ("lock", "end_session", "flash_lights", "self_test", "refresh", "open_for", "garage")


class _Errors(logging.Handler):
    """What the cloud logs as an error is one."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(self.format(record))


class Life:
    """One seed of a template's town. `play()` returns what went wrong, or None."""

    def __init__(self, template: Template, seed: int) -> None:
        rng = random.Random(f"{seed}/life")
        self.rng = rng
        self.seed = seed
        start_at = rng.choices(STARTS_AT, (8, 1, 1))[0]
        self.town = Town(template, seed, start_at, 2 if rng.random() < 0.2 else 1)
        self.sim = self.town.sim
        self.trace = Trace(self.sim)
        self.restored_at: float | None = None
        self.rights: list[tuple[bytes, int, int, int, int, int]] = []
        self.badges: dict[int, bytes] = {}
        self.opened: set[tuple[int, int]] = set()
        self.busy: set[str] = set()
        self.begun: set[str] = set()  # cars that come from a workshop
        self.is_over = False
        self.has_jumped = False  # the cloud's clock
        self.faults_seen: set[str] = set()
        self.watches = {side.name: CarWatch(self, side) for side in self.town.cars}
        self.persons = {name: Person(self, name) for name in self.town.uids}
        self.sim.on_event.append(self._on_event)
        self._errors = _Errors()
        logging.getLogger().addHandler(self._errors)
        self.undone: list[Callable[[], None]] = []

    # -- what others ask ------------------------------------------------------------------------------------
    @property
    def t(self) -> float:
        return self.sim.now_us / 1e6

    @property
    def cloud_s(self) -> float:
        """The cloud's clock, in seconds since 2000."""
        return self.town.cloud.clock() - EPOCH_2000_S

    def books(self, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
        return self.town.cloud.read_books(sql, *arguments)

    def note_restored(self) -> None:
        """The cloud's store is an older one."""
        self.restored_at = self.t
        for watch in self.watches.values():
            watch.forget_checked()

    def note_tap(self, side: CarSide, uid: bytes, seconds: float) -> None:
        watch = self.watches[side.name]
        watch.note_tap(uid, seconds)
        faults.at_moment(self, side, "tap" if watch.session is None else "tap_again")

    def note_drive(self, side: CarSide) -> None:
        faults.at_moment(self, side, "drive")

    def _on_event(self, _t: float, box: str, source: str, name: str, data: dict[str, Any]) -> None:
        if (source, name) == ("flash", "power_cut"):
            side = next(side for side in self.town.cars if side.name == box)
            self.sim.call_later(2.0, lambda: side.world.set_power(True))
        self.watches[box].on_event(source, name, data)

    # -- the cloud's people ---------------------------------------------------------------------------------
    def ask_cloud(self, who: str, what: str, job: Callable[[Any, int], Any]) -> Any:
        """A request of somebody; what the cloud refuses is told, as a page would."""
        cloud = self.town.cloud
        if cloud.apps is None:
            self.trace.say(who, f"{what}: the cloud does not answer")
            return None
        now = int(cloud.clock())
        try:
            answer = cloud.run(lambda tx: job(tx, now))
        except GloveboxError as error:
            self.trace.say(who, f"{what}: refused, {error.code}")
            return None
        self.trace.say(who, f"{what}: {answer}")
        self.note_rights()
        return answer

    def note_rights(self) -> None:
        """Every right that there ever was."""
        if not self.badges:
            keyring = self.town.cloud.cloud.keyring
            for badge_id, sealed in self.books("select id, uid_sealed from badges"):
                self.badges[badge_id] = keyring.open_uid(bytes(sealed))
        for badge_id, *row in self.books(
            f"select badge_id, vehicle_id, authorisation_id, version, starts_at, ends_at from {RIGHTS} "
            "where is_removed = 0"
        ):
            right = (self.badges[badge_id], *row)
            if right not in self.rights:
                self.rights.append(right)

    def book(self, name: str, side: CarSide, starts_in_s: int, for_s: int) -> Any:
        def job(tx: Any, now: int) -> int:
            person = self.town.people[name]
            start = now + starts_in_s
            return reservations.book(tx, now, SYSTEM, side.vehicle, person, start, start + for_s)

        return self.ask_cloud(name, f"books {side.name} in {starts_in_s} s for {for_s} s", job)

    def _clerk(self, side: CarSide) -> None:
        """Something that somebody does at a desk."""
        rng = self.rng
        what = rng.randrange(4)
        if what == 0:
            name = rng.choice(("alice", "bob", "carol"))
            self.book(name, side, rng.choice((-60, 0, 60, 600)), rng.choice((120, 900, 7200)))
            return
        live = self.books(
            "select id, ends_at from reservations where vehicle_id = ? and state in ('confirmed', 'in_use')",
            side.vehicle,
        )
        if what in (1, 2) and live:
            faults.at_moment(self, side, "desk")
            number, ends_at = rng.choice(live)
            if what == 1:
                self.ask_cloud(
                    "manager",
                    f"cancels {number}",
                    lambda tx, now: reservations.cancel(tx, now, SYSTEM, number),
                )
            else:
                end = ends_at + rng.choice((-600, 600)) if rng.random() < 0.5 else None
                self.shorten(number, end or int(self.town.cloud.clock()) + 20)
            return
        self.command(side, rng.choice(COMMANDS))

    def shorten(self, number: int, ends_at: int) -> None:
        self.ask_cloud(
            "manager",
            f"moves the end of {number}",
            lambda tx, now: reservations.change(tx, now, SYSTEM, number, ends_at=ends_at),
        )

    def command(self, side: CarSide, kind: Any) -> None:
        """Somebody at a desk commands a car."""
        live = self.books(
            "select id from reservations where vehicle_id = ? and state in ('confirmed', 'in_use')",
            side.vehicle,
        )
        argument = 0
        if kind == "open_for":
            argument = live[0][0] if live else 0
            self.opened.add((side.vehicle, argument))
        elif kind == "garage":
            argument = int(self.rng.random() < 0.5)
        self.ask_cloud(
            "manager",
            f"commands {kind} of {side.name}",
            lambda tx, now: boxes.add_command(
                tx, now, SYSTEM, side.vehicle, kind, "seed", argument=argument, expires_in_s=60
            ),
        )

    # -- playing --------------------------------------------------------------------------------------------
    def start(self, script: Script, on_end: Callable[[], None] = lambda: None) -> None:
        """Let a person's script run; it ends when life is over."""

        def go_on() -> None:
            if self.is_over:
                return
            try:
                wait_s = next(script)
            except StopIteration:
                on_end()
                return
            self.sim.call_later(wait_s, go_on)

        go_on()

    def _look(self) -> None:
        problems = self.town.cloud.failures + self._errors.told
        if problems:
            raise Violation(f"the cloud failed: {problems[0]}")
        if self.town.cloud.apps is not None:
            for watch in self.watches.values():
                watch.look()

    def _plan_people(self, life_s: float) -> None:
        rng = self.rng
        names = ("alice", "bob", "carol", "dan", "eve")
        for index, side in enumerate(self.town.cars):
            # Mostly those who have booked it.
            weights = (12, 2, 5, 1, 1) if index == 0 else (2, 12, 5, 1, 1)
            holder, at = names[index], 0.0
            if side.name in self.begun and rng.random() < 0.5:
                at = 55.0  # nobody else before it has arrived
            elif side.name not in self.begun:
                at = rng.uniform(1, 8)
                self.later(CALM_S + at, self._begin, rng.choice(OPENINGS), self.persons[holder], side)
                at += rng.uniform(10, 40)
            while at < life_s - 20:
                at += rng.uniform(2, 20)
                slug = rng.choices(list(SCRIPTS), [weight for weight, _ in SCRIPTS.values()])[0]
                person = self.persons[rng.choices(names, weights)[0]]
                self.later(CALM_S + at, self._begin, slug, person, side)
                if slug in DRIVES:
                    at += rng.uniform(10, 40)
            for _ in range(rng.randrange(6)):
                self.later(rng.uniform(CALM_S, life_s), self._clerk, side)

    def _begin(self, slug: str, person: Person, side: CarSide) -> None:
        if person.name in self.busy:
            return  # nobody does two things at once
        self.trace.say(person.name, f"--- {slug} at {side.name}")
        self.busy.add(person.name)
        self.start(SCRIPTS[slug][1](person, side, self.rng), lambda: self.busy.discard(person.name))

    def later(self, at_s: float, function: Callable[..., None], *arguments: Any) -> None:
        def call() -> None:
            if not self.is_over:
                function(*arguments)

        self.sim.call_at_us(round(at_s * 1e6), call)

    def play(self) -> str | None:
        """The whole life; the text of the first violation, or None."""
        try:
            self._play()
        except ProcessError:
            raise  # this machine's fault
        except Violation as violation:
            self.trace.say("VIOLATION", str(violation))
            return str(violation)
        except Exception:
            self.trace.say("ERROR", traceback.format_exc())
            return "error: " + traceback.format_exc().strip().splitlines()[-1]
        return None

    def begin(self) -> None:
        """Rights are given, and the boxes get their supply."""
        pool = self.town.template.pool
        self.note_rights()
        for index, side in enumerate(self.town.cars):
            self.book(("alice", "bob")[index], side, -60, self.rng.choice((80, 100, 120, 7200, 7200, 7200)))
            side.box.power_on()
        if self.rng.random() < 0.7:
            carol = self.town.people["carol"]
            self.ask_cloud(
                "manager",
                "gives carol a standing right",
                lambda tx, now: people_service.add_standing_right(
                    tx, now, carol, pool, "standing", now, now + FOREVER_S
                ),
            )

    def _play(self) -> None:
        life_s = self.rng.uniform(*LIFE_S)
        self.begin()
        for side in self.town.cars:
            if self.rng.random() < 0.35:
                slug, script = self.rng.choice((("fitter", fitter), ("delivered", delivered)))
                self.begun.add(side.name)
                self.trace.say("dan", f"--- {slug} at {side.name}")
                self.start(script(self.persons["dan"], side, self.rng))
        self._plan_people(life_s)
        faults.plan(self, life_s)
        end_looking = self.sim.every(LOOK_S, self._look)
        self.sim.run_for(life_s)
        self.is_over = True
        self.trace.say("faults", "stop")
        faults.stop(self)
        agree.go_home(self)
        agree.wait_for_all(self)
        end_looking()

    def close(self) -> None:
        logging.getLogger().removeHandler(self._errors)
        self.town.close()
