"""What breaks in the car shows in the console as a fault, in words with what to do, and goes when mended."""

import shutil

import pytest
from glovebox.words.faults import FAULTS
from glovebox_sim import faults
from support_box import fill_vital
from support_console import Console
from support_story import MINUTE

pytestmark = [pytest.mark.story, pytest.mark.timeout(900)]

SHOWN = {
    "gnss_dead": "gnss_silent",
    "can_missing": "can_missing",
    "accelerometer_missing": "accelerometer_missing",
    "reader_stuck": "reader_stuck",
}
"""What is broken -> the fault that the box is to find."""
HOUR = 60 * MINUTE


@pytest.fixture
def console(linked):
    linked.run(30)
    console = Console(linked)
    for fault in FAULTS:
        assert FAULTS[fault][0] not in console.read(), "a sound box has no fault"
    return console


def test_dead_chips_show_in_words_with_what_to_do_and_go_when_mended(story, console):
    for broken, fault in SHOWN.items():
        faults.inject(story.world, broken)
        story.wait(lambda fault=fault: console.shows(fault), 10 * MINUTE, f"shown: {fault}")
        if faults.FAULTS[broken].mend is not None:
            faults.undo(story.world, broken)
            story.wait(lambda fault=fault: not console.shows(fault), 10 * MINUTE, f"mended: {broken}")
    assert all(console.tells_in_journal(fault) for fault in SHOWN.values())


def test_a_journal_that_fills_out_of_reach_warns_and_when_full_refuses_until_it_is_told(story, console):
    reservation = story.book(story.alice, story.now, story.now + 8 * HOUR)
    story.wait(lambda: story.car_knows(story.alice, reservation), 30, "the car knows")

    def fill(while_):
        story.world.set_network(False)
        story.run(MINUTE)
        return fill_vital(story.box, while_)

    def come_back(fault, last):
        story.world.set_network(True)
        story.wait(lambda: console.shows(fault), 5 * MINUTE, f"shown: {fault}")
        story.wait(lambda: not console.shows(fault), 10 * MINUTE, f"gone: {fault}")
        story.wait(story.all_acknowledged, 5 * MINUTE, "all is told")
        assert console.tells_in_journal(fault)
        story.check_journal_whole()
        assert story.count_vital() > last

    last = fill("vital.used_fraction() < 0.81")
    come_back("ring_filling", last)

    last = fill("not journal.vital_full")
    story.run(10)
    tapped_at = story.tap(story.alice.uid)
    story.wait(lambda: story.played("journal_full", tapped_at), 10, "the box says why no session may begin")
    assert story.car.locked
    come_back("ring_full", last)
    story.tap(story.alice.uid)
    story.wait(lambda: not story.car.locked, 2, "and her badge opens again")


def test_a_refused_certificate_is_told_once_there_is_a_link_and_until_then_the_car_is_silent(story, console):
    authority, kept = story.config.tls_directory, story.config.directory / "kept"
    story.restart_cloud(lambda: authority.rename(kept))
    hint = "check its name and certificate"
    story.wait(lambda: hint in console.read(), 8 * HOUR, "silent, with what to look at")
    assert "Silent" in console.read()
    assert "nom et le certificat" in console.read("fr")
    assert not story.is_linked()
    assert not console.shows("certificate_refused"), "nobody can have told"

    def restore():
        shutil.rmtree(authority)
        kept.rename(authority)

    story.restart_cloud(restore)
    story.wait(lambda: console.shows("certificate_refused"), 2 * HOUR, "the box tells what it had refused")
    story.wait(lambda: not console.shows("certificate_refused"), 5 * MINUTE, "and that it is over")
    assert console.tells_in_journal("certificate_refused")
    assert "Silent" not in console.read()
    story.wait(story.all_acknowledged, 5 * MINUTE, "all is told")
    story.check_journal_whole()


def test_three_early_failures_end_in_safe_mode_with_a_network_and_are_told_in_words(story, console):
    for _ in range(3):
        story.box.reset(3)
        story.run(20)
    story.wait(lambda: console.shows("safe_mode"), 5 * MINUTE, "shown: safe mode")
    story.wait(story.all_acknowledged, 5 * MINUTE, "all is told")
    assert "failed and was restarted: it stood still" in console.read()
    assert "a échoué et a redémarré : il s'est figé" in console.read("fr")
    story.check_journal_whole()


def test_a_box_that_has_lost_the_date_connects_once_it_is_told_one(story, console):
    """Without a date no certificate can be judged, so there is no link; the time port gives one first."""
    faults.inject(story.world, "gnss_no_sky")
    story.box.power_off()
    faults.inject(story.world, "clock_battery")
    story.world.set_network(False)
    story.box.power_on()
    story.run(5 * MINUTE)
    story.world.set_network(True)
    story.wait(story.is_linked, 5 * MINUTE, "the link is back")
    story.wait(lambda: console.tells_in_journal("clock_unknown"), MINUTE, "the journal tells of it")
    story.wait(lambda: not console.shows("clock_unknown"), MINUTE, "and it is over")
    assert story.is_linked()
    story.check_journal_whole()
