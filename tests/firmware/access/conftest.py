"""The car that the controller's tests share."""

import pytest
from support_access import Box


@pytest.fixture
def box():
    """Parked at home, with a reservation for DRIVER that has begun."""
    box = Box()
    box.promise()
    return box
