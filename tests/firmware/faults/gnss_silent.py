"""The receiver is dead. One without a sky talks on and is well."""

from glovebox_sim import faults


def stay_silent(scene):
    faults.inject(scene.world, "gnss_no_sky")
    scene.sim.run_for(75)


def provoke(scene):
    faults.inject(scene.world, "gnss_dead")
    scene.sim.run_for(65)


def mend(scene):
    faults.undo(scene.world, "gnss_dead")
    scene.sim.run_for(40)
