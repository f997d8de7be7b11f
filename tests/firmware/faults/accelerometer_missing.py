"""The motion sensor is gone. A few readings that fail are a disturbed transfer."""

from glovebox_sim import faults


def stay_silent(scene):
    faults.inject(scene.world, "accelerometer_missing")
    scene.sim.run_for(0.3)
    faults.undo(scene.world, "accelerometer_missing")
    scene.sim.run_for(5)


def provoke(scene):
    faults.inject(scene.world, "accelerometer_missing")
    scene.sim.run_for(5)


def mend(scene):
    faults.undo(scene.world, "accelerometer_missing")
    scene.sim.run_for(40)
