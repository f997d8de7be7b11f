"""A box whose program is broken on purpose: errors planted before any statement of the unmodified firmware,
resets at any moment. What must hold whatever breaks is one list, `Trial.check`.
"""

from __future__ import annotations

import ast
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from chips.iso14443_card import Card
from glovebox_sim.flash_image.records import Record
from glovebox_sim.flash_image.rings import read_ring
from glovebox_sim.simulation import Simulation
from support_box import EPOCH_2000, ROOT, provision

DRIVERS = (bytes.fromhex("04a1b2c3d4e5f6"), bytes.fromhex("04a1b2c3d4e5f7"))
"""In turn: whoever had the car last would only fetch a forgotten bag."""
ENDING_S = 5
HARD_RESET, WATCHDOG_RESET = 2, 3
BOOT_S = 2.5
"""From a reset to the first poll of the reader."""
RESTART_S = 9
"""What failed at the start has paused, been reset and started again."""
ANSWER_S = 3.5
"""Until a tap has moved doors and relay, three tries of a relay included."""

_PLANT = """
import sys

class _Plan:
    site = -1
    kind = "error"
    seen = set()

def read():
    try:
        with open("/rom/plan.txt") as file:
            site, _Plan.kind = file.read().split()
            _Plan.site = int(site)
    except (OSError, ValueError):
        pass

def here(site):
    if _Plan.site == -2:
        if site not in _Plan.seen:
            _Plan.seen.add(site)
            print("site", site)
    elif site == _Plan.site:
        _Plan.site = -1
        with open("/rom/plan.txt", "w") as file:
            file.write("-1 error")
        print("planted", site)
        if _Plan.kind == "hang":
            while True:
                pass
        raise MemoryError() if _Plan.kind == "memory" else RuntimeError()

read()
"""
"""On the box: raise once, before one statement; what is planted is taken back before it is raised."""


@dataclass(frozen=True)
class Site:
    """A statement of the firmware, numbered."""

    number: int
    module: str
    line: int
    text: str


class _Planter(ast.NodeTransformer):
    def __init__(self, module: str, first: int) -> None:
        self.module = module
        self.first = first
        self.sites: list[Site] = []
        self._depth = 0

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._visit_function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._visit_function(node)

    def _visit_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        self._depth += 1
        node.body = self._plant(node.body)
        self._depth -= 1
        return node

    def _plant(self, body: list[ast.stmt]) -> list[ast.stmt]:
        planted: list[ast.stmt] = []
        for statement in body:
            is_bare = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            if not is_bare and not isinstance(
                statement, (ast.Global, ast.Nonlocal, ast.Import, ast.ImportFrom)
            ):
                number = self.first + len(self.sites)
                self.sites.append(
                    Site(number, self.module, statement.lineno, ast.unparse(statement).split("\n")[0])
                )
                planted.append(ast.parse(f"_plant_here({number})").body[0])
            planted.append(self._descend(statement))
        return planted

    def _descend(self, statement: ast.stmt) -> ast.stmt:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            return self.visit(statement)
        for field in ("body", "orelse", "finalbody"):
            if getattr(statement, field, None):
                setattr(statement, field, self._plant(getattr(statement, field)))
        for handler in getattr(statement, "handlers", ()):
            handler.body = self._plant(handler.body)
        return statement


def copy_firmware(target: Path, modules: Iterable[str] = ()) -> list[Site]:
    """Copy the firmware to `target`; before each statement of `modules` (paths below box/) it can fail."""
    shutil.copytree(ROOT / "firmware", target, ignore=shutil.ignore_patterns("__pycache__", "*.md"))
    sites: list[Site] = []
    for module in modules:
        path = target / "box" / module
        tree = ast.parse(path.read_text(encoding="utf-8"))
        planter = _Planter(module, len(sites))
        for node in tree.body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                planter.visit(node)
        sites += planter.sites
        tree.body.insert(1, ast.parse("from plant import here as _plant_here").body[0])
        path.write_text(ast.unparse(ast.fix_missing_locations(tree)), encoding="utf-8")
    (target / "plant.py").write_text(_PLANT, encoding="utf-8")
    return sites


def change(firmware: Path, module: str, old: str, new: str) -> None:
    """Break a copied firmware: replace a text that is there exactly once."""
    path = firmware / "box" / module if module != "main.py" else firmware / module
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, (module, old, text.count(old))
    path.write_text(text.replace(old, new), encoding="utf-8")


