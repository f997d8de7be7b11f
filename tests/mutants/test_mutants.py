"""The runner itself: it finds a hole, lets a named mutant pass, and notices a name that is out of date."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mutants.__main__ import ROOT, find_stale
from mutants.operators import plant
from mutants.scope import load_scope

SOURCE = """\
LIMIT_KMH = 3


def is_slow(speed_kmh):
    if speed_kmh <= LIMIT_KMH:
        return True
    return False
"""
WHOLE = """\
from toy import is_slow


def test_the_limit_is_slow():
    assert is_slow(3) is True


def test_above_the_limit_is_not_slow():
    assert is_slow(4) is False
"""
HOLE = WHOLE.replace("is_slow(3)", "is_slow(2)")  # nobody stands on the limit


def play(root: Path, tests: str, source: str = SOURCE, **named: dict[str, str]) -> tuple[int, str]:
    """Run the mutants of a toy in `root`; return the exit code and what was said."""
    (root / "source").mkdir()
    (root / "source" / "toy.py").write_text(source)
    (root / "test_toy.py").write_text(tests)
    (root / "pyproject.toml").write_text('[tool.pytest.ini_options]\npythonpath = ["source"]\n')
    empty = {"equivalent": {}, "unreached": {}}
    (root / "named.json").write_text(json.dumps({**empty, **named}))
    scope = {"sources": ["source/*.py"], "import_root": "source", "tests": ["test_toy.py"], "without": []}
    scope["held"] = ["source/toy.py"]
    (root / "scope.json").write_text(json.dumps({**scope, "named": "named.json"}))
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mutants",
            "--root",
            str(root),
            "--scope",
            str(root / "scope.json"),
            "--jobs",
            "1",
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests"), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    return done.returncode, done.stdout + done.stderr


def test_tests_that_stand_on_the_limit_kill_every_mutant(tmp_path):
    code, said = play(tmp_path, WHOLE)
    assert code == 0, said
    assert "source/toy.py" in said


def test_a_limit_that_no_test_stands_on_leaves_mutants_alive_and_fails_the_run(tmp_path):
    code, said = play(tmp_path, HOLE)
    assert code == 1
    assert "alive: source/toy.py is_slow: if speed_kmh <= LIMIT_KMH: -> if speed_kmh < LIMIT_KMH:" in said
    assert "alive: source/toy.py <module>: LIMIT_KMH = 3 -> LIMIT_KMH = 2" in said


def test_a_limit_that_is_used_by_another_name_is_looked_for_where_that_is_used(tmp_path):
    source = SOURCE.replace("<= LIMIT_KMH", "<= LIMITS[0]").replace("= 3\n", "= 3\nLIMITS = (LIMIT_KMH, 9)\n")
    source += "\n\ndef is_set():\n    return LIMIT_KMH > 0\n"  # whose test notices nothing
    tests = (
        HOLE.replace("is_slow\n", "is_set, is_slow\n", 1) + "\n\ndef test_it_is_set():\n    assert is_set()\n"
    )
    code, said = play(tmp_path, tests, source=source)
    assert "alive: source/toy.py <module>: LIMIT_KMH = 3 -> LIMIT_KMH = 2" in said
    assert "alive: source/toy.py <module>: LIMIT_KMH = 3 -> LIMIT_KMH = 4" not in said
    assert code == 1


def test_the_index_of_a_tuple_of_one_is_no_mistake_to_plant():
    def list_after(text):
        return [mutant.after for mutant in plant(ast.parse(text), "toy.py")]

    assert list_after("size = struct.unpack('<I', data)[0]") == []
    assert len(list_after("size = struct.unpack('<II', data)[0]")) == 2


def test_a_named_mutant_passes_and_a_name_without_a_mutant_does_not(tmp_path):
    known = {
        "source/toy.py is_slow: if speed_kmh <= LIMIT_KMH: -> if speed_kmh < LIMIT_KMH:": "a reason",
        "source/toy.py <module>: LIMIT_KMH = 3 -> LIMIT_KMH = 2": "a reason",
    }
    code, said = play(tmp_path, HOLE, equivalent={**known, "source/toy.py gone: a -> b": "a reason"})
    assert code == 1
    assert said.count("no such mutant") == 1


def test_a_line_that_no_test_reaches_fails_the_run(tmp_path):
    code, said = play(tmp_path, WHOLE.replace("4", "1").replace("False", "True"))
    assert code == 1
    assert "not reached: source/toy.py is_slow: return False" in said


def test_tests_that_fail_without_a_mistake_are_said_and_nothing_is_planted(tmp_path):
    code, said = play(tmp_path, WHOLE.replace("is False", "is True"))
    assert code == 2
    assert "fail without a mistake" in said
    assert "alive" not in said


@pytest.fixture(scope="module")
def scope():
    return load_scope(Path(__file__).with_name("scope.json"), ROOT)


def test_every_name_in_the_list_is_that_of_a_mutant_and_has_a_reason(scope):
    mutants = scope.load_mutants()
    assert len({mutant.key for mutant in mutants}) == len(mutants)
    assert find_stale(scope, mutants) == []
    for reason in (*scope.equivalent.values(), *scope.unreached.values()):
        assert len(reason.split()) > 2
