"""A parked car with a door open for ten minutes. For less somebody is loading."""

from glovebox_sim import faults


def stay_silent(scene):
    faults.inject(scene.world, "door_left_open")
    scene.sim.run_for(590)


def provoke(scene):
    scene.sim.run_for(15)


def mend(scene):
    faults.undo(scene.world, "door_left_open")
    scene.sim.run_for(3)
