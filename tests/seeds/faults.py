"""What goes wrong in a seed: one table of faults, drawn by the seed, each undone before all must agree."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chips.nor_flash import MODES
from glovebox_sim import faults as bench
from glovebox_sim.car import CarRefusal

Undo = Callable[[], object] | None
Make = Callable[[Any, Any, random.Random], Undo]
SECTOR = 4096
SNAPSHOT = 128
DAY_S = 86_400
TIME_ANSWER = 20


@dataclass(frozen=True)
class Fault:
    """`make(life, side, rng)` does it and answers how it is undone; it lasts `seconds` (from, to). `is_felt`
    by whoever stands before the car: it may excuse a box that does not answer. Weight 0: at moments only."""

    weight: int
    seconds: tuple[float, float]
    make: Make
    is_felt: bool = True


# -- network ------------------------------------------------------------------------------------------------
def _loss(life: Any, side: Any, rng: random.Random) -> Undo:
    side.network.loss = rng.uniform(0.1, 0.6)
    return lambda: setattr(side.network, "loss", 0.0)


def _delay(life: Any, side: Any, rng: random.Random) -> Undo:
    network, before = side.network, (side.network.delay_s, side.network.jitter_s)
    network.delay_s, network.jitter_s = rng.uniform(0.2, 5), rng.uniform(0, 5)

    def undo() -> None:
        network.delay_s, network.jitter_s = before

    return undo


def _down(life: Any, side: Any, rng: random.Random) -> Undo:
    side.world.set_network(False)
    return lambda: side.world.set_network(True)


def _silent(life: Any, side: Any, rng: random.Random) -> Undo:
    side.network.silent_death()
    return None


def _replay(life: Any, side: Any, rng: random.Random) -> Undo:
    side.network.replay()
    return None


# -- cloud --------------------------------------------------------------------------------------------------
def _cloud_down(life: Any, side: Any, rng: random.Random) -> Undo:
    cloud = life.town.cloud
    if cloud.apps is None:
        return None
    cloud.stop()
    return lambda: cloud.start() if cloud.apps is None else None


def _cloud_restored(life: Any, side: Any, rng: random.Random) -> Undo:
    """A backup is made now; the disk fails later, and somebody has to come to put the backup back."""
    cloud = life.town.cloud
    kept = cloud.back_up()

    def put_back() -> None:
        cloud.restore(kept)
        life.note_restored()

    def undo() -> None:
        if cloud.apps is not None:
            cloud.stop()
        life.sim.call_later(rng.uniform(0.5, 15), put_back)

    return undo


def _cloud_clock(life: Any, side: Any, rng: random.Random) -> Undo:
    life.has_jumped = True
    life.town.cloud.offset_s += rng.choice((-1, 1)) * rng.choice((7, 120, 3_700, 90_000))
    return lambda: setattr(life.town.cloud, "offset_s", 0.0)


# -- power and flash ----------------------------------------------------------------------------------------
def _power_cut(life: Any, side: Any, rng: random.Random) -> Undo:
    side.world.set_power(False)
    return lambda: side.world.set_power(True)


def _flash_cut(life: Any, side: Any, rng: random.Random) -> Undo:
    """Power goes at one of the next operations of the flash."""
    side.box.board.flash.cut_at(rng.randrange(1, 12), rng.choice(MODES))

    def undo() -> None:
        side.box.board.flash.cut_at(0)
        side.world.set_power(True)

    return undo


def _flash_cut_now(life: Any, side: Any, rng: random.Random) -> Undo:
    """Power goes at one of the writes that what happens now brings about."""
    side.box.board.flash.cut_at(rng.choice((1, 2, 2, 3)), rng.choice(MODES))

    def undo() -> None:
        side.box.board.flash.cut_at(0)
        side.world.set_power(True)

    return undo


def _battery(*millivolts: int) -> Make:
    def make(life: Any, side: Any, rng: random.Random) -> Undo:
        side.world.battery_override_mv = rng.choice(millivolts)
        return lambda: setattr(side.world, "battery_override_mv", None)

    return make


def _flip_record(life: Any, side: Any, rng: random.Random) -> Undo:
    """A bit of a record that stands in no session's books: that one, and the one chained to it, are lost."""
    watch = life.watches[side.name]
    key = watch.choose_dispensable(rng)
    if key is not None:
        board = side.box.board
        at = watch.where[key] + rng.randrange(64)
        board.flash.memory[at] ^= 1 << rng.randrange(8)
        watch.damaged |= {key, (key[0], key[1] + 1)}
        life.trace.say("faults", f"  a bit of record {key[1]} at {at}")
    return None


def _flip_session(life: Any, side: Any, rng: random.Random) -> Undo:
    """A bit of the session's newest snapshot, and the supply with it: the box has to read it again."""
    board = side.box.board
    offset, size = next(row[2:4] for row in board.partitions if row[4] == "session")
    memory = board.flash.memory
    slots = [at for at in range(offset, offset + size, SNAPSHOT) if memory[at : at + 4] != b"\xff" * 4]
    if not slots:
        return None
    newest = max(slots, key=lambda at: int.from_bytes(memory[at : at + 4], "little"))
    at = newest + rng.randrange(SNAPSHOT)
    side.world.set_power(False)
    memory[at] ^= 1 << rng.randrange(8)
    life.trace.say("faults", f"  a bit of the session at {at}")
    return lambda: side.world.set_power(True)


