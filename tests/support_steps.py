"""How long the box's tasks hold everything up: each step of a session, by the simulator's own account.

From the moment a task is resumed until it gives way the simulator counts what buses, pins, flash, TLS, DNS
and Wi-Fi cost (`board_costs.json`), and 200 microseconds for the step itself; what it computes is not
counted. So every figure from here is modelled.
"""

import re
import shutil
from collections import namedtuple
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "firmware" / "STEPS.md"
LIMIT_MS = 20
VFS = range(0x8CE000, 0xFE0000)  # partitions.csv

Step = namedtuple("Step", ("task", "began_us", "spent_us", "cause"))
"""`cause`: which of `EXCUSED` happened in it, or None."""

EXCUSED = {
    "erase": "a sector of the flash is erased: 45 ms typical, 400 worst; a chore of idle moments",
    "littlefs": "a file is written: littlefs looks for free blocks, and erases when it likes",
    "name": "a name is looked up: it blocks, 60 ms",
    "handshake": "TLS: 1.2 s, and its look-up of the name before",
    "radio": "Wi-Fi is switched on: 150 ms",
}

# Appended to the box's boot.py: says each step over a millisecond, by the task and what it called last.
WATCH = """
import sys
if "_asyncio" in sys.modules:
    import _bridge, asyncio
    from box import supervisor
    _queue = sys.modules["_asyncio"].TaskQueue
    _pop, _peek, _keep = _queue.pop, _queue.peek, supervisor.Supervisor._keep
    _names, _step = {}, [None, 0]

    def _named_keep(self, number, task):
        coroutine = _keep(self, number, task)
        _names[id(coroutine)] = task.name
        return coroutine

    def _watched_pop(self):
        if self is not asyncio.core._task_queue:
            return _pop(self)
        began_us = _bridge.now_us()
        task = _pop(self)
        name = _names.get(id(task.coro)) or str(task.coro).split("'")[1]
        _step[:] = [name, began_us]
        return task

    def _watched_peek(self):
        if self is asyncio.core._task_queue and _step[0] is not None:
            spent_us = _bridge.now_us() - _step[1]
            if spent_us >= 1000:
                print("watch: step", _step[0], _step[1], spent_us)
            _step[0] = None
        return _peek(self)

    supervisor.Supervisor._keep = _named_keep
    _queue.pop, _queue.peek = _watched_pop, _watched_peek
"""


def name_cause(task, spent_us, events):
    """Return which of `EXCUSED` happened in a step: its flash events, else what the task was at."""
    for name, address in events:
        if address in VFS:
            return "littlefs"
        if name == "erase":
            return "erase"
    if task == "open_connection":
        return "handshake"
    if task == "_fetch":
        return "name"
    if task == "link" and not events and spent_us >= 150_000:
        return "radio"
    return None


def play(directory):
    """Play a session and return its steps of a millisecond and more."""
    from support_story import QuietWorld

    firmware = directory / "firmware"
    shutil.copytree(ROOT / "firmware", firmware, ignore=shutil.ignore_patterns("__pycache__", "*.md"))
    boot = firmware / "boot.py"
    boot.write_text(boot.read_text(encoding="utf-8") + WATCH, encoding="utf-8")
    world = QuietWorld(directory, firmware=firmware)
    flash = []

    def note(now, box, source, name, data):
        if source == "flash":
            flash.append((world.sim.now_us, name, data["address"]))

    world.sim.on_event.append(note)
    try:
        run_session(world)
        said = "\n".join(str(line) for line in world.box.console)
    finally:
        world.close()
    steps = []
    for task, *numbers in re.findall(r"watch: step (\S+) (\d+) (\d+)", said):
        began_us, spent_us = map(int, numbers)
        events = [(name, address) for at, name, address in flash if began_us <= at <= began_us + spent_us]
        steps.append(Step(task, began_us, spent_us, name_cause(task, spent_us, events)))
    return steps


def run_session(world):
    """Boot, link, a reservation, a badge, a minute's drive."""
    world.box.power_on()
    world.wait(lambda: world.contact == "inhibit", 120, "parked")
    use_parked(world)


def use_parked(world):
    """Link, a reservation, a badge, a minute's drive."""
    world.wait(world.is_linked, 60, "linked")
    reservation = world.book(world.alice, world.now, world.now + 7200)
    world.wait(lambda: world.car_knows(world.alice, reservation), 30, "known")
    world.tap(world.alice.uid)
    world.wait(lambda: not world.car.locked and world.contact == "allow", 5, "open")
    world.run(2)
    for action in ("get_in", "take_key", "ignition_on", "turn_starter"):
        world.world.person(action)
        world.run(4)
    world.car.drive(world.trace.part(0, 60), world.loop_home())
    world.run(60)


def find_longest_ms(steps):
    """Return the ms of the longest step that nothing excuses."""
    return max(step.spent_us for step in steps if step.cause is None) / 1000


def list_causes(steps):
    """Return which of `EXCUSED` made a step longer than the limit."""
    return {step.cause for step in steps if step.cause and step.spent_us > LIMIT_MS * 1000}
