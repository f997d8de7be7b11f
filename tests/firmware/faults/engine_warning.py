"""The engine's lamp is lit. Every lamp lights for a moment when the ignition comes on."""

from glovebox_sim import faults
from support_scene import DRIVER


def stay_silent(scene):
    scene.tap(DRIVER)
    scene.start_engine()
    scene.sim.run_for(20)


def provoke(scene):
    faults.inject(scene.world, "engine_warning")
    scene.sim.run_for(90)


def mend(scene):
    faults.undo(scene.world, "engine_warning")
    scene.sim.run_for(120)
