"""The car on the simulator that many of these tests begin with."""

import pytest


@pytest.fixture
def scene(tmp_path):
    """One car, its box powered and of nobody yet."""
    from support_scene import Scene

    made = Scene(tmp_path)
    yield made
    made.close()
