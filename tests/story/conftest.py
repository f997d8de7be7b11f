"""The world of the story, alone and with its box at work."""

import pytest
from support_story import MINUTE, StoryWorld


@pytest.fixture
def story(tmp_path):
    """The town; its box is fitted and has no power yet."""
    world = StoryWorld(tmp_path)
    yield world
    world.close()


@pytest.fixture
def linked(story):
    """The same, the box powered and its link up."""
    story.box.power_on()
    story.wait(story.is_linked, 2 * MINUTE, "the link is up")
    return story
