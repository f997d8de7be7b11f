"""The clock chip does not answer at the start. One that has forgotten the time answers. No mending: told anew
at each start.
"""

from glovebox_sim import faults


def stay_silent(scene):
    faults.inject(scene.world, "clock_battery")
    scene.box.reset()
    scene.sim.run_for(5)


def provoke(scene):
    faults.inject(scene.world, "clock_chip_missing")
    scene.box.reset()
    scene.sim.run_for(5)
