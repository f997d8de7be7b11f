"""The bundle of a claim carries the whole value of field SETTINGS: simulator and tools read its places."""

import base64

import pytest
from glovebox_sim.cli_fleet import vehicle_of
from support_story import TOWN_HALL

pytestmark = pytest.mark.story


def test_a_claims_bundle_says_where_the_car_lives_and_how_it_is_fitted(story):
    assert len(base64.b64decode(story.bundle["settings"])) > 4
    known = vehicle_of(story.bundle)
    assert known["at"] == pytest.approx(TOWN_HALL)
    assert known["interlock_kind"] == "starter_wire"
    assert known["key_holder_fitted"]
    assert known["fuel"] == "petrol"
