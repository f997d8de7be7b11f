"""What people do: scripts that yield the seconds until their next move. Each is a driver as one meets them.

A person does what can be done; what the car refuses (a locked door, an engine that does not turn) is told in
the trace and the script goes on, as people do.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from glovebox_sim import route as routes
from glovebox_sim import speed_trace
from glovebox_sim.car import CarRefusal

TRIES = 3
"""Taps of somebody before a car that stays locked."""
HOLD_S, LONG_HOLD_S = 0.8, 2.2
Script = Iterator[float]


class Person:
    """Someone at a car. `tapped(side, uid)` is told each tap; `lines` each move."""

    def __init__(self, life: Any, name: str) -> None:
        self._life = life
        self.name = name
        self.uid: bytes = life.town.uids[name]

    def say(self, text: str) -> None:
        self._life.trace.say(self.name, text)

    def do(self, side: Any, action: str) -> Any:
        """One action of the car; None where it refuses."""
        try:
            answer = side.world.person(action)
        except CarRefusal as refusal:
            self.say(f"{action} {side.name}: cannot, {refusal.code}")
            return None
        self.say(f"{action} {side.name}" + (f": {answer}" if answer else ""))
        return answer or True

    def do_world(self, what: str, side: Any) -> bool:
        """Something that happens to the car; False where it refuses."""
        try:
            getattr(side.world, what)()
        except CarRefusal as refusal:
            self.say(f"{what} {side.name}: cannot, {refusal.code}")
            return False
        self.say(f"{what} {side.name}")
        return True

    def tap(self, side: Any, seconds: float | None = None) -> None:
        """Hold the badge for a moment; for longer at a box that may be in a handshake, as one waits for the
        light."""
        if seconds is None:
            seconds = HOLD_S if self._life.watches[side.name].is_network_calm() else LONG_HOLD_S
        uid = self.uid
        self.say(f"holds {uid.hex()} to {side.name}")
        self._life.note_tap(side, uid, seconds)
        side.world.tap(uid, seconds)

    def drive(self, side: Any, seconds: float, is_home: bool) -> bool:
        """Drive on for so long, round a loop or away."""
        trace = speed_trace.town().part(0, seconds)
        here = side.car.place
        if is_home:
            road = routes.find("town_loop").starting_at(here.lat, here.lon).fitted(trace.total_m)
        else:
            road = routes.find("town_loop").starting_at(here.lat, here.lon)
        try:
            side.car.drive(trace, road)
        except CarRefusal as refusal:
            self.say(f"drive {side.name}: cannot, {refusal.code}")
            return False
        self._life.note_drive(side)
        self.say(f"drives {side.name} for {seconds:.0f} s" + (", a round" if is_home else ", away"))
        return True


def open_car(person: Person, side: Any) -> Script:
    """Tap until it opens, a few times."""
    for _ in range(TRIES):
        person.tap(side)
        yield 4.0
        if not side.car.locked:
            return
        yield 2.0
    person.say(f"{side.name} stays locked")


def set_off(person: Person, side: Any, rng: random.Random) -> Script:
    person.do(side, "get_in")
    yield 3.0 + rng.random()
    person.do(side, "take_key")
    yield 1.0
    person.do(side, "ignition_on")
    yield 2.0 + rng.random()
    person.do(side, "turn_starter")
    yield 2.5


def drive_about(person: Person, side: Any, rng: random.Random, *, is_home: bool = True) -> Script:
    if not person.drive(side, rng.uniform(12, 28) if is_home else rng.uniform(22, 36), is_home):
        return
    while side.car.is_driving:
        yield 1.0
    yield 1.0 + rng.random() * 3


def leave(person: Person, side: Any, rng: random.Random, *, with_key: bool = False) -> Script:
    person.do(side, "ignition_off")
    yield 1.0
    if not with_key:
        person.do(side, "put_key_back")
        yield 1.0
    person.do(side, "get_out")
    yield 3.0 + rng.random()


def errand(person: Person, side: Any, rng: random.Random) -> Script:
    """The plain way, with what people forget."""
    yield from open_car(person, side)
    if side.car.locked:
        return
    yield from set_off(person, side, rng)
    yield from drive_about(person, side, rng)
    if rng.random() < 0.25:
        yield from drive_about(person, side, rng)
    yield from leave(person, side, rng, with_key=rng.random() < 0.15)
    if rng.random() < 0.15:
        person.say("walks off and forgets to end")
        return
    person.tap(side)
    yield 6.0
    if rng.random() < 0.2:
        person.tap(side)
        yield 5.0
        person.tap(side)
        yield 5.0


def nervous(person: Person, side: Any, rng: random.Random) -> Script:
    """Taps twice and more, in haste."""
    for _ in range(rng.randrange(2, 5)):
        person.tap(side, 0.3)
        yield rng.uniform(0.4, 1.6)


def walks_away(person: Person, side: Any, rng: random.Random) -> Script:
    person.tap(side)
    yield rng.uniform(0.1, 3.0)
    person.say("walks away")


def sits_inside(person: Person, side: Any, rng: random.Random) -> Script:
    """Gets in, never starts, and taps from inside."""
    yield from open_car(person, side)
    person.do(side, "get_in")
    yield rng.uniform(5, 30)
    person.tap(side)
    yield rng.uniform(4, 20)
    person.do(side, "get_out")
    yield 3.0


def drives_off_all_the_same(person: Person, side: Any, rng: random.Random) -> Script:
    """Ends while sitting inside with the key, then starts and drives off whatever the box says."""
    yield from open_car(person, side)
    person.do(side, "get_in")
    yield 3.0
    person.do(side, "take_key")
    yield 1.0
    person.tap(side)
    yield rng.uniform(0.2, 4.0)
    person.do(side, "ignition_on")
    yield rng.uniform(0.5, 2.0)
    person.do(side, "turn_starter")
    yield 2.5
    yield from drive_about(person, side, rng)
    yield from leave(person, side, rng)
    person.tap(side)
    yield 5.0


def stops_over(person: Person, side: Any, rng: random.Random) -> Script:
    """Drives away, locks there, comes back, drives on."""
    yield from open_car(person, side)
    if side.car.locked:
        return
    yield from set_off(person, side, rng)
    yield from drive_about(person, side, rng, is_home=False)
    yield from leave(person, side, rng)
    person.tap(side)
    yield rng.uniform(5, 12)
    yield from open_car(person, side)
    yield from set_off(person, side, rng)
    yield from drive_about(person, side, rng)
    yield from leave(person, side, rng)
    person.tap(side)
    yield 5.0


def two_cards(person: Person, side: Any, rng: random.Random) -> Script:
    """A wallet with two badges."""
    other = rng.choice([uid for name, uid in person._life.town.uids.items() if name != person.name])
    side.world.tap(other, 1.2)
    person.tap(side, 1.2)
    yield 3.0


def taps_while_driving(person: Person, side: Any, rng: random.Random) -> Script:
    """At a light, with the engine running, and under way."""
    yield from open_car(person, side)
    if side.car.locked:
        return
    yield from set_off(person, side, rng)
    person.tap(side)
    yield 1.0
    if person.drive(side, rng.uniform(10, 20), True):
        yield rng.uniform(2, 8)
        person.tap(side)
    while side.car.is_driving:
        yield 1.0
    yield from leave(person, side, rng)
    person.tap(side)
    yield 5.0


def comes_late(person: Person, side: Any, rng: random.Random) -> Script:
    """Comes just after the end of the reservation, to a car that has no network where it stands."""
    life = person._life
    patience_s = 60
    while life.watches[side.name].session is not None and patience_s:
        patience_s -= 1
        yield 1.0
    now = int(life.town.cloud.clock())
    found = life.books(
        "select id, ends_at, person_id from reservations where vehicle_id = ? and ends_at > ? and "
        "state in ('confirmed', 'in_use') and starts_at <= ?",
        side.vehicle, now, now,
    )  # fmt: skip
    if not found or life.watches[side.name].session is not None:
        return
    number, ends_at, person_id = found[0]
    person = next(life.persons[name] for name, key in life.town.people.items() if key == person_id)
    if not now + 8 < ends_at < now + 30:
        ends_at = now + 10
        life.shorten(number, ends_at)
    yield ends_at - now - 4.0
    side.world.set_network(False)
    yield rng.uniform(11, 15)
    person.tap(side)
    yield 10.0
    side.world.set_network(True)


def fitter(person: Person, side: Any, rng: random.Random) -> Script:
    """Drives the car out of the workshop, with nobody's session: the box has just got its supply. In most of
    the cars the wire of the ignition is not connected yet."""
    side.car.locked = False
    if rng.random() < 0.7:
        side.world.kl15_override = False
        person.say(f"has not connected the ignition of {side.name}")
    person.do(side, "get_in")
    yield 3.0
    person.do(side, "take_key")
    person.do(side, "ignition_on")
    yield rng.uniform(1, 40)
    person.do(side, "turn_starter")
    yield rng.uniform(3, 10)
    while rng.random() < 0.9:
        yield from drive_about(person, side, rng)
    yield from leave(person, side, rng)
    side.world.kl15_override = None


def delivered(person: Person, side: Any, rng: random.Random) -> Script:
    """A flatbed brings the car, whose box was fitted at the dealer's, to the town hall."""
    yield rng.uniform(20, 55)
    if person.do_world("carry", side):
        yield rng.uniform(20, 60)
        side.car.brake()


SCRIPTS: dict[str, tuple[int, Callable[[Person, Any, random.Random], Script]]] = {
    "errand": (10, errand),
    "nervous": (3, nervous),
    "walks_away": (2, walks_away),
    "sits_inside": (2, sits_inside),
    "drives_off_all_the_same": (3, drives_off_all_the_same),
    "stops_over": (6, stops_over),
    "comes_late": (4, comes_late),
    "two_cards": (1, two_cards),
    "taps_while_driving": (2, taps_while_driving),
}
"""Name -> weight, script."""
