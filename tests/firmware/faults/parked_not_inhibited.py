"""Parked without any proof of standstill. With proof the start is inhibited in time."""

from glovebox_sim import faults
from support_scene import DRIVER


def stay_silent(scene):
    scene.sim.run_for(310)


def provoke(scene):
    scene.tap(DRIVER)
    faults.inject(scene.world, "accelerometer_missing")
    faults.inject(scene.world, "gnss_no_sky")
    scene.sim.run_for(5)
    scene.tap(DRIVER)
    scene.sim.run_for(430)


def mend(scene):
    faults.undo(scene.world, "accelerometer_missing")
    faults.undo(scene.world, "gnss_no_sky")
    scene.sim.run_for(90)
