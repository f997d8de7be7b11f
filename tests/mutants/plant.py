"""A mistake put into a running process, and the tests that may notice it run: in a forked child.

A mistake inside a function is put in place of the function's code, so nothing is loaded again. One outside of
functions (a constant, a default) needs the module anew: the child forgets firmware and tests and imports both
again, with the mistake.
"""

from __future__ import annotations

import ast
import importlib.abc
import importlib.machinery
import os
import resource
import sys
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

from .operators import Mutant, plant
from .scope import Scope

# In work and not by the clock, so a loaded machine kills nothing: three times what each test took, and this.
SPARE_CPU_S = 3
MEMORY_BYTES = 1 << 31  # a loop that appends for ever ends here
NOTHING_NOTICED = 255


def compile_mutant(scope: Scope, mutant: Mutant) -> CodeType:
    """Return the code of the whole module with the mistake in it. Raises LookupError without such a one."""
    tree = scope.load_tree(mutant.path)
    for each in plant(tree, mutant.path):
        if each.index == mutant.index:
            ast.fix_missing_locations(tree)
            return compile(tree, str(scope.root / mutant.path), "exec")
    raise LookupError(mutant.key)


def _find_code(code: CodeType, name: str) -> CodeType:
    for part in name.split("."):
        code = next(each for each in code.co_consts if isinstance(each, CodeType) and each.co_name == part)
    return code


def _find_function(module: ModuleType, name: str) -> FunctionType:
    found: Any = module
    for part in name.split("."):
        found = vars(found)[part]
    found = getattr(found, "fget", None) or getattr(found, "__func__", found)
    assert isinstance(found, FunctionType), name
    return found


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads one module from code that was compiled already."""

    def __init__(self, name: str, path: Path, code: CodeType) -> None:
        self._name, self._path, self._code = name, path, code

    def find_spec(self, fullname: str, path: object, target: object = None) -> Any:
        if fullname != self._name:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, origin=str(self._path))

    def exec_module(self, module: ModuleType) -> None:
        exec(self._code, vars(module))


def _forget(root: Path) -> None:
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        if name.split(".")[0] == "mutants" or not file.startswith(str(root) + "/"):
            continue
        if "/.venv/" not in file:
            del sys.modules[name]


class _Ears:
    """Notices the first test that fails."""

    def __init__(self) -> None:
        self.failed = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.failed = self.failed or report.failed


def _bound_cpu(seconds: float) -> None:
    """The child ends after so much more work, and this."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    bound = int(used.ru_utime + used.ru_stime + 3 * seconds + SPARE_CPU_S)
    resource.setrlimit(resource.RLIMIT_CPU, (bound, resource.RLIM_INFINITY))


def _run_here(
    function: FunctionType, code: CodeType, items: list[pytest.Item], order: list[int], seconds: list[float]
) -> int:
    function.__code__ = code
    ears = _Ears()
    plugins = items[0].config.pluginmanager
    plugins.register(ears)
    plugins.unregister(name="terminalreporter")  # it holds a stream of its own
    for at, test in enumerate(order):
        following = items[order[at + 1]] if at + 1 < len(order) else None
        _bound_cpu(seconds[test])  # for each anew: a loop without end is left soon, however long the others
        items[test].config.hook.pytest_runtest_protocol(item=items[test], nextitem=following)
        if ears.failed:
            return at
    return NOTHING_NOTICED


def _run_anew(
    scope: Scope, finder: _Finder, items: list[pytest.Item], order: list[int], options: list[str]
) -> int:
    _forget(scope.root)
    sys.meta_path.insert(0, finder)
    names = [str(scope.root / items[test].nodeid) for test in order]
    return 0 if pytest.main([*options, "-x", *names]) else NOTHING_NOTICED


def run_child(
    scope: Scope,
    mutant: Mutant,
    code: CodeType,
    items: list[pytest.Item],
    order: list[int],
    options: list[str],
    seconds: list[float],
) -> int:
    """Fork; in the child run the tests of `order` on the module's `code` until one fails. Return its id.

    The child's exit code is the place in `order` of the test that noticed (254 for any later one),
    `NOTHING_NOTICED` if none did; a child that a signal ended ran out of its bounds: noticed too. What is
    wrong with the runner itself is raised here, before the fork, so that it passes for no kill.
    """
    module = scope.get_module(mutant.path)
    function = inner = None
    if mutant.function:
        function = _find_function(sys.modules[module], mutant.function)
        inner = _find_code(code, mutant.function)
    finder = _Finder(module, scope.root / mutant.path, code)
    child = os.fork()
    if child:
        return child
    answer = 0
    try:
        silence = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silence, stream)
        _bound_cpu(sum(seconds[test] for test in order))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if function and inner:
            found = _run_here(function, inner, items, order, seconds)
        else:
            found = _run_anew(scope, finder, items, order, options)
        answer = found if found == NOTHING_NOTICED else min(found, NOTHING_NOTICED - 1)
    except BaseException:  # whatever it is, the mistake made it
        answer = 0
    finally:
        os._exit(answer)
