"""The run without a mistake: every test passes, and which test reaches which line."""

from __future__ import annotations

import ast
import gc
import time
from dataclasses import dataclass, field

import coverage
import pytest

from .operators import Mutant
from .scope import Scope


@dataclass
class Baseline:
    """`reached` gives by path and line the numbers of the tests that ran it; `gaps` the lines and branches
    that none did, in words that outlive moved lines.
    """

    failed: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    reached: dict[str, dict[int, set[int]]] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)

    def select(self, mutant: Mutant, scope: Scope) -> list[int]:
        """Return the tests that can notice the mutant, the quickest first."""
        lines = self.reached[mutant.path]
        if mutant.function is None:
            found = self._select_users(mutant, scope)
        else:
            found = set().union(*(lines.get(line, set()) for line in mutant.lines))
        return sorted(found, key=lambda test: self.seconds[test])

    def _select_users(self, mutant: Mutant, scope: Scope) -> set[int]:
        """A name outside of functions: the tests that reach a line with that name, in any source, or with one
        that is made of it.
        """
        trees = {path: scope.load_tree(path) for path in scope.sources}
        try:
            names = _names(ast.parse(mutant.before), ast.Store)
        except SyntaxError:
            names = set()
        made = [
            statement
            for tree in trees.values()
            for statement in tree.body
            if isinstance(statement, ast.Assign | ast.AnnAssign)
        ]
        for _ in made:
            users = [_names(each, ast.Store) for each in made if _names(each, ast.Load) & names]
            if set().union(*users) <= names:
                break
            names = names.union(*users)
        found: set[int] = set()
        for path, tree in trees.items():
            for node in ast.walk(tree):
                if isinstance(node, ast.Name | ast.Attribute) and _name(node) in names:
                    found |= self.reached[path].get(node.lineno, set())
        return found or set().union(*self.reached[mutant.path].values())


def _name(node: ast.Name | ast.Attribute) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr


def _names(tree: ast.AST, context: type[ast.expr_context]) -> set[str]:
    nodes = (node for node in ast.walk(tree) if isinstance(node, ast.Name | ast.Attribute))
    return {_name(node) for node in nodes if isinstance(node.ctx, context)}


def run_baseline(
    items: list[pytest.Item], tracer: coverage.Coverage, scope: Scope, failed: set[str]
) -> Baseline:
    """Run every test once, traced. `failed` is filled by the caller's report hook while they run."""
    baseline = Baseline()
    for number, item in enumerate(items):
        tracer.switch_context(str(number))
        begin = time.process_time()
        following = items[number + 1] if number + 1 < len(items) else None
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        baseline.seconds.append(time.process_time() - begin)
    tracer.stop()
    gc.collect()  # an error nobody took is printed when it is collected: within the parser CPython fails
    baseline.failed = sorted(failed)
    data = tracer.get_data()
    for path in scope.sources:
        contexts = data.contexts_by_lineno(str(scope.root / path))
        baseline.reached[path] = {
            line: {int(name) for name in names if name} for line, names in contexts.items()
        }
        baseline.gaps += _find_gaps(tracer, scope, path)
    return baseline


def _find_gaps(tracer: coverage.Coverage, scope: Scope, path: str) -> list[str]:
    analysis = tracer._analyze(str(scope.root / path))
    text = (scope.root / path).read_text().split("\n")
    owner = _name_lines(scope.load_tree(path))

    def name(line: int) -> str:
        return text[line - 1].strip() if line > 0 else "leaves"

    gaps = [f"{path} {owner.get(line, '<module>')}: {name(line)}" for line in sorted(analysis.missing)]
    for line, targets in sorted(analysis.missing_branch_arcs().items()):
        if line in analysis.missing:
            continue
        for target in targets:
            gaps.append(f"{path} {owner.get(line, '<module>')}: {name(line)} -> {name(target)}")
    return gaps


def _name_lines(tree: ast.Module) -> dict[int, str]:
    names: dict[int, str] = {}

    def walk(node: ast.AST, scope: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                inner = f"{scope}.{child.name}" if scope else child.name
                names.update(
                    dict.fromkeys(range(child.lineno, (child.end_lineno or child.lineno) + 1), inner)
                )
                walk(child, inner)
            else:
                walk(child, scope)

    walk(tree, "")
    return names
