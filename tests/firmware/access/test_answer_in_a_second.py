"""No driver stands before a car for a second without an answer (modelled times, the unmodified firmware)."""

import pytest
from box.protocols import codes
from support_scene import DRIVER, OTHER, STRANGER

STANDING, HOUR = 2, 3600
PHASES_S = (0.0, 0.13, 0.29, 0.41, 0.57, 0.73, 0.89)  # of the poll, wherever it is


@pytest.fixture
def scene(scene):
    scene.provision([(OTHER, 0x8000_0003, -HOUR, HOUR, STANDING)])
    return scene


def wait_for_light(scene, uid, limit_s=1.5):
    """Hold a card until the ring lights up anew; return the seconds until then, or None."""
    scene.seen.clear()
    held_at = scene.sim.now
    scene.world.hold_card(uid)
    scene.sim.run_until(lambda: any(event[1] == "light" for event in scene.seen), limit_s)
    lit = [now for now, source, _, _ in scene.seen if source == "light"]
    scene.world.take_card_away()
    return lit[0] - held_at if lit else None


def longest(scene, uids, rest_s):
    """Return the longest wait of cards held at all phases of the poll, each after a rest."""
    waits = []
    for at, phase_s in enumerate(PHASES_S):
        scene.sim.run_for(rest_s + phase_s)
        waits.append(wait_for_light(scene, uids[at % len(uids)]))
    assert None not in waits
    return max(waits)


def test_parked_open_and_ending_answer_whoever_comes(scene):
    assert longest(scene, [STRANGER, OTHER, DRIVER], 4.5) < 0.5


def test_a_card_that_comes_while_doors_and_relay_still_move_is_answered(scene):
    for phase_s in PHASES_S:
        scene.sim.run_for(5)
        assert wait_for_light(scene, DRIVER) < 0.5
        scene.sim.run_for(phase_s)
        assert wait_for_light(scene, OTHER) < 1


def test_a_low_battery_slows_the_reader_and_still_answers_even_a_short_tap(scene):
    scene.world.battery_override_mv = 11_300  # link off, the slow reader; below it sleeps until a knock
    scene.sim.run_for(90)
    assert 0.5 < longest(scene, [STRANGER, OTHER, DRIVER], 4.5) < 1
    for phase_s in PHASES_S:
        scene.sim.run_for(4.5 + phase_s)
        scene.tap(STRANGER)
        assert scene.tones()


def test_a_card_held_through_a_reset_is_answered_as_soon_as_the_box_is_up(scene):
    scene.tap(DRIVER, 6)
    scene.box.reset(codes.RESET_CAUSE_WATCHDOG)
    assert wait_for_light(scene, DRIVER, 5) < 1.5  # the start of the program is most of it
