"""A relay that is broken, a contact that lies: nobody is left before a car that does not start.

The console says in words what is wrong and what to do.
"""

import pytest
from glovebox_sim import faults
from support_console import Console
from support_story import MINUTE

pytestmark = [pytest.mark.sweep, pytest.mark.timeout(900)]

LIES = ("contact_stuck", "contact_reversed", "contact_chatters")
HOUR = 60 * MINUTE


@pytest.fixture
def console(linked):
    linked.wait(lambda: linked.contact == "inhibit", 3 * MINUTE, "parked and proven still: inhibited")
    return Console(linked)


def take(story, person):
    reservation = story.book(person, story.now, story.now + 5 * MINUTE)
    story.wait(lambda: story.car_knows(person, reservation), 30, "the car knows")
    story.tap(person.uid)
    story.wait(lambda: not story.car.locked, 5, "the badge opens")


def give_back(story, person):
    story.run(5)
    story.tap(person.uid)
    story.wait(lambda: story.car.locked, 5, "the badge ends")
    story.run(5 * MINUTE)  # the end may be taken back no more, and the next may book


@pytest.mark.parametrize("broken", LIES)
def test_a_contact_that_lies_is_told_and_strands_nobody(story, console, broken):
    faults.inject(story.world, broken)
    story.wait(lambda: console.shows("relay_contact_disagrees"), 10 * MINUTE, "told")
    take(story, story.alice)
    story.wait(lambda: story.contact == "allow", 5, "the car starts for her")
    give_back(story, story.alice)
    faults.undo(story.world, broken)
    story.wait(lambda: story.contact == "inhibit", 2 * HOUR, "it obeys again")
    take(story, story.carol)
    story.wait(lambda: story.contact == "allow", 5, "nor is the next one stranded")
    give_back(story, story.carol)
    story.wait(lambda: not console.shows("relay_contact_disagrees"), 10 * MINUTE, "mended")


def test_a_relay_that_sticks_parks_without_inhibit_and_says_both(story, console):
    take(story, story.alice)
    story.wait(lambda: story.contact == "allow", 5, "the relay follows the doors")
    faults.inject(story.world, "relay_stuck")
    give_back(story, story.alice)
    assert story.contact == "allow"
    story.wait(lambda: console.shows("relay_contact_disagrees"), 5 * MINUTE, "told: it does not follow")
    story.wait(lambda: console.shows("parked_not_inhibited"), 10 * MINUTE, "told: parked, not inhibited")
    faults.undo(story.world, "relay_stuck")
    story.wait(lambda: story.contact == "inhibit", 2 * HOUR, "it returns to inhibit by itself")
    story.wait(lambda: not console.shows("parked_not_inhibited"), 10 * MINUTE, "and says so no more")
    story.wait(lambda: not console.shows("relay_contact_disagrees"), 10 * MINUTE, "nor this")


def test_below_nine_volts_no_pulse_leaves_and_it_is_made_good_above(story, console):
    faults.inject(story.world, "battery_sag")
    before = story.count_relay_moves()
    take(story, story.alice)
    story.run(10)
    assert (story.contact, story.count_relay_moves()) == ("inhibit", before)
    faults.undo(story.world, "battery_sag")
    story.wait(lambda: story.contact == "allow", 5, "at 9 V and more the relay follows")
    story.wait(lambda: "not done, battery low" in console.read(), 10 * MINUTE, "and the journal tells")
