"""A relay that sticks. One that a blow has moved is put back, and nobody need know."""

from glovebox_sim import faults
from support_scene import DRIVER


def stay_silent(scene):
    scene.sim.run_for(70)
    scene.tap(DRIVER)
    faults.inject(scene.world, "relay_shock")
    scene.sim.run_for(2)
    scene.tap(DRIVER)
    scene.sim.run_for(20)


def provoke(scene):
    assert scene.board.relay.contact == "inhibit"
    faults.inject(scene.world, "relay_stuck")
    scene.tap(DRIVER, 5)


def mend(scene):
    faults.undo(scene.world, "relay_stuck")
    scene.sim.run_for(130)
