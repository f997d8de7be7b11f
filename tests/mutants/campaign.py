"""One run: the baseline, then each mutant in a child of its own, several at a time."""

from __future__ import annotations

import gc
import os
import sys
from collections import defaultdict
from dataclasses import dataclass, field

import coverage
import pytest

from .baseline import Baseline, run_baseline
from .operators import Mutant
from .plant import NOTHING_NOTICED, compile_mutant, run_child
from .scope import Scope

_SEVERAL = 5  # so many tests that noticed a mistake in a function are tried first for its next one


@dataclass(eq=False)  # pytest hashes its plugins
class Campaign:
    """A pytest plugin that runs the tests, then again for each mutant; `alive` is what none noticed."""

    scope: Scope
    mutants: list[Mutant]
    jobs: int
    options: list[str]
    tracer: coverage.Coverage
    baseline: Baseline | None = None
    alive: list[Mutant] = field(default_factory=list)
    done: list[Mutant] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.add(report.nodeid)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """In place of pytest's own loop."""
        if session.testsfailed or not session.items:
            return False
        self.baseline = run_baseline(session.items, self.tracer, self.scope, self.failed)
        if not self.failed:
            gc.collect()
            gc.freeze()
            self._run_mutants(session.items, self.baseline)
        return True

    def _run_mutants(self, items: list[pytest.Item], baseline: Baseline) -> None:
        self._check_runner(items, baseline)
        running: dict[int, tuple[Mutant, list[int]]] = {}
        noticed_by: dict[tuple[str, str], list[int]] = defaultdict(list)
        waiting = list(reversed(self.mutants))
        while waiting or running:
            while waiting and len(running) < self.jobs:
                mutant = waiting.pop()
                able = baseline.select(mutant, self.scope)
                if not able:
                    self._note(mutant, alive=True)
                    continue
                first = [test for test in noticed_by[mutant.path, mutant.scope] if test in able]
                order = first + [test for test in able if test not in first]
                sys.stdout.flush()
                code = compile_mutant(self.scope, mutant)
                child = run_child(self.scope, mutant, code, items, order, self.options, baseline.seconds)
                running[child] = (mutant, order)
            if not running:
                break
            child, status = os.wait()
            mutant, order = running.pop(child)
            place = os.waitstatus_to_exitcode(status)
            self._note(mutant, alive=place == NOTHING_NOTICED)
            if 0 <= place < len(order) and mutant.function:
                known = noticed_by[mutant.path, mutant.scope]
                known[:] = [order[place], *(test for test in known if test != order[place])][:_SEVERAL]

    def _check_runner(self, items: list[pytest.Item], baseline: Baseline) -> None:
        """Both ways of planting, without a mistake: no test may fail. Raises RuntimeError."""
        for inside in (True, False):
            for mutant in self.mutants:
                order = baseline.select(mutant, self.scope)[:20]
                if order and bool(mutant.function) is inside:
                    path = self.scope.root / mutant.path
                    code = compile(self.scope.load_tree(mutant.path), str(path), "exec")
                    run_child(self.scope, mutant, code, items, order, self.options, baseline.seconds)
                    if os.waitstatus_to_exitcode(os.wait()[1]) != NOTHING_NOTICED:
                        raise RuntimeError(f"tests fail on {mutant.path} as it is once it is loaded anew")
                    break

    def _note(self, mutant: Mutant, alive: bool) -> None:
        self.done.append(mutant)
        if alive:
            self.alive.append(mutant)
            print(f"alive: {mutant.key}", file=sys.stderr, flush=True)
        if len(self.done) % 100 == 0:
            print(f"mutants: {len(self.done)} of {len(self.mutants)}", file=sys.stderr, flush=True)
