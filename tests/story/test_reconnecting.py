"""When the box tries again: at once where a network has come back, seldom where the cloud refuses it."""

import pytest
from support_story import MINUTE

pytestmark = [pytest.mark.story, pytest.mark.timeout(900), pytest.mark.usefixtures("linked")]

HOUR = 60 * MINUTE
REACHED_S = 20
"""Beacons, association and keys, then one short wait with jitter, the handshake and the greeting."""
TRIES_AN_HOUR = 8
"""A refused box: after 1, 2, 4, 8, 16, 32 minutes and more."""


def come_and_go(story):
    """The Wi-Fi goes for as long as the box takes to notice, and comes back."""
    story.world.set_network(False)
    story.wait(lambda: not story.box.network.is_joined, MINUTE, "the Wi-Fi is gone")
    story.run(5)
    story.world.set_network(True)


def test_after_a_long_outage_a_network_that_joins_is_tried_at_once(story):
    """The Wi-Fi was there without a way out, so the waits have grown to two minutes."""
    network = story.box.network
    network.refuse = True
    story.restart_cloud()
    story.run(31 * MINUTE)
    assert network.is_joined
    assert not story.is_linked()
    network.refuse = False
    come_and_go(story)
    story.wait(lambda: network.is_joined, MINUTE, "the Wi-Fi is back")
    story.wait(story.is_linked, REACHED_S, "the link is back")


def test_a_box_that_the_cloud_refuses_does_not_hammer_it_however_often_its_network_comes_back(story):
    network = story.box.network
    story.cloud.writer.run(lambda tx: tx.exec_driver_sql("UPDATE boxes SET key_id = 9"))
    story.restart_cloud()
    story.run(MINUTE)
    tries = network.connections_opened
    began_at = story.now
    while story.now < began_at + HOUR:
        come_and_go(story)
        story.run(2 * MINUTE)
    assert 1 <= network.connections_opened - tries <= TRIES_AN_HOUR
    assert not story.is_linked()
    story.cloud.writer.run(lambda tx: tx.exec_driver_sql("UPDATE boxes SET key_id = 1"))
    story.wait(story.is_linked, 2 * HOUR, "let in again, it comes back by itself")
