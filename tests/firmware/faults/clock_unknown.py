"""Nothing has told the time for two minutes. A start may take so long to hear it."""

from glovebox_sim import faults


def stay_silent(scene):
    faults.inject(scene.world, "gnss_no_sky")
    scene.box.power_off()
    faults.inject(scene.world, "clock_battery")
    scene.box.power_on()
    scene.sim.run_for(115)


def provoke(scene):
    scene.sim.run_for(10)


def mend(scene):
    faults.undo(scene.world, "gnss_no_sky")
    scene.sim.run_for(60)
