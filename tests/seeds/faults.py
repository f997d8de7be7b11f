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


@dataclass(frozen=True)
class Fault:
    """`make(life, side, rng)` does it and answers how it is undone; it lasts `seconds` (from, to)."""

    weight: int
    seconds: tuple[float, float]
    make: Make


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
    """A backup is made now, and put back when the disk fails."""
    cloud = life.town.cloud
    kept = cloud.back_up()

    def undo() -> None:
        cloud.restore(kept)
        life.note_restored()

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
    chip.is_dead = True
    return lambda: setattr(chip, "is_dead", False)


def _clock_lost(life: Any, side: Any, rng: random.Random) -> Undo:
    """The supply goes, and the clock's backup was empty."""
    side.box.board.clock_chip.forget()
    side.world.set_power(False)
    return lambda: side.world.set_power(True)


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


def _towed(life: Any, side: Any, rng: random.Random) -> Undo:
    try:
        side.world.carry()
    except CarRefusal as refusal:
        life.trace.say("faults", f"  not towed: {refusal.code}")
        return None
    return side.car.brake


FAULTS: dict[str, Fault] = {
    "net_loss": Fault(3, (5, 40), _loss),
    "net_delay": Fault(3, (5, 40), _delay),
    "net_down": Fault(3, (2, 30), _down),
    "net_silent": Fault(3, (0, 0), _silent),
    "net_replay": Fault(2, (0, 0), _replay),
    "cloud_down": Fault(2, (1, 20), _cloud_down),
    "cloud_restored": Fault(2, (5, 50), _cloud_restored),
    "cloud_clock": Fault(1, (5, 40), _cloud_clock),
    "power_cut": Fault(3, (0.5, 8), _power_cut),
    "flash_cut": Fault(6, (6, 20), _flash_cut),
    "battery_sag": Fault(2, (5, 30), _battery(8_600, 10_500, 11_000, 11_500)),
    "battery_dead": Fault(1, (2, 10), _battery(4_500)),
    "flip_record": Fault(2, (0, 0), _flip_record),
    "flip_file": Fault(1, (5, 40), _flip_file),
    "reader_stuck": Fault(1, (3, 20), _of_bench("reader_stuck")),
    "gnss_dead": Fault(1, (10, 60), _of_bench("gnss_dead")),
    "gnss_no_sky": Fault(1, (10, 60), _of_bench("gnss_no_sky")),
    "can_missing": Fault(1, (5, 40), _of_bench("can_missing")),
    "can_bus_off": Fault(1, (5, 40), _of_bench("can_bus_off")),
    "accelerometer_missing": Fault(2, (10, 60), _of_bench("accelerometer_missing")),
    "relay_stuck": Fault(1, (10, 60), _of_bench("relay_stuck")),
    "relay_shock": Fault(2, (0, 0), _of_bench("relay_shock")),
    "contact_stuck": Fault(1, (10, 60), _of_bench("contact_stuck")),
    "door_left_open": Fault(1, (3, 20), _of_bench("door_left_open")),
    "ignition_wire": Fault(2, (10, 60), _of_bench("ignition_wire")),
    "ignition_stuck_on": Fault(1, (5, 30), _ignition_stuck_on),
    "clock_chip": Fault(1, (5, 40), _clock_chip),
    "clock_lost": Fault(1, (1, 8), _clock_lost),
    "clock_drift": Fault(1, (5, 40), _clock_drift),
    "towed": Fault(3, (15, 70), _towed),
}


def plan(life: Any, life_s: float) -> None:
    """Draw the faults of this seed."""
    rng = life.rng
    weights = [fault.weight for fault in FAULTS.values()]
    for _ in range(rng.randrange(3, 10)):
        slug = rng.choices(list(FAULTS), weights)[0]
        side = rng.choice(life.town.cars)
        seconds = rng.uniform(*FAULTS[slug].seconds)
        life.later(
            rng.uniform(4.0, life_s - 2), lambda side=side, slug=slug, s=seconds: begin(life, side, slug, s)
        )


def begin(life: Any, side: Any, slug: str, seconds: float) -> None:
    """Make one; it ends after `seconds`, or when all do."""
    life.trace.say("faults", f"{slug} at {side.name}" + (f" for {seconds:.1f} s" if seconds else ""))
    life.faults_seen.add(slug)
    life.watches[side.name].disturbed_at = life.t
    undo = FAULTS[slug].make(life, side, life.rng)
    if undo is None:
        return

    def end() -> None:
        if end in life.undone:
            life.undone.remove(end)
            life.trace.say("faults", f"{slug} at {side.name} is over")
            life.watches[side.name].disturbed_at = life.t
            undo()

    life.undone.append(end)
    life.later(life.t + seconds, end)


def stop(life: Any) -> None:
    """All faults end."""
    for end in list(life.undone):
        end()
    for side in life.town.cars:
        side.world.kl15_override = None
        side.box.board.flash.cut_at(0)
        side.world.set_power(True)
