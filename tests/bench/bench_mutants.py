"""Figures `mutants_total`, `mutants_alive`: mistakes planted into access, relay, storage and clock.

mutants_total: the mistakes that were tried, a sample of 300 that the sources draw (`make mutants ALL=1` tries
each); mutants_alive: those that no test noticed, without the ones that `tests/mutants/named.json` shows to be
equivalent. Prints one JSON object.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        figures = Path(folder) / "figures.json"
        subprocess.run(
            [sys.executable, "-m", "mutants", f"--json={figures}"],
            stdout=sys.stderr,
            env={**os.environ, "PYTHONPATH": str(TESTS)},
            check=False,  # its exit code says whether any lives; here they are counted
        )
        told = json.loads(figures.read_text())
    print(json.dumps({"mutants_total": told["total"], "mutants_alive": len(told["alive"])}))


if __name__ == "__main__":
    main()
