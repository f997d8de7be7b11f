"""Signals of light and sound that need the cloud: its commands, and what it says of a badge."""

import pytest
from glovebox.boxes import service as boxes
from glovebox.people import service as people
from glovebox.scope import SYSTEM
from support_story import MINUTE

pytestmark = [pytest.mark.story, pytest.mark.timeout(300), pytest.mark.usefixtures("linked")]


@pytest.mark.parametrize(("command", "pattern"), [("flash_lights", "find"), ("self_test", "self_test")])
def test_a_command_is_seen_at_the_car(story, command, pattern):
    since = story.sim.now
    story.cloud.writer.run(
        lambda tx: boxes.add_command(tx, story.now, SYSTEM, story.vehicle, command, "a test of the signals")
    )
    story.wait(lambda: story.played(pattern, since), MINUTE, f"the car shows {pattern}")


def test_a_revoked_badge_is_told_so_by_the_cloud(story):
    def revoke(tx):
        (badge,) = tx.exec_driver_sql("SELECT id FROM badges WHERE person_id = ?", (story.bob.id,)).one()
        people.revoke_badge(tx, story.now, SYSTEM, badge)

    story.cloud.writer.run(revoke)
    tapped_at = story.tap(story.bob.uid)
    story.wait(lambda: story.played("revoked", tapped_at), 12, "the badge is revoked")
