"""Scenarios: a story told in a TOML file (`EXAMPLE`), played in virtual time, and judged."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .cli_fleet import FleetError, add_car
from .recorder import Recorder
from .world import CarWorld
from .world_actions import ACTIONS, ActionRefused, act

EXAMPLE = """\
# A story in virtual time. Without a bundle its box is nobody's: it tells every card so and never inhibits.
name = "A short errand"
seed = 1

[[car]]                        # as in a bench file: `glovebox-sim bench --help`
name = "AB-123-CD"
directory = "boxes/AB-123-CD"  # beside this file; keeps the box's flash from run to run
# bundle = "claim.json"        # makes it a car of your cloud

[[step]]
at = 5                         # seconds from the start
do = "tap"                     # an action: `glovebox-sim actions` lists them
with = { uid = "04A1B2C3D4E5F6" }
# car = "AB-123-CD"            # needed when there are several

[[step]]
at = 8
do = "get_in"
refused = true                 # the doors are locked: an action that is refused fails the run otherwise

[[expect]]
at = 10
that = { contact = "allow", locked = 1 }  # columns of a recording's table `cars`
"""
MAX_STEPS = 10_000
SETTLE_S = 5.0
"""How long the run goes on after the last step."""

Say = Callable[[str], None]


def load(path: Path) -> dict[str, Any]:
    """A scenario, checked before anything runs. Raises `FleetError` naming the step."""
    try:
        scenario = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise FleetError(f"{path}: {problem.strerror}") from problem
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise FleetError(f"{path}: {problem}") from problem
    names = {car.get("name") for car in scenario.get("car", [])}
    if not names:
        raise FleetError(f"{path}: a scenario needs at least one [[car]]")
    steps = scenario.setdefault("step", []) + scenario.setdefault("expect", [])
    if len(steps) > MAX_STEPS:
        raise FleetError(f"{path}: more than {MAX_STEPS} steps")
    for number, step in enumerate(steps, 1):
        if not isinstance(step.get("at"), int | float) or step["at"] < 0:
            raise FleetError(f"{path}: step {number} has no time `at`")
        if step.setdefault("car", next(iter(names))) not in names:
            raise FleetError(f"{path}: step {number}: no car {step['car']!r}")
        if "do" in step and step["do"] not in ACTIONS:
            raise FleetError(
                f"{path}: step {number}: no action {step['do']!r}; `glovebox-sim actions` lists them"
            )
        if ("do" in step) == ("that" in step):
            raise FleetError(f"{path}: step {number} must either do something or expect something")
    return scenario


class Player:
    """Plays one scenario on a simulation. `failures` lists what was not as expected."""

    def __init__(self, scenario: dict[str, Any], say: Say) -> None:
        self._scenario = scenario
        self._say = say
        self.failures: list[str] = []
        self.worlds: dict[str, CarWorld] = {}
        self._begun = 0.0

    def play(self, sim: Any, beside: Path, traces: Path | None, record: Path | None) -> None:
        for wanted in self._scenario["car"]:
            world = add_car(sim, wanted, traces, beside)
            self.worlds[world.name] = world
        recorder = None
        if record is not None:
            recorder = Recorder(record, str(self._scenario.get("name", "")), sim.seed, sim.now)
            sim.on_event.append(recorder.event)
            for world in self.worlds.values():
                world.record_to(recorder)
        self._begun = sim.now
        steps = sorted(self._scenario["step"] + self._scenario["expect"], key=lambda step: float(step["at"]))
        try:
            for step in steps:
                sim.run_for(max(0.0, self._begun + step["at"] - sim.now))
                self._do(step)
            sim.run_for(float(self._scenario.get("settle_s", SETTLE_S)))
        finally:
            for world in self.worlds.values():
                world.close()
            if recorder is not None:
                sim.on_event.remove(recorder.event)
                recorder.close()

    def _do(self, step: dict[str, Any]) -> None:
        world = self.worlds[step["car"]]
        at = f"{step['at']:8.1f} s  {world.name}  "
        if "that" in step:
            self._expect(world, step["that"], at)
            return
        try:
            words = act(world, step["do"], step.get("with"))
        except ActionRefused as refused:
            self._say(f"{at}{step['do']}: refused: {refused}")
            if not step.get("refused"):
                self.failures.append(f"at {step['at']:g} s {step['do']} was refused: {refused}")
            return
        self._say(f"{at}{step['do']}" + (f": {words['en']}" if words else ""))
        if step.get("refused"):
            self.failures.append(f"at {step['at']:g} s {step['do']} should have been refused")

    def _expect(self, world: CarWorld, that: dict[str, Any], at: str) -> None:
        columns = world.columns()
        for name, wanted in that.items():
            found = columns.get(name, "no such column")
            verdict = "as expected" if found == wanted else f"expected {wanted!r}"
            self._say(f"{at}{name} = {found!r}, {verdict}")
            if found != wanted:
                self.failures.append(f"at {at.strip()}: {name} is {found!r}, expected {wanted!r}")