class Bench:
    """One parked car after the other trial; the same box, which keeps its journal throughout."""

    def __init__(self, directory: Path, firmware: Path | None = None) -> None:
        self.firmware = firmware
        self.sim = Simulation(seed=5)
        self.box = self.sim.add_box("AB-123-CD", directory=directory / "box", firmware=firmware)
        self.board = self.box.board
        self.turn = 0
        self.events: list[tuple[str, str]] = []
        self.wrongs: list[str] = []
        self.sim.on_event.append(self._note)
        self.box.power_on()
        self.sim.run_for(1)
        now_s = int(self.sim.now) - EPOCH_2000
        rights = [
            (uid.hex(), 17 + at, now_s - 100, now_s + 2_000_000, 1, 0) for at, uid in enumerate(DRIVERS)
        ]
        provision(self.box, rights, {"ending_s": ENDING_S})
        self.sim.run_for(15)

    def _note(self, now: float, box: str, source: str, name: str, data: dict) -> None:
        if source in ("door", "relay", "box"):
            self.events.append((source, name))
        if (
            (source, name) == ("relay", "contact")
            and self.board.kl15
            and self.board.relay.contact == "inhibit"
        ):
            self.wrongs.append("the start was inhibited with the ignition on")

    def plan(self, site: int, kind: str = "error") -> None:
        """Plant at a site, from the next start on; -1 nowhere, -2 nowhere but tell what is passed."""
        (self.firmware / "plan.txt").write_text(f"{site} {kind}", encoding="utf-8")

    def read_journal(self) -> list[Record]:
        """The records of ring vital, from the flash itself: the box is not asked."""
        row = next(row for row in self.board.partitions if row[4] == "vital")
        return read_ring(bytes(self.board.flash.memory[row[2] : row[2] + row[3]]), 1).records

    @property
    def said(self) -> list[str]:
        """The console so far."""
        self.box.drain_output()
        return [line[15:] for line in self.box.log_path.read_text(encoding="utf-8").splitlines()]

    def tap(self, after_s: float = ANSWER_S) -> list[str]:
        """Hold the driver's card for a moment; return what the doors did."""
        self.events.clear()
        card = Card(DRIVERS[self.turn])
        self.board.reader.present(card)
        self.sim.run_for(0.8)
        self.board.reader.remove(card)
        self.sim.run_for(after_s)
        return [name for source, name in self.events if source == "door"]

    def play(self) -> None:
        """A session: taken, engine on, engine off, given back; then the moment in which it may be undone."""
        self.turn = 1 - self.turn
        self.tap()
        self.board.kl15 = True
        self.sim.run_for(3)
        self.board.kl15 = False
        self.sim.run_for(4)
        self.tap()
        self.sim.run_for(ENDING_S + 2)

    def return_car(self) -> None:
        """Tap until the box has locked for good. Raises AssertionError for a driver without an answer."""
        for _ in range(4):
            doors = self.tap()
            assert doors, "a tap moves the doors, whatever broke before"
            if doors[-1] == "lock":
                self.sim.run_for(ENDING_S + 2)
                return
        raise AssertionError("the car cannot be given back")

    def check(self) -> None:
        """What must hold whatever broke: someone is answered, the books are whole, nothing was stopped."""
        self.return_car()
        check_books(self.read_journal())
        assert not self.wrongs, self.wrongs
        assert not self.box.crashes, "the board sits at its prompt"
        assert not self.box.is_idle

    def try_site(self, site: int, kind: str = "error") -> bool:
        """Play a session with an error planted; return whether it was met. Raises AssertionError."""
        before, said = self.read_journal()[-1].sequence, len(self.said)
        self.plan(site, kind)
        self.box.rtc_memory = b""  # the trials before are no failures in a row
        self.box.reset(HARD_RESET)
        self.sim.run_for(BOOT_S)
        self.play()
        self.sim.run_for(RESTART_S)
        if f"planted {site}" not in self.said[said:]:  # nor may it be met while what follows is checked
            self.plan(-1)
            self.box.reset(HARD_RESET)
            self.sim.run_for(BOOT_S)
            self.check()
            return False
        self.check()
        told = [record for record in self.read_journal() if record.sequence > before]
        assert any(
            record.name == "crash" or (record.name == "fault_set" and record.values["fault"] == "task_hung")
            for record in told
        ), "nobody was told"
        return True

    def list_sites_met(self) -> set[int]:
        """The sites that a session passes, from the start of the program on."""
        said = len(self.said)
        self.plan(-2)
        self.box.reset(HARD_RESET)
        self.sim.run_for(BOOT_S)
        self.play()
        met = {int(line.split()[1]) for line in self.said[said:] if line.startswith("site ")}
        self.check()
        return met

    def close(self) -> None:
        self.sim.close()


def check_books(records: list[Record]) -> None:
    """No gap, one session after the other, each ended once; and each told by number."""
    assert [record.sequence for record in records] == list(
        range(records[0].sequence, records[0].sequence + len(records))
    )
    running = None
    for record in records:
        if record.name == "session_start":
            assert running is None, f"two sessions at once: {running} and {record.sequence}"
            running = record.sequence
        elif record.name == "session_end":
            assert record.values["session"] == running, "the end of a session that nobody began"
            running = None
    assert running is None, "a session without an end"


IS_WHOLE = os.environ.get("SWEEPS") == "whole"
"""Each point of the longest sweeps is tried, for hours; else so many, spread evenly."""


def iterate_sample(count: int, wanted: int, seed: int) -> Iterator[int]:
    """`wanted` of 0..count-1, spread evenly, begun where the seed says."""
    step = max(count / wanted, 1.0)
    at = (seed * 0.618) % 1.0 * step
    while at < count:
        yield int(at)
        at += step