def _flip_file(life: Any, side: Any, rng: random.Random) -> Undo:
    """A bit of littlefs, where something is written."""
    board = side.box.board
    offset, size = next(row[2:4] for row in board.partitions if row[4] == "vfs")
    written = [
        at for at in range(offset, offset + size, SECTOR) if board.flash.memory[at : at + 64] != b"\xff" * 64
    ]
    at = rng.choice(written) + rng.randrange(256)
    board.flash.memory[at] ^= 1 << rng.randrange(8)
    life.trace.say("faults", f"  a bit of the files at {at}")
    # What cannot be written any more is mended by the start alone, which formats it: the supply is pulled.
    return lambda: (side.world.set_power(False), life.sim.call_later(1.0, lambda: side.world.set_power(True)))


# -- chips and lines ----------------------------------------------------------------------------------------
def _of_bench(slug: str) -> Make:
    """One of the simulator's own table."""

    def make(life: Any, side: Any, rng: random.Random) -> Undo:
        bench.inject(side.world, slug)
        return lambda: bench.undo(side.world, slug)

    return make


def _clock_chip(life: Any, side: Any, rng: random.Random) -> Undo:
    chip = side.box.board.clock_chip.chip
    life.watches[side.name].has_lost_clock = True
    chip.is_dead = True
    return lambda: setattr(chip, "is_dead", False)


def _clock_lost(life: Any, side: Any, rng: random.Random) -> Undo:
    """The supply goes, and the clock's backup was empty."""
    life.watches[side.name].has_lost_clock = True
    side.box.board.clock_chip.forget()
    side.world.set_power(False)
    return lambda: side.world.set_power(True)


def _forged_date(life: Any, side: Any, rng: random.Random) -> Undo:
    """Somebody sends satellites' signals with another date; in some cars whose clock has just been lost."""
    if rng.random() < 0.3:
        _clock_lost(life, side, rng)
        life.sim.call_later(1.0, lambda: side.world.set_power(True))
    side.world.receiver.date_off_s = rng.choice((-3_650, 2, 400, 1_000, 20_000)) * DAY_S
    return lambda: setattr(side.world.receiver, "date_off_s", 0)


def _forged_time(life: Any, side: Any, rng: random.Random) -> Undo:
    """Somebody on the way answers a box that has lost its clock and asks for the time."""
    _clock_lost(life, side, rng)
    life.sim.call_later(1.0, lambda: side.world.set_power(True))
    town_cloud = life.town.cloud
    town_cloud.forger = Forger(rng.choice((-3_650, 2, 400)) * DAY_S, rng.random() < 0.5)
    return lambda: setattr(town_cloud, "forger", None)


class Forger:
    """Changes answers to time requests: another date under the same MAC, or an answer kept from before."""

    def __init__(self, off_s: int, keeps: bool) -> None:
        self._off_s = off_s
        self._keeps = keeps
        self._kept = b""

    def forge(self, data: bytes) -> bytes:
        if len(data) < TIME_ANSWER:
            return data
        head, answer = data[:-TIME_ANSWER], data[-TIME_ANSWER:]
        if self._keeps and self._kept:
            return head + self._kept
        self._kept = answer
        now_s = (int.from_bytes(answer[:4], "little") + self._off_s) % 2**32
        return head + now_s.to_bytes(4, "little") + answer[4:]


def _clock_drift(life: Any, side: Any, rng: random.Random) -> Undo:
    """The crystal runs wild, as a chip does that is about to die; the box sees it at its next start."""
    chip = side.box.board.clock_chip.chip
    life.has_jumped = True
    chip.drift_ppm = rng.choice((-900_000, 50_000_000))

    def undo() -> None:
        side.world.set_power(False)
        chip.drift_ppm = 0
        life.sim.call_later(1.0, lambda: side.world.set_power(True))

    return undo


def _ignition_stuck_on(life: Any, side: Any, rng: random.Random) -> Undo:
    side.world.kl15_override = True
    return lambda: setattr(side.world, "kl15_override", None)


def _commanded(life: Any, side: Any, rng: random.Random) -> Undo:
    """A command in the middle of something."""
    life.command(side, rng.choice(("end_session", "end_session", "lock", "garage", "open_for")))
    return None


def _towed(life: Any, side: Any, rng: random.Random) -> Undo:
    try:
        side.world.carry()
    except CarRefusal as refusal:
        life.trace.say("faults", f"  not towed: {refusal.code}")
        return None
    return side.car.brake


