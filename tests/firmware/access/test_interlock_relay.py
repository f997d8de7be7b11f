"""The sweep of the relay (`on_device/interlock_chips.py`, run under both Pythons by the suite) can fail.

Broken boxes, each a copy of the firmware with one piece put wrong, do not get through it.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
RUNNER = REPOSITORY / "tests" / "firmware" / "on_device" / "interlock_chips.py"
INTERLOCK, RELAY = "access/interlock.py", "drivers/relay.py"
BROKEN = [
    (INTERLOCK, "                and is_request\n", "                and False\n"),
    (INTERLOCK, "if self._repairs > RELAY_TRIES:", "if False:"),
    (INTERLOCK, "_AGAIN_MS << self._doublings", "_AGAIN_MS"),
    (INTERLOCK, "if self._has_answered:", "if True:"),
    (
        INTERLOCK,
        "if contact == wanted:\n                    outcome",
        "if True:\n                    outcome",
    ),
    (INTERLOCK, "if not _is_powered(now):  # S7", "if False:"),
    (INTERLOCK, "                and _is_powered(now)\n", ""),
    (INTERLOCK, "tries >= RELAY_TRIES", "tries >= 3 * RELAY_TRIES"),
    (INTERLOCK, "if now.kind > INTERLOCK_KIND_FOB_SUPPLY:", "if False:"),
    (INTERLOCK, "if now.kind == INTERLOCK_KIND_NONE:", "if False:"),
    (INTERLOCK, "source = RELAY_SOURCE_SHOCK", "pass"),
    (RELAY, "PULSE_MS = const(50)", "PULSE_MS = const(25)"),
    (RELAY, "return CONTACT_ALLOW if self._contact_pin.value()", "return CONTACT_ALLOW if True"),
]


def run(firmware):
    path = os.pathsep.join(
        [str(firmware), *(str(REPOSITORY / part) for part in ("simulator", "tests", "tests/shims"))]
    )
    return subprocess.run(
        [sys.executable, str(RUNNER)],
        env={"PATH": os.defpath, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.sweep
@pytest.mark.parametrize(("file", "right", "wrong"), BROKEN)
def test_the_sweep_of_the_relay_catches_a_broken_box(tmp_path, file, right, wrong):
    firmware = tmp_path / "firmware"
    shutil.copytree(
        REPOSITORY / "firmware" / "box", firmware / "box", ignore=shutil.ignore_patterns("__pycache__")
    )
    source = (firmware / "box" / file).read_text(encoding="utf-8")
    assert right in source
    (firmware / "box" / file).write_text(source.replace(right, wrong), encoding="utf-8")
    done = run(firmware)
    assert "AssertionError" in done.stderr, done.stdout + done.stderr
