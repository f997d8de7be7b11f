"""What a run covers: sources, tests, and what is known of them (`scope.json`, `named.json`)."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from pathlib import Path

from .operators import Mutant, plant


@dataclass(frozen=True)
class Scope:
    """Paths are relative to `root`.

    `without` are files of tests, or tests (`file::test`), too slow to be run for each mutant.
    `equivalent` and `unreached` give the reason why a mutant cannot be told from the code, and why CPython
    cannot reach a line. In `held` files nothing else may live or stay unreached.
    """

    root: Path
    sources: tuple[str, ...]
    import_root: str
    tests: tuple[str, ...]
    without: tuple[str, ...]
    equivalent: dict[str, str]
    unreached: dict[str, str]
    held: frozenset[str]

    def get_module(self, path: str) -> str:
        """Return the dotted name under which the tests import a source."""
        return ".".join(Path(path).relative_to(self.import_root).with_suffix("").parts)

    def load_mutants(self) -> list[Mutant]:
        """Return every mutant of every source."""
        return [mutant for path in self.sources for mutant in plant(self.load_tree(path), path)]

    def load_tree(self, path: str) -> ast.Module:
        """Return the syntax tree of a source."""
        return ast.parse((self.root / path).read_text())


def load_scope(file: Path, root: Path) -> Scope:
    """Read a scope. Raises ValueError if one of its patterns matches nothing."""
    told = json.loads(file.read_text())
    sources = []
    for pattern in told["sources"]:
        found = sorted(path for path in root.glob(pattern) if path.name != "__init__.py")
        if not found:
            raise ValueError(f"{file.name}: {pattern} matches nothing")
        sources += [str(path.relative_to(root)) for path in found]
    named = json.loads((root / told["named"]).read_text())
    return Scope(
        root,
        tuple(sources),
        told["import_root"],
        tuple(told["tests"]),
        tuple(told["without"]),
        named["equivalent"],
        named["unreached"],
        frozenset(told["held"]),
    )