FAULTS: dict[str, Fault] = {
    "net_loss": Fault(3, (5, 40), _loss, False),
    "net_delay": Fault(3, (5, 40), _delay, False),
    "net_down": Fault(3, (2, 30), _down, False),
    "net_silent": Fault(3, (0, 0), _silent, False),
    "net_replay": Fault(3, (0, 0), _replay, False),
    "cloud_down": Fault(2, (1, 20), _cloud_down, False),
    "cloud_restored": Fault(3, (5, 40), _cloud_restored, False),
    "cloud_clock": Fault(1, (5, 40), _cloud_clock, False),
    "power_cut": Fault(3, (0.5, 8), _power_cut),
    "flash_cut": Fault(6, (6, 20), _flash_cut),
    "flash_cut_now": Fault(0, (2, 6), _flash_cut_now),
    "battery_sag": Fault(2, (5, 30), _battery(8_600, 10_500, 11_000, 11_500)),
    "battery_dead": Fault(1, (2, 10), _battery(4_500)),
    "flip_record": Fault(2, (0, 0), _flip_record),
    "flip_session": Fault(3, (1, 8), _flip_session),
    "flip_file": Fault(1, (5, 40), _flip_file),
    "reader_stuck": Fault(1, (3, 20), _of_bench("reader_stuck")),
    "gnss_dead": Fault(1, (10, 60), _of_bench("gnss_dead"), False),
    "gnss_no_sky": Fault(1, (10, 60), _of_bench("gnss_no_sky"), False),
    "can_missing": Fault(1, (5, 40), _of_bench("can_missing"), False),
    "can_bus_off": Fault(1, (5, 40), _of_bench("can_bus_off"), False),
    "accelerometer_missing": Fault(2, (10, 60), _of_bench("accelerometer_missing")),
    "relay_stuck": Fault(1, (10, 60), _of_bench("relay_stuck")),
    "relay_shock": Fault(3, (0, 0), _of_bench("relay_shock"), False),  # mended within ten seconds
    "contact_stuck": Fault(1, (10, 60), _of_bench("contact_stuck")),
    "door_left_open": Fault(1, (3, 20), _of_bench("door_left_open")),
    "ignition_wire": Fault(2, (10, 60), _of_bench("ignition_wire")),
    "ignition_stuck_on": Fault(1, (5, 30), _ignition_stuck_on),
    "clock_chip": Fault(1, (5, 40), _clock_chip),
    "clock_lost": Fault(1, (1, 8), _clock_lost),
    "forged_date": Fault(4, (15, 40), _forged_date),
    "forged_time": Fault(1, (10, 40), _forged_time),
    "clock_drift": Fault(1, (5, 40), _clock_drift),
    "commanded": Fault(0, (0, 0), _commanded, False),
    "towed": Fault(3, (15, 70), _towed, False),
}

MOMENTS: dict[str, tuple[float, tuple[str, ...]]] = {
    "tap": (0.35, ("flash_cut_now", "flash_cut_now", "flash_cut_now", "power_cut", "net_down")),
    "tap_again": (0.1, ("flash_cut_now", "power_cut", "net_down", "net_silent")),
    "drive": (0.6, ("commanded", "commanded", "relay_shock", "ignition_wire", "net_down", "gnss_no_sky")),
    "desk": (0.5, ("net_down", "net_silent", "net_delay")),
}
"""What goes wrong just as somebody taps a parked car, or one in use, drives off, takes a right away: its
chance, and one of these."""


def plan(life: Any, life_s: float) -> None:
    """Draw the faults of this seed."""
    rng = life.rng
    weights = [fault.weight for fault in FAULTS.values()]
    for _ in range(rng.randrange(1, 7)):
        slug = rng.choices(list(FAULTS), weights)[0]
        side = rng.choice(life.town.cars)
        seconds = rng.uniform(*FAULTS[slug].seconds)
        life.later(
            rng.uniform(10.0, life_s - 2), lambda side=side, slug=slug, s=seconds: begin(life, side, slug, s)
        )


def at_moment(life: Any, side: Any, moment: str) -> None:
    """Somebody does something: perhaps a fault falls together with it."""
    chance, slugs = MOMENTS[moment]
    if not life.is_over and life.watches[side.name].is_well() and life.rng.random() < chance:
        slug = life.rng.choice(slugs)
        begin(life, side, slug, life.rng.uniform(*FAULTS[slug].seconds))


def begin(life: Any, side: Any, slug: str, seconds: float) -> None:
    """Make one; it ends after `seconds`, or when all do."""
    life.trace.say("faults", f"{slug} at {side.name}" + (f" for {seconds:.1f} s" if seconds else ""))
    life.faults_seen.add(slug)
    watch, is_felt = life.watches[side.name], FAULTS[slug].is_felt
    watch.note_fault(is_felt)
    undo = FAULTS[slug].make(life, side, life.rng)
    if undo is None:
        return

    def end() -> None:
        if end in life.undone:
            life.undone.remove(end)
            life.trace.say("faults", f"{slug} at {side.name} is over")
            watch.note_fault(is_felt)
            undo()

    life.undone.append(end)
    life.later(life.t + seconds, end)


def stop(life: Any) -> None:
    """All faults end."""
    for end in list(life.undone):
        end()
    for side in life.town.cars:
        side.world.kl15_override = None
        side.world.set_network(True)
        side.box.board.flash.cut_at(0)
        side.world.set_power(True)
