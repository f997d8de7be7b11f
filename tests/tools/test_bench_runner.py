"""`python -m glovebox_tools.bench` with scripts that do well, badly and not at all."""

import json
import subprocess
import sys

import pytest
from glovebox_tools.bench.__main__ import KEYS, METHOD_KEYS, SCRIPTS


@pytest.fixture
def bench(tmp_path):
    def run(scripts, *arguments):
        for name, text in scripts.items():
            (tmp_path / f"bench_{name}.py").write_text(text)
        return subprocess.run(
            [sys.executable, "-m", "glovebox_tools.bench", "--scripts", str(tmp_path), *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


GOOD = "import sys; print('progress', file=sys.stderr); print('{\"nmea_ratio\": 2.5}')"
HEAP = 'print(\'{"firmware_heap_bytes": 5, "firmware_heap_method": "counted"}\')'


def test_the_figures_of_all_scripts_are_one_object_and_nothing_else_is_printed(bench):
    done = bench({"a": GOOD, "b": HEAP})
    assert done.returncode == 0
    told = json.loads(done.stdout)
    assert told == {"firmware_heap_bytes": 5, "firmware_heap_method": "counted", "nmea_ratio": 2.5}
    assert list(told) == ["firmware_heap_bytes", "firmware_heap_method", "nmea_ratio"]


@pytest.mark.parametrize(
    "bad",
    [
        "raise SystemExit(3)", "print('fast')", "print('[]')", "print('{}')", "print('{\"speed\": 1}')",
        "print('{\"nmea_ratio\": null}')", "print('{\"nmea_ratio\": true}')",
        "print('{\"nmea_ratio\": \"2\"}')",
    ],
)  # fmt: skip
def test_a_script_that_fails_leaves_its_key_out_and_the_run_fails(bench, bad):
    done = bench({"a": bad, "b": HEAP})
    assert done.returncode == 1
    assert set(json.loads(done.stdout)) == {"firmware_heap_bytes", "firmware_heap_method"}
    assert "bench_a.py" in done.stderr


def test_only_the_named_scripts_run(bench):
    assert json.loads(bench({"a": GOOD, "b": HEAP}, "_a").stdout) == {"nmea_ratio": 2.5}


def test_no_script_at_all_is_a_failure(bench):
    assert bench({}).returncode == 1


def test_every_figure_has_its_script_and_every_script_its_figure():
    texts = {script.name: script.read_text() for script in SCRIPTS.glob("bench_*.py")}
    for key in (*KEYS, *METHOD_KEYS):
        assert sum(f'"{key}":' in text for text in texts.values()) == 1, key
    for name, text in texts.items():
        assert any(f'"{key}":' in text for key in KEYS), name
