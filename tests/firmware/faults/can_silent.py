"""The bus says nothing with the ignition on. With the ignition off every car is silent."""

from glovebox_sim import faults
from support_scene import DRIVER


def stay_silent(scene):
    faults.inject(scene.world, "can_bus_off")
    scene.sim.run_for(45)


def provoke(scene):
    scene.tap(DRIVER)
    scene.start_engine()
    scene.sim.run_for(35)


def mend(scene):
    faults.undo(scene.world, "can_bus_off")
    scene.sim.run_for(40)
