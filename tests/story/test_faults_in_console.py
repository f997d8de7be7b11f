"""What breaks in the car shows in the console as a fault, in words with what to do, and goes when mended."""

import html

import pytest
from glovebox.words.faults import FAULTS
from glovebox_sim import faults
from support_story import MINUTE, StoryWorld

pytestmark = [pytest.mark.story, pytest.mark.timeout(900)]

SHOWN = {
    "gnss_dead": "gnss_silent",
    "can_missing": "can_missing",
    "accelerometer_missing": "accelerometer_missing",
    "reader_stuck": "reader_stuck",
}
"""What is broken -> the fault that the box is to find."""


@pytest.fixture
def story(tmp_path):
    world = StoryWorld(tmp_path)
    yield world
    world.close()


def test_dead_chips_show_in_the_console_in_words_with_what_to_do_and_go_when_mended(story):
    manager = story.let_in_manager(story.bob)

    def page():
        answer = manager.get(f"/console/vehicles/{story.vehicle}")
        assert answer.is_success
        return html.unescape(answer.text)

    story.box.power_on()
    story.wait(story.is_linked, 2 * MINUTE, "the link is up")
    story.run(30)
    for fault in SHOWN.values():
        assert FAULTS[fault][0] not in page(), "a sound box has no fault"
    for broken, fault in SHOWN.items():
        faults.inject(story.world, broken)
        english, _french, to_do, _a_faire = FAULTS[fault]
        story.wait(lambda words=english: words in page(), 10 * MINUTE, english)
        assert to_do in page()
        if faults.FAULTS[broken].mend is not None:
            faults.undo(story.world, broken)
            # The journal on the page goes on telling that it was so; what to do is said while it lasts.
            story.wait(lambda words=to_do: words not in page(), 10 * MINUTE, f"mended: {broken}")
