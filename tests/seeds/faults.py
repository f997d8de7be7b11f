"""What goes wrong in a seed: one table of faults, drawn by the seed, each undone before all must agree."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chips.nor_flash import MODES

Undo = Callable[[], None] | None


@dataclass(frozen=True)
class Fault:
    """`make(life, side, rng)` does it and answers how it is undone; it lasts `seconds` (from, to)."""

    weight: int
    seconds: tuple[float, float]
    make: Callable[[Any, Any, random.Random], Undo]


def _loss(life: Any, side: Any, rng: random.Random) -> Undo:
    network, before = side.network, side.network.loss
    network.loss = rng.uniform(0.1, 0.6)
    return lambda: setattr(network, "loss", before)


def _power_cut(life: Any, side: Any, rng: random.Random) -> Undo:
    side.world.set_power(False)
    return lambda: side.world.set_power(True)


FAULTS: dict[str, Fault] = {
    "net_loss": Fault(3, (5, 40), _loss),
    "power_cut": Fault(3, (1, 8), _power_cut),
}
assert MODES


def plan(life: Any, life_s: float) -> None:
    """Draw the faults of this seed."""
    rng = life.rng
    chosen = [slug for slug in FAULTS if life.only is None or slug in life.only]
    for _ in range(rng.randrange(3, 9)):
        slug = rng.choices(chosen, [FAULTS[name].weight for name in chosen])[0]
        side = rng.choice(life.town.cars)
        life._later(rng.uniform(4.0, life_s - 2), begin, life, side, slug, rng.uniform(*FAULTS[slug].seconds))


def begin(life: Any, side: Any, slug: str, seconds: float) -> None:
    life.trace.say("faults", f"{slug} at {side.name} for {seconds:.1f} s")
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
    life._later(life.t + seconds, end)


def stop(life: Any) -> None:
    """All faults end."""
    for end in list(life.undone):
        end()
    for side in life.town.cars:
        side.box.board.flash.cut_at(0)
        side.world.set_power(True)
