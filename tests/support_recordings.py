"""Where the recorded material lies: beside the checkout, not inside it."""

import json
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
RECORDINGS = REPOSITORY.parent / "shared" / "data"


def require(name):
    """Path of one recording; skips the test with a clear message where it is absent."""
    path = RECORDINGS / name
    if not path.exists():
        pytest.skip(
            f"no recordings at {RECORDINGS.relative_to(REPOSITORY.parent)}/{name} beside the checkout"
        )
    return path


def read_json(name):
    """One JSON recording, or skip."""
    return json.loads(require(name).read_text())
