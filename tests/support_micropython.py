"""Runs a script of tests/firmware/on_device under the real MicroPython."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

REPO = Path(__file__).parents[1]
ON_DEVICE = REPO / "tests" / "firmware" / "on_device"
MICROPYTHON = os.environ.get("MICROPYTHON", str(Path(sys.executable).parent / "micropython"))


def run_micropython(
    script: str, *arguments: str, heap: str = "4m", timeout_s: float = 100
) -> subprocess.CompletedProcess[str]:
    """Run to the end and return what it printed; `heap` is its whole garbage-collected heap."""
    env = {**os.environ, "MICROPYPATH": f"{REPO}/firmware:{ON_DEVICE}:.frozen"}
    command = [MICROPYTHON, "-X", f"heapsize={heap}", str(ON_DEVICE / script), *arguments]
    return subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=timeout_s, check=False, errors="replace"
    )
